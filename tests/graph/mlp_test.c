/* Two-layer networks: gradients and products against differences, batches against sums over samples, precisions. */
#include "graph/differences.h"
#include "support.h"
#include <unstuck/graph.h>

enum { INPUTS = 99, HIDDEN = 7, OUTPUTS = 3, ROWS = 1100 }; /* features in panels; more rows than two blocks */

static const char *const ACTIVATIONS[] = {"tanh", "gelu", "sigmoid", "relu", "softplus"};

typedef struct mlp {
    us_context *context;
    us_dataset *data;
    us_problem *problem;
    us_vec *theta;
} mlp;

static us_dataset *mlp_data(us_context *context, us_precision precision, us_task task) {
    us_dataset *data;
    assert_int_equal(us_dataset_create(&data, context, precision, ROWS, INPUTS, task, OUTPUTS), US_OK);
    us_rng rng = us_rng_init(7, 1);
    for (size_t i = 0; i < ROWS * INPUTS; i++) {
        float x = (float)us_rng_normal(&rng);
        if (precision == US_F32)
            ((float *)us_dataset_features(data))[i] = x;
        else
            ((double *)us_dataset_features(data))[i] = (double)x;
    }
    for (size_t i = 0; i < ROWS; i++) {
        if (task == US_CLASSIFICATION) {
            us_dataset_labels(data)[i] = us_rng_below(&rng, OUTPUTS);
            continue;
        }
        for (size_t j = 0; j < OUTPUTS; j++) {
            float y = (float)us_rng_normal(&rng);
            if (precision == US_F32)
                ((float *)us_dataset_targets(data))[i * OUTPUTS + j] = y;
            else
                ((double *)us_dataset_targets(data))[i * OUTPUTS + j] = (double)y;
        }
    }
    return data;
}

/* half-mse or cross-entropy of W₂·f(W₁x + b₁) + b₂ */
static us_status mlp_problem(us_problem **out, us_context *context, const us_dataset *data, const char *activation,
                             us_precision precision) {
    us_graph *g;
    us_status status = us_graph_create(&g, context);
    if (status != US_OK) return status;
    us_node w1 = us_graph_parameter(g, "layer1.weight", 2, (size_t[]){HIDDEN, INPUTS});
    us_node b1 = us_graph_parameter(g, "layer1.bias", 1, (size_t[]){HIDDEN});
    us_node w2 = us_graph_parameter(g, "layer2.weight", 2, (size_t[]){OUTPUTS, HIDDEN});
    us_node b2 = us_graph_parameter(g, "layer2.bias", 1, (size_t[]){OUTPUTS});
    us_node x = us_graph_features(g, INPUTS);
    us_node h = us_graph_apply(g, activation, us_graph_add(g, us_graph_matmul(g, x, false, w1, true), b1));
    us_node z = us_graph_add(g, us_graph_matmul(g, h, false, w2, true), b2);
    us_graph_set_output(g, z);
    if (us_dataset_task(data) == US_CLASSIFICATION) {
        us_graph_set_loss(g, us_graph_cross_entropy(g, z, us_graph_labels(g, OUTPUTS)));
    } else {
        us_node e = us_graph_sub(g, z, us_graph_targets(g, OUTPUTS));
        us_graph_set_loss(g, us_graph_mul(g, us_graph_constant(g, 0.5), us_graph_sum(g, us_graph_mul(g, e, e), 1)));
    }
    return us_problem_create_graph(out, g, data, precision);
}

static mlp mlp_make(us_task task, const char *activation, us_precision data_precision, us_precision precision) {
    mlp m = {.context = support_plain_context()};
    m.data = mlp_data(m.context, data_precision, task);
    us_status status = mlp_problem(&m.problem, m.context, m.data, activation, precision);
    if (status != US_OK) fail_msg("%s", us_context_error(m.context));
    assert_int_equal(us_vec_create(&m.theta, m.context, precision, us_problem_dimension(m.problem)), US_OK);
    us_rng rng = us_rng_init(3, 0);
    us_vec_fill_normal(m.theta, &rng);
    us_vec_scale(m.theta, 0.6);
    return m;
}

static void mlp_destroy(mlp *m) {
    us_vec_destroy(m->theta);
    us_problem_destroy(m->problem);
    us_dataset_destroy(m->data);
    us_context_destroy(m->context);
}

static void derivatives_agree_with_differences(void **state) {
    for (size_t a = 0; a < sizeof ACTIVATIONS / sizeof *ACTIVATIONS; a++)
        for (us_task task = US_REGRESSION; task <= US_CLASSIFICATION; task++) {
            mlp m = mlp_make(task, ACTIVATIONS[a], US_F32, US_F64);
            uint32_t rows[] = {5, 900, 5, 17, 1099};
            us_batch batch = {rows, 5};
            /* relu has a kink, which a difference across it sees */
            double gradient = differences_gradient(m.problem, m.theta, batch),
                   product = differences_product(m.problem, m.theta, batch);
            if (!(gradient < 1e-8)) fail_msg("%s: gradient off by %g", ACTIVATIONS[a], gradient);
            if (!(product < 1e-8)) fail_msg("%s: product off by %g", ACTIVATIONS[a], product);
            assert_true(us_problem_hvp_is_exact(m.problem));
            mlp_destroy(&m);
        }
}

/* f(θ; rows) and its gradient and product are the means of those of single rows. */
static void mlp_check_batch(mlp *m, us_batch batch, size_t count) {
    us_vec *gradient = differences_vec(m->problem), *hv = differences_vec(m->problem), *v = differences_vec(m->problem);
    us_vec *g = differences_vec(m->problem), *h = differences_vec(m->problem), *sum = differences_vec(m->problem),
           *hsum = differences_vec(m->problem);
    us_rng rng = us_rng_init(2, 9);
    us_vec_fill_normal(v, &rng);
    double loss, value, total = 0, one;
    assert_int_equal(us_problem_gradient(m->problem, m->theta, batch, &loss, gradient), US_OK);
    assert_int_equal(us_problem_value(m->problem, m->theta, batch, &value), US_OK);
    assert_int_equal(us_problem_hvp(m->problem, m->theta, batch, (const us_vec *const[]){v}, &hv, 1), US_OK);
    for (size_t i = 0; i < count; i++) {
        uint32_t row = batch.rows ? batch.rows[i] : (uint32_t)i;
        us_batch single = {&row, 1};
        assert_int_equal(us_problem_gradient(m->problem, m->theta, single, &one, g), US_OK);
        assert_int_equal(us_problem_hvp(m->problem, m->theta, single, (const us_vec *const[]){v}, &h, 1), US_OK);
        total += one / (double)count;
        us_vec_axpy(sum, 1 / (double)count, g);
        us_vec_axpy(hsum, 1 / (double)count, h);
    }
    assert_near(loss, total, 1e-13, 0);
    assert_true(loss == value);
    us_vec_axpy(sum, -1, gradient);
    us_vec_axpy(hsum, -1, hv);
    assert_true(us_vec_norm_inf(sum) < 1e-13 * (1 + us_vec_norm_inf(gradient)));
    assert_true(us_vec_norm_inf(hsum) < 1e-13 * (1 + us_vec_norm_inf(hv)));
    us_vec_destroy(gradient), us_vec_destroy(hv), us_vec_destroy(v), us_vec_destroy(g), us_vec_destroy(h),
        us_vec_destroy(sum), us_vec_destroy(hsum);
}

static void batches_are_means_over_rows(void **state) {
    for (us_task task = US_REGRESSION; task <= US_CLASSIFICATION; task++)
        for (int same = 0; same < 2; same++) {
            mlp m = mlp_make(task, "tanh", same ? US_F64 : US_F32, US_F64);
            uint32_t rows[ROWS];
            for (size_t i = 0; i < ROWS; i++) rows[i] = (uint32_t)(i * 7 % ROWS);
            mlp_check_batch(&m, (us_batch){(uint32_t[]){3, 1099, 3, 3, 511, 512}, 6}, 6);
            mlp_check_batch(&m, (us_batch){(uint32_t[]){513}, 1}, 1);
            mlp_check_batch(&m, (us_batch){rows, 512}, 512);
            mlp_check_batch(&m, (us_batch){rows, 513}, 513);
            mlp_check_batch(&m, (us_batch){rows, ROWS}, ROWS);
            mlp_check_batch(&m, US_BATCH_ALL, ROWS);
            mlp_destroy(&m);
        }
}

/* More vectors than are computed together, on one block of rows and on several, are those of one at a time. */
static void many_products_are_those_of_one(void **state) {
    enum { VECTORS = 21 };
    mlp m = mlp_make(US_CLASSIFICATION, "gelu", US_F32, US_F64);
    us_batch batches[] = {{(uint32_t[]){5, 7, 1000}, 3}, US_BATCH_ALL};
    us_vec *v[VECTORS], *hv[VECTORS], *one = differences_vec(m.problem);
    us_rng rng = us_rng_init(8, 8);
    for (size_t k = 0; k < VECTORS; k++) {
        v[k] = differences_vec(m.problem), hv[k] = differences_vec(m.problem);
        us_vec_fill_normal(v[k], &rng);
    }
    for (size_t b = 0; b < 2; b++) {
        assert_int_equal(us_problem_hvp(m.problem, m.theta, batches[b], (const us_vec *const *)v, hv, VECTORS), US_OK);
        for (size_t k = 0; k < VECTORS; k++) {
            assert_int_equal(us_problem_hvp(m.problem, m.theta, batches[b], (const us_vec *const *)&v[k], &one, 1), US_OK);
            assert_int_equal(us_vec_count_different(one, hv[k]), 0);
        }
    }
    for (size_t k = 0; k < VECTORS; k++) us_vec_destroy(v[k]), us_vec_destroy(hv[k]);
    us_vec_destroy(one);
    mlp_destroy(&m);
}

/* One graph in both precisions, on data of either. */
static void recasting_gives_the_same_function(void **state) {
    for (size_t a = 0; a < sizeof ACTIVATIONS / sizeof *ACTIVATIONS; a++)
        for (int flip = 0; flip < 2; flip++) {
            us_precision first = flip ? US_F64 : US_F32, second = flip ? US_F32 : US_F64;
            mlp m = mlp_make(a % 2 ? US_REGRESSION : US_CLASSIFICATION, ACTIVATIONS[a], first, first);
            us_problem *other, *again;
            assert_int_equal(us_problem_recast(&other, m.problem, second), US_OK);
            assert_int_equal(us_problem_recast(&again, other, first), US_OK);
            assert_int_equal(us_problem_precision(other), second);
            assert_int_equal(us_problem_samples(other), ROWS);
            us_vec *theta = differences_vec(other), *g = differences_vec(m.problem), *h = differences_vec(other),
                   *k = differences_vec(again);
            us_vec_copy(theta, m.theta);
            double f[3];
            assert_int_equal(us_problem_gradient(m.problem, m.theta, US_BATCH_ALL, &f[0], g), US_OK);
            assert_int_equal(us_problem_gradient(other, theta, US_BATCH_ALL, &f[1], h), US_OK);
            assert_int_equal(us_problem_gradient(again, m.theta, US_BATCH_ALL, &f[2], k), US_OK);
            assert_near(f[0], f[1], 2e-6, 0);
            assert_true(f[0] == f[2]);
            assert_int_equal(us_vec_count_different(g, k), 0);
            for (size_t i = 0; i < us_vec_size(g); i++) assert_near(us_vec_get(g, i), us_vec_get(h, i), 1e-5, 2e-6);
            us_vec_destroy(theta), us_vec_destroy(g), us_vec_destroy(h), us_vec_destroy(k);
            us_problem_destroy(again), us_problem_destroy(other);
            mlp_destroy(&m);
        }
}

/* Beside a plain forward pass. */
static void predictions_are_the_outputs(void **state) {
    mlp m = mlp_make(US_REGRESSION, "sigmoid", US_F32, US_F32);
    double *outputs = malloc(ROWS * OUTPUTS * sizeof *outputs);
    const float *x = us_dataset_features_const(m.data), *t = us_vec_data_const(m.theta);
    const float *b1 = t + HIDDEN * INPUTS, *w2 = b1 + HIDDEN, *b2 = w2 + OUTPUTS * HIDDEN;
    assert_int_equal(us_problem_graph_predict(m.problem, m.theta, x, ROWS, outputs), US_OK);
    for (size_t i = 0; i < ROWS; i++) {
        double h[HIDDEN];
        for (size_t j = 0; j < HIDDEN; j++) {
            double z = (double)b1[j];
            for (size_t k = 0; k < INPUTS; k++) z += (double)t[j * INPUTS + k] * (double)x[i * INPUTS + k];
            h[j] = 1 / (1 + exp(-z));
        }
        for (size_t j = 0; j < OUTPUTS; j++) {
            double z = (double)b2[j];
            for (size_t k = 0; k < HIDDEN; k++) z += (double)w2[j * HIDDEN + k] * h[k];
            assert_near(outputs[i * OUTPUTS + j], z, 1e-5, 1e-6);
        }
    }
    free(outputs);
    mlp_destroy(&m);
}

static void groups_are_the_parameters(void **state) {
    mlp m = mlp_make(US_CLASSIFICATION, "relu", US_F32, US_F32);
    size_t count;
    const us_group *groups = us_problem_groups(m.problem, &count);
    assert_int_equal(count, 4);
    assert_string_equal(groups[0].name, "layer1.weight");
    assert_string_equal(groups[3].name, "layer2.bias");
    assert_int_equal(groups[0].rank, 2);
    assert_int_equal(groups[0].shape[0], HIDDEN);
    assert_int_equal(groups[0].shape[1], INPUTS);
    size_t at = 0;
    for (size_t k = 0; k < count; k++) {
        assert_int_equal(groups[k].offset, at);
        at += groups[k].count;
    }
    assert_int_equal(at, us_problem_dimension(m.problem));
    mlp_destroy(&m);
}

static us_status mlp_body(us_context *context, void *user) {
    us_dataset *data;
    us_problem *p = NULL, *other = NULL;
    us_vec *theta = NULL, *g = NULL, *hv = NULL;
    us_status status = us_dataset_create(&data, context, US_F32, ROWS, INPUTS, US_CLASSIFICATION, OUTPUTS);
    if (status == US_OK) status = mlp_problem(&p, context, data, "gelu", US_F32);
    if (status == US_OK) status = us_problem_recast(&other, p, US_F64);
    if (status == US_OK) status = us_vec_create(&theta, context, US_F64, us_problem_dimension(p));
    if (status == US_OK) status = us_vec_create(&g, context, US_F64, us_problem_dimension(p));
    if (status == US_OK) status = us_vec_create(&hv, context, US_F64, us_problem_dimension(p));
    double loss;
    if (status == US_OK) status = us_problem_gradient(other, theta, US_BATCH_ALL, &loss, g);
    if (status == US_OK) status = us_problem_hvp(other, theta, US_BATCH_ALL, (const us_vec *const *)&g, &hv, 1);
    us_vec_destroy(theta), us_vec_destroy(g), us_vec_destroy(hv);
    us_problem_destroy(other);
    us_problem_destroy(p);
    us_dataset_destroy(data);
    return status;
}

static void failing_allocations_leave_nothing(void **state) { support_fail_each_allocation(mlp_body, NULL); }

static void steps_do_not_allocate(void **state) {
    support_memory memory = {0};
    us_context *context = support_context(&memory);
    us_dataset *data = mlp_data(context, US_F32, US_CLASSIFICATION);
    us_problem *p;
    assert_int_equal(mlp_problem(&p, context, data, "tanh", US_F32), US_OK);
    us_vec *theta = differences_vec(p), *g = differences_vec(p), *hv = differences_vec(p);
    uint32_t rows[40] = {1, 2, 3};
    double loss;
    long calls = 0;
    for (int round = 0; round < 3; round++) {
        for (size_t n = 40; n > 0; n /= 3) {
            assert_int_equal(us_problem_gradient(p, theta, (us_batch){rows, n}, &loss, g), US_OK);
            assert_int_equal(us_problem_value(p, theta, (us_batch){rows, n}, &loss), US_OK);
            assert_int_equal(us_problem_hvp(p, theta, (us_batch){rows, n}, (const us_vec *const *)&g, &hv, 1), US_OK);
        }
        assert_int_equal(us_problem_gradient(p, theta, US_BATCH_ALL, &loss, g), US_OK);
        assert_int_equal(us_problem_hvp(p, theta, US_BATCH_ALL, (const us_vec *const *)&g, &hv, 1), US_OK);
        if (round == 0) calls = memory.calls;
    }
    assert_int_equal(memory.calls, calls);
    us_vec_destroy(theta), us_vec_destroy(g), us_vec_destroy(hv);
    us_problem_destroy(p);
    us_dataset_destroy(data);
    us_context_destroy(context);
    assert_int_equal(memory.alive, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(derivatives_agree_with_differences), cmocka_unit_test(batches_are_means_over_rows),
        cmocka_unit_test(many_products_are_those_of_one),     cmocka_unit_test(recasting_gives_the_same_function),
        cmocka_unit_test(predictions_are_the_outputs),        cmocka_unit_test(groups_are_the_parameters),
        cmocka_unit_test(failing_allocations_leave_nothing),  cmocka_unit_test(steps_do_not_allocate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
