/* One column of a matrix, and its adjoint: a matrix of zeros but for that column. index: the column. */
#include "graph/graph.h"

static us_status column_shape(us_graph *g, us__node *n) {
    const us__node *x = us__at(g, n->in[0]);
    char text[128];
    if (x->rank != 2 || n->index >= x->shape[1])
        return us__fail(g->context, US_ERR_SHAPE, "column: %s has no column %zu", us__shape_text(x, text), n->index);
    n->rank = 1;
    n->shape[0] = x->shape[0];
    return US_OK;
}

/* Its shape is asked for. */
static us_status spread_shape(us_graph *g, us__node *n) {
    const us__node *x = us__at(g, n->in[0]);
    char text[128];
    if (x->rank == 1 && n->rank == 2 && n->shape[0] == x->shape[0] && n->index < n->shape[1]) return US_OK;
    return us__fail(g->context, US_ERR_SHAPE, "spread: %s is no column", us__shape_text(x, text));
}

static us_node column_pick(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    return us_graph_column(g, d, us__at(g, y)->index);
}

static us_node column_spread(us_graph *g, size_t j, us_node d, size_t columns) {
    us__node n = {.op = &us__op_spread, .in = {d}, .rank = 2, .index = j, .shape = {us__at(g, d)->shape[0], columns}};
    return us__graph_make(g, n);
}

static us_node column_reverse(us_graph *g, us_node y, size_t i, us_node d) {
    return column_spread(g, us__at(g, y)->index, d, us__at(g, us__at(g, y)->in[i])->shape[1]);
}

static us_node spread_forward(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    return column_spread(g, us__at(g, y)->index, d, us__at(g, y)->shape[1]);
}

us__kernel us__column_f32, us__column_f64, us__spread_f32, us__spread_f64;
const us__op us__op_column = {.name = "column",
                              .inputs = 1,
                              .shape = column_shape,
                              .value = {us__column_f32, us__column_f64},
                              .forward = column_pick,
                              .reverse = column_reverse};
const us__op us__op_spread = {.name = "spread",
                              .inputs = 1,
                              .shape = spread_shape,
                              .value = {us__spread_f32, us__spread_f64},
                              .forward = spread_forward,
                              .reverse = column_pick};

us_node us_graph_column(us_graph *graph, us_node a, size_t j) {
    return us__graph_make(graph, (us__node){.op = &us__op_column, .in = {a}, .index = j});
}
