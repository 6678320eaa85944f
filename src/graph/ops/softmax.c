/* Softmax and log-sum-exp over the last axis; logits z.
 *   log_sum_exp    ℓ = log Σ exp(z)          ∂ℓ/∂z = p
 *   softmax        p = exp(z) / Σ exp(z)     p' = softmax_slope(p, z'), which is its own adjoint
 *   softmax_slope  s = p∘(d − ⟨p, d⟩)        by p: p'∘(d − ⟨p, d⟩) − p·⟨p', d⟩, adjoint s̄∘(d − ⟨p, d⟩) − d·⟨p, s̄⟩ */
#include "graph/graph.h"
#include <string.h>

static us_status softmax_shape(us_graph *g, us__node *n) {
    const us__node *z = us__at(g, n->in[0]);
    char text[128];
    if (z->rank == 0 || z->shape[z->rank - 1] == US_SAMPLES)
        return us__fail(g->context, US_ERR_SHAPE, "%s: %s has no last axis beside the samples", n->op->name,
                        us__shape_text(z, text));
    n->rank = z->rank;
    memcpy(n->shape, z->shape, sizeof n->shape);
    return US_OK;
}

static us_status log_sum_exp_shape(us_graph *g, us__node *n) {
    us_status status = softmax_shape(g, n);
    if (status == US_OK) n->shape[--n->rank] = 0;
    return status;
}

static us_status slope_shape(us_graph *g, us__node *n) {
    const us__node *p = us__at(g, n->in[0]), *d = us__at(g, n->in[1]);
    char left[128], right[128];
    if (!us__same_shape(p, d))
        return us__fail(g->context, US_ERR_SHAPE, "%s: %s and %s differ", n->op->name, us__shape_text(p, left),
                        us__shape_text(d, right));
    return softmax_shape(g, n);
}

us_node us__softmax_slope(us_graph *graph, us_node p, us_node d) { return us__binary(graph, &us__op_softmax_slope, p, d); }

static us_node softmax_rule(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    return us__softmax_slope(g, y, d);
}

static us_node log_sum_exp_forward(us_graph *g, us_node y, size_t i, us_node d) {
    us__node like = *us__at(g, y);
    return us__reshape(g, us__dot(g, us__softmax(g, like.in[i]), d), &like);
}

static us_node log_sum_exp_reverse(us_graph *g, us_node y, size_t i, us_node d) {
    us_node z = us__at(g, y)->in[i];
    us__node like = *us__at(g, z);
    like.shape[like.rank - 1] = 1;
    return us_graph_mul(g, us__softmax(g, z), us__reshape(g, d, &like));
}

/* q∘(d − ⟨p, d⟩) − r·⟨s, t⟩ */
static us_node slope_by_p(us_graph *g, us_node y, us_node q, us_node r, us_node s, us_node t) {
    us_node p = us__at(g, y)->in[0], d = us__at(g, y)->in[1];
    us_node first = us_graph_mul(g, q, us_graph_sub(g, d, us__dot(g, p, d)));
    return us_graph_sub(g, first, us_graph_mul(g, r, us__dot(g, s, t)));
}

static us_node slope_forward(us_graph *g, us_node y, size_t i, us_node t) {
    us_node p = us__at(g, y)->in[0], d = us__at(g, y)->in[1];
    return i == 0 ? slope_by_p(g, y, t, p, t, d) : us__softmax_slope(g, p, t);
}

static us_node slope_reverse(us_graph *g, us_node y, size_t i, us_node u) {
    us_node p = us__at(g, y)->in[0], d = us__at(g, y)->in[1];
    return i == 0 ? slope_by_p(g, y, u, d, p, u) : us__softmax_slope(g, p, u);
}

us__row us__softmax_f32, us__softmax_f64, us__softmax_slope_f32, us__softmax_slope_f64;
us__kernel us__log_sum_exp_f32, us__log_sum_exp_f64;
const us__op us__op_softmax = {.name = "softmax",
                               .inputs = 1,
                               .shape = softmax_shape,
                               .value = {us__lines_f32, us__lines_f64},
                               .line = {us__softmax_f32, us__softmax_f64},
                               .forward = softmax_rule,
                               .reverse = softmax_rule};
const us__op us__op_log_sum_exp = {.name = "log_sum_exp",
                                   .inputs = 1,
                                   .shape = log_sum_exp_shape,
                                   .value = {us__log_sum_exp_f32, us__log_sum_exp_f64},
                                   .forward = log_sum_exp_forward,
                                   .reverse = log_sum_exp_reverse};
const us__op us__op_softmax_slope = {.name = "softmax_slope",
                                     .inputs = 2,
                                     .shape = slope_shape,
                                     .value = {us__lines_f32, us__lines_f64},
                                     .line = {us__softmax_slope_f32, us__softmax_slope_f64},
                                     .forward = slope_forward,
                                     .reverse = slope_reverse};

us_node us__softmax(us_graph *graph, us_node logits) { return us__unary(graph, &us__op_softmax, logits); }
us_node us_graph_softmax(us_graph *graph, us_node a) { return us__softmax(graph, a); }
us_node us_graph_log_sum_exp(us_graph *graph, us_node a) { return us__unary(graph, &us__op_log_sum_exp, a); }
