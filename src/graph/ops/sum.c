/* Sums over axes. sum_to sums over what broadcasting would stretch to get from its own shape back to its input's: axes
 * that are missing at the front, or 1. It is the adjoint of broadcast_to. */
#include "graph/graph.h"

static us_status sum_shape(us_graph *g, us__node *n) {
    const us__node *x = us__at(g, n->in[0]);
    char from[128], to[128];
    if (!us__broadcasts_to(n, x))
        return us__fail(g->context, US_ERR_SHAPE, "sum_to: %s is no sum of %s", us__shape_text(n, to),
                        us__shape_text(x, from));
    if (us__has_samples(x) && !us__has_samples(n) && !g->deriving)
        return us__fail(g->context, US_ERR_UNSUPPORTED,
                        "sum over the samples: the loss of a sample may depend on that sample alone");
    return US_OK;
}

/* A sum over nothing is its input; a sum of a sum is one sum. */
static us_node sum_simplify(us_graph *g, const us__node *n) {
    const us__node *x = us__at(g, n->in[0]);
    if (us__same_shape(n, x)) return n->in[0];
    return x->op == &us__op_sum_to ? us__sum_to(g, x->in[0], n) : US_NODE_NONE;
}

static us_node sum_forward(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    us__node like = *us__at(g, y);
    return us__sum_to(g, d, &like);
}

static us_node sum_reverse(us_graph *g, us_node y, size_t i, us_node d) {
    us__node like = *us__at(g, us__at(g, y)->in[i]);
    return us__broadcast_to(g, d, &like);
}

us__kernel us__sum_to_f32, us__sum_to_f64;
us__row us__sum_row_f32, us__sum_row_f64;
const us__op us__op_sum_to = {.name = "sum",
                              .inputs = 1,
                              .shape = sum_shape,
                              .simplify = sum_simplify,
                              .value = {us__sum_to_f32, us__sum_to_f64},
                              .line = {us__sum_row_f32, us__sum_row_f64},
                              .forward = sum_forward,
                              .reverse = sum_reverse};

us_node us__sum_to(us_graph *graph, us_node a, const us__node *like) {
    us__node n = {.op = &us__op_sum_to, .in = {a}, .rank = like->rank};
    for (size_t i = 0; i < like->rank; i++) n.shape[i] = like->shape[i];
    return us__graph_make(graph, n);
}

us_node us_graph_sum_over(us_graph *graph, us_node a, size_t count, const size_t *axes) {
    if (graph->status != US_OK) return US_NODE_NONE;
    if (count == 0) return a;
    us__node kept = {0}, gone = {0};
    bool summed[US__RANK] = {false};
    for (size_t k = 0; k < count; k++) {
        if (!us__has_axis(graph, "sum", a, axes[k])) return US_NODE_NONE;
        summed[axes[k]] = true;
    }
    kept = *us__at(graph, a);
    for (size_t i = 0; i < kept.rank; i++)
        if (summed[i])
            kept.shape[i] = 1;
        else
            gone.shape[gone.rank++] = kept.shape[i];
    us_node sum = us__sum_to(graph, a, &kept);
    return graph->status == US_OK ? us__reshape(graph, sum, &gone) : US_NODE_NONE;
}

us_node us_graph_sum(us_graph *graph, us_node a, size_t axis) { return us_graph_sum_over(graph, a, 1, &axis); }

us_node us_graph_mean(us_graph *graph, us_node a, size_t axis) {
    us_node sum = us_graph_sum(graph, a, axis);
    if (sum == US_NODE_NONE) return sum;
    return us_graph_mul(graph, us_graph_constant(graph, 1 / (double)us__at(graph, a)->shape[axis]), sum);
}
