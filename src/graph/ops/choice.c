/* One of two values, element by element.
 *   max, min           of equals the first is the one taken, so that the derivative goes there
 *   select(c, a, b)    a where c > 0, else b; NaN where c is NaN. Choosing has no derivative.
 *   greater, not_less  1 where a > b (a ≥ b), else 0; NaN where one of them is NaN. Their derivatives are zero. */
#include "graph/graph.h"

static us_node choice_in(const us_graph *g, us_node y, size_t i) { return us__at(g, y)->in[i]; }

/* d where a > b, or a ≥ b if `equal` */
static us_node choice_where(us_graph *g, us_node a, us_node b, bool equal, us_node d) {
    return us__binary(g, &us__op_gate, us__binary(g, equal ? &us__op_not_less : &us__op_greater, a, b), d);
}

static us_node choice_slope_max(us_graph *g, us_node y, size_t i, us_node d) {
    return choice_where(g, choice_in(g, y, i), choice_in(g, y, 1 - i), i == 0, d);
}

static us_node choice_slope_min(us_graph *g, us_node y, size_t i, us_node d) {
    return choice_where(g, choice_in(g, y, 1 - i), choice_in(g, y, i), i == 0, d);
}

static us_node choice_slope_greater(us_graph *g, us_node y, size_t i, us_node d) {
    (void)g, (void)y, (void)i, (void)d;
    return US_NODE_NONE;
}

#define choice_slope_not_less choice_slope_greater

static us_node choice_slope_select(us_graph *g, us_node y, size_t i, us_node d) {
    us_node c = choice_in(g, y, 0);
    if (i == 0) return US_NODE_NONE;
    return i == 1 ? us__binary(g, &us__op_gate, c, d) : us_graph_select(g, c, us_graph_constant(g, 0), d);
}

us__row us__max_f32, us__max_f64, us__min_f32, us__min_f64, us__greater_f32, us__greater_f64, us__not_less_f32,
    us__not_less_f64, us__select_f32, us__select_f64;

#define ROW(f, n)                                                                               \
    .name = #f, .inputs = n, .elementwise = true, .shape = us__elementwise_shape,               \
    .value = {us__elementwise_f32, us__elementwise_f64}, .row = {us__##f##_f32, us__##f##_f64}, \
    .forward = us__elementwise_forward, .reverse = us__elementwise_reverse, .slope = choice_slope_##f

const us__op us__op_max = {ROW(max, 2)};
const us__op us__op_min = {ROW(min, 2)};
const us__op us__op_greater = {ROW(greater, 2)};
const us__op us__op_not_less = {ROW(not_less, 2)};
const us__op us__op_select = {ROW(select, 3)};

us_node us_graph_max(us_graph *graph, us_node a, us_node b) { return us__binary(graph, &us__op_max, a, b); }
us_node us_graph_min(us_graph *graph, us_node a, us_node b) { return us__binary(graph, &us__op_min, a, b); }
us_node us_graph_select(us_graph *graph, us_node condition, us_node a, us_node b) {
    return us__ternary(graph, &us__op_select, condition, a, b);
}
