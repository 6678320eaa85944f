/* Cross-entropy of logits z [samples×classes] and labels [samples], or z [samples×positions×classes] and labels
 * [samples×positions], and what its derivatives need:
 *   cross_entropy    ℓ = log Σ exp(z) − z[label]        ∂ℓ/∂z = p − e[label]
 *   softmax_residual r = p − e[label]                   r' = softmax' */
#include "graph/graph.h"
#include <string.h>

static us_status cross_entropy_labels(us_graph *g, const us__node *n) {
    const us__node *z = us__at(g, n->in[0]), *labels = us__at(g, n->in[1]);
    char text[128];
    if (labels->op != &us__op_labels)
        return us__fail(g->context, US_ERR_ARGUMENT, "%s: the second input must be labels", n->op->name);
    if (z->rank == labels->rank + 1 && !memcmp(z->shape, labels->shape, labels->rank * sizeof *z->shape) &&
        z->shape[z->rank - 1] == labels->index)
        return US_OK;
    us__node wanted = *labels;
    char need[128];
    wanted.shape[wanted.rank++] = labels->index;
    return us__fail(g->context, US_ERR_SHAPE, "%s: logits have shape %s; these labels need %s", n->op->name,
                    us__shape_text(z, text), us__shape_text(&wanted, need));
}

static void cross_entropy_take_shape(us__node *n, const us__node *from) {
    n->rank = from->rank;
    memcpy(n->shape, from->shape, from->rank * sizeof *from->shape);
}

static us_status cross_entropy_shape(us_graph *g, us__node *n) {
    cross_entropy_take_shape(n, us__at(g, n->in[1]));
    return cross_entropy_labels(g, n);
}

static us_status residual_shape(us_graph *g, us__node *n) {
    cross_entropy_take_shape(n, us__at(g, n->in[0]));
    return cross_entropy_labels(g, n);
}

static us_node cross_entropy_residual(us_graph *g, us_node y) {
    return us__binary(g, &us__op_softmax_residual, us__at(g, y)->in[0], us__at(g, y)->in[1]);
}

static us_node cross_entropy_forward(us_graph *g, us_node y, size_t i, us_node d) {
    if (i != 0) return US_NODE_NONE;
    us_node total = us__dot(g, cross_entropy_residual(g, y), d);
    us__node like = *us__at(g, y);
    return us__reshape(g, total, &like);
}

static us_node cross_entropy_reverse(us_graph *g, us_node y, size_t i, us_node d) {
    if (i != 0) return US_NODE_NONE;
    us__node like = *us__at(g, y);
    like.shape[like.rank++] = 1;
    return us_graph_mul(g, cross_entropy_residual(g, y), us__reshape(g, d, &like));
}

static us_node residual_rule(us_graph *g, us_node y, size_t i, us_node d) {
    return i == 0 ? us__softmax_slope(g, us__softmax(g, us__at(g, y)->in[0]), d) : US_NODE_NONE;
}

us__kernel us__cross_entropy_f32, us__cross_entropy_f64, us__softmax_residual_f32, us__softmax_residual_f64;
const us__op us__op_cross_entropy = {.name = "cross_entropy",
                                     .inputs = 2,
                                     .labels = 2,
                                     .shape = cross_entropy_shape,
                                     .value = {us__cross_entropy_f32, us__cross_entropy_f64},
                                     .forward = cross_entropy_forward,
                                     .reverse = cross_entropy_reverse};
const us__op us__op_softmax_residual = {.name = "softmax_residual",
                                        .inputs = 2,
                                        .labels = 2,
                                        .shape = residual_shape,
                                        .value = {us__softmax_residual_f32, us__softmax_residual_f64},
                                        .forward = residual_rule,
                                        .reverse = residual_rule};

us_node us_graph_cross_entropy(us_graph *graph, us_node logits, us_node labels) {
    return us__binary(graph, &us__op_cross_entropy, logits, labels);
}
