/* Parts along one axis, how[0], which is not the samples:
 *   slice        x[first .. first+count)                            how: axis, first, count
 *   pad          zeros before and after; the adjoint of slice       how: axis, before, after
 *   concatenate  a, then b                                          how: axis */
#include "graph/graph.h"
#include <string.h>

static void slice_copy_shape(us__node *n, const us__node *x) {
    n->rank = x->rank;
    memcpy(n->shape, x->shape, sizeof n->shape);
}

static us_status slice_shape(us_graph *g, us__node *n) {
    const us__node *x = us__at(g, n->in[0]);
    char text[128];
    slice_copy_shape(n, x);
    if (n->how[2] == 0 || (size_t)n->how[1] + n->how[2] > x->shape[n->how[0]])
        return us__fail(g->context, US_ERR_SHAPE, "slice: axis %u of %s has no elements %u to %u", n->how[0],
                        us__shape_text(x, text), n->how[1], n->how[1] + n->how[2]);
    n->shape[n->how[0]] = n->how[2];
    return US_OK;
}

static us_status pad_shape(us_graph *g, us__node *n) {
    slice_copy_shape(n, us__at(g, n->in[0]));
    n->shape[n->how[0]] += (size_t)n->how[1] + n->how[2];
    return US_OK;
}

static us_status concatenate_shape(us_graph *g, us__node *n) {
    const us__node *a = us__at(g, n->in[0]), *b = us__at(g, n->in[1]);
    size_t axis = n->how[0];
    bool fits = a->rank == b->rank && !(axis == 0 && us__has_samples(b));
    for (size_t i = 0; i < a->rank; i++) fits = fits && (i == axis || a->shape[i] == b->shape[i]);
    char left[128], right[128];
    if (!fits)
        return us__fail(g->context, US_ERR_SHAPE, "concatenate: %s and %s can't be joined along axis %zu",
                        us__shape_text(a, left), us__shape_text(b, right), axis);
    slice_copy_shape(n, a);
    n->shape[axis] += b->shape[axis];
    return US_OK;
}

/* All of it; a slice of a slice. */
static us_node slice_simplify(us_graph *g, const us__node *n) {
    const us__node *x = us__at(g, n->in[0]);
    if (us__same_shape(n, x)) return n->in[0];
    if (x->op != &us__op_slice || x->how[0] != n->how[0]) return US_NODE_NONE;
    return us__slice(g, x->in[0], n->how[0], n->how[1] + x->how[1], n->how[2]);
}

static us_node pad_simplify(us_graph *g, const us__node *n) {
    (void)g;
    return n->how[1] == 0 && n->how[2] == 0 ? n->in[0] : US_NODE_NONE;
}

static us_node slice_forward(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    const us__node *n = us__at(g, y);
    return us__slice(g, d, n->how[0], n->how[1], n->how[2]);
}

static us_node slice_reverse(us_graph *g, us_node y, size_t i, us_node d) {
    const us__node *n = us__at(g, y);
    size_t size = us__at(g, n->in[i])->shape[n->how[0]];
    return us__pad(g, d, n->how[0], n->how[1], size - n->how[1] - n->how[2]);
}

static us_node pad_forward(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    const us__node *n = us__at(g, y);
    return us__pad(g, d, n->how[0], n->how[1], n->how[2]);
}

static us_node pad_reverse(us_graph *g, us_node y, size_t i, us_node d) {
    const us__node *n = us__at(g, y);
    return us__slice(g, d, n->how[0], n->how[1], us__at(g, n->in[i])->shape[n->how[0]]);
}

static us_node concatenate_forward(us_graph *g, us_node y, size_t i, us_node d) {
    const us__node *n = us__at(g, y);
    size_t axis = n->how[0], other = us__at(g, n->in[1 - i])->shape[axis];
    return us__pad(g, d, axis, i ? other : 0, i ? 0 : other);
}

static us_node concatenate_reverse(us_graph *g, us_node y, size_t i, us_node d) {
    const us__node *n = us__at(g, y);
    size_t axis = n->how[0], first = i ? us__at(g, n->in[0])->shape[axis] : 0;
    return us__slice(g, d, axis, first, us__at(g, n->in[i])->shape[axis]);
}

us__kernel us__slice_f32, us__slice_f64, us__pad_f32, us__pad_f64, us__concatenate_f32, us__concatenate_f64;
const us__op us__op_slice = {.name = "slice",
                             .inputs = 1,
                             .how = 3,
                             .shape = slice_shape,
                             .simplify = slice_simplify,
                             .value = {us__slice_f32, us__slice_f64},
                             .forward = slice_forward,
                             .reverse = slice_reverse};
const us__op us__op_pad = {.name = "pad",
                           .inputs = 1,
                           .how = 3,
                           .shape = pad_shape,
                           .simplify = pad_simplify,
                           .value = {us__pad_f32, us__pad_f64},
                           .forward = pad_forward,
                           .reverse = pad_reverse};
const us__op us__op_concatenate = {.name = "concatenate",
                                   .inputs = 2,
                                   .how = 1,
                                   .shape = concatenate_shape,
                                   .value = {us__concatenate_f32, us__concatenate_f64},
                                   .forward = concatenate_forward,
                                   .reverse = concatenate_reverse};

/* Sizes that are too large for an axis stay so. */
static uint32_t slice_size(size_t n) { return n < INT32_MAX ? (uint32_t)n : INT32_MAX; }

static us_node slice_make(us_graph *g, const us__op *op, us_node a, size_t axis, size_t first, size_t count) {
    if (!us__has_axis(g, op->name, a, axis)) return US_NODE_NONE;
    return us__graph_make(g, (us__node){.op = op, .in = {a}, .how = {(uint32_t)axis, slice_size(first), slice_size(count)}});
}

us_node us__slice(us_graph *graph, us_node a, size_t axis, size_t first, size_t count) {
    return slice_make(graph, &us__op_slice, a, axis, first, count);
}
us_node us__pad(us_graph *graph, us_node a, size_t axis, size_t before, size_t after) {
    return slice_make(graph, &us__op_pad, a, axis, before, after);
}

us_node us_graph_slice(us_graph *graph, us_node a, size_t axis, size_t first, size_t count) {
    return us__slice(graph, a, axis, first, count);
}
us_node us_graph_pad(us_graph *graph, us_node a, size_t axis, size_t before, size_t after) {
    return us__pad(graph, a, axis, before, after);
}
us_node us_graph_concatenate(us_graph *graph, us_node a, us_node b, size_t axis) {
    if (!us__has_axis(graph, "concatenate", a, axis)) return US_NODE_NONE;
    return us__graph_make(graph, (us__node){.op = &us__op_concatenate, .in = {a, b}, .how = {(uint32_t)axis}});
}
