/* Batch normalisation, of operations that there are but for two: the mean over the rows that are computed together, which in
 * training form stands where the running mean stands in evaluation form; and the number that tells which form it is.
 *   tile_mean   x → for each element the mean of it over the rows; in evaluation form 0. A projection: its own adjoint.
 *   training    1 in training form, 0 in evaluation form
 *   running     a part of θ that is no parameter: a leaf, so that no derivative goes to it */
#include "graph/graph.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static us_status tile_mean_shape(us_graph *g, us__node *n) {
    const us__node *x = us__at(g, n->in[0]);
    char text[128];
    if (!us__has_samples(x))
        return us__fail(g->context, US_ERR_SHAPE, "tile_mean: %s has no samples", us__shape_text(x, text));
    n->rank = x->rank;
    memcpy(n->shape, x->shape, sizeof n->shape);
    return US_OK;
}

static us_node tile_mean_rule(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    return us__unary(g, us__at(g, y)->op, d);
}

us__kernel us__tile_mean_f32, us__tile_mean_f64, us__training_f32, us__training_f64;
const us__op us__op_tile_mean = {.name = "tile_mean",
                                 .inputs = 1,
                                 .shape = tile_mean_shape,
                                 .value = {us__tile_mean_f32, us__tile_mean_f64},
                                 .draws = true,
                                 .forward = tile_mean_rule,
                                 .reverse = tile_mean_rule};
const us__op us__op_training = {.name = "training", .value = {us__training_f32, us__training_f64}, .draws = true};
const us__op us__op_running = {.name = "running"};

/* [C] in the shape in which it is broadcast over images, and a part of θ that holds such running values. */
static us_node norm_channels(us_graph *g, us_node a, const us__node *channels) {
    us__node like = {.rank = channels->rank - 1};
    memcpy(like.shape, channels->shape + 1, like.rank * sizeof *like.shape);
    return us__reshape(g, a, &like);
}

static us_node norm_running(us_graph *g, const char *name, const char *what, size_t channels, size_t *index) {
    char whole[256];
    snprintf(whole, sizeof whole, "%s.%s", name, what);
    us_node parameter = us_graph_parameter(g, whole, 1, &channels);
    if (parameter == US_NODE_NONE) return parameter;
    us__node node = *us__at(g, parameter);
    g->groups[node.index].state = true;
    *index = node.index;
    node.op = &us__op_running;
    return us__graph_make(g, node);
}

/* The running value goes towards the mean over the batch of what its rows were normalised with. */
static void norm_move(us_graph *g, size_t index, us_node running, us_node training, us_node statistic) {
    us__node like = *us__at(g, g->parameters[index]);
    bool deriving = g->deriving;
    us_node weight = us_graph_mul(g, us__weight(g), training);
    us_node move = us_graph_mul(g, weight, us_graph_sub(g, running, statistic));
    g->deriving = true; /* a sum over the samples, which the loss does not see */
    if (g->status == US_OK) {
        us__node kept = *us__at(g, move);
        kept.rank--;
        memmove(kept.shape, kept.shape + 1, kept.rank * sizeof *kept.shape);
        g->moves[index] = us__reshape(g, us__sum_to(g, move, &kept), &like);
    }
    g->deriving = deriving;
}

us_node us_graph_batch_norm(us_graph *graph, us_node x, us_node gain, us_node bias, const char *name, double epsilon) {
    us_graph *g = graph;
    size_t mean_index, variance_index, rank = us_graph_rank(g, x);
    if (g->status != US_OK) return US_NODE_NONE;
    if (!name || !*name || strlen(name) > 200 || !(epsilon > 0) || isinf(epsilon))
        return us__graph_fail(
            g, us__fail(g->context, US_ERR_ARGUMENT, "batch_norm: it needs a name and a finite epsilon greater than 0"));
    size_t channels = rank >= 2 ? us__at(g, x)->shape[1] : 0;
    if (rank < 2 || us__at(g, x)->shape[0] != US_SAMPLES || us_graph_rank(g, gain) != 1 || us_graph_rank(g, bias) != 1 ||
        us__at(g, gain)->shape[0] != channels || us__at(g, bias)->shape[0] != channels)
        return us__graph_fail(g, us__fail(g->context, US_ERR_SHAPE,
                                          "batch_norm: it takes [samples×channels×..], and gain and bias of [channels]"));
    us__node each = *us__at(g, x); /* [samples×C×1×..] */
    double area = 1;
    for (size_t a = 2; a < rank; a++) {
        area *= (double)each.shape[a];
        each.shape[a] = 1;
    }
    us_node share = us_graph_constant(g, 1 / area), one = us_graph_constant(g, 1);
    us_node training = us__graph_make(g, (us__node){.op = &us__op_training}), evaluation = us_graph_sub(g, one, training);
    us_node mean = norm_running(g, name, "mean", channels, &mean_index);
    us_node variance = norm_running(g, name, "variance", channels, &variance_index);
    if (g->status != US_OK) return US_NODE_NONE;
    mean = norm_channels(g, mean, &each);
    variance = norm_channels(g, variance, &each);

    us_node batch_mean = us__unary(g, &us__op_tile_mean, us_graph_mul(g, share, us__sum_to(g, x, &each)));
    us_node centred = us_graph_sub(g, x, us_graph_add(g, batch_mean, us_graph_mul(g, evaluation, mean)));
    us_node square = us__sum_to(g, us_graph_mul(g, centred, centred), &each);
    us_node batch_variance = us__unary(g, &us__op_tile_mean, us_graph_mul(g, share, square));
    us_node spread = us_graph_add(g, batch_variance, us_graph_mul(g, evaluation, variance));
    us_node deviation = us_graph_apply(g, "sqrt", us_graph_add(g, spread, us_graph_constant(g, epsilon)));
    if (g->status != US_OK) return US_NODE_NONE;
    norm_move(g, mean_index, mean, training, batch_mean);
    norm_move(g, variance_index, variance, training, batch_variance);
    us_node scale = us_graph_div(g, norm_channels(g, gain, &each), deviation);
    return us_graph_add(g, us_graph_mul(g, centred, scale), norm_channels(g, bias, &each));
}
