/* Convolution in two dimensions and its adjoints. ⟨d, conv(x, w)⟩ is linear in each of its three arguments, so that the
 * three operations are each other's derivatives:
 * - convolution         x, w → y    y[n,o,i,j] = Σ w[o,c,k,l]·x[n, c, i·stride + k·dilation − padding, ..]
 * - convolution_input   d, w → x̄    its adjoint by x, of the shape of x (asked for)
 * - convolution_weight  x, d → w̄    its adjoint by w, of the shape of w (asked for): a sum over the samples
 * with c and o in the same group. index: stride, padding, dilation (8 bits each), groups (16 bits). */
#include "graph/ops/convolution.h"
#include <string.h>

enum { MOST = 255, MOST_GROUPS = 65535 };

/* ------------------------------------------------------------------ sizes */

static void convolution_read(size_t index, us__convolution *c) {
    for (size_t a = 0; a < 2; a++) {
        c->stride[a] = index >> 8 * a & MOST;
        c->padding[a] = index >> (16 + 8 * a) & MOST;
        c->dilation[a] = index >> (32 + 8 * a) & MOST;
    }
    c->groups = index >> 48;
}

static void convolution_sizes(us__convolution *c, const us__node *x, const us__node *w, const us__node *y) {
    c->in = x->shape[1];
    c->out = y->shape[1];
    for (size_t a = 0; a < 2; a++) {
        c->kernel[a] = w->shape[2 + a];
        c->x[a] = x->shape[2 + a];
        c->y[a] = y->shape[2 + a];
    }
}

void us__convolution_of(const us_graph *graph, const us__node *node, us__convolution *c) {
    const us__node *a = us__at(graph, node->in[0]), *b = us__at(graph, node->in[1]);
    convolution_read(node->index, c);
    if (node->op == &us__op_convolution)
        convolution_sizes(c, a, b, node);
    else if (node->op == &us__op_convolution_input)
        convolution_sizes(c, node, b, a);
    else
        convolution_sizes(c, a, node, b);
}

/* The size of the result along an axis; 0 when the kernel is larger than the padded image. */
static size_t convolution_result(const us__convolution *c, size_t a, size_t image, size_t kernel) {
    size_t padded = image + 2 * c->padding[a], extent = (kernel - 1) * c->dilation[a] + 1;
    return extent > padded ? 0 : (padded - extent) / c->stride[a] + 1;
}

/* True when the three shapes belong together. */
static bool convolution_fits(const us__node *x, const us__node *w, const us__node *y, size_t index) {
    us__convolution c;
    convolution_read(index, &c);
    if (x->rank != 4 || w->rank != 4 || y->rank != 4 || !us__has_samples(x) || us__has_samples(w) || !us__has_samples(y))
        return false;
    if (x->shape[1] % c.groups || w->shape[0] % c.groups || w->shape[1] != x->shape[1] / c.groups ||
        y->shape[1] != w->shape[0])
        return false;
    for (size_t a = 2; a < 4; a++)
        if (y->shape[a] == 0 || y->shape[a] != convolution_result(&c, a - 2, x->shape[a], w->shape[a])) return false;
    return true;
}

static us_status convolution_shape(us_graph *g, us__node *n) {
    const us__node *x = us__at(g, n->in[0]), *w = us__at(g, n->in[1]);
    us__convolution c;
    char image[128], kernel[128];
    convolution_read(n->index, &c);
    n->rank = 4;
    n->shape[0] = x->shape[0];
    n->shape[1] = w->shape[0];
    for (size_t a = 2; a < 4; a++)
        n->shape[a] = x->rank == 4 && w->rank == 4 ? convolution_result(&c, a - 2, x->shape[a], w->shape[a]) : 0;
    if (convolution_fits(x, w, n, n->index)) return US_OK;
    return us__fail(g->context, US_ERR_SHAPE,
                    "convolution: %s and a weight %s do not fit; it takes [samples×channels×height×width] and "
                    "[outputs×channels/groups×height×width] with %zu groups, the kernel no larger than the padded image",
                    us__shape_text(x, image), us__shape_text(w, kernel), c.groups);
}

static us_status convolution_adjoint_shape(us_graph *g, us__node *n) {
    const us__node *a = us__at(g, n->in[0]), *b = us__at(g, n->in[1]);
    bool weight = n->op == &us__op_convolution_weight;
    char left[128], right[128];
    if (weight ? !convolution_fits(a, n, b, n->index) : !convolution_fits(n, b, a, n->index))
        return us__fail(g->context, US_ERR_SHAPE, "%s: %s and %s do not fit", n->op->name, us__shape_text(a, left),
                        us__shape_text(b, right));
    if (weight && !g->deriving)
        return us__fail(g->context, US_ERR_UNSUPPORTED,
                        "convolution_weight: a sum over the samples; the loss of a sample may depend on that sample alone");
    return US_OK;
}

/* ------------------------------------------------------------------ rules */

static us_node convolution_like(us_graph *g, const us__op *op, size_t index, us_node a, us_node b, us_node like) {
    us__node n = {.op = op, .in = {a, b}, .index = index};
    if (like != US_NODE_NONE) {
        n.rank = us__at(g, like)->rank;
        memcpy(n.shape, us__at(g, like)->shape, sizeof n.shape);
    }
    return us__graph_make(g, n);
}

/* All three are linear in both inputs. */
static us_node convolution_forward(us_graph *g, us_node y, size_t i, us_node d) {
    us__node n = *us__at(g, y);
    n.in[i] = d;
    return us__graph_make(g, n);
}

static us_node convolution_reverse(us_graph *g, us_node y, size_t i, us_node d) {
    us_node x = us__at(g, y)->in[0], w = us__at(g, y)->in[1];
    size_t index = us__at(g, y)->index;
    return i == 0 ? convolution_like(g, &us__op_convolution_input, index, d, w, x)
                  : convolution_like(g, &us__op_convolution_weight, index, x, d, w);
}

static us_node input_reverse(us_graph *g, us_node y, size_t i, us_node d) {
    us_node dy = us__at(g, y)->in[0], w = us__at(g, y)->in[1];
    size_t index = us__at(g, y)->index;
    return i == 0 ? convolution_like(g, &us__op_convolution, index, d, w, US_NODE_NONE)
                  : convolution_like(g, &us__op_convolution_weight, index, d, dy, w);
}

static us_node weight_reverse(us_graph *g, us_node y, size_t i, us_node d) {
    us_node x = us__at(g, y)->in[0], dy = us__at(g, y)->in[1];
    size_t index = us__at(g, y)->index;
    return i == 0 ? convolution_like(g, &us__op_convolution_input, index, dy, d, x)
                  : convolution_like(g, &us__op_convolution, index, x, d, US_NODE_NONE);
}

/* ------------------------------------------------------------------ the workspace */

enum { BUDGET = 96 * 1024 }; /* elements of a workspace that hold pieces of images: they stay in the second cache */

static size_t layout_piece(const us__convolution_layout *l, size_t rows) {
    if (!l->planes) return l->channels * l->kernel[0] * l->kernel[1] * rows * l->pitch;
    return l->channels * (rows + (l->kernel[0] - 1) * l->dilation[0]) * l->pitch;
}

void us__convolution_plan(const us__convolution *c, us__convolution_kind kind, us__convolution_layout *layout) {
    us__convolution_layout *l = layout;
    bool back = kind == US__BY_INPUT;
    *l = (us__convolution_layout){.channels = back ? c->out : c->in, .outputs = back ? c->in : c->out, .groups = c->groups};
    for (size_t a = 0; a < 2; a++) {
        size_t extent = (c->kernel[a] - 1) * c->dilation[a];
        l->kernel[a] = c->kernel[a];
        l->dilation[a] = c->dilation[a];
        l->before[a] = (ptrdiff_t)(back ? extent : 0) + (back ? -1 : 1) * (ptrdiff_t)c->padding[a];
        l->step[a] = back ? 1 : c->stride[a];
        l->spread[a] = back ? c->stride[a] : 1;
        l->image[a] = back ? c->y[a] : c->x[a];
        l->result[a] = back ? c->x[a] : c->y[a];
    }
    l->terms = l->channels / l->groups * l->kernel[0] * l->kernel[1];
    l->planes = l->step[0] == 1 && l->step[1] == 1;
    l->pitch = l->result[1] + (l->planes ? (l->kernel[1] - 1) * l->dilation[1] : 0);
    l->rows = l->result[0];
    while (l->rows > 1 && layout_piece(l, l->rows) > BUDGET) l->rows = (l->rows + 1) / 2;
    l->ranges = (l->result[0] + l->rows - 1) / l->rows;
    l->height = l->planes ? l->rows + (l->kernel[0] - 1) * l->dilation[0] : l->rows;
    l->points = l->rows * l->pitch;
    l->adjoint = (l->points + 15) / 16 * 16;
    l->piece = layout_piece(l, l->rows);
    size_t adjoint = kind == US__BY_WEIGHT ? l->outputs * l->adjoint : 0;
    l->together = kind == US__BY_WEIGHT && l->ranges == 1 && l->piece + adjoint < BUDGET ? BUDGET / (l->piece + adjoint) : 1;
    l->packed = 0; /* the kernel, or the adjoints of the result */
    l->offsets = kind == US__BY_WEIGHT ? l->together * adjoint + US__CONVOLVE_SLACK : l->outputs * l->terms;
    l->offsets = (l->offsets + 15) / 16 * 16;
    l->wide = l->offsets + (l->terms * (sizeof(size_t) / sizeof(float)) + 15) / 16 * 16;
    l->patches = l->wide + (kind == US__BY_WEIGHT ? 0 : US__CONVOLVE_TILE * (l->points + US__CONVOLVE_SLACK));
    l->elements = l->patches + l->together * l->piece + US__CONVOLVE_SLACK;
}

size_t us__convolution_work(const us_graph *graph, const us__node *node) {
    us__convolution c;
    if (node->op != &us__op_convolution && node->op != &us__op_convolution_input && node->op != &us__op_convolution_weight)
        return 0;
    us__convolution_of(graph, node, &c);
    return 2 * c.out * c.y[0] * c.y[1] * (c.in / c.groups) * c.kernel[0] * c.kernel[1];
}

static us__convolution_kind convolution_kind(const us__op *op) {
    if (op == &us__op_convolution) return US__FORWARD;
    return op == &us__op_convolution_input ? US__BY_INPUT : US__BY_WEIGHT;
}

static size_t convolution_scratch(const us_graph *g, const us__node *n) {
    us__convolution c;
    us__convolution_layout l;
    us__convolution_of(g, n, &c);
    us__convolution_plan(&c, convolution_kind(n->op), &l);
    return l.elements;
}

us__kernel us__convolution_f32, us__convolution_f64, us__convolution_weight_f32, us__convolution_weight_f64;
const us__op us__op_convolution = {.name = "convolution",
                                   .inputs = 2,
                                   .shape = convolution_shape,
                                   .value = {us__convolution_f32, us__convolution_f64},
                                   .scratch = convolution_scratch,
                                   .forward = convolution_forward,
                                   .reverse = convolution_reverse};
const us__op us__op_convolution_input = {.name = "convolution_input",
                                         .inputs = 2,
                                         .shape = convolution_adjoint_shape,
                                         .value = {us__convolution_f32, us__convolution_f64},
                                         .scratch = convolution_scratch,
                                         .forward = convolution_forward,
                                         .reverse = input_reverse};
const us__op us__op_convolution_weight = {.name = "convolution_weight",
                                          .inputs = 2,
                                          .shape = convolution_adjoint_shape,
                                          .value = {us__convolution_weight_f32, us__convolution_weight_f64},
                                          .scratch = convolution_scratch,
                                          .forward = convolution_forward,
                                          .reverse = weight_reverse};

us_node us_graph_convolution(us_graph *graph, us_node x, us_node weight, const us_convolution *how) {
    us_convolution h = US_CONVOLUTION_INIT;
    if (graph->status != US_OK) return US_NODE_NONE;
    if (how) h = *how;
    bool good = h.version == 1 && h.groups >= 1 && h.groups <= MOST_GROUPS;
    for (size_t a = 0; a < 2; a++)
        good = good && h.stride[a] >= 1 && h.stride[a] <= MOST && h.padding[a] <= MOST && h.dilation[a] >= 1 &&
               h.dilation[a] <= MOST;
    if (!good)
        return us__graph_fail(graph, us__fail(graph->context, US_ERR_ARGUMENT,
                                              "convolution: stride and dilation must be 1 to %d, padding 0 to %d, groups 1 "
                                              "to %d (version 1)",
                                              MOST, MOST, MOST_GROUPS));
    size_t index = h.groups << 48;
    for (size_t a = 0; a < 2; a++)
        index |= h.stride[a] << 8 * a | h.padding[a] << (16 + 8 * a) | h.dilation[a] << (32 + 8 * a);
    return convolution_like(graph, &us__op_convolution, index, x, weight, US_NODE_NONE);
}
