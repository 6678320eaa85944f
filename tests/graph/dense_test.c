/* The Hessian of networks of dense layers as a whole, against its columns by Hessian-vector products, which are other code
 * (and are compared with differences and PyTorch elsewhere). */
#include "graph/dense.h"
#include "problem/problem.h"
#include "support.h"
#include <unstuck/curvature.h>
#include <unstuck/density.h>

enum { INPUTS = 3, OUTPUTS = 2 };

typedef struct net {
    us_dataset *data;
    us_problem *problem, *penalised;
    us_vec *theta;
} net;

/* kind: 0 one layer; 1 tanh; 2 relu, two hidden layers; 3 a layer around which the input goes, too; 4 an output without a
 * bias; 5 one weight matrix used twice. */
static us_node net_layer(us_graph *g, us_node h, const char *name, size_t in, size_t out) {
    char text[32];
    snprintf(text, sizeof text, "%s.weight", name);
    us_node w = us_graph_parameter(g, text, 2, (size_t[]){out, in});
    snprintf(text, sizeof text, "%s.bias", name);
    us_node b = us_graph_parameter(g, text, 1, (size_t[]){out});
    return us_graph_add(g, us_graph_matmul(g, h, false, w, true), b);
}

static us_node net_output(us_graph *g, int kind) {
    us_node x = us_graph_features(g, INPUTS), h;
    if (kind == 0) return net_layer(g, x, "a", INPUTS, OUTPUTS);
    h = us_graph_apply(g, kind == 2 ? "relu" : "tanh", net_layer(g, x, "a", INPUTS, 4));
    if (kind == 2) h = us_graph_apply(g, "relu", net_layer(g, h, "b", 4, 5));
    if (kind == 3) h = us_graph_concatenate(g, h, x, 1);
    if (kind == 5) {
        us_node w = us_graph_parameter(g, "twice", 2, (size_t[]){4, 4});
        h = us_graph_apply(
            g, "tanh", us_graph_matmul(g, us_graph_apply(g, "tanh", us_graph_matmul(g, h, false, w, true)), false, w, true));
    }
    size_t width = kind == 2 ? 5 : kind == 3 ? 4 + INPUTS : 4;
    if (kind != 4) return net_layer(g, h, "last", width, OUTPUTS);
    return us_graph_matmul(g, h, false, us_graph_parameter(g, "last", 2, (size_t[]){OUTPUTS, width}), true);
}

static net net_open(us_context *context, int kind, bool classes, us_precision precision, size_t rows) {
    net s;
    us_graph *g;
    us_rng rng = us_rng_init(7, 1);
    us_task task = classes ? US_CLASSIFICATION : US_REGRESSION;
    assert_int_equal(us_dataset_create(&s.data, context, US_F64, rows, INPUTS, task, OUTPUTS), US_OK);
    for (size_t i = 0; i < rows * INPUTS; i++) ((double *)us_dataset_features(s.data))[i] = us_rng_normal(&rng);
    for (size_t i = 0; i < rows && classes; i++) us_dataset_labels(s.data)[i] = us_rng_below(&rng, OUTPUTS);
    for (size_t i = 0; i < rows * OUTPUTS && !classes; i++) ((double *)us_dataset_targets(s.data))[i] = us_rng_normal(&rng);
    assert_int_equal(us_graph_create(&g, context), US_OK);
    us_node z = net_output(g, kind);
    if (classes) {
        us_graph_set_loss(g, us_graph_cross_entropy(g, z, us_graph_labels(g, OUTPUTS)));
    } else {
        us_node e = us_graph_sub(g, z, us_graph_targets(g, OUTPUTS));
        us_graph_set_loss(g, us_graph_sum(g, us_graph_mul(g, e, e), 1));
    }
    assert_int_equal(us_problem_create_graph(&s.problem, g, s.data, precision), US_OK);
    assert_int_equal(us_problem_create_l2(&s.penalised, s.problem, 0.375, false), US_OK);
    assert_int_equal(us_vec_create(&s.theta, context, precision, us_problem_dimension(s.problem)), US_OK);
    for (size_t i = 0; i < us_vec_size(s.theta); i++) us_vec_set(s.theta, i, 0.6 * us_rng_normal(&rng));
    return s;
}

static void net_close(net *s) {
    us_vec_destroy(s->theta);
    us_problem_destroy(s->penalised);
    us_problem_destroy(s->problem);
    us_dataset_destroy(s->data);
}

static void compare(us_problem *problem, const us_vec *theta, us_batch batch, double tolerance) {
    size_t n = us_problem_dimension(problem);
    us_vec *x, *y;
    double *h = malloc(n * n * sizeof *h);
    us_spectrum_options o = US_SPECTRUM_OPTIONS_INIT;
    o.batch = batch;
    assert_int_equal(us_hessian_dense(problem, theta, &o, h), US_OK);
    assert_int_equal(us_vec_create(&x, us_problem_context(problem), us_problem_precision(problem), n), US_OK);
    assert_int_equal(us_vec_create(&y, us_problem_context(problem), us_problem_precision(problem), n), US_OK);
    for (size_t j = 0; j < n; j++) {
        us_vec_fill(x, 0), us_vec_set(x, j, 1);
        assert_int_equal(us_problem_hvp(problem, theta, batch, (const us_vec *const *)&x, &y, 1), US_OK);
        for (size_t i = 0; i < n; i++) assert_near(h[j * n + i], us_vec_get(y, i), tolerance, tolerance);
    }
    us_vec_destroy(x), us_vec_destroy(y);
    free(h);
}

static void is_made_of_products(void **state) {
    us_context *context = support_plain_context();
    static const uint32_t SOME[] = {5, 3, 99, 3, 41, 7};
    for (int kind = 0; kind < 6; kind++)
        for (int bits = 0; bits < 2; bits++)
            for (int classes = 0; classes < 2; classes++) {
                size_t rows = kind == 2 ? US__DENSE_ROWS + 77 : 100; /* more than a chunk */
                net s = net_open(context, kind, classes, bits ? US_F64 : US_F32, rows);
                double tolerance = bits ? 1e-12 : 2e-5;
                compare(s.problem, s.theta, US_BATCH_ALL, tolerance);
                compare(s.penalised, s.theta, US_BATCH_ALL, tolerance);
                compare(s.problem, s.theta, (us_batch){.rows = SOME, .count = sizeof SOME / sizeof *SOME}, tolerance);
                net_close(&s);
            }
    us_context_destroy(context);
}

/* The diagonal, and the trace, against the columns; `exact`: by a tangent a unit, whatever that takes. */
static void compare_diagonal(us_problem *problem, const us_vec *theta, us_batch batch, bool exact, double tolerance) {
    size_t n = us_problem_dimension(problem);
    double *h = malloc(n * n * sizeof *h), *d = malloc(2 * n * sizeof *d), *e = d + n, products, trace = 0, size = 0;
    us_spectrum_options o = US_SPECTRUM_OPTIONS_INIT;
    o.batch = batch;
    assert_int_equal(us_hessian_dense(problem, theta, &o, h), US_OK);
    assert_int_equal(us__problem_diagonal(problem, theta, batch, 1e9, d, &products), US_OK);
    assert_true(exact == (products > 0));
    for (size_t i = 0; i < n && exact; i++) assert_near(d[i], h[i * n + i], tolerance, tolerance);
    for (size_t i = 0; i < n; i++) trace += h[i * n + i], size += fabs(h[i * n + i]);
    us_diagonal_options od = US_DIAGONAL_OPTIONS_INIT;
    od.batch = batch, od.products = 1000;
    assert_int_equal(us_curvature_diagonal(d, e, problem, theta, &od), US_OK);
    for (size_t i = 0; i < n; i++) assert_near(d[i], h[i * n + i], tolerance, tolerance), assert_true(e[i] == 0);
    us_trace_options ot = US_TRACE_OPTIONS_INIT;
    us_trace_estimate t;
    ot.products = 1000;
    assert_int_equal(us_hessian_trace(&t, problem, theta, batch, &ot), US_OK);
    assert_near(t.value, trace, 0, 2 * tolerance * size);
    assert_true(t.standard_error <= tolerance * size && t.products > 0);
    assert_int_equal(us__problem_diagonal(problem, theta, batch, 1e-3, d, &products), US_OK); /* too dear */
    assert_true(products == 0);
    free(d);
    free(h);
}

static void diagonals_are_exact(void **state) {
    us_context *context = support_plain_context();
    static const uint32_t SOME[] = {5, 3, 99, 3, 41, 7};
    for (int kind = 0; kind < 6; kind++)
        for (int bits = 0; bits < 2; bits++)
            for (int classes = 0; classes < 2; classes++) {
                net s = net_open(context, kind, classes, bits ? US_F64 : US_F32, kind == 1 ? US__DENSE_ROWS + 77 : 100);
                double tolerance = bits ? 1e-12 : 2e-5;
                us_batch some = {.rows = SOME, .count = sizeof SOME / sizeof *SOME};
                us_problem *sample, *counted;
                us_evaluations counts = {0};
                compare_diagonal(s.problem, s.theta, US_BATCH_ALL, kind < 4, tolerance);
                compare_diagonal(s.penalised, s.theta, some, kind < 4, tolerance);
                assert_int_equal(us_problem_create_sample(&sample, s.penalised, 30, false), US_OK);
                assert_int_equal(us_problem_create_counted(&counted, sample, &counts, true), US_OK);
                compare_diagonal(counted, s.theta, US_BATCH_ALL, kind < 4, tolerance);
                assert_true(counts.product_rows > 0);
                us_problem_destroy(counted);
                net_close(&s);
            }
    us_context_destroy(context);
}

/* The short way is taken where it is meant to be: else the comparison above compares products with themselves. */
static void which_graphs(void **state) {
    us_context *context = support_plain_context();
    for (int kind = 0; kind < 6; kind++) {
        us_graph *g;
        us__dense *dense;
        assert_int_equal(us_graph_create(&g, context), US_OK);
        us_graph_set_loss(g, us_graph_cross_entropy(g, net_output(g, kind), us_graph_labels(g, OUTPUTS)));
        assert_int_equal(us__dense_create(&dense, g, US_F64), US_OK);
        assert_int_equal(dense != NULL, kind < 4);
        us__dense_destroy(dense);
        us_graph_destroy(g);
    }
    us_context_destroy(context);
}

static us_status run_hessian(us_context *context, void *user) {
    net s = {0};
    us_graph *g;
    double h[64 * 64];
    us_trace_estimate t;
    us_status status = us_dataset_create(&s.data, context, US_F64, 4, INPUTS, US_CLASSIFICATION, OUTPUTS);
    if (status == US_OK) status = us_graph_create(&g, context);
    if (status == US_OK) {
        us_graph_set_loss(g, us_graph_cross_entropy(g, net_output(g, 1), us_graph_labels(g, OUTPUTS)));
        status = us_problem_create_graph(&s.problem, g, s.data, US_F64);
    }
    if (status == US_OK) status = us_vec_create(&s.theta, context, US_F64, us_problem_dimension(s.problem));
    if (status == US_OK) us_vec_fill(s.theta, 0.25);
    if (status == US_OK) status = us_hessian_dense(s.problem, s.theta, NULL, h);
    if (status == US_OK) status = us_hessian_trace(&t, s.problem, s.theta, US_BATCH_ALL, NULL);
    us_vec_destroy(s.theta);
    us_problem_destroy(s.problem);
    us_dataset_destroy(s.data);
    return status;
}

static void out_of_memory(void **state) { support_fail_each_allocation(run_hessian, NULL); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_made_of_products),
        cmocka_unit_test(diagonals_are_exact),
        cmocka_unit_test(which_graphs),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
