/* Inner products along the last axis: y[..×1] = Σ over it of a∘b, without their product in memory. a' gives ⟨a', b⟩; ȳ
 * gives ā = ȳ·b. */
#include "graph/graph.h"
#include <string.h>

static us_status dot_shape(us_graph *g, us__node *n) {
    const us__node *a = us__at(g, n->in[0]), *b = us__at(g, n->in[1]);
    char left[128], right[128];
    if (!us__same_shape(a, b) || a->rank == 0 || a->shape[a->rank - 1] == US_SAMPLES)
        return us__fail(g->context, US_ERR_SHAPE, "dot: %s and %s have no inner product along a last axis",
                        us__shape_text(a, left), us__shape_text(b, right));
    n->rank = a->rank;
    memcpy(n->shape, a->shape, sizeof n->shape);
    n->shape[n->rank - 1] = 1;
    return US_OK;
}

static us_node dot_forward(us_graph *g, us_node y, size_t i, us_node d) { return us__dot(g, d, us__at(g, y)->in[1 - i]); }

static us_node dot_reverse(us_graph *g, us_node y, size_t i, us_node d) {
    return us_graph_mul(g, d, us__at(g, y)->in[1 - i]);
}

us__row us__dot_f32, us__dot_f64;
const us__op us__op_dot = {.name = "dot",
                           .inputs = 2,
                           .commutes = true,
                           .shape = dot_shape,
                           .value = {us__lines_f32, us__lines_f64},
                           .line = {us__dot_f32, us__dot_f64},
                           .forward = dot_forward,
                           .reverse = dot_reverse};

us_node us__dot(us_graph *graph, us_node a, us_node b) { return us__binary(graph, &us__op_dot, a, b); }
