/* Pooling over windows of images.
 *   max_pool        x → y         the largest of each window; NaN where the window holds one
 *   pool_pick       x, d → d at the place of each window's largest x (the first of equals)      the derivative of max_pool,
 *   pool_place      x, d → image with d added at those places, of the shape of x                and its adjoint
 *   average_pool    x → y         the sum of each window over its size; what is padding counts as 0
 *   average_spread  d → image     its adjoint, of the shape that is asked for
 * index: size, stride, padding (8 bits each). The places are constants: their derivative by x is zero almost everywhere. */
#include "graph/ops/pool.h"
#include <string.h>

enum { MOST = 255 };

static void pool_read(size_t index, us__pooling *p) {
    for (size_t a = 0; a < 2; a++) {
        p->size[a] = index >> 8 * a & MOST;
        p->stride[a] = index >> (16 + 8 * a) & MOST;
        p->padding[a] = index >> (32 + 8 * a) & MOST;
    }
}

void us__pooling_of(const us__node *x, const us__node *y, size_t index, us__pooling *p) {
    pool_read(index, p);
    p->channels = x->shape[1];
    for (size_t a = 0; a < 2; a++) {
        p->x[a] = x->shape[2 + a];
        p->y[a] = y->shape[2 + a];
    }
}

/* Fills in the result's shape; false when x is no image, or smaller than a window. */
static bool pool_result(const us__node *x, size_t index, us__node *y) {
    us__pooling p;
    pool_read(index, &p);
    if (x->rank != 4 || !us__has_samples(x)) return false;
    y->rank = 4;
    y->shape[0] = x->shape[0];
    y->shape[1] = x->shape[1];
    for (size_t a = 0; a < 2; a++) {
        size_t padded = x->shape[2 + a] + 2 * p.padding[a];
        if (padded < p.size[a]) return false;
        y->shape[2 + a] = (padded - p.size[a]) / p.stride[a] + 1;
    }
    return true;
}

static us_status pool_fail(us_graph *g, const us__node *n) {
    const us__node *x = us__at(g, n->in[0]);
    us__pooling p;
    char text[128];
    pool_read(n->index, &p);
    return us__fail(g->context, US_ERR_SHAPE,
                    "%s: %s does not fit; it takes [samples×channels×height×width], padded no smaller than the window "
                    "of %zu×%zu",
                    n->op->name, us__shape_text(x, text), p.size[0], p.size[1]);
}

static us_status pool_shape(us_graph *g, us__node *n) {
    return pool_result(us__at(g, n->in[0]), n->index, n) ? US_OK : pool_fail(g, n);
}

static us_status pool_pick_shape(us_graph *g, us__node *n) {
    const us__node *x = us__at(g, n->in[0]);
    return pool_result(x, n->index, n) && us__same_shape(us__at(g, n->in[1]), x) ? US_OK : pool_fail(g, n);
}

static us_status pool_place_shape(us_graph *g, us__node *n) {
    const us__node *x = us__at(g, n->in[0]);
    us__node y;
    if (!pool_result(x, n->index, &y) || !us__same_shape(us__at(g, n->in[1]), &y)) return pool_fail(g, n);
    n->rank = 4;
    memcpy(n->shape, x->shape, sizeof n->shape);
    return US_OK;
}

/* Its shape is asked for. */
static us_status pool_spread_shape(us_graph *g, us__node *n) {
    us__node y;
    return pool_result(n, n->index, &y) && us__same_shape(us__at(g, n->in[0]), &y) ? US_OK : pool_fail(g, n);
}

/* ------------------------------------------------------------------ rules */

static us_node pool_at(us_graph *g, const us__op *op, us_node like, us_node d) {
    const us__node *n = us__at(g, like);
    return us__graph_make(g, (us__node){.op = op, .in = {n->in[0], d}, .index = n->index});
}

static us_node pool_pick(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    return pool_at(g, &us__op_pool_pick, y, d);
}

static us_node pool_place(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    return pool_at(g, &us__op_pool_place, y, d);
}

static us_node pool_pick_forward(us_graph *g, us_node y, size_t i, us_node d) {
    return i == 0 ? US_NODE_NONE : pool_pick(g, y, i, d);
}

static us_node pool_pick_reverse(us_graph *g, us_node y, size_t i, us_node d) {
    return i == 0 ? US_NODE_NONE : pool_place(g, y, i, d);
}

static us_node pool_average(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    return us__graph_make(g, (us__node){.op = &us__op_average_pool, .in = {d}, .index = us__at(g, y)->index});
}

static us_node pool_spread(us_graph *g, us_node d, size_t index, const us__node *like) {
    us__node n = {.op = &us__op_average_spread, .in = {d}, .index = index, .rank = 4};
    memcpy(n.shape, like->shape, sizeof n.shape);
    return us__graph_make(g, n);
}

static us_node pool_average_reverse(us_graph *g, us_node y, size_t i, us_node d) {
    us__node like = *us__at(g, us__at(g, y)->in[i]);
    return pool_spread(g, d, us__at(g, y)->index, &like);
}

static us_node pool_spread_forward(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    us__node like = *us__at(g, y);
    return pool_spread(g, d, like.index, &like);
}

us__kernel us__max_pool_f32, us__pool_pick_f32, us__pool_place_f32, us__average_pool_f32, us__average_spread_f32;
us__kernel us__max_pool_f64, us__pool_pick_f64, us__pool_place_f64, us__average_pool_f64, us__average_spread_f64;

#define ROW(f, count) .name = #f, .inputs = count, .value = {us__##f##_f32, us__##f##_f64}

const us__op us__op_max_pool = {ROW(max_pool, 1), .shape = pool_shape, .forward = pool_pick, .reverse = pool_place};
const us__op us__op_pool_pick = {ROW(pool_pick, 2), .shape = pool_pick_shape, .forward = pool_pick_forward,
                                 .reverse = pool_pick_reverse};
const us__op us__op_pool_place = {ROW(pool_place, 2), .shape = pool_place_shape, .forward = pool_pick_reverse,
                                  .reverse = pool_pick_forward};
const us__op us__op_average_pool = {ROW(average_pool, 1), .shape = pool_shape, .forward = pool_average,
                                    .reverse = pool_average_reverse};
const us__op us__op_average_spread = {ROW(average_spread, 1), .shape = pool_spread_shape, .forward = pool_spread_forward,
                                      .reverse = pool_average};

/* ------------------------------------------------------------------ building */

static us_node pool_build(us_graph *g, const us__op *op, us_node x, const us_pooling *how) {
    us_pooling h = US_POOLING_INIT;
    if (g->status != US_OK) return US_NODE_NONE;
    if (how) h = *how;
    bool good = h.version == 1;
    size_t index = 0;
    for (size_t a = 0; a < 2; a++) {
        if (h.stride[a] == 0) h.stride[a] = h.size[a];
        good = good && h.size[a] >= 1 && h.size[a] <= MOST && h.stride[a] <= MOST && h.padding[a] <= h.size[a] / 2;
        index |= h.size[a] << 8 * a | h.stride[a] << (16 + 8 * a) | h.padding[a] << (32 + 8 * a);
    }
    if (!good)
        return us__graph_fail(g, us__fail(g->context, US_ERR_ARGUMENT,
                                          "%s: size must be 1 to %d, stride 0 to %d, padding 0 to half the size (version 1)",
                                          op->name, MOST, MOST));
    return us__graph_make(g, (us__node){.op = op, .in = {x}, .index = index});
}

us_node us_graph_max_pool(us_graph *graph, us_node x, const us_pooling *how) {
    return pool_build(graph, &us__op_max_pool, x, how);
}

us_node us_graph_average_pool(us_graph *graph, us_node x, const us_pooling *how) {
    return pool_build(graph, &us__op_average_pool, x, how);
}
