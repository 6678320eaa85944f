/* Functions of one variable. Each row: name, kernels, and its slope: d ↦ f'(x)·d, from x and y = f(x). */
#include "graph/graph.h"
#include <math.h>
#include <string.h>

/* The input, a number, and products of them, as rules need them. */
static us_node unary_x(const us_graph *g, us_node y) { return us__at(g, y)->in[0]; }
static us_node unary_number(us_graph *g, double value) { return us_graph_constant(g, value); }
static us_node unary_square(us_graph *g, us_node x) { return us_graph_mul(g, x, x); }

static us_node unary_function(us_graph *g, const char *name, us_node x) { return us_graph_apply(g, name, x); }

static us_node unary_neg(us_graph *g, us_node y, size_t i, us_node d) {
    (void)y, (void)i;
    return us_graph_neg(g, d);
}

static us_node unary_exp(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    return us_graph_mul(g, d, y);
}

static us_node unary_log(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    return us_graph_div(g, d, unary_x(g, y));
}

/* 1/(2√x) */
static us_node unary_sqrt(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    return us_graph_div(g, us_graph_mul(g, unary_number(g, 0.5), d), y);
}

static us_node unary_sin(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    return us_graph_mul(g, d, unary_function(g, "cos", unary_x(g, y)));
}

static us_node unary_cos(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    return us_graph_neg(g, us_graph_mul(g, d, unary_function(g, "sin", unary_x(g, y))));
}

/* 1 + tan² */
static us_node unary_tan(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    return us_graph_mul(g, d, us_graph_add(g, unary_number(g, 1), unary_square(g, y)));
}

/* 1/√((1−x)(1+x)), which does not cancel near ±1 */
static us_node unary_asin(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    us_node x = unary_x(g, y), one = unary_number(g, 1);
    us_node product = us_graph_mul(g, us_graph_sub(g, one, x), us_graph_add(g, one, x));
    return us_graph_div(g, d, unary_function(g, "sqrt", product));
}

static us_node unary_acos(us_graph *g, us_node y, size_t i, us_node d) { return us_graph_neg(g, unary_asin(g, y, i, d)); }

/* 1/(1+x²) */
static us_node unary_atan(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    return us_graph_div(g, d, us_graph_add(g, unary_number(g, 1), unary_square(g, unary_x(g, y))));
}

static us_node unary_sinh(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    return us_graph_mul(g, d, unary_function(g, "cosh", unary_x(g, y)));
}

static us_node unary_cosh(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    return us_graph_mul(g, d, unary_function(g, "sinh", unary_x(g, y)));
}

/* 1 − tanh² */
static us_node unary_tanh(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    return us_graph_mul(g, d, us_graph_sub(g, unary_number(g, 1), unary_square(g, y)));
}

/* σ(1−σ) */
static us_node unary_sigmoid(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    return us_graph_mul(g, d, us_graph_mul(g, y, us_graph_sub(g, unary_number(g, 1), y)));
}

/* 2/√π·exp(−x²) */
static us_node unary_erf(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    us_node bell = unary_function(g, "exp", us_graph_neg(g, unary_square(g, unary_x(g, y))));
    return us_graph_mul(g, d, us_graph_mul(g, unary_number(g, M_2_SQRTPI), bell));
}

static us_node unary_sign(us_graph *g, us_node y, size_t i, us_node d) {
    (void)g, (void)y, (void)i, (void)d;
    return US_NODE_NONE;
}

static const us__op *unary_find(const char *name, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!strcmp(us__unary_ops[i].name, name)) return &us__unary_ops[i];
    return NULL;
}

static us_node unary_hidden(us_graph *g, const char *name, us_node x) {
    return us__unary(g, unary_find(name, us__unary_count), x);
}

/* sign(x) with sign(0) = 0 */
static us_node unary_abs(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    return us_graph_mul(g, d, unary_hidden(g, "sign", unary_x(g, y)));
}

/* d where x > 0, which is where y > 0 */
static us_node unary_relu(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    return us__binary(g, &us__op_gate, y, d);
}

/* exp(−x²/2) = √(2π)·φ(x) */
static us_node unary_bell(us_graph *g, us_node x) {
    return unary_function(g, "exp", us_graph_mul(g, unary_number(g, -0.5), unary_square(g, x)));
}

static const double UNARY_BELL = M_SQRT1_2 * M_2_SQRTPI / 2; /* 1/√(2π) */

/* Φ(x), whose slope is φ(x) */
static us_node unary_normal(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    return us_graph_mul(g, d, us_graph_mul(g, unary_number(g, UNARY_BELL), unary_bell(g, unary_x(g, y))));
}

/* gelu(x) = x·Φ(x); Φ(x) + x·φ(x). Source: Hendrycks & Gimpel 2016, arXiv 1606.08415. As nodes, both read Φ, the slope
 * exp(−x²/2) as well, which others have or need; their rules by x are whole, and by the rest there is nothing. */
static us_node unary_gelu(us_graph *g, us_node y, size_t i, us_node d) {
    if (i > 0) return US_NODE_NONE;
    return us_graph_mul(g, d, unary_hidden(g, "gelu_slope", unary_x(g, y)));
}

/* φ(x)·(2 − x²) */
static us_node unary_gelu_slope(us_graph *g, us_node y, size_t i, us_node d) {
    if (i > 0) return US_NODE_NONE;
    us_node x = unary_x(g, y);
    us_node slope = us_graph_mul(g, unary_bell(g, x), us_graph_sub(g, unary_number(g, 2), unary_square(g, x)));
    return us_graph_mul(g, d, us_graph_mul(g, unary_number(g, UNARY_BELL), slope));
}

static us_node unary_simplify_gelu(us_graph *g, const us__node *n) {
    return us__binary(g, &us__op_gelu, n->in[0], unary_hidden(g, "normal", n->in[0]));
}

static us_node unary_simplify_gelu_slope(us_graph *g, const us__node *n) {
    us_node x = n->in[0];
    return us__ternary(g, &us__op_gelu_slope, x, unary_hidden(g, "normal", x), unary_bell(g, x));
}

/* silu(x) = x·σ(x); σ·(1 + x·(1 − σ)). Source: Elfwing et al. 2018, arXiv 1702.03118. */
static us_node unary_silu(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    return us_graph_mul(g, d, unary_hidden(g, "silu_slope", unary_x(g, y)));
}

/* σ·(1 − σ)·(2 + x·(1 − 2σ)) */
static us_node unary_silu_slope(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    us_node x = unary_x(g, y), s = unary_function(g, "sigmoid", x), one = unary_number(g, 1), two = unary_number(g, 2);
    us_node bend = us_graph_add(g, two, us_graph_mul(g, x, us_graph_sub(g, one, us_graph_mul(g, two, s))));
    return us_graph_mul(g, d, us_graph_mul(g, us_graph_mul(g, s, us_graph_sub(g, one, s)), bend));
}

/* x·σ(2u) with u = √(2/π)·(x + 0.044715x³), which is x/2·(1 + tanh u) where that does not cancel; its slope is
 * σ + x·σ·(1 − σ)·2u'. Source: Hendrycks & Gimpel 2016, section 2. */
static us_node unary_gelu_tanh(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    return us_graph_mul(g, d, unary_hidden(g, "gelu-tanh_slope", unary_x(g, y)));
}

/* With v = 2u: σ·(1 − σ)·(2v' + x·((1 − 2σ)·v'² + v'')); v' = c·(1 + 3kx²), v'' = 6ckx, c = √(8/π), k = 0.044715 */
static us_node unary_gelu_tanh_slope(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    const double c = M_SQRT2 * M_2_SQRTPI, k = 0.044715;
    us_node x = unary_x(g, y), square = unary_square(g, x), one = unary_number(g, 1), two = unary_number(g, 2);
    us_node cube = us_graph_mul(g, unary_number(g, c * k), us_graph_mul(g, x, square));
    us_node s = unary_function(g, "sigmoid", us_graph_add(g, us_graph_mul(g, unary_number(g, c), x), cube));
    us_node first = us_graph_add(g, unary_number(g, c), us_graph_mul(g, unary_number(g, 3 * c * k), square));
    us_node bend = us_graph_mul(g, us_graph_sub(g, one, us_graph_mul(g, two, s)), unary_square(g, first));
    bend = us_graph_add(g, bend, us_graph_mul(g, unary_number(g, 6 * c * k), x));
    bend = us_graph_add(g, us_graph_mul(g, two, first), us_graph_mul(g, x, bend));
    return us_graph_mul(g, d, us_graph_mul(g, us_graph_mul(g, s, us_graph_sub(g, one, s)), bend));
}

static us_node unary_log1p(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    return us_graph_div(g, d, us_graph_add(g, unary_number(g, 1), unary_x(g, y)));
}

static us_node unary_softplus(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    return us_graph_mul(g, d, unary_function(g, "sigmoid", unary_x(g, y)));
}

/* −(−x) = x */
static us_node unary_simplify_neg(us_graph *g, const us__node *n) {
    const us__node *x = us__at(g, n->in[0]);
    return x->op == &us__op_neg ? x->in[0] : US_NODE_NONE;
}

us__row us__neg_f32, us__exp_f32, us__log_f32, us__sqrt_f32, us__sin_f32, us__cos_f32, us__tan_f32, us__asin_f32,
    us__acos_f32, us__atan_f32, us__sinh_f32, us__cosh_f32, us__tanh_f32, us__sigmoid_f32, us__erf_f32, us__abs_f32,
    us__relu_f32, us__gelu_f32, us__gelu_slope_f32, us__softplus_f32, us__sign_f32, us__silu_f32, us__silu_slope_f32,
    us__gelu_tanh_f32, us__gelu_tanh_slope_f32, us__log1p_f32, us__normal_f32, us__gelu_of_f32, us__gelu_slope_of_f32;
us__row us__neg_f64, us__exp_f64, us__log_f64, us__sqrt_f64, us__sin_f64, us__cos_f64, us__tan_f64, us__asin_f64,
    us__acos_f64, us__atan_f64, us__sinh_f64, us__cosh_f64, us__tanh_f64, us__sigmoid_f64, us__erf_f64, us__abs_f64,
    us__relu_f64, us__gelu_f64, us__gelu_slope_f64, us__softplus_f64, us__sign_f64, us__silu_f64, us__silu_slope_f64,
    us__gelu_tanh_f64, us__gelu_tanh_slope_f64, us__log1p_f64, us__normal_f64, us__gelu_of_f64, us__gelu_slope_of_f64;

#define ROW(title, f) ROW_OF(title, f, 1, f)
#define ROW_OF(title, f, n, rule)                                                               \
    .name = title, .inputs = n, .elementwise = true, .shape = us__elementwise_shape,            \
    .value = {us__elementwise_f32, us__elementwise_f64}, .row = {us__##f##_f32, us__##f##_f64}, \
    .forward = us__elementwise_forward, .reverse = us__elementwise_reverse, .slope = unary_##rule

const us__op us__op_neg = {ROW("neg", neg), .simplify = unary_simplify_neg};

const us__op us__op_gelu = {ROW_OF("gelu", gelu_of, 2, gelu)};
const us__op us__op_gelu_slope = {ROW_OF("gelu_slope", gelu_slope_of, 3, gelu_slope)};

const us__op us__unary_ops[] = {
    {ROW("exp", exp)},
    {ROW("log", log)},
    {ROW("sqrt", sqrt)},
    {ROW("sin", sin)},
    {ROW("cos", cos)},
    {ROW("tan", tan)},
    {ROW("asin", asin)},
    {ROW("acos", acos)},
    {ROW("atan", atan)},
    {ROW("sinh", sinh)},
    {ROW("cosh", cosh)},
    {ROW("tanh", tanh)},
    {ROW("sigmoid", sigmoid)},
    {ROW("erf", erf)},
    {ROW("abs", abs)},
    {ROW("relu", relu)},
    {ROW("gelu", gelu), .simplify = unary_simplify_gelu},
    {ROW("softplus", softplus)},
    {ROW("silu", silu)},
    {ROW("gelu-tanh", gelu_tanh)},
    {ROW("log1p", log1p)},
    /* Only derivatives use these. */
    {ROW("sign", sign)},
    {ROW("normal", normal)},
    {ROW("gelu_slope", gelu_slope), .simplify = unary_simplify_gelu_slope},
    {ROW("silu_slope", silu_slope)},
    {ROW("gelu-tanh_slope", gelu_tanh_slope)},
};
const size_t us__unary_count = sizeof us__unary_ops / sizeof *us__unary_ops;
const size_t us__unary_public = sizeof us__unary_ops / sizeof *us__unary_ops - 5;

us_node us_graph_neg(us_graph *graph, us_node a) { return us__unary(graph, &us__op_neg, a); }

us_node us_graph_apply(us_graph *graph, const char *function, us_node a) {
    if (graph->status != US_OK) return US_NODE_NONE;
    const us__op *op = function ? unary_find(function, us__unary_public) : NULL;
    if (op) return us__unary(graph, op, a);
    const char *names[sizeof us__unary_ops / sizeof *us__unary_ops];
    for (size_t i = 0; i < us__unary_public; i++) names[i] = us__unary_ops[i].name;
    const char *nearest = function ? us__nearest_name(function, names, us__unary_public) : NULL;
    return us__graph_fail(graph, us__fail(graph->context, US_ERR_ARGUMENT, "there is no function named %.64s%s%s",
                                          function ? function : "(NULL)", nearest ? "; did you mean " : "",
                                          nearest ? nearest : ""));
}
