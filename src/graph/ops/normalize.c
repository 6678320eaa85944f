/* Layer normalisation over the last axis of n elements; ⟨a, b⟩ is Σ a∘b over it, ε is node.value.
 * Source: Ba, Kiros & Hinton 2016, arXiv 1607.06450, equation 4.
 *   normalize          y = (x − μ)·s                             y' = s·project(y, x'), which is its own adjoint
 *   inverse_deviation  s = 1/√(⟨x − μ, x − μ⟩/n + ε)  [..×1]     s' = −s²·⟨y, x'⟩/n, adjoint −s²·s̄·y/n
 *   project            q = d − ⟨1, d⟩/n − y·⟨y, d⟩/n             by d its own adjoint;
 *                      by y: −(y'·⟨y, d⟩ + y·⟨y', d⟩)/n, adjoint −(q̄·⟨y, d⟩ + d·⟨y, q̄⟩)/n */
#include "graph/graph.h"
#include <math.h>
#include <string.h>

static us_status normalize_shape(us_graph *g, us__node *n) {
    const us__node *x = us__at(g, n->in[0]);
    char text[128];
    if (x->rank == 0 || x->shape[x->rank - 1] == US_SAMPLES)
        return us__fail(g->context, US_ERR_SHAPE, "%s: %s has no last axis beside the samples", n->op->name,
                        us__shape_text(x, text));
    n->rank = x->rank;
    memcpy(n->shape, x->shape, sizeof n->shape);
    return US_OK;
}

static us_status deviation_shape(us_graph *g, us__node *n) {
    us_status status = normalize_shape(g, n);
    if (status == US_OK) n->shape[n->rank - 1] = 1;
    return status;
}

static us_status project_shape(us_graph *g, us__node *n) {
    const us__node *y = us__at(g, n->in[0]), *d = us__at(g, n->in[1]);
    char left[128], right[128];
    if (!us__same_shape(y, d))
        return us__fail(g->context, US_ERR_SHAPE, "%s: %s and %s differ", n->op->name, us__shape_text(y, left),
                        us__shape_text(d, right));
    return normalize_shape(g, n);
}

static us_node normalize_make(us_graph *g, const us__op *op, us_node x, double epsilon) {
    return us__graph_make(g, (us__node){.op = op, .in = {x}, .value = epsilon});
}

static us_node normalize_project(us_graph *g, us_node y, us_node d) { return us__binary(g, &us__op_project, y, d); }

/* 1/n for the last axis of a */
static us_node normalize_share(us_graph *g, us_node a) {
    const us__node *n = us__at(g, a);
    return us_graph_constant(g, 1 / (double)n->shape[n->rank - 1]);
}

static us_node normalize_rule(us_graph *g, us_node y, size_t i, us_node d) {
    us__node n = *us__at(g, y);
    us_node s = normalize_make(g, &us__op_inverse_deviation, n.in[i], n.value);
    return us_graph_mul(g, s, normalize_project(g, y, d));
}

/* −s²/n */
static us_node deviation_factor(us_graph *g, us_node s) {
    us_node share = normalize_share(g, us__at(g, s)->in[0]);
    return us_graph_neg(g, us_graph_mul(g, share, us_graph_mul(g, s, s)));
}

static us_node deviation_forward(us_graph *g, us_node s, size_t i, us_node d) {
    us__node n = *us__at(g, s);
    us_node y = normalize_make(g, &us__op_normalize, n.in[i], n.value);
    return us_graph_mul(g, deviation_factor(g, s), us__dot(g, y, d));
}

static us_node deviation_reverse(us_graph *g, us_node s, size_t i, us_node d) {
    us__node n = *us__at(g, s);
    us_node y = normalize_make(g, &us__op_normalize, n.in[i], n.value);
    return us_graph_mul(g, us_graph_mul(g, deviation_factor(g, s), d), y);
}

/* −(a·⟨y, d⟩ + b·⟨c, e⟩)/n */
static us_node project_by_y(us_graph *g, us_node q, us_node a, us_node b, us_node c, us_node e) {
    us_node y = us__at(g, q)->in[0], d = us__at(g, q)->in[1], share = normalize_share(g, q);
    us_node first = us_graph_mul(g, a, us_graph_mul(g, share, us__dot(g, y, d)));
    return us_graph_neg(g, us_graph_add(g, first, us_graph_mul(g, b, us_graph_mul(g, share, us__dot(g, c, e)))));
}

static us_node project_forward(us_graph *g, us_node q, size_t i, us_node t) {
    us_node y = us__at(g, q)->in[0], d = us__at(g, q)->in[1];
    return i == 0 ? project_by_y(g, q, t, y, t, d) : normalize_project(g, y, t);
}

static us_node project_reverse(us_graph *g, us_node q, size_t i, us_node u) {
    us_node y = us__at(g, q)->in[0], d = us__at(g, q)->in[1];
    return i == 0 ? project_by_y(g, q, u, d, y, u) : normalize_project(g, y, u);
}

us__row us__normalize_f32, us__normalize_f64, us__inverse_deviation_f32, us__inverse_deviation_f64, us__project_f32,
    us__project_f64;
const us__op us__op_normalize = {.name = "normalize",
                                 .inputs = 1,
                                 .shape = normalize_shape,
                                 .value = {us__lines_f32, us__lines_f64},
                                 .line = {us__normalize_f32, us__normalize_f64},
                                 .forward = normalize_rule,
                                 .reverse = normalize_rule};
const us__op us__op_inverse_deviation = {.name = "inverse_deviation",
                                         .inputs = 1,
                                         .shape = deviation_shape,
                                         .value = {us__lines_f32, us__lines_f64},
                                         .line = {us__inverse_deviation_f32, us__inverse_deviation_f64},
                                         .forward = deviation_forward,
                                         .reverse = deviation_reverse};
const us__op us__op_project = {.name = "project",
                               .inputs = 2,
                               .shape = project_shape,
                               .value = {us__lines_f32, us__lines_f64},
                               .line = {us__project_f32, us__project_f64},
                               .forward = project_forward,
                               .reverse = project_reverse};

us_node us_graph_layer_norm(us_graph *graph, us_node x, us_node gain, us_node bias, double epsilon) {
    if (graph->status != US_OK) return US_NODE_NONE;
    if (!(epsilon >= 0) || isinf(epsilon))
        return us__graph_fail(
            graph, us__fail(graph->context, US_ERR_ARGUMENT, "layer_norm: epsilon is %g; it must be ≥ 0", epsilon));
    us_node y = normalize_make(graph, &us__op_normalize, x, epsilon);
    return us_graph_add(graph, us_graph_mul(graph, y, gain), bias);
}
