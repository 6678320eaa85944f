/* Operations that have samples (images, attention, labels, tiles), each by itself, as the others in ops_test.c: its value
 * against a plain loop, and gradient and product of ½Σ(y + 0.4)², which need its rules of both modes and the derivatives of
 * those; of a sum over samples, gradient and product of Σ y∘s, where s are parameters, too. Every element of every sample is
 * a parameter of its own. */
#include "graph/differences.h"
#include "graph/graph.h"
#include "support.h"

enum { ROWS = 3, MOST = 700 };

static us_context *context;

/* What an operation is asked for. */
typedef struct sample_case {
    us__node node; /* op, index, how and the shape where it is asked for */
    us__node in[2];
    bool labelled;   /* the second input is the labels */
    size_t reversed; /* 1 + the input whose adjoint is looked at, instead of the result; its seed is a parameter */
    bool distinct;   /* elements of the first input differ by more than a step of the differences */
    bool softmax;    /* the first input is a causal softmax of the parameters */
    uint64_t draw;
    /* out [ROWS×elements]; behind b stands the seed */
    void (*plain)(const struct sample_case *c, const double *a, const double *b, double *out);
} sample_case;

static size_t shape_elements(const us__node *n) { return us__elements(n, 1); }

/* ------------------------------------------------------------------ plain loops */

static const uint32_t LABELS[ROWS] = {2, 0, 1};

/* What x[n,c,i,j], w[o,k,u,v] and y[n,o,p,q] that belong together make of two of them: which is 0 for y, 1 for x;
 * stride (2, 1), padding (1, 2), dilation (1, 2), two groups. */
enum { CONVOLUTION_INDEX_GROUPS = 2 };
static const size_t CONVOLUTION_INDEX = (size_t)2 | (size_t)1 << 8 | (size_t)1 << 16 | (size_t)2 << 24 | (size_t)1 << 32 |
                                        (size_t)2 << 40 | (size_t)CONVOLUTION_INDEX_GROUPS << 48;

static void plain_convolve(const us__node *x, const us__node *w, const us__node *y, const double *a, const double *b,
                           double *out, int which) {
    size_t groups = CONVOLUTION_INDEX_GROUPS, at = 0;
    for (size_t n = 0; n < ROWS; n++)
        for (size_t o = 0; o < y->shape[1]; o++)
            for (size_t p = 0; p < y->shape[2]; p++)
                for (size_t q = 0; q < y->shape[3]; q++, at++)
                    for (size_t k = 0; k < w->shape[1]; k++)
                        for (size_t u = 0; u < w->shape[2]; u++)
                            for (size_t v = 0; v < w->shape[3]; v++) {
                                size_t c = o / (w->shape[0] / groups) * w->shape[1] + k;
                                long i = (long)(2 * p + u) - 1, j = (long)(q + 2 * v) - 2;
                                if (i < 0 || j < 0 || i >= (long)x->shape[2] || j >= (long)x->shape[3]) continue;
                                size_t weight = ((o * w->shape[1] + k) * w->shape[2] + u) * w->shape[3] + v;
                                size_t pixel = ((n * x->shape[1] + c) * x->shape[2] + (size_t)i) * x->shape[3] + (size_t)j;
                                if (which == 0) out[at] += a[pixel] * b[weight];
                                if (which == 1) out[pixel] += a[at] * b[weight];
                            }
}

static void plain_convolution(const sample_case *c, const double *a, const double *b, double *out) {
    us__node y = {.shape = {US_SAMPLES, 4, 3, 5}};
    plain_convolve(&c->in[0], &c->in[1], &y, a, b, out, 0);
}
static void plain_by_input(const sample_case *c, const double *a, const double *b, double *out) {
    plain_convolve(&c->node, &c->in[1], &c->in[0], a, b, out, 1);
}
/* x̄ and the adjoint of d, of w̄ = convolution_weight(x, d): the seed in the place of the kernel. */
static void plain_weight_by_image(const sample_case *c, const double *a, const double *b, double *out) {
    (void)a;
    plain_convolve(&c->in[0], &c->node, &c->in[1], b, b + ROWS * shape_elements(&c->in[1]), out, 1);
}
static void plain_weight_by_result(const sample_case *c, const double *a, const double *b, double *out) {
    plain_convolve(&c->in[0], &c->node, &c->in[1], a, b + ROWS * shape_elements(&c->in[1]), out, 0);
}

/* Windows of 3×2, stride (2, 1), padding (1, 0), over images of 2×5×4: 3×3 of them. */
static const size_t POOL_INDEX = (size_t)3 | (size_t)2 << 8 | (size_t)2 << 16 | (size_t)1 << 24 | (size_t)1 << 32;
static const us__node POOL_IMAGE = {.rank = 4, .shape = {US_SAMPLES, 2, 5, 4}};

static void plain_pool(const sample_case *c, const double *a, const double *b, double *out) {
    const us__op *op = c->node.op;
    for (size_t n = 0, at = 0; n < ROWS; n++)
        for (size_t k = 0; k < 2; k++)
            for (size_t p = 0; p < 3; p++)
                for (size_t q = 0; q < 3; q++, at++) {
                    size_t best = SIZE_MAX;
                    for (size_t u = 0; u < 3; u++)
                        for (size_t v = 0; v < 2; v++) {
                            long i = (long)(2 * p + u) - 1, j = (long)(q + v);
                            if (i < 0 || i >= 5 || j >= 4) continue;
                            size_t pixel = ((n * 2 + k) * 5 + (size_t)i) * 4 + (size_t)j;
                            if (op == &us__op_average_pool) out[at] += a[pixel] / 6;
                            if (op == &us__op_average_spread) out[pixel] += a[at] / 6;
                            if (best == SIZE_MAX || a[pixel] > a[best]) best = pixel;
                        }
                    if (op == &us__op_max_pool) out[at] = a[best];
                    if (op == &us__op_pool_pick) out[at] = b[best];
                    if (op == &us__op_pool_place) out[best] += b[at];
                }
}

/* Two heads of three columns over five positions. */
enum { T = 5, HEADS = 2, WIDTH = 6 };

static void plain_scores(const sample_case *c, const double *a, const double *b, double *out) {
    (void)c;
    for (size_t n = 0; n < ROWS; n++)
        for (size_t h = 0; h < HEADS; h++)
            for (size_t i = 0; i < T; i++)
                for (size_t j = 0; j < T; j++, out++)
                    for (size_t k = 3 * h; k < 3 * h + 3; k++)
                        *out += a[(n * T + i) * WIDTH + k] * b[(n * T + j) * WIDTH + k];
}

static void plain_causal(const sample_case *c, const double *a, const double *b, double *out) {
    (void)c, (void)b;
    for (size_t row = 0; row < ROWS * HEADS * T; row++, a += T, out += T) {
        double sum = 0;
        for (size_t j = 0; j <= row % T; j++) sum += exp(a[j]);
        for (size_t j = 0; j <= row % T; j++) out[j] = exp(a[j]) / sum;
    }
}

static void plain_mix(const sample_case *c, const double *a, const double *b, double *out) {
    double p[ROWS * HEADS * T * T] = {0};
    plain_causal(c, a, b, p);
    for (size_t n = 0; n < ROWS; n++)
        for (size_t h = 0; h < HEADS; h++)
            for (size_t i = 0; i < T; i++)
                for (size_t j = 0; j < T; j++) {
                    double weight = p[((n * HEADS + h) * T + (c->node.index ? j : i)) * T + (c->node.index ? i : j)];
                    for (size_t k = 3 * h; k < 3 * h + 3; k++)
                        out[(n * T + i) * WIDTH + k] += weight * b[(n * T + j) * WIDTH + k];
                }
}

static void plain_labels(const sample_case *c, const double *a, const double *b, double *out) {
    (void)b;
    for (size_t n = 0; n < ROWS; n++, a += 4) {
        double sum = 0;
        for (size_t k = 0; k < 4; k++) sum += exp(a[k]);
        if (c->node.op == &us__op_cross_entropy) out[n] = log(sum) - a[LABELS[n]];
        for (size_t k = 0; k < 4 && c->node.op == &us__op_softmax_residual; k++)
            out[4 * n + k] = exp(a[k]) / sum - (k == LABELS[n]);
    }
}

static void plain_tile_mean(const sample_case *c, const double *a, const double *b, double *out) {
    (void)b;
    for (size_t n = 0; n < ROWS && c->draw; n++)
        for (size_t i = 0; i < 12; i++)
            for (size_t k = 0; k < ROWS; k++) out[12 * n + i] += a[12 * k + i] / ROWS;
}

/* ------------------------------------------------------------------ a case as a problem */

typedef struct sample {
    us_dataset *data;
    us_problem *problem;
    us_vec *theta;
    size_t elements; /* of the result, with all samples */
} sample;

/* An input as parameters: of each sample its own, which the row's number finds. */
static us_node sample_input(us_graph *g, const char *name, const us__node *like) {
    if (!us__has_samples(like)) return us_graph_parameter(g, name, like->rank, like->shape);
    us_node table = us_graph_parameter(g, name, 2, (size_t[]){ROWS, shape_elements(like)});
    us_node rows = us_graph_gather(g, table, us_graph_column(g, us_graph_features(g, 1), 0));
    return us_graph_reshape(g, rows, like->rank, like->shape);
}

static us_status sample_problem(us_problem **out, const sample_case *c, const us_dataset *data, size_t *elements,
                                us_precision precision) {
    us_graph *g;
    us_status status = us_graph_create(&g, context);
    if (status != US_OK) return status;
    us__node node = c->node;
    for (size_t k = 0; k < node.op->inputs; k++)
        node.in[k] = c->labelled && k ? us_graph_labels(g, 4) : sample_input(g, k ? "b" : "a", &c->in[k]);
    if (c->softmax) node.in[0] = us__unary(g, &us__op_causal_softmax, node.in[0]);
    g->deriving = true; /* as where derivatives are built: sums over samples are allowed */
    us_node y = us__graph_make(g, node);
    if (y == US_NODE_NONE) fail_msg("%s: %s", node.op->name, us_context_error(context));
    us__node result = *us__at(g, y);
    if (c->reversed) {
        us_node seed = us_graph_parameter(g, "seed", result.rank, result.shape);
        y = node.op->reverse(g, y, c->reversed - 1, seed);
        result = *us__at(g, y);
    }
    size_t n = shape_elements(&result);
    *elements = ROWS * n;
    y = us_graph_reshape(g, y, 2, (size_t[]){US_SAMPLES, n});
    us_node z = us_graph_add(g, y, us_graph_constant(g, 0.4));
    us_node square = us_graph_mul(g, us_graph_constant(g, 0.5), us_graph_mul(g, z, z));
    us_graph_set_loss(g, us_graph_sum(g, square, 1));
    if (!c->labelled) us_graph_set_output(g, y);
    g->deriving = false;
    return us_problem_create_graph(out, g, data, precision);
}

static sample sample_make(const sample_case *c, us_precision precision) {
    sample s = {0};
    assert_int_equal(us_dataset_create(&s.data, context, US_F64, ROWS, 1, US_CLASSIFICATION, 4), US_OK);
    for (size_t i = 0; i < ROWS; i++) ((double *)us_dataset_features(s.data))[i] = (double)i;
    memcpy(us_dataset_labels(s.data), LABELS, sizeof LABELS);
    if (sample_problem(&s.problem, c, s.data, &s.elements, precision) != US_OK) fail_msg("%s", us_context_error(context));
    s.theta = differences_vec(s.problem);
    us_rng rng = us_rng_init(31, 2);
    us_vec_fill_normal(s.theta, &rng);
    uint32_t order[MOST];
    size_t n = us__has_samples(&c->in[0]) ? ROWS * shape_elements(&c->in[0]) : shape_elements(&c->in[0]);
    assert_true(n <= MOST);
    us_rng_permutation(&rng, order, n);
    for (size_t i = 0; i < n && c->distinct; i++) us_vec_set(s.theta, i, 0.1 * (order[i] - 0.4 * (double)n));
    return s;
}

static void sample_destroy(sample *s) {
    us_vec_destroy(s->theta);
    us_problem_destroy(s->problem);
    us_dataset_destroy(s->data);
}

static void sample_check(const sample_case *c) {
    for (int single = 0; single < 2; single++) {
        sample s = sample_make(c, single ? US_F32 : US_F64);
        size_t n = us__has_samples(&c->in[0]) ? ROWS * shape_elements(&c->in[0]) : shape_elements(&c->in[0]);
        double theta[2 * MOST], y[MOST] = {0}, plain[MOST] = {0}, loss, expected = 0, tolerance = single ? 4e-6 : 1e-14;
        assert_true(us_vec_size(s.theta) <= 2 * MOST && s.elements <= MOST);
        for (size_t i = 0; i < us_vec_size(s.theta); i++) theta[i] = us_vec_get(s.theta, i);
        c->plain(c, theta, theta + n, plain);
        if (!c->labelled && c->draw == 0) {
            assert_int_equal(us_problem_graph_predict_rows(s.problem, s.theta, s.data, 0, ROWS, y), US_OK);
            for (size_t i = 0; i < s.elements; i++)
                if (!(fabs(y[i] - plain[i]) <= tolerance * (1 + fabs(plain[i]))))
                    fail_msg("%s: element %zu is %.17g, not %.17g", c->node.op->name, i, y[i], plain[i]);
        }
        for (size_t i = 0; i < s.elements; i++) expected += 0.5 * (plain[i] + 0.4) * (plain[i] + 0.4) / ROWS;
        us_batch all = {.draw = c->draw};
        assert_int_equal(us_problem_value(s.problem, s.theta, all, &loss), US_OK);
        if (!(fabs(loss - expected) <= 10 * tolerance * fabs(expected)))
            fail_msg("%s: loss %.17g, not %.17g", c->node.op->name, loss, expected);
        if (!single) {
            double gradient = differences_gradient(s.problem, s.theta, all),
                   product = differences_product(s.problem, s.theta, all);
            if (!(gradient < 1e-9)) fail_msg("%s: gradient off by %g", c->node.op->name, gradient);
            if (!(product < 1e-8)) fail_msg("%s: product off by %g", c->node.op->name, product);
        }
        sample_destroy(&s);
    }
}

/* ------------------------------------------------------------------ all of them */

#define SHAPE(n, ...)                       \
    {                                       \
        .rank = n, .shape = { __VA_ARGS__ } \
    }
#define SAMPLES(n, ...) SHAPE(n, US_SAMPLES, __VA_ARGS__)

static void convolutions(void **state) {
    static const us__node X = SAMPLES(4, 4, 5, 5), W = SHAPE(4, 4, 2, 2, 3), Y = SAMPLES(4, 4, 3, 5);
    sample_case cases[] = {
        {.node = {.op = &us__op_convolution}, .in = {X, W}, .plain = plain_convolution},
        {.node = SAMPLES(4, 4, 5, 5), .in = {Y, W}, .plain = plain_by_input},
        {.node = SHAPE(4, 4, 2, 2, 3), .in = {X, Y}, .plain = plain_weight_by_image, .reversed = 1},
        {.node = SHAPE(4, 4, 2, 2, 3), .in = {X, Y}, .plain = plain_weight_by_result, .reversed = 2},
    };
    cases[1].node.op = &us__op_convolution_input;
    cases[2].node.op = cases[3].node.op = &us__op_convolution_weight;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        cases[k].node.index = CONVOLUTION_INDEX;
        sample_check(&cases[k]);
    }
}

static void pools(void **state) {
    static const us__node Y = SAMPLES(4, 2, 3, 3);
    sample_case cases[] = {
        {.node = {.op = &us__op_max_pool}, .in = {POOL_IMAGE}, .distinct = true},
        {.node = {.op = &us__op_pool_pick}, .in = {POOL_IMAGE, POOL_IMAGE}, .distinct = true},
        {.node = {.op = &us__op_pool_place}, .in = {POOL_IMAGE, Y}, .distinct = true},
        {.node = {.op = &us__op_average_pool}, .in = {POOL_IMAGE}},
        {.node = SAMPLES(4, 2, 5, 4), .in = {Y}},
    };
    cases[4].node.op = &us__op_average_spread;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        cases[k].node.index = POOL_INDEX;
        cases[k].plain = plain_pool;
        sample_check(&cases[k]);
    }
}

static void attention(void **state) {
    static const us__node X = SAMPLES(3, T, WIDTH), S = SAMPLES(4, HEADS, T, T);
    const sample_case cases[] = {
        {.node = {.op = &us__op_attention_scores, .how = {HEADS}}, .in = {X, X}, .plain = plain_scores},
        {.node = {.op = &us__op_causal_softmax}, .in = {S}, .plain = plain_causal},
        {.node = {.op = &us__op_attention_mix, .how = {HEADS}}, .in = {S, X}, .softmax = true, .plain = plain_mix},
        {.node = {.op = &us__op_attention_mix, .how = {HEADS}, .index = 1},
         .in = {S, X},
         .softmax = true,
         .plain = plain_mix},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) sample_check(&cases[k]);
}

static void labels(void **state) {
    static const us__node Z = SAMPLES(2, 4);
    const sample_case cases[] = {
        {.node = {.op = &us__op_cross_entropy}, .in = {Z}, .labelled = true, .plain = plain_labels},
        {.node = {.op = &us__op_softmax_residual}, .in = {Z}, .labelled = true, .plain = plain_labels},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) sample_check(&cases[k]);
}

static void means_over_rows(void **state) {
    sample_case c = {.node = {.op = &us__op_tile_mean}, .in = {SAMPLES(3, 4, 3)}, .plain = plain_tile_mean};
    for (c.draw = 0; c.draw < 2; c.draw++) sample_check(&c);
}

static int samples_setup(void **state) {
    context = support_plain_context();
    return 0;
}

static int samples_teardown(void **state) {
    us_context_destroy(context);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions), cmocka_unit_test(pools),           cmocka_unit_test(attention),
        cmocka_unit_test(labels),       cmocka_unit_test(means_over_rows),
    };
    return cmocka_run_group_tests(tests, samples_setup, samples_teardown);
}
