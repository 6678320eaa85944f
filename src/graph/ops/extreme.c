/* The largest along one axis, how[0]; the first of equals. NaN counts as largest.
 *   max_over  y = max x, the axis goes away       y' = take_max(x, x'), x̄ = put_max(x, ȳ)
 *   take_max  from d, shaped as x, what stands where x is largest
 *   put_max   d, shaped as y, at the place where x is largest, zero elsewhere; the adjoint of take_max
 * Where the largest stands has no derivative. */
#include "graph/graph.h"
#include <string.h>

static us_status max_over_shape(us_graph *g, us__node *n) {
    const us__node *x = us__at(g, n->in[0]);
    n->rank = 0;
    memset(n->shape, 0, sizeof n->shape);
    for (size_t i = 0; i < x->rank; i++)
        if (i != n->how[0]) n->shape[n->rank++] = x->shape[i];
    return US_OK;
}

static us_status extreme_unfit(us_graph *g, const us__node *n) {
    char left[128], right[128];
    return us__fail(g->context, US_ERR_SHAPE, "%s: %s and %s do not fit", n->op->name,
                    us__shape_text(us__at(g, n->in[0]), left), us__shape_text(us__at(g, n->in[1]), right));
}

static us_status take_max_shape(us_graph *g, us__node *n) {
    if (!us__same_shape(us__at(g, n->in[0]), us__at(g, n->in[1]))) return extreme_unfit(g, n);
    return max_over_shape(g, n);
}

static us_status put_max_shape(us_graph *g, us__node *n) {
    us_status status = max_over_shape(g, n);
    if (status == US_OK && !us__same_shape(n, us__at(g, n->in[1]))) status = extreme_unfit(g, n);
    const us__node *x = us__at(g, n->in[0]);
    n->rank = x->rank;
    memcpy(n->shape, x->shape, sizeof n->shape);
    return status;
}

static us_node extreme_make(us_graph *g, const us__op *op, us_node x, us_node d, uint32_t axis) {
    return us__graph_make(g, (us__node){.op = op, .in = {x, d}, .how = {axis}});
}

static us_node max_over_forward(us_graph *g, us_node y, size_t i, us_node d) {
    const us__node *n = us__at(g, y);
    return extreme_make(g, &us__op_take_max, n->in[i], d, n->how[0]);
}

static us_node max_over_reverse(us_graph *g, us_node y, size_t i, us_node d) {
    const us__node *n = us__at(g, y);
    return extreme_make(g, &us__op_put_max, n->in[i], d, n->how[0]);
}

static us_node extreme_same(us_graph *g, us_node y, size_t i, us_node d) {
    const us__node *n = us__at(g, y);
    return i == 0 ? US_NODE_NONE : extreme_make(g, n->op, n->in[0], d, n->how[0]);
}

static us_node extreme_other(us_graph *g, us_node y, size_t i, us_node d) {
    const us__node *n = us__at(g, y);
    const us__op *op = n->op == &us__op_take_max ? &us__op_put_max : &us__op_take_max;
    return i == 0 ? US_NODE_NONE : extreme_make(g, op, n->in[0], d, n->how[0]);
}

us__kernel us__max_over_f32, us__max_over_f64, us__take_max_f32, us__take_max_f64, us__put_max_f32, us__put_max_f64;
const us__op us__op_max_over = {.name = "max_over",
                                .inputs = 1,
                                .how = 1,
                                .shape = max_over_shape,
                                .value = {us__max_over_f32, us__max_over_f64},
                                .forward = max_over_forward,
                                .reverse = max_over_reverse};
const us__op us__op_take_max = {.name = "take_max",
                                .inputs = 2,
                                .how = 1,
                                .shape = take_max_shape,
                                .value = {us__take_max_f32, us__take_max_f64},
                                .forward = extreme_same,
                                .reverse = extreme_other};
const us__op us__op_put_max = {.name = "put_max",
                               .inputs = 2,
                               .how = 1,
                               .shape = put_max_shape,
                               .value = {us__put_max_f32, us__put_max_f64},
                               .forward = extreme_same,
                               .reverse = extreme_other};

us_node us_graph_max_over(us_graph *graph, us_node a, size_t axis) {
    if (!us__has_axis(graph, "max_over", a, axis)) return US_NODE_NONE;
    return us__graph_make(graph, (us__node){.op = &us__op_max_over, .in = {a}, .how = {(uint32_t)axis}});
}
