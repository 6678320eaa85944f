/* Every operation: its value against a plain loop, both rules against differences, second derivatives, f32 against f64. */
#include "graph/differences.h"
#include "graph/plan.h"
#include "support.h"

enum { MOST = 64 };

/* ------------------------------------------------------------------ what an operation should give */

static double plain_neg(double x) { return -x; }
static double plain_sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double plain_relu(double x) { return fmax(x, 0); }
static double plain_gelu(double x) { return x * 0.5 * (1 + erf(x / sqrt(2))); }
static double plain_normal(double x) { return 0.5 * (1 + erf(x / sqrt(2))); }
static double plain_gelu_slope(double x) { return 0.5 * (1 + erf(x / sqrt(2))) + x * exp(-x * x / 2) / sqrt(2 * acos(-1)); }
static double plain_silu(double x) { return x / (1 + exp(-x)); }
static double plain_silu_slope(double x) { return plain_sigmoid(x) * (1 + x * (1 - plain_sigmoid(x))); }
static double plain_gelu_tanh(double x) { return x / 2 * (1 + tanh(sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x))); }
static double plain_gelu_tanh_slope(double x) {
    double t = tanh(sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x));
    return (1 + t) / 2 + x / 2 * (1 - t * t) * sqrt(2 / acos(-1)) * (1 + 3 * 0.044715 * x * x);
}
static double plain_softplus(double x) { return log(1 + exp(x)); }
static double plain_sign(double x) { return x > 0 ? 1 : -1; }
static double plain_abs(double x) { return x > 0 ? x : -x; }

/* Inputs are drawn from ±[low, high], or [low, high] where positive. */
typedef struct plain_function {
    const char *name;
    double (*f)(double);
    double low, high;
    bool positive;
} plain_function;

static const plain_function FUNCTIONS[] = {
    {"neg", plain_neg, 0.3, 3, false},
    {"exp", exp, 0.3, 2, false},
    {"log", log, 0.3, 3, true},
    {"sqrt", sqrt, 0.3, 3, true},
    {"sin", sin, 0.3, 3, false},
    {"cos", cos, 0.3, 3, false},
    {"tan", tan, 0.3, 1.2, false},
    {"asin", asin, 0.1, 0.8, false},
    {"acos", acos, 0.1, 0.8, false},
    {"atan", atan, 0.3, 3, false},
    {"sinh", sinh, 0.3, 2, false},
    {"cosh", cosh, 0.3, 2, false},
    {"tanh", tanh, 0.3, 2, false},
    {"sigmoid", plain_sigmoid, 0.3, 3, false},
    {"erf", erf, 0.3, 2, false},
    {"abs", plain_abs, 0.3, 3, false},
    {"relu", plain_relu, 0.3, 3, false},
    {"gelu", plain_gelu, 0.3, 3, false},
    {"softplus", plain_softplus, 0.3, 3, false},
    {"silu", plain_silu, 0.3, 3, false},
    {"gelu-tanh", plain_gelu_tanh, 0.3, 3, false},
    {"log1p", log1p, 0.1, 0.8, false},
    {"sign", plain_sign, 0.3, 3, false},
    {"normal", plain_normal, 0.3, 3, false},
    {"gelu_slope", plain_gelu_slope, 0.3, 3, false},
    {"silu_slope", plain_silu_slope, 0.3, 3, false},
    {"gelu-tanh_slope", plain_gelu_tanh_slope, 0.3, 3, false},
};

static double plain_binary(const us__node *n, double a, double b) {
    if (n->op == &us__op_add) return a + b;
    if (n->op == &us__op_sub) return a - b;
    if (n->op == &us__op_mul) return a * b;
    if (n->op == &us__op_div) return a / b;
    if (n->op == &us__op_gate) return a > 0 ? b : 0;
    if (n->op == &us__op_max) return fmax(a, b);
    if (n->op == &us__op_min) return fmin(a, b);
    if (n->op == &us__op_greater) return a > b;
    if (n->op == &us__op_not_less) return a >= b;
    return pow(a, b) * pow(log(a), (double)n->index);
}

/* Element of x that stands at place `at` of a result of shape y: NumPy's rule, index by index. */
static size_t plain_place(const us__node *y, const us__node *x, size_t at) {
    size_t place = 0, step = 1;
    for (size_t i = 0; i < y->rank; i++) {
        size_t n = y->shape[y->rank - 1 - i], index = at % n;
        at /= n;
        if (i >= x->rank) continue;
        size_t m = x->shape[x->rank - 1 - i];
        if (m != 1) place += index * step;
        step *= m;
    }
    return place;
}

/* Places of an element along each axis, and back. */
static void plain_indices(const us__node *y, size_t at, size_t index[US__RANK]) {
    for (size_t i = y->rank; i-- > 0; at /= y->shape[i]) index[i] = at % y->shape[i];
}

static size_t plain_at(const us__node *y, const size_t index[US__RANK]) {
    size_t at = 0;
    for (size_t i = 0; i < y->rank; i++) at = at * y->shape[i] + index[i];
    return at;
}

/* One element of a value whose axes were moved, cut or joined. */
static double plain_moved(const us_graph *g, const us__node *y, size_t at, const double *a, const double *b) {
    const us__node *x = us__at(g, y->in[0]);
    size_t index[US__RANK] = {0}, from[US__RANK] = {0}, axis = y->how[0];
    plain_indices(y, at, index);
    memcpy(from, index, sizeof from);
    if (y->op == &us__op_permute) {
        for (size_t k = 0; k < y->rank; k++) from[y->how[k]] = index[k];
    } else if (y->op == &us__op_slice) {
        from[axis] += y->how[1];
    } else if (y->op == &us__op_pad) {
        if (index[axis] < y->how[1] || index[axis] >= y->how[1] + x->shape[axis]) return 0;
        from[axis] -= y->how[1];
    } else if (index[axis] >= x->shape[axis]) {
        from[axis] -= x->shape[axis];
        return b[plain_at(us__at(g, y->in[1]), from)];
    }
    return a[plain_at(x, from)];
}

/* Functions of rows a and b of n along the last axis. */
static bool plain_row_function(const us__op *op) {
    static const us__op *const OPS[] = {&us__op_softmax,   &us__op_log_sum_exp,       &us__op_softmax_slope, &us__op_dot,
                                        &us__op_normalize, &us__op_inverse_deviation, &us__op_project};
    for (size_t k = 0; k < sizeof OPS / sizeof *OPS; k++)
        if (op == OPS[k]) return true;
    return false;
}

static void plain_row(const us__node *y, const double *a, const double *b, size_t n, double *out, size_t row) {
    double count = (double)n, mean = 0, variance = 0, total = 0, dot = 0, sum = 0;
    for (size_t i = 0; i < n; i++) mean += a[i] / count, total += exp(a[i]), dot += a[i] * b[i], sum += b[i];
    for (size_t i = 0; i < n; i++) variance += (a[i] - mean) * (a[i] - mean) / count;
    double deviation = sqrt(variance + y->value);
    if (y->op == &us__op_log_sum_exp) out[row] = log(total);
    if (y->op == &us__op_dot) out[row] = dot;
    if (y->op == &us__op_inverse_deviation) out[row] = 1 / deviation;
    for (size_t i = 0; i < n; i++) {
        double *at = out + row * n + i;
        if (y->op == &us__op_softmax) *at = exp(a[i]) / total;
        if (y->op == &us__op_softmax_slope) *at = a[i] * (b[i] - dot);
        if (y->op == &us__op_normalize) *at = (a[i] - mean) / deviation;
        if (y->op == &us__op_project) *at = b[i] - sum / count - a[i] * dot / count;
    }
}

/* The largest along an axis of x, index by index. */
static void plain_extreme(const us__node *y, const us__node *x, const double *a, const double *b, double *out) {
    size_t axis = y->how[0], index[US__RANK] = {0};
    for (size_t i = 0; i < us__elements(x, 1); i++) {
        plain_indices(x, i, index);
        size_t best = 0, here = index[axis], rest = 0;
        for (index[axis] = 0; index[axis] < x->shape[axis]; index[axis]++) {
            size_t at = plain_at(x, index);
            if (index[axis] == 0 || a[at] > a[best]) best = at;
        }
        for (size_t k = 0; k < x->rank; k++)
            if (k != axis) rest = rest * x->shape[k] + index[k];
        index[axis] = here;
        if (y->op == &us__op_max_over) out[rest] = a[best];
        if (y->op == &us__op_take_max) out[rest] = b[best];
        if (y->op == &us__op_put_max) out[i] = i == best ? b[rest] : 0;
    }
}

/* y from its inputs by the definition. */
static void plain_value(const us_graph *g, const us__node *y, const double *const in[3], double *out) {
    const double *a = in[0], *b = in[1];
    const us__node *x = us__at(g, y->in[0]);
    size_t n = us__elements(y, 1), from = us__elements(x, 1);
    if (y->op == &us__op_matmul || y->op == &us__op_batch_matmul) {
        const us__node *x1 = us__at(g, y->in[1]);
        bool ta = y->index & 1, tb = y->index & 2, many = y->op == &us__op_batch_matmul;
        size_t columns = y->shape[y->rank - 1], columns_a = x->shape[x->rank - 1], columns_b = x1->shape[x1->rank - 1];
        size_t rows_a = many ? x->shape[x->rank - 2] : from / columns_a, inner = ta ? rows_a : columns_a;
        size_t rows = many ? y->shape[y->rank - 2] : n / columns;
        for (size_t s = 0; s < n / (rows * columns);
             s++, a += rows_a * columns_a, b += inner * columns, out += rows * columns)
            for (size_t i = 0; i < rows; i++)
                for (size_t j = 0; j < columns; j++) {
                    double sum = 0;
                    for (size_t k = 0; k < inner; k++)
                        sum += a[ta ? k * columns_a + i : i * columns_a + k] * b[tb ? j * columns_b + k : k * columns_b + j];
                    out[i * columns + j] = sum;
                }
    } else if (y->op == &us__op_sum_to) {
        for (size_t i = 0; i < n; i++) out[i] = 0;
        for (size_t i = 0; i < from; i++) out[plain_place(x, y, i)] += a[i];
    } else if (y->op == &us__op_broadcast_to) {
        for (size_t i = 0; i < n; i++) out[i] = a[plain_place(y, x, i)];
    } else if (y->op == &us__op_reshape) {
        for (size_t i = 0; i < n; i++) out[i] = a[i];
    } else if (y->op == &us__op_column) {
        for (size_t i = 0; i < n; i++) out[i] = a[i * x->shape[1] + y->index];
    } else if (y->op == &us__op_spread) {
        for (size_t i = 0; i < n; i++) out[i] = i % y->shape[1] == y->index ? a[i / y->shape[1]] : 0;
    } else if (y->op == &us__op_permute || y->op == &us__op_slice || y->op == &us__op_pad || y->op == &us__op_concatenate) {
        for (size_t i = 0; i < n; i++) out[i] = plain_moved(g, y, i, a, b);
    } else if (plain_row_function(y->op)) {
        size_t last = x->shape[x->rank - 1];
        for (size_t i = 0; i < from / last; i++) plain_row(y, a + i * last, b + i * last, last, out, i);
    } else if (y->op == &us__op_max_over || y->op == &us__op_take_max || y->op == &us__op_put_max) {
        plain_extreme(y, x, a, b, out);
    } else if (y->op == &us__op_gather) {
        for (size_t i = 0; i < n; i++) out[i] = a[(size_t)b[i / x->shape[1]] * x->shape[1] + i % x->shape[1]];
    } else if (y->op == &us__op_scatter_add) {
        for (size_t i = 0; i < n; i++) out[i] = 0;
        for (size_t i = 0; i < from; i++) out[(size_t)b[i / y->shape[1]] * y->shape[1] + i % y->shape[1]] += a[i];
    } else if (y->op == &us__op_select) {
        const us__node *x1 = us__at(g, y->in[1]), *x2 = us__at(g, y->in[2]);
        for (size_t i = 0; i < n; i++)
            out[i] = a[plain_place(y, x, i)] > 0 ? b[plain_place(y, x1, i)] : in[2][plain_place(y, x2, i)];
    } else if (y->op->inputs == 1 || y->op == &us__op_gelu || y->op == &us__op_gelu_slope) { /* the rest follows from a */
        for (size_t k = 0; k < sizeof FUNCTIONS / sizeof *FUNCTIONS; k++)
            if (!strcmp(FUNCTIONS[k].name, y->op->name))
                for (size_t i = 0; i < n; i++) out[i] = FUNCTIONS[k].f(a[i]);
    } else {
        const us__node *x1 = us__at(g, y->in[1]);
        for (size_t i = 0; i < n; i++) out[i] = plain_binary(y, a[plain_place(y, x, i)], b[plain_place(y, x1, i)]);
    }
}

/* ------------------------------------------------------------------ evaluating nodes */

typedef struct node_values {
    us_precision precision;
    size_t n;
    double *to;
} node_values;

static void node_read(void *user, const void *values, size_t first, size_t rows) {
    node_values *v = user;
    for (size_t i = 0; i < v->n; i++)
        v->to[i] = v->precision == US_F32 ? (double)((const float *)values)[i] : ((const double *)values)[i];
}

/* The value of any node of a graph without samples. theta [dimension]. */
static void node_evaluate(us_graph *g, us_node a, const double *theta, us_precision precision, double *out) {
    float single[8 * MOST];
    for (size_t i = 0; i < g->dimension; i++) single[i] = (float)theta[i];
    us__plan *plan;
    us__workspace *w;
    assert_int_equal(us__plan_create(&plan, g, a, NULL, 0), US_OK);
    assert_int_equal(us__workspace_create(&w, g->context, precision, g->count), US_OK);
    node_values values = {.precision = precision, .n = us__elements(us__at(g, a), 1), .to = out};
    us__evaluation e = {.plan = plan,
                        .workspace = w,
                        .theta = precision == US_F32 ? (void *)single : (void *)(uintptr_t)theta,
                        .count = 1,
                        .data_precision = precision,
                        .watch = node_read,
                        .watch_user = &values};
    assert_int_equal(us__evaluate(&e), US_OK);
    us__workspace_destroy(w);
    us__plan_destroy(plan);
}

/* ------------------------------------------------------------------ one case */

typedef struct op_case {
    us__node node;     /* op, index, and the shape where it is asked for */
    us__node shape[3]; /* of the inputs */
    double low[3], high[3];
    bool positive[3];
    uint32_t whole[3]; /* numbers below this one, which have no derivative */
} op_case;

static us_context *op_context;

/* θ = (a, b, c, a', b', c', ȳ): the inputs, a direction for each, and an adjoint. Whole numbers are no part of it. */
typedef struct op_graph {
    us_graph *g;
    us_node y, seed;
    size_t inputs; /* parameters among them */
    us_node in[3], din[3];
    size_t offset[3], doffset[3], soffset, elements[3];
    double theta[8 * MOST];
    double value[3][2 * MOST]; /* of all inputs */
} op_graph;

static double op_draw(const op_case *c, size_t k, us_rng *rng) {
    if (c->whole[k]) return us_rng_below(rng, c->whole[k]);
    double x = c->low[k] + (c->high[k] - c->low[k]) * us_rng_uniform(rng);
    return !c->positive[k] && us_rng_below(rng, 2) ? -x : x;
}

static op_graph op_build(const op_case *c, uint64_t draw) {
    static const char *const NAMES[] = {"a", "b", "c", "da", "db", "dc"};
    op_graph o = {0};
    assert_int_equal(us_graph_create(&o.g, op_context), US_OK);
    us_rng rng = us_rng_init(5, draw);
    us__node node = c->node;
    for (size_t k = 0; k < c->node.op->inputs; k++) {
        size_t n = us__elements(&c->shape[k], 1);
        for (size_t i = 0; i < n; i++) o.value[k][i] = op_draw(c, k, &rng);
        if (c->whole[k]) {
            node.in[k] = us_graph_array(o.g, c->shape[k].rank, c->shape[k].shape, o.value[k]);
            continue;
        }
        o.elements[o.inputs] = n;
        o.offset[o.inputs] = o.g->dimension;
        node.in[k] = o.in[o.inputs++] = us_graph_parameter(o.g, NAMES[k], c->shape[k].rank, c->shape[k].shape);
        memcpy(o.theta + o.offset[o.inputs - 1], o.value[k], n * sizeof *o.theta);
    }
    size_t drawn = o.g->dimension;
    for (size_t k = 0; k < o.inputs; k++) {
        const us__node *x = us__at(o.g, o.in[k]);
        o.doffset[k] = o.g->dimension;
        o.din[k] =
            us_graph_parameter(o.g, NAMES[3 + k], x->rank, (size_t[]){x->shape[0], x->shape[1], x->shape[2], x->shape[3]});
    }
    o.y = us__graph_make(o.g, node);
    if (o.y == US_NODE_NONE) fail_msg("%s: %s", c->node.op->name, us_context_error(op_context));
    o.soffset = o.g->dimension;
    us__node y = *us__at(o.g, o.y);
    o.seed = us_graph_parameter(o.g, "seed", y.rank, y.shape);
    assert_true(o.g->dimension < 8 * MOST);
    for (size_t i = drawn; i < o.g->dimension; i++) o.theta[i] = us_rng_normal(&rng);
    return o;
}

static void op_check_value(const op_case *c) {
    op_graph o = op_build(c, 1);
    double value[MOST * 2], single[MOST * 2], plain[MOST * 2];
    size_t n = us__elements(us__at(o.g, o.y), 1);
    const double *in[] = {o.value[0], o.value[1], o.value[2]};
    plain_value(o.g, us__at(o.g, o.y), in, plain);
    node_evaluate(o.g, o.y, o.theta, US_F64, value);
    node_evaluate(o.g, o.y, o.theta, US_F32, single);
    for (size_t i = 0; i < n; i++) {
        if (!(fabs(value[i] - plain[i]) <= 4e-15 * (1 + fabs(plain[i]))))
            fail_msg("%s: %.17g, not %.17g", c->node.op->name, value[i], plain[i]);
        if (!(fabs(single[i] - plain[i]) <= 3e-6 * (1 + fabs(plain[i]))))
            fail_msg("%s in f32: %.9g, not %.9g", c->node.op->name, single[i], plain[i]);
    }
    us_graph_destroy(o.g);
}

/* y' by forward mode against differences of y along (a', b', c'); ⟨ȳ, y'⟩ = ⟨x̄, x'⟩ by reverse mode. */
static void op_check_rules(const op_case *c) {
    op_graph o = op_build(c, 2);
    size_t n = us__elements(us__at(o.g, o.y), 1);
    double f[5][MOST * 2], slope[MOST * 2], tangent[MOST * 2] = {0}, adjoint[MOST * 2], h = DIFFERENCES_STEP;
    for (int s = -2; s <= 2; s++) {
        double at[8 * MOST];
        memcpy(at, o.theta, sizeof at);
        for (size_t k = 0; k < o.inputs; k++)
            for (size_t i = 0; i < o.elements[k]; i++) at[o.offset[k] + i] += s * h * o.theta[o.doffset[k] + i];
        node_evaluate(o.g, o.y, at, US_F64, f[s + 2]);
    }
    double expected = 0, got = 0, size = 1;
    us_node t;
    assert_int_equal(us__graph_forward(o.g, &o.y, 1, o.in, o.din, o.inputs, &t), US_OK);
    if (t != US_NODE_NONE) {
        assert_true(us__same_shape(us__at(o.g, t), us__at(o.g, o.y)));
        node_evaluate(o.g, t, o.theta, US_F64, tangent);
    }
    for (size_t i = 0; i < n; i++) {
        slope[i] = (8 * (f[3][i] - f[1][i]) - (f[4][i] - f[0][i])) / (12 * h);
        if (!(fabs(slope[i] - tangent[i]) <= 1e-7 * (1 + fabs(slope[i]))))
            fail_msg("%s, forward: %.12g, not %.12g", c->node.op->name, tangent[i], slope[i]);
        expected += o.theta[o.soffset + i] * tangent[i];
        size += fabs(o.theta[o.soffset + i] * tangent[i]);
    }
    us_node gradients[3];
    assert_int_equal(us__graph_reverse(o.g, o.y, o.seed, o.in, o.inputs, gradients), US_OK);
    for (size_t k = 0; k < o.inputs; k++) {
        if (gradients[k] == US_NODE_NONE) continue;
        assert_true(us__same_shape(us__at(o.g, gradients[k]), us__at(o.g, o.in[k])));
        node_evaluate(o.g, gradients[k], o.theta, US_F64, adjoint);
        for (size_t i = 0; i < o.elements[k]; i++) got += adjoint[i] * o.theta[o.doffset[k] + i];
    }
    if (!(fabs(expected - got) <= 1e-13 * size)) fail_msg("%s, reverse: %.15g, not %.15g", c->node.op->name, got, expected);
    us_graph_destroy(o.g);
}

/* ½Σ(y + s)² as a problem: gradient and product. */
static void op_check_second(const op_case *c) {
    op_graph o = op_build(c, 3);
    us_node square = us_graph_add(o.g, o.y, o.seed);
    square = us_graph_mul(o.g, square, square);
    us_graph_set_loss(o.g, us_graph_mul(o.g, us_graph_constant(o.g, 0.5), us__sum_to(o.g, square, &(us__node){0})));
    us_problem *p;
    us_vec *theta;
    assert_int_equal(us_problem_create_graph(&p, o.g, NULL, US_F64), US_OK);
    assert_int_equal(us_vec_wrap(&theta, op_context, US_F64, us_problem_dimension(p), o.theta), US_OK);
    double gradient = differences_gradient(p, theta, US_BATCH_ALL), product = differences_product(p, theta, US_BATCH_ALL);
    if (!(gradient < 1e-7)) fail_msg("%s: gradient off by %g", c->node.op->name, gradient);
    if (!(product < 1e-7)) fail_msg("%s: product off by %g", c->node.op->name, product);
    us_vec_destroy(theta);
    us_problem_destroy(p);
}

static void op_check(const op_case *c) {
    op_check_value(c);
    op_check_rules(c);
    op_check_second(c);
}

/* ------------------------------------------------------------------ all of them */

#define SHAPE(n, ...)                       \
    {                                       \
        .rank = n, .shape = { __VA_ARGS__ } \
    }

static void functions_of_one_variable(void **state) {
    size_t tested = 0;
    for (size_t k = 0; k < sizeof FUNCTIONS / sizeof *FUNCTIONS; k++) {
        const us__op *op = !strcmp(FUNCTIONS[k].name, "neg") ? &us__op_neg : NULL;
        for (size_t i = 0; i < us__unary_count; i++)
            if (!strcmp(us__unary_ops[i].name, FUNCTIONS[k].name)) op = &us__unary_ops[i];
        assert_non_null(op);
        op_case c = {.node = {.op = op},
                     .shape = {SHAPE(2, 3, 9)},
                     .low = {FUNCTIONS[k].low},
                     .high = {FUNCTIONS[k].high},
                     .positive = {FUNCTIONS[k].positive}};
        op_check(&c);
        tested++;
    }
    assert_int_equal(tested, us__unary_count + 1);
}

static void operations_with_broadcasting(void **state) {
    static const us__op *const OPS[] = {&us__op_add, &us__op_sub, &us__op_mul,  &us__op_div,     &us__op_pow,
                                        &us__op_max, &us__op_min, &us__op_gate, &us__op_greater, &us__op_not_less};
    static const us__node SHAPES[][2] = {
        {SHAPE(2, 3, 5), SHAPE(2, 3, 5)},
        {SHAPE(2, 3, 4), SHAPE(1, 4)},
        {SHAPE(2, 3, 1), SHAPE(1, 4)},
        {{0}, SHAPE(2, 3, 4)},
        {SHAPE(2, 3, 4), {0}},
        {{0}, {0}},
        {SHAPE(3, 2, 3, 4), SHAPE(2, 3, 1)},
        {SHAPE(1, 4), SHAPE(3, 2, 1, 4)},
        {SHAPE(4, 2, 1, 3, 1), SHAPE(4, 1, 2, 1, 4)},
        {SHAPE(2, 1, 4), SHAPE(2, 3, 4)},
        {SHAPE(4, 2, 1, 2, 3), SHAPE(3, 2, 1, 3)},
    };
    for (size_t k = 0; k < sizeof OPS / sizeof *OPS; k++)
        for (size_t s = 0; s < sizeof SHAPES / sizeof *SHAPES; s++) {
            op_case c = {
                .node = {.op = OPS[k]}, .shape = {SHAPES[s][0], SHAPES[s][1]}, .low = {0.4, 0.4}, .high = {2.4, 2.4}};
            c.positive[0] = OPS[k] == &us__op_pow;
            op_check(&c);
        }
    for (size_t index = 1; index <= 2; index++) { /* a power times a power of a logarithm */
        op_case c = {.node = {.op = &us__op_pow, .index = index},
                     .shape = {SHAPE(2, 3, 4), SHAPE(1, 4)},
                     .low = {0.4, 0.4},
                     .high = {2.4, 2.4},
                     .positive = {true}};
        op_check_value(&c);
        if (index < 2) op_check_rules(&c);
    }
}

static void matrix_products(void **state) {
    static const size_t SIZES[][3] = {{3, 4, 5}, {3, 4, 1}, {1, 4, 5}, {1, 5, 1}, {3, 1, 2}};
    for (size_t s = 0; s < sizeof SIZES / sizeof *SIZES; s++)
        for (size_t index = 0; index < 4; index++) {
            size_t m = SIZES[s][0], k = SIZES[s][1], n = SIZES[s][2];
            op_case c = {.node = {.op = &us__op_matmul, .index = index}, .low = {0.3, 0.3}, .high = {2, 2}};
            c.shape[0] = index & 1 ? (us__node)SHAPE(2, k, m) : (us__node)SHAPE(2, m, k);
            c.shape[1] = index & 2 ? (us__node)SHAPE(2, n, k) : (us__node)SHAPE(2, k, n);
            op_check(&c);
        }
}

/* Inputs of more axes: the matrix of their rows, or many matrices. */
static void products_of_more_axes(void **state) {
    op_case cases[] = {
        {.node = {.op = &us__op_matmul}, .shape = {SHAPE(3, 2, 3, 4), SHAPE(2, 4, 5)}},
        {.node = {.op = &us__op_matmul, .index = 2}, .shape = {SHAPE(4, 2, 2, 3, 3), SHAPE(2, 2, 3)}},
        {.node = {.op = &us__op_matmul, .index = 1}, .shape = {SHAPE(3, 2, 3, 4), SHAPE(3, 2, 3, 2)}},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        for (size_t i = 0; i < 2; i++) cases[k].low[i] = 0.3, cases[k].high[i] = 2;
        op_check(&cases[k]);
    }
    for (size_t rank = 3; rank <= 4; rank++)
        for (size_t index = 0; index < 4; index++) {
            op_case c = {.node = {.op = &us__op_batch_matmul, .index = index}, .low = {0.3, 0.3}, .high = {2, 2}};
            c.shape[0] = (us__node){.rank = rank, .shape = {2, 2}};
            c.shape[1] = c.shape[0];
            size_t *a = c.shape[0].shape + rank - 2, *b = c.shape[1].shape + rank - 2;
            a[index & 1] = 3, a[!(index & 1)] = 4;
            b[index >> 1] = 4, b[!(index >> 1)] = 2;
            op_check(&c);
        }
}

static void axes_are_moved_cut_and_joined(void **state) {
    op_case cases[] = {
        {.node = {.op = &us__op_permute, .how = {1, 0}}, .shape = {SHAPE(2, 3, 5)}},
        {.node = {.op = &us__op_permute, .how = {1, 0}}, .shape = {SHAPE(2, 3, 19)}},
        {.node = {.op = &us__op_permute, .how = {1, 0, 2}}, .shape = {SHAPE(3, 2, 3, 4)}},
        {.node = {.op = &us__op_permute, .how = {2, 0, 1}}, .shape = {SHAPE(3, 2, 3, 4)}},
        {.node = {.op = &us__op_permute, .how = {0, 2, 1, 3}}, .shape = {SHAPE(4, 2, 3, 2, 4)}},
        {.node = {.op = &us__op_permute, .how = {3, 1, 0, 2}}, .shape = {SHAPE(4, 2, 3, 2, 4)}},
        {.node = {.op = &us__op_permute, .how = {2, 3, 1, 0}}, .shape = {SHAPE(4, 2, 3, 2, 4)}},
        {.node = {.op = &us__op_slice, .how = {0, 1, 2}}, .shape = {SHAPE(2, 4, 3)}},
        {.node = {.op = &us__op_slice, .how = {1, 2, 1}}, .shape = {SHAPE(2, 4, 3)}},
        {.node = {.op = &us__op_slice, .how = {1, 0, 2}}, .shape = {SHAPE(3, 2, 3, 4)}},
        {.node = {.op = &us__op_pad, .how = {0, 2, 1}}, .shape = {SHAPE(1, 3)}},
        {.node = {.op = &us__op_pad, .how = {1, 1, 0}}, .shape = {SHAPE(3, 2, 3, 4)}},
        {.node = {.op = &us__op_pad, .how = {2, 0, 2}}, .shape = {SHAPE(3, 2, 3, 1)}},
        {.node = {.op = &us__op_concatenate, .how = {0}}, .shape = {SHAPE(2, 2, 3), SHAPE(2, 4, 3)}},
        {.node = {.op = &us__op_concatenate, .how = {1}}, .shape = {SHAPE(2, 4, 1), SHAPE(2, 4, 3)}},
        {.node = {.op = &us__op_concatenate, .how = {1}}, .shape = {SHAPE(3, 2, 3, 2), SHAPE(3, 2, 1, 2)}},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        for (size_t i = 0; i < 2; i++) cases[k].low[i] = 0.3, cases[k].high[i] = 2;
        op_check(&cases[k]);
    }
}

/* Rows of a table that the data name, through the whole problem; and numbers that name none. */
static void rows_by_number(void **state) {
    us_dataset *data;
    assert_int_equal(us_dataset_create(&data, op_context, US_F64, 600, 3, US_REGRESSION, 1), US_OK);
    us_rng rng = us_rng_init(8, 1);
    double *x = us_dataset_features(data), *t = us_dataset_targets(data);
    for (size_t i = 0; i < 1800; i++) x[i] = us_rng_below(&rng, 4);
    for (size_t i = 0; i < 600; i++) t[i] = us_rng_normal(&rng);
    us_graph *g;
    assert_int_equal(us_graph_create(&g, op_context), US_OK);
    us_node table = us_graph_parameter(g, "table", 2, (size_t[]){4, 2}), w = us_graph_parameter(g, "w", 2, (size_t[]){6, 1});
    us_node rows = us_graph_gather(g, table, us_graph_features(g, 3));
    assert_int_equal(us_graph_rank(g, rows), 3);
    us_node flat = us_graph_reshape(g, us_graph_apply(g, "tanh", rows), 2, (size_t[]){US_SAMPLES, 6});
    us_node e = us_graph_column(g, us_graph_sub(g, us_graph_matmul(g, flat, false, w, false), us_graph_targets(g, 1)), 0);
    us_graph_set_loss(g, us_graph_mul(g, e, e));
    us_problem *p;
    assert_int_equal(us_problem_create_graph(&p, g, data, US_F64), US_OK);
    us_vec *theta = differences_vec(p), *gradient = differences_vec(p);
    us_vec_fill_normal(theta, &rng);
    double loss, sum = 0;
    assert_int_equal(us_problem_value(p, theta, US_BATCH_ALL, &loss), US_OK);
    for (size_t i = 0; i < 600; i++) {
        double y = -t[i];
        for (size_t k = 0; k < 6; k++)
            y += tanh(us_vec_get(theta, 2 * (size_t)x[3 * i + k / 2] + k % 2)) * us_vec_get(theta, 8 + k);
        sum += y * y;
    }
    assert_near(loss, sum / 600, 1e-13, 0);
    assert_true(differences_gradient(p, theta, US_BATCH_ALL) < 1e-9);
    assert_true(differences_product(p, theta, US_BATCH_ALL) < 1e-9);
    static const double BAD[] = {4, -1, 0.5, 1e300};
    for (size_t k = 0; k < sizeof BAD / sizeof *BAD; k++) {
        x[1000] = BAD[k];
        assert_int_equal(us_problem_gradient(p, theta, US_BATCH_ALL, &loss, gradient), US_OK);
        assert_true(isnan(loss) && isnan(us_vec_get(gradient, 0)));
    }
    us_vec_destroy(theta), us_vec_destroy(gradient);
    us_problem_destroy(p);
    us_dataset_destroy(data);
}

static void sums_and_shapes(void **state) {
    static const us__node SUMS[][2] = {
        {SHAPE(3, 2, 3, 4), SHAPE(3, 2, 3, 1)},
        {SHAPE(3, 2, 3, 4), SHAPE(3, 2, 1, 4)},
        {SHAPE(3, 2, 3, 4), SHAPE(2, 3, 4)},
        {SHAPE(3, 2, 3, 4), SHAPE(1, 4)},
        {SHAPE(3, 2, 3, 4), {0}},
        {SHAPE(4, 2, 3, 2, 3), SHAPE(4, 1, 3, 1, 3)},
        {SHAPE(4, 2, 3, 2, 3), SHAPE(4, 2, 1, 2, 1)},
        {SHAPE(4, 2, 3, 2, 3), SHAPE(3, 3, 1, 3)},
        {SHAPE(1, 60), {0}},
        {SHAPE(2, 11, 5), SHAPE(1, 5)},
        {SHAPE(4, 2, 3, 2, 3), SHAPE(3, 1, 2, 1)},
    };
    for (size_t s = 0; s < sizeof SUMS / sizeof *SUMS; s++) {
        op_case sum = {.node = SUMS[s][1], .shape = {SUMS[s][0]}, .low = {0.3}, .high = {2}};
        sum.node.op = &us__op_sum_to;
        op_check(&sum);
        op_case broadcast = {.node = SUMS[s][0], .shape = {SUMS[s][1]}, .low = {0.3}, .high = {2}};
        broadcast.node.op = &us__op_broadcast_to;
        op_check(&broadcast);
    }
    op_case cases[] = {
        {.node = {.op = &us__op_reshape, .rank = 3, .shape = {2, 3, 2}}, .shape = {SHAPE(2, 4, 3)}},
        {.node = {.op = &us__op_column, .index = 2}, .shape = {SHAPE(2, 5, 4)}},
        {.node = {.op = &us__op_spread, .index = 1, .rank = 2, .shape = {5, 3}}, .shape = {SHAPE(1, 5)}},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        cases[k].low[0] = 0.3, cases[k].high[0] = 2;
        op_check(&cases[k]);
    }
}

static void one_of_two(void **state) {
    static const us__node SHAPES[][3] = {
        {SHAPE(2, 3, 5), SHAPE(2, 3, 5), SHAPE(2, 3, 5)},
        {SHAPE(2, 3, 5), SHAPE(1, 5), SHAPE(2, 3, 5)},
        {SHAPE(2, 3, 5), SHAPE(2, 3, 5), {0}},
        {SHAPE(2, 3, 5), {0}, SHAPE(2, 3, 5)},
        {{0}, SHAPE(2, 3, 5), SHAPE(1, 5)},
        {SHAPE(2, 3, 1), SHAPE(1, 4), {0}},
        {SHAPE(4, 2, 1, 2, 1), SHAPE(2, 2, 3), SHAPE(3, 2, 1, 1)},
    };
    for (size_t s = 0; s < sizeof SHAPES / sizeof *SHAPES; s++) {
        op_case c = {.node = {.op = &us__op_select}, .low = {0.3, 0.3, 0.3}, .high = {2, 2, 2}};
        memcpy(c.shape, SHAPES[s], sizeof c.shape);
        op_check(&c);
    }
}

static void functions_of_rows(void **state) {
    static const us__node SHAPES[] = {SHAPE(1, 5), SHAPE(2, 4, 5), SHAPE(2, 2, 11), SHAPE(3, 2, 3, 4), SHAPE(4, 2, 1, 2, 3)};
    static const us__op *const OPS[] = {&us__op_softmax,   &us__op_log_sum_exp,       &us__op_softmax_slope, &us__op_dot,
                                        &us__op_normalize, &us__op_inverse_deviation, &us__op_project};
    for (size_t k = 0; k < sizeof OPS / sizeof *OPS; k++)
        for (size_t s = 0; s < sizeof SHAPES / sizeof *SHAPES; s++) {
            op_case c = {.node = {.op = OPS[k]}, .shape = {SHAPES[s], SHAPES[s]}, .low = {0.3, 0.3}, .high = {2, 2}};
            if (OPS[k] == &us__op_normalize || OPS[k] == &us__op_inverse_deviation) c.node.value = 0.3; /* epsilon */
            op_check(&c);
        }
}

static void largest_along_an_axis(void **state) {
    op_case cases[] = {
        {.node = {.op = &us__op_max_over}, .shape = {SHAPE(1, 5)}},
        {.node = {.op = &us__op_max_over, .how = {1}}, .shape = {SHAPE(2, 4, 5)}},
        {.node = {.op = &us__op_max_over, .how = {1}}, .shape = {SHAPE(3, 2, 3, 5)}},
        {.node = {.op = &us__op_max_over, .how = {2}}, .shape = {SHAPE(4, 2, 3, 2, 3)}},
        {.node = {.op = &us__op_take_max, .how = {1}}, .shape = {SHAPE(3, 2, 3, 5), SHAPE(3, 2, 3, 5)}},
        {.node = {.op = &us__op_take_max, .how = {1}}, .shape = {SHAPE(2, 4, 5), SHAPE(2, 4, 5)}},
        {.node = {.op = &us__op_put_max, .how = {0}}, .shape = {SHAPE(2, 4, 5), SHAPE(1, 5)}},
        {.node = {.op = &us__op_put_max, .how = {2}}, .shape = {SHAPE(3, 2, 3, 5), SHAPE(2, 2, 3)}},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        for (size_t i = 0; i < 2; i++) cases[k].low[i] = 0.3, cases[k].high[i] = 2;
        op_check(&cases[k]);
    }
}

static void rows_of_tables(void **state) {
    op_case cases[] = {
        {.node = {.op = &us__op_gather}, .shape = {SHAPE(2, 4, 3), SHAPE(1, 7)}, .whole = {0, 4}},
        {.node = {.op = &us__op_gather}, .shape = {SHAPE(2, 4, 2), SHAPE(3, 2, 3, 2)}, .whole = {0, 4}},
        {.node = {.op = &us__op_gather}, .shape = {SHAPE(2, 4, 2), {0}}, .whole = {0, 4}},
        {.node = {.op = &us__op_scatter_add, .index = 4}, .shape = {SHAPE(2, 7, 3), SHAPE(1, 7)}, .whole = {0, 4}},
        {.node = {.op = &us__op_scatter_add, .index = 3}, .shape = {SHAPE(3, 2, 5, 2), SHAPE(2, 2, 5)}, .whole = {0, 3}},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        cases[k].low[0] = 0.3, cases[k].high[0] = 2;
        op_check(&cases[k]);
    }
}

/* Powers with a number above: values, and derivatives where the base is negative or zero. */
static void powers_with_constant_exponents(void **state) {
    static const struct {
        double x, exponent, value, first, second;
    } CASES[] = {
        {-2.385, 2, 5.688225, -4.77, 2},
        {-2.385, 3, -13.566416625, 17.064675, -14.31},
        {-2.385, 4, 32.355903650625, -54.2656665, 68.2587},
        {-2.385, 0, 1, 0, 0},
        {-2.385, 1, -2.385, 1, 0},
        {-2, -1, -0.5, -0.25, -0.25},
        {-2, -2, 0.25, 0.25, 0.375},
        {2.25, 0.5, 1.5, 1.0 / 3, -1 / (4 * 3.375)},
        {2.25, 2.5, 7.59375, 8.4375, 5.625},
        {0, 3, 0, 0, 0},
        {0, 2, 0, 0, 2},
        {0, 2.5, 0, 0, 0},
    };
    for (size_t k = 0; k < sizeof CASES / sizeof *CASES; k++) {
        us_graph *g;
        us_problem *p;
        assert_int_equal(us_graph_create(&g, op_context), US_OK);
        us_node x = us_graph_parameter(g, "x", 0, NULL);
        us_graph_set_loss(g, us_graph_pow(g, x, us_graph_constant(g, CASES[k].exponent)));
        assert_int_equal(us_problem_create_graph(&p, g, NULL, US_F64), US_OK);
        us_vec *theta = differences_vec(p), *first = differences_vec(p), *one = differences_vec(p),
               *second = differences_vec(p);
        double value;
        us_vec_fill(theta, CASES[k].x);
        us_vec_fill(one, 1);
        assert_int_equal(us_problem_gradient(p, theta, US_BATCH_ALL, &value, first), US_OK);
        assert_int_equal(us_problem_hvp(p, theta, US_BATCH_ALL, (const us_vec *const[]){one}, (us_vec *const[]){second}, 1),
                         US_OK);
        assert_near(value, CASES[k].value, 1e-14, 0);
        assert_near(us_vec_get(first, 0), CASES[k].first, 1e-14, 0);
        assert_near(us_vec_get(second, 0), CASES[k].second, 1e-14, 0);
        us_vec_destroy(theta), us_vec_destroy(first), us_vec_destroy(one), us_vec_destroy(second);
        us_problem_destroy(p);
    }
}

/* a^b at a = 0 < b: the derivative by b is 0, not 0·log 0. */
static void zero_to_a_positive_power(void **state) {
    us_graph *g;
    us_problem *p;
    assert_int_equal(us_graph_create(&g, op_context), US_OK);
    us_node a = us_graph_parameter(g, "a", 0, NULL), b = us_graph_parameter(g, "b", 0, NULL);
    us_graph_set_loss(g, us_graph_pow(g, a, b));
    assert_int_equal(us_problem_create_graph(&p, g, NULL, US_F64), US_OK);
    us_vec *theta = differences_vec(p), *gradient = differences_vec(p), *hv = differences_vec(p), *v = differences_vec(p);
    us_vec_write_f64(theta, (double[]){0, 2.5});
    us_vec_write_f64(v, (double[]){0.3, 1.7});
    double value;
    assert_int_equal(us_problem_gradient(p, theta, US_BATCH_ALL, &value, gradient), US_OK);
    assert_int_equal(us_problem_hvp(p, theta, US_BATCH_ALL, (const us_vec *const[]){v}, (us_vec *const[]){hv}, 1), US_OK);
    for (size_t i = 0; i < 2; i++) {
        assert_true(us_vec_get(gradient, i) == 0);
        assert_true(us_vec_get(hv, i) == 0);
    }
    us_vec_destroy(theta), us_vec_destroy(gradient), us_vec_destroy(hv), us_vec_destroy(v);
    us_problem_destroy(p);
}

static int ops_setup(void **state) {
    op_context = support_plain_context();
    return 0;
}

static int ops_teardown(void **state) {
    us_context_destroy(op_context);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_of_one_variable),
        cmocka_unit_test(operations_with_broadcasting),
        cmocka_unit_test(matrix_products),
        cmocka_unit_test(products_of_more_axes),
        cmocka_unit_test(axes_are_moved_cut_and_joined),
        cmocka_unit_test(rows_by_number),
        cmocka_unit_test(rows_of_tables),
        cmocka_unit_test(one_of_two),
        cmocka_unit_test(functions_of_rows),
        cmocka_unit_test(largest_along_an_axis),
        cmocka_unit_test(sums_and_shapes),
        cmocka_unit_test(powers_with_constant_exponents),
        cmocka_unit_test(zero_to_a_positive_power),
    };
    return cmocka_run_group_tests(tests, ops_setup, ops_teardown);
}
