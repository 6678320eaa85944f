/* Operations on two values, with broadcasting. Each row's slope is d ↦ ∂y/∂xᵢ·d. */
#include "graph/graph.h"
#include <math.h>

static us_node binary_in(const us_graph *g, us_node y, size_t i) { return us__at(g, y)->in[i]; }
static bool binary_is_number(const us_graph *g, us_node a) { return us__at(g, a)->op == &us__op_constant; }

/* a, unless broadcasting changed its shape. */
static us_node binary_if_same(const us_graph *g, const us__node *n, us_node a) {
    return us__same_shape(n, us__at(g, a)) ? a : US_NODE_NONE;
}

/* An input that was broadcast only so as to have the shape that this operation has anyway is taken as it was. */
static us_node binary_strip(us_graph *g, const us__node *n) {
    us__node slim = *n;
    for (size_t i = 0; i < 2; i++) {
        const us__node *x = us__at(g, n->in[i]);
        if (x->op != &us__op_broadcast_to || !us__same_shape(us__at(g, slim.in[1 - i]), n)) continue;
        slim.in[i] = x->in[0];
    }
    return slim.in[0] == n->in[0] && slim.in[1] == n->in[1] ? US_NODE_NONE : us__graph_make(g, slim);
}

static us_node binary_slope_add(us_graph *g, us_node y, size_t i, us_node d) {
    (void)g, (void)y, (void)i;
    return d;
}

/* a + 0 = a; a + a = 2a; a + (−b) = a − b */
static us_node binary_simplify_add(us_graph *g, const us__node *n) {
    us_node same = US_NODE_NONE;
    for (size_t i = 0; i < 2; i++) {
        if (us__is_constant(g, n->in[i], 0)) same = binary_if_same(g, n, n->in[1 - i]);
        if (same != US_NODE_NONE) return same;
        const us__node *x = us__at(g, n->in[i]);
        if (x->op == &us__op_neg) return us_graph_sub(g, n->in[1 - i], x->in[0]);
    }
    if (n->in[0] == n->in[1]) return us_graph_mul(g, us_graph_constant(g, 2), n->in[0]);
    return binary_strip(g, n);
}

static us_node binary_slope_sub(us_graph *g, us_node y, size_t i, us_node d) {
    (void)y;
    return i == 0 ? d : us_graph_neg(g, d);
}

/* a − 0 = a; 0 − a = −a; a − (−b) = a + b */
static us_node binary_simplify_sub(us_graph *g, const us__node *n) {
    const us__node *b = us__at(g, n->in[1]);
    us_node same = US_NODE_NONE;
    if (us__is_constant(g, n->in[1], 0)) same = binary_if_same(g, n, n->in[0]);
    if (same != US_NODE_NONE) return same;
    if (us__is_constant(g, n->in[0], 0) && us__same_shape(n, b)) return us_graph_neg(g, n->in[1]);
    if (b->op == &us__op_neg) return us_graph_add(g, n->in[0], b->in[0]);
    return binary_strip(g, n);
}

static us_node binary_slope_mul(us_graph *g, us_node y, size_t i, us_node d) {
    return us_graph_mul(g, d, binary_in(g, y, 1 - i));
}

/* p·(q·t) = (p·q)·t for values of samples of which t alone depends on a vector: p·q is one value at the point, for all
 * vectors. US_NODE_NONE where it is not so. */
static us_node binary_mul_vector(us_graph *g, us_node p, us_node product) {
    const us__node *x = us__at(g, product), *factor = us__at(g, p);
    if (x->op != &us__op_mul || !x->tangent || factor->tangent || !us__has_samples(factor)) return US_NODE_NONE;
    bool second = us__at(g, x->in[0])->tangent; /* q is the second one */
    us_node q = x->in[second], t = x->in[!second];
    if (us__at(g, q)->tangent || !us__same_shape(us__at(g, q), factor)) return US_NODE_NONE;
    return us_graph_mul(g, us_graph_mul(g, p, q), t);
}

/* 1·a = a; −1·a = −a; numbers come first and are multiplied with each other: p·(q·a) = (pq)·a, a·(q·b) = q·(a·b).
 * 0·a stays: it is NaN where a is not finite. (Derivatives that are zero never become nodes.) */
static us_node binary_simplify_mul(us_graph *g, const us__node *n) {
    for (size_t i = 0; i < 2; i++) {
        us_node p = n->in[i], a = n->in[1 - i];
        const us__node *x = us__at(g, a);
        us_node gathered = binary_mul_vector(g, p, a);
        if (gathered != US_NODE_NONE || g->status != US_OK) return gathered; /* x may have moved */
        if (us__is_constant(g, p, 1) && us__same_shape(n, x)) return a;
        if (us__is_constant(g, p, -1) && us__same_shape(n, x)) return us_graph_neg(g, a);
        if (x->op == &us__op_neg) return us_graph_neg(g, us_graph_mul(g, p, x->in[0]));
        if (x->op != &us__op_mul || !binary_is_number(g, x->in[0])) continue;
        us_node number = x->in[0], rest = x->in[1];
        if (!binary_is_number(g, p)) return us_graph_mul(g, number, us_graph_mul(g, p, rest));
        double product = us__at(g, p)->value * us__at(g, number)->value;
        if (isnormal(product)) return us_graph_mul(g, us_graph_constant(g, product), rest);
    }
    return binary_strip(g, n);
}

/* a' / b;  −b'·(a/b)/b */
static us_node binary_slope_div(us_graph *g, us_node y, size_t i, us_node d) {
    us_node b = binary_in(g, y, 1);
    return i == 0 ? us_graph_div(g, d, b) : us_graph_neg(g, us_graph_div(g, us_graph_mul(g, d, y), b));
}

static us_node binary_simplify_div(us_graph *g, const us__node *n) {
    us_node same = us__is_constant(g, n->in[1], 1) ? binary_if_same(g, n, n->in[0]) : US_NODE_NONE;
    return same != US_NODE_NONE ? same : binary_strip(g, n);
}

/* pow with index k is aᵇ·(log a)ᵏ, and 0 where a = 0 < b: then
 * ∂/∂a = b·aᵇ⁻¹·(log a)ᵏ + k·aᵇ⁻¹·(log a)ᵏ⁻¹ and ∂/∂b = aᵇ·(log a)ᵏ⁺¹. k = 0 is the power itself. */
static us_status binary_shape_pow(us_graph *g, us__node *n) {
    if (n->index > 2)
        return us__fail(g->context, US_ERR_UNSUPPORTED, "pow: derivatives by an exponent go to the second order");
    return us__elementwise_shape(g, n);
}

static us_node binary_power(us_graph *g, us_node a, us_node b, size_t k) {
    return us__graph_make(g, (us__node){.op = &us__op_pow, .in = {a, b}, .index = k});
}

static us_node binary_slope_pow(us_graph *g, us_node y, size_t i, us_node d) {
    us_node a = binary_in(g, y, 0), b = binary_in(g, y, 1);
    size_t k = us__at(g, y)->index;
    if (i == 1) return us_graph_mul(g, d, binary_power(g, a, b, k + 1));
    us_node less = us_graph_sub(g, b, us_graph_constant(g, 1));
    us_node slope = us_graph_mul(g, b, binary_power(g, a, less, k));
    if (k > 0)
        slope = us_graph_add(g, slope, us_graph_mul(g, us_graph_constant(g, (double)k), binary_power(g, a, less, k - 1)));
    return us_graph_mul(g, d, slope);
}

/* a¹ = a, a² = a·a, a³ = a·a², a⁻¹ = 1/a, √a, a⁰ = 1 */
static us_node binary_simplify_pow(us_graph *g, const us__node *n) {
    us_node a = n->in[0], b = n->in[1];
    if (n->index == 0 && binary_is_number(g, b)) {
        double exponent = us__at(g, b)->value;
        if (exponent == 0) return us__broadcast_to(g, us_graph_constant(g, 1), n);
        if (exponent == 1) return a;
        if (exponent == 2) return us_graph_mul(g, a, a);
        if (exponent == 3) return us_graph_mul(g, a, us_graph_mul(g, a, a));
        if (exponent == -1) return us_graph_div(g, us_graph_constant(g, 1), a);
        if (exponent == 0.5) return us_graph_apply(g, "sqrt", a);
    }
    return binary_strip(g, n);
}

/* gate(x, a) is a where x > 0, else 0. Its derivative by x is zero. */
static us_node binary_slope_gate(us_graph *g, us_node y, size_t i, us_node d) {
    return i == 0 ? US_NODE_NONE : us__binary(g, &us__op_gate, binary_in(g, y, 0), d);
}

us__row us__add_f32, us__sub_f32, us__mul_f32, us__div_f32, us__pow_f32, us__gate_f32;
us__row us__add_f64, us__sub_f64, us__mul_f64, us__div_f64, us__pow_f64, us__gate_f64;

#define ROW(f)                                                                                                     \
    .name = #f, .inputs = 2, .elementwise = true, .value = {us__elementwise_f32, us__elementwise_f64},             \
    .row = {us__##f##_f32, us__##f##_f64}, .forward = us__elementwise_forward, .reverse = us__elementwise_reverse, \
    .slope = binary_slope_##f

const us__op us__op_add = {ROW(add), .shape = us__elementwise_shape, .commutes = true, .simplify = binary_simplify_add};
const us__op us__op_sub = {ROW(sub), .shape = us__elementwise_shape, .simplify = binary_simplify_sub};
const us__op us__op_mul = {ROW(mul), .shape = us__elementwise_shape, .commutes = true, .simplify = binary_simplify_mul};
const us__op us__op_div = {ROW(div), .shape = us__elementwise_shape, .simplify = binary_simplify_div};
const us__op us__op_pow = {ROW(pow), .shape = binary_shape_pow, .simplify = binary_simplify_pow};
const us__op us__op_gate = {ROW(gate), .shape = us__elementwise_shape, .simplify = binary_strip};

us_node us_graph_add(us_graph *graph, us_node a, us_node b) { return us__binary(graph, &us__op_add, a, b); }
us_node us_graph_sub(us_graph *graph, us_node a, us_node b) { return us__binary(graph, &us__op_sub, a, b); }
us_node us_graph_mul(us_graph *graph, us_node a, us_node b) { return us__binary(graph, &us__op_mul, a, b); }
us_node us_graph_div(us_graph *graph, us_node a, us_node b) { return us__binary(graph, &us__op_div, a, b); }
us_node us_graph_pow(us_graph *graph, us_node a, us_node b) { return us__binary(graph, &us__op_pow, a, b); }
