/* Gauss-Newton and Fisher products: against PyTorch, against dense sums over rows of other code, and what they must be. */
#include "oracle/products.h"
#include "support.h"
#include <unstuck/graph.h>
#include <unstuck/linear.h>

typedef struct net {
    us_dataset *data;
    us_problem *problem;
    us_vec *theta;
} net;

/* A network of one hidden layer on `rows` rows, or on the oracle's own data. deep false: no hidden layer. */
static us_status net_open(net *s, us_context *context, us_task task, us_precision precision, bool deep, bool output) {
    us_graph *g;
    *s = (net){0};
    us_status status = us_dataset_create(&s->data, context, US_F64, ORACLE_ROWS, ORACLE_INPUTS, task, ORACLE_OUTPUTS);
    if (status != US_OK) return status;
    memcpy(us_dataset_features(s->data), oracle_x, sizeof oracle_x);
    for (size_t i = 0; task == US_CLASSIFICATION && i < ORACLE_ROWS; i++) us_dataset_labels(s->data)[i] = oracle_labels[i];
    if (task == US_REGRESSION) memcpy(us_dataset_targets(s->data), oracle_y, sizeof oracle_y);
    if ((status = us_graph_create(&g, context)) != US_OK) return status;
    us_node h = us_graph_features(g, ORACLE_INPUTS);
    size_t width = deep ? ORACLE_HIDDEN : ORACLE_INPUTS;
    if (deep) {
        us_node w = us_graph_parameter(g, "layer1.weight", 2, (size_t[]){ORACLE_HIDDEN, ORACLE_INPUTS});
        us_node b = us_graph_parameter(g, "layer1.bias", 1, (size_t[]){ORACLE_HIDDEN});
        h = us_graph_apply(g, "tanh", us_graph_add(g, us_graph_matmul(g, h, false, w, true), b));
    }
    us_node w = us_graph_parameter(g, "last.weight", 2, (size_t[]){ORACLE_OUTPUTS, width});
    us_node b = us_graph_parameter(g, "last.bias", 1, (size_t[]){ORACLE_OUTPUTS});
    us_node z = us_graph_add(g, us_graph_matmul(g, h, false, w, true), b);
    if (output) us_graph_set_output(g, z);
    if (task == US_CLASSIFICATION) {
        us_graph_set_loss(g, us_graph_cross_entropy(g, z, us_graph_labels(g, ORACLE_OUTPUTS)));
    } else {
        us_node e = us_graph_sub(g, z, us_graph_targets(g, ORACLE_OUTPUTS));
        us_graph_set_loss(g, us_graph_mul(g, us_graph_constant(g, 0.5), us_graph_sum(g, us_graph_mul(g, e, e), 1)));
    }
    if ((status = us_problem_create_graph(&s->problem, g, s->data, precision)) != US_OK) return status;
    if ((status = us_vec_create(&s->theta, context, precision, us_problem_dimension(s->problem))) != US_OK) return status;
    us_vec_write_f64(s->theta, oracle_theta);
    return US_OK;
}

static void net_close(net *s) {
    us_vec_destroy(s->theta);
    us_problem_destroy(s->problem);
    us_dataset_destroy(s->data);
}

static us_status multiply(us_problem *problem, us_product product, const us_vec *theta, us_batch batch, const double *v,
                          double *out) {
    us_vec *x = NULL, *y = NULL;
    us_context *context = us_problem_context(problem);
    us_status status = us_vec_create(&x, context, us_problem_precision(problem), us_problem_dimension(problem));
    if (status == US_OK) status = us_vec_create(&y, context, us_problem_precision(problem), us_problem_dimension(problem));
    if (status == US_OK) {
        us_vec_write_f64(x, v);
        status = us_problem_product(problem, product, theta, batch, (const us_vec *const *)&x, &y, 1);
    }
    if (status == US_OK) us_vec_read_f64(y, out);
    us_vec_destroy(x);
    us_vec_destroy(y);
    return status;
}

static void products_are_pytorch_s(void **state) {
    static const double *const WANTED[2][US_PRODUCTS] = {
        {oracle_half_mse_hessian, oracle_half_mse_gauss_newton, oracle_half_mse_fisher},
        {oracle_cross_entropy_hessian, oracle_cross_entropy_gauss_newton, oracle_cross_entropy_fisher}};
    us_context *context = support_plain_context();
    for (int task = 0; task < 2; task++)
        for (int bits = 0; bits < 2; bits++) {
            net s;
            assert_int_equal(
                net_open(&s, context, task ? US_CLASSIFICATION : US_REGRESSION, bits ? US_F64 : US_F32, true, true), US_OK);
            double y[64], tolerance = bits ? 1e-12 : 1e-5;
            assert_true(us_vec_size(s.theta) == sizeof oracle_v / sizeof *oracle_v);
            for (int kind = 0; kind < US_PRODUCTS; kind++) {
                assert_int_equal(multiply(s.problem, (us_product)kind, s.theta, US_BATCH_ALL, oracle_v, y), US_OK);
                for (size_t i = 0; i < us_vec_size(s.theta); i++)
                    assert_near(y[i], WANTED[task][kind][i], tolerance, tolerance);
            }
            net_close(&s);
        }
    us_context_destroy(context);
}

/* The Fisher matrix is the mean of gg' over rows, each g a gradient on that row alone; l2 adds its strength; blocks of
 * products are the products; a recast multiplies alike; nothing is negative. */
static void matrices_are_what_they_must_be(void **state) {
    us_context *context = support_plain_context();
    for (int task = 0; task < 2; task++) {
        net s;
        us_problem *penal, *again;
        assert_int_equal(net_open(&s, context, task ? US_CLASSIFICATION : US_REGRESSION, US_F64, true, true), US_OK);
        assert_int_equal(us_problem_create_l2(&penal, s.problem, 0.37, false), US_OK);
        assert_int_equal(us_problem_recast(&again, penal, US_F64), US_OK);
        size_t n = us_vec_size(s.theta);
        uint32_t rows[] = {5, 1, 1, 6};
        us_batch batch = {rows, 4};
        double wanted[64] = {0}, y[64], z[64], loss;
        us_vec *g;
        assert_int_equal(us_vec_create(&g, context, US_F64, n), US_OK);
        for (size_t r = 0; r < 4; r++) {
            assert_int_equal(us_problem_gradient(s.problem, s.theta, (us_batch){rows + r, 1}, &loss, g), US_OK);
            double along = 0;
            for (size_t i = 0; i < n; i++) along += us_vec_get(g, i) * oracle_v[i];
            for (size_t i = 0; i < n; i++) wanted[i] += along * us_vec_get(g, i) / 4;
        }
        assert_int_equal(multiply(s.problem, US_FISHER, s.theta, batch, oracle_v, y), US_OK);
        for (size_t i = 0; i < n; i++) assert_near(y[i], wanted[i], 1e-12, 1e-14);
        for (int kind = 0; kind < US_PRODUCTS; kind++) {
            assert_int_equal(multiply(s.problem, (us_product)kind, s.theta, batch, oracle_v, y), US_OK);
            assert_int_equal(multiply(again, (us_product)kind, s.theta, batch, oracle_v, z), US_OK);
            for (size_t i = 0; i < n; i++) assert_near(z[i], y[i] + 0.37 * oracle_v[i], 1e-13, 1e-14);
            us_vec *x[20], *xy[20];
            us_rng rng = us_rng_init(5, 5);
            for (size_t j = 0; j < 20; j++) {
                assert_int_equal(us_vec_create(&x[j], context, US_F64, n), US_OK);
                assert_int_equal(us_vec_create(&xy[j], context, US_F64, n), US_OK);
                us_vec_fill_normal(x[j], &rng);
            }
            assert_int_equal(
                us_problem_product(s.problem, (us_product)kind, s.theta, batch, (const us_vec *const *)x, xy, 20), US_OK);
            for (size_t j = 0; j < 20; j++) {
                double v[64];
                us_vec_read_f64(x[j], v);
                assert_int_equal(multiply(s.problem, (us_product)kind, s.theta, batch, v, y), US_OK);
                for (size_t i = 0; i < n; i++) assert_near(us_vec_get(xy[j], i), y[i], 1e-14, 1e-15);
                if (kind != US_HESSIAN) assert_true(us_vec_dot(x[j], xy[j]) >= -1e-14);
                assert_near(us_vec_dot(x[0], xy[j]), us_vec_dot(x[j], xy[0]), 1e-11, 1e-12);
            }
            for (size_t j = 0; j < 20; j++) us_vec_destroy(x[j]), us_vec_destroy(xy[j]);
        }
        us_vec_destroy(g);
        us_problem_destroy(again);
        us_problem_destroy(penal);
        net_close(&s);
    }
    us_context_destroy(context);
}

/* Linear outputs: Gauss-Newton is the Hessian; the fused leaf multiplies as the graph does. */
static void a_linear_model_s_gauss_newton_matrix_is_its_hessian(void **state) {
    us_context *context = support_plain_context();
    for (int task = 0; task < 2; task++) {
        net s;
        us_problem *fused;
        assert_int_equal(net_open(&s, context, task ? US_CLASSIFICATION : US_REGRESSION, US_F64, false, true), US_OK);
        assert_int_equal(us_problem_create_linear(&fused, s.data, task ? US_LINEAR_SOFTMAX : US_LINEAR_HALF_MSE), US_OK);
        size_t n = us_vec_size(s.theta);
        assert_true(n == us_problem_dimension(fused));
        double h[64], y[64], z[64];
        assert_int_equal(multiply(s.problem, US_HESSIAN, s.theta, US_BATCH_ALL, oracle_v, h), US_OK);
        for (int kind = 0; kind < US_PRODUCTS; kind++) {
            assert_int_equal(multiply(s.problem, (us_product)kind, s.theta, US_BATCH_ALL, oracle_v, y), US_OK);
            assert_int_equal(multiply(fused, (us_product)kind, s.theta, US_BATCH_ALL, oracle_v, z), US_OK);
            for (size_t i = 0; i < n; i++) assert_near(y[i], z[i], 1e-12, 1e-14);
            for (size_t i = 0; kind == US_GAUSS_NEWTON && i < n; i++) assert_near(y[i], h[i], 1e-12, 1e-14);
        }
        us_problem_destroy(fused);
        net_close(&s);
    }
    us_context_destroy(context);
}

/* f = (x² + y)²/2 without samples: the Fisher matrix is gg'. Two classes by one logit: the fused leaf, row by row. */
static void scalars_and_one_logit(void **state) {
    us_context *context = support_plain_context();
    us_graph *g;
    us_problem *problem;
    us_vec *theta;
    assert_int_equal(us_graph_create(&g, context), US_OK);
    us_node x = us_graph_parameter(g, "x", 0, NULL), y = us_graph_parameter(g, "y", 0, NULL);
    us_node z = us_graph_add(g, us_graph_mul(g, x, x), y);
    us_graph_set_output(g, z);
    us_graph_set_loss(g, us_graph_mul(g, us_graph_constant(g, 0.5), us_graph_mul(g, z, z)));
    assert_int_equal(us_problem_create_graph(&problem, g, NULL, US_F64), US_OK);
    assert_int_equal(us_vec_create(&theta, context, US_F64, 2), US_OK);
    us_vec_write_f64(theta, (double[]){2, -1.5}); /* z = 2.5, J = (4, 1), g = (10, 2.5), H = [[2z + 16, 4], [4, 1]] */
    double v[2] = {0.3, 2}, out[2];
    assert_int_equal(multiply(problem, US_HESSIAN, theta, US_BATCH_ALL, v, out), US_OK);
    assert_near(out[0], 21 * 0.3 + 8, 1e-14, 0);
    assert_int_equal(multiply(problem, US_GAUSS_NEWTON, theta, US_BATCH_ALL, v, out), US_OK);
    assert_near(out[0], 4 * (4 * 0.3 + 2), 1e-14, 0);
    assert_near(out[1], 4 * 0.3 + 2, 1e-14, 0);
    assert_int_equal(multiply(problem, US_FISHER, theta, US_BATCH_ALL, v, out), US_OK);
    assert_near(out[0], 10 * (10 * 0.3 + 2.5 * 2), 1e-14, 0);
    assert_near(out[1], 2.5 * (10 * 0.3 + 2.5 * 2), 1e-14, 0);
    us_vec_destroy(theta);
    us_problem_destroy(problem);

    us_dataset *data;
    us_vec *w, *row;
    assert_int_equal(us_dataset_create(&data, context, US_F64, 300, 3, US_CLASSIFICATION, 2), US_OK);
    us_rng rng = us_rng_init(3, 4);
    for (size_t i = 0; i < 900; i++) ((double *)us_dataset_features(data))[i] = us_rng_normal(&rng);
    for (size_t i = 0; i < 300; i++) us_dataset_labels(data)[i] = us_rng_u32(&rng) & 1;
    assert_int_equal(us_problem_create_linear(&problem, data, US_LINEAR_LOGISTIC), US_OK);
    assert_int_equal(us_vec_create(&w, context, US_F64, 4), US_OK);
    assert_int_equal(us_vec_create(&row, context, US_F64, 4), US_OK);
    us_vec_fill_normal(w, &rng);
    double wanted[4] = {0}, along, found[4], loss;
    for (uint32_t i = 0; i < 300; i++) {
        assert_int_equal(us_problem_gradient(problem, w, (us_batch){&i, 1}, &loss, row), US_OK);
        along = 0;
        for (size_t j = 0; j < 4; j++) along += us_vec_get(row, j) * oracle_v[j] / 300;
        for (size_t j = 0; j < 4; j++) wanted[j] += along * us_vec_get(row, j);
    }
    assert_int_equal(multiply(problem, US_FISHER, w, US_BATCH_ALL, oracle_v, found), US_OK);
    for (size_t j = 0; j < 4; j++) assert_near(found[j], wanted[j], 1e-12, 0);
    us_vec_destroy(row);
    us_vec_destroy(w);
    us_problem_destroy(problem);
    us_dataset_destroy(data);
    us_context_destroy(context);
}

static int nothing(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss) { return *loss = 0, 0; }
static int nothing_twice(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss, void *g) {
    return *loss = *(double *)g = 0, 0;
}

static void what_cannot_be_says_so(void **state) {
    us_context *context = support_plain_context();
    us_callback_problem callback = US_CALLBACK_PROBLEM_INIT;
    callback.dimension = 1, callback.value = nothing, callback.gradient = nothing_twice;
    us_problem *problem;
    us_vec *theta;
    double v[64] = {1}, y[64];
    assert_int_equal(us_problem_create_callback(&problem, context, &callback), US_OK);
    assert_int_equal(us_vec_create(&theta, context, US_F64, 1), US_OK);
    assert_int_equal(multiply(problem, US_HESSIAN, theta, US_BATCH_ALL, v, y), US_OK);
    assert_int_equal(multiply(problem, US_FISHER, theta, US_BATCH_ALL, v, y), US_ERR_UNSUPPORTED);
    assert_int_equal(multiply(problem, (us_product)7, theta, US_BATCH_ALL, v, y), US_ERR_ARGUMENT);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    net s;
    assert_int_equal(net_open(&s, context, US_REGRESSION, US_F64, true, false), US_OK);
    assert_int_equal(multiply(s.problem, US_GAUSS_NEWTON, s.theta, US_BATCH_ALL, oracle_v, y), US_ERR_UNSUPPORTED);
    assert_non_null(strstr(us_context_error(context), "us_graph_set_output"));
    assert_int_equal(multiply(s.problem, US_FISHER, s.theta, US_BATCH_ALL, oracle_v, y), US_OK);
    net_close(&s);
    us_context_destroy(context);
}

static us_status all_products(us_context *context, void *user) {
    net s;
    double y[64];
    us_status status = net_open(&s, context, US_CLASSIFICATION, US_F64, true, true);
    for (int kind = 0; kind < US_PRODUCTS && status == US_OK; kind++)
        status = multiply(s.problem, (us_product)kind, s.theta, US_BATCH_ALL, oracle_v, y);
    net_close(&s);
    return status;
}

static void every_allocation_may_fail(void **state) { support_fail_each_allocation(all_products, NULL); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_pytorch_s),
        cmocka_unit_test(matrices_are_what_they_must_be),
        cmocka_unit_test(a_linear_model_s_gauss_newton_matrix_is_its_hessian),
        cmocka_unit_test(scalars_and_one_logit),
        cmocka_unit_test(what_cannot_be_says_so),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
