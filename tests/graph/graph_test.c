/* Building, simplifying, printing, errors, and special values. */
#include "graph/differences.h"
#include "graph/graph.h"
#include "support.h"

static us_context *context;

static us_graph *graph_new(void) {
    us_graph *g;
    assert_int_equal(us_graph_create(&g, context), US_OK);
    return g;
}

static us_node graph_scalar(us_graph *g, const char *name) { return us_graph_parameter(g, name, 0, NULL); }

static void expect_text(us_graph *g, us_node loss, const char *expected) {
    char *text;
    us_graph_set_loss(g, loss);
    assert_int_equal(us_graph_print(g, &text), US_OK);
    assert_string_equal(text, expected);
    us_text_release(context, text);
    us_graph_destroy(g);
}

static void formulas_are_simplified(void **state) {
    us_graph *g = graph_new();
    us_node x = graph_scalar(g, "x");
    us_node three = us_graph_constant(g, 3);
    expect_text(g, us_graph_add(g, us_graph_mul(g, x, x), three),
                "%0 = parameter x\n%1 = constant 3\n%2 = mul %0 %0\n%3 = add %1 %2  loss\n");

    g = graph_new(); /* (2·3 + x^1·1 + 0)/1 − (−x) = (6 + x) + x */
    x = graph_scalar(g, "x");
    us_node a = us_graph_mul(g, us_graph_pow(g, x, us_graph_constant(g, 1)), us_graph_constant(g, 1));
    a = us_graph_add(g, a, us_graph_constant(g, 0));
    a = us_graph_add(g, us_graph_mul(g, us_graph_constant(g, 2), us_graph_constant(g, 3)), a);
    a = us_graph_sub(g, us_graph_div(g, a, us_graph_constant(g, 1)), us_graph_neg(g, x));
    expect_text(g, a, "%0 = parameter x\n%5 = constant 6\n%6 = add %5 %0\n%8 = add %0 %6  loss\n");

    g = graph_new(); /* sin(x)·y + y·sin(x) = 2·(y·sin(x)) */
    x = graph_scalar(g, "x");
    us_node y = graph_scalar(g, "y");
    us_node p = us_graph_mul(g, us_graph_apply(g, "sin", x), y), q = us_graph_mul(g, y, us_graph_apply(g, "sin", x));
    assert_int_equal(p, q);
    expect_text(g, us_graph_add(g, p, q),
                "%0 = parameter x\n%1 = parameter y\n%2 = sin %0\n%3 = mul %1 %2\n%4 = constant 2\n%5 = mul %4 %3  loss\n");

    g = graph_new(); /* numbers gather in front: 3·(y·(x·2)) = 6·(y·x) */
    x = graph_scalar(g, "x"), y = graph_scalar(g, "y");
    us_node b = us_graph_mul(g, us_graph_constant(g, 3), us_graph_mul(g, y, us_graph_mul(g, x, us_graph_constant(g, 2))));
    const us__node *n = us__at(g, b);
    assert_true(us__is_constant(g, n->in[0], 6));
    assert_int_equal(n->in[1], us_graph_mul(g, x, y));
    /* Not simplified: 0·x is NaN where x is not finite, and x − x, too. */
    assert_false(us__is_constant(g, us_graph_mul(g, us_graph_constant(g, 0), x), 0));
    assert_false(us__is_constant(g, us_graph_sub(g, x, x), 0));
    us_graph_destroy(g);
}

/* Derivatives that are zero are no nodes: d/dx of 3 + y, and the second derivatives of a·x + y. */
static void zero_derivatives_do_not_exist(void **state) {
    us_graph *g = graph_new();
    us_node x = graph_scalar(g, "x"), y = graph_scalar(g, "y"), both[] = {x, y}, gradients[2], tangents[2], v[2];
    us_node f = us_graph_add(g, us_graph_mul(g, us_graph_constant(g, 4.5), x), us_graph_constant(g, 3));
    us_node one = us_graph_constant(g, 1);
    assert_int_equal(us__graph_reverse(g, f, one, both, 2, gradients), US_OK);
    assert_true(us__is_constant(g, gradients[0], 4.5));
    assert_int_equal(gradients[1], US_NODE_NONE);
    v[0] = us__tangent(g, 0), v[1] = us__tangent(g, 1);
    assert_int_equal(us__graph_forward(g, gradients, 2, both, v, 2, tangents), US_OK);
    assert_int_equal(tangents[0], US_NODE_NONE);
    assert_int_equal(tangents[1], US_NODE_NONE);
    /* Of half a square: the gradient is x, the product v. */
    f = us_graph_mul(g, us_graph_constant(g, 0.5), us_graph_mul(g, x, x));
    assert_int_equal(us__graph_reverse(g, f, one, both, 2, gradients), US_OK);
    assert_int_equal(gradients[0], x);
    assert_int_equal(us__graph_forward(g, gradients, 2, both, v, 2, tangents), US_OK);
    assert_int_equal(tangents[0], v[0]);
    us_graph_destroy(g);
}

/* Zero, shared and trivial gradients reach the caller's vectors. */
static void outputs_that_are_not_computed(void **state) {
    us_graph *g = graph_new();
    us_node a = us_graph_parameter(g, "a", 1, (size_t[]){3}), b = us_graph_parameter(g, "b", 1, (size_t[]){3});
    us_graph_parameter(g, "unused", 1, (size_t[]){2});
    us_node c = us_graph_parameter(g, "c", 1, (size_t[]){3});
    us_node sum = us_graph_apply(g, "exp", us_graph_add(g, a, b));
    us_graph_set_loss(
        g, us_graph_sum(g, us_graph_add(g, sum, us_graph_mul(g, us_graph_constant(g, 0.5), us_graph_mul(g, c, c))), 0));
    us_problem *p;
    assert_int_equal(us_problem_create_graph(&p, g, NULL, US_F64), US_OK);
    us_vec *theta = differences_vec(p), *gradient = differences_vec(p), *hv = differences_vec(p);
    us_vec_write_f64(theta, (double[]){0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.9, 2.0, 2.1});
    us_vec_fill(gradient, 99), us_vec_fill(hv, 99);
    double loss;
    assert_int_equal(us_problem_gradient(p, theta, US_BATCH_ALL, &loss, gradient), US_OK);
    assert_int_equal(us_problem_hvp(p, theta, US_BATCH_ALL, (const us_vec *const *)&theta, &hv, 1), US_OK);
    for (size_t i = 0; i < 3; i++) {
        double e = exp(us_vec_get(theta, i) + us_vec_get(theta, 3 + i)), s = us_vec_get(theta, i) + us_vec_get(theta, 3 + i);
        assert_near(us_vec_get(gradient, i), e, 1e-15, 0);
        assert_near(us_vec_get(gradient, 3 + i), e, 1e-15, 0);
        assert_near(us_vec_get(gradient, 8 + i), us_vec_get(theta, 8 + i), 0, 0);
        assert_near(us_vec_get(hv, i), e * s, 1e-15, 0);
        assert_near(us_vec_get(hv, 3 + i), e * s, 1e-15, 0);
        assert_near(us_vec_get(hv, 8 + i), us_vec_get(theta, 8 + i), 0, 0);
    }
    for (size_t i = 6; i < 8; i++) assert_true(us_vec_get(gradient, i) == 0 && us_vec_get(hv, i) == 0);
    us_vec_destroy(theta), us_vec_destroy(gradient), us_vec_destroy(hv);
    us_problem_destroy(p);
}

static void printing_names_everything(void **state) {
    us_graph *g = graph_new();
    us_node w = us_graph_parameter(g, "w", 2, (size_t[]){4, 5}), x = us_graph_features(g, 5);
    us_node z = us_graph_matmul(g, x, false, w, true);
    us_graph_set_output(g, z);
    expect_text(g, us_graph_cross_entropy(g, z, us_graph_labels(g, 4)),
                "%0 = parameter w  [4×5]\n%1 = features  [samples×5]\n%2 = matmul %1 %0ᵀ  [samples×4]  output\n"
                "%3 = labels of 4 classes  [samples]\n%4 = cross_entropy %2 %3  [samples]  loss\n");
}

/* Each line makes one mistake; the graph keeps the first error and says something about it. */
static void errors_stick(void **state) {
    for (int k = 0; k < 16; k++) {
        us_graph *g = graph_new();
        us_node w = us_graph_parameter(g, "w", 2, (size_t[]){4, 5}), x = us_graph_features(g, 5),
                labels = us_graph_labels(g, 4), bad = US_NODE_NONE;
        us_status expected = US_ERR_SHAPE;
        assert_int_equal(us_graph_status(g), US_OK);
        us_context_error_clear(context);
        switch (k) {
        case 0:
            bad = us_graph_add(g, w, us_graph_parameter(g, "b", 1, (size_t[]){4}));
            break;
        case 1:
            bad = us_graph_matmul(g, x, false, w, false);
            break;
        case 2:
            bad = us_graph_apply(g, "tanhh", x), expected = US_ERR_ARGUMENT;
            break;
        case 3:
            bad = us_graph_parameter(g, "w", 0, NULL), expected = US_ERR_ARGUMENT;
            break;
        case 4:
            bad = us_graph_sum(g, x, 0), expected = US_ERR_UNSUPPORTED;
            break;
        case 5:
            bad = us_graph_matmul(g, x, true, x, false), expected = US_ERR_UNSUPPORTED;
            break;
        case 6:
            bad = us_graph_features(g, 6);
            break;
        case 7:
            bad = us_graph_add(g, labels, x), expected = US_ERR_ARGUMENT;
            break;
        case 8:
            bad = us_graph_cross_entropy(g, x, labels);
            break;
        case 9:
            bad = us_graph_column(g, x, 5);
            break;
        case 10:
            bad = us_graph_sum(g, w, 2), expected = US_ERR_ARGUMENT;
            break;
        case 11:
            bad = us_graph_parameter(g, "z", 1, (size_t[]){0});
            break;
        case 12:
            bad = us_graph_add(g, us_graph_column(g, x, 0), us_graph_parameter(g, "b", 2, (size_t[]){4, 1}));
            break;
        case 13:
            bad = us_graph_add(g, 12345, x), expected = US_ERR_ARGUMENT;
            break;
        case 14:
            us_graph_set_loss(g, x);
            break;
        case 15:
            us_graph_set_output(g, us_graph_parameter(g, "b", 1, (size_t[]){4}));
            break;
        }
        assert_int_equal(bad, US_NODE_NONE);
        assert_int_equal(us_graph_status(g), expected);
        char *text, first[256];
        snprintf(first, sizeof first, "%s", us_context_error(context));
        assert_true(strlen(first) > 10 && !strchr(first, '\n'));
        assert_int_equal(us_graph_mul(g, x, bad), US_NODE_NONE);
        assert_int_equal(us_graph_set_loss(g, w), expected);
        assert_int_equal(us_graph_print(g, &text), expected);
        assert_string_equal(us_context_error(context), first);
        us_problem *p;
        assert_int_equal(us_problem_create_graph(&p, g, NULL, US_F64), expected);
        assert_null(p);
    }
}

/* A graph that is right, but not for this problem. */
static void problems_that_cannot_be(void **state) {
    for (int k = 0; k < 7; k++) {
        us_graph *g = graph_new();
        us_dataset *data, *classes;
        assert_int_equal(us_dataset_create(&data, context, US_F64, 3, 5, US_REGRESSION, 1), US_OK);
        assert_int_equal(us_dataset_create(&classes, context, US_F64, 3, 5, US_CLASSIFICATION, 9), US_OK);
        us_dataset_labels(classes)[2] = 8;
        us_node w = us_graph_parameter(g, "w", 1, (size_t[]){5}), x = us_graph_features(g, k == 0 ? 6 : 5), loss;
        loss = us_graph_column(g, us_graph_targets(g, k == 1 ? 2 : 1), 0);
        if (k == 2) loss = us_graph_cross_entropy(g, us_graph_add(g, x, w), us_graph_labels(g, 5));
        if (k == 6) us_graph_set_output(g, us_graph_mul(g, loss, us_graph_sum(g, w, 0)));
        if (k != 3) us_graph_set_loss(g, loss);
        us_problem *p;
        us_context_error_clear(context);
        us_status status = us_problem_create_graph(&p, g,
                                                   k == 4             ? NULL
                                                   : k == 2 || k == 5 ? classes
                                                                      : data,
                                                   k == 3 ? US_F64 : US_F32);
        assert_true(status < 0);
        assert_null(p);
        assert_true(strlen(us_context_error(context)) > 10);
        us_dataset_destroy(data), us_dataset_destroy(classes);
    }
}

/* ------------------------------------------------------------------ special values */

/* f(x) for a parameter x: value, first and second derivative. */
static void graph_derivatives(const char *f, us_precision precision, double x, double out[3]) {
    us_graph *g = graph_new();
    us_graph_set_loss(g, us_graph_apply(g, f, graph_scalar(g, "x")));
    us_problem *p;
    assert_int_equal(us_problem_create_graph(&p, g, NULL, precision), US_OK);
    us_vec *theta = differences_vec(p), *gradient = differences_vec(p), *one = differences_vec(p), *hv = differences_vec(p);
    us_vec_fill(theta, x), us_vec_fill(one, 1);
    assert_int_equal(us_problem_gradient(p, theta, US_BATCH_ALL, &out[0], gradient), US_OK);
    assert_int_equal(us_problem_hvp(p, theta, US_BATCH_ALL, (const us_vec *const *)&one, &hv, 1), US_OK);
    out[1] = us_vec_get(gradient, 0), out[2] = us_vec_get(hv, 0);
    us_vec_destroy(theta), us_vec_destroy(gradient), us_vec_destroy(one), us_vec_destroy(hv);
    us_problem_destroy(p);
}

static void saturated_functions_stay_finite(void **state) {
    static const struct {
        const char *f;
        double x, value, slope;
    } CASES[] = {
        {"sigmoid", 1e4, 1, 0}, {"sigmoid", -1e4, 0, 0}, {"softplus", 1e4, 1e4, 1}, {"softplus", -1e4, 0, 0},
        {"gelu", 1e4, 1e4, 1},  {"gelu", -1e4, 0, 0},    {"tanh", 1e4, 1, 0},       {"tanh", -1e4, -1, 0},
        {"erf", 1e4, 1, 0},     {"erf", -1e4, -1, 0},    {"relu", 0, 0, 0},         {"abs", 0, 0, 0},
        {"relu", 1e4, 1e4, 1},  {"relu", -1e4, 0, 0},    {"abs", -1e4, 1e4, -1},    {"atan", 1e4, 1.5706963267952299, 1e-8},
    };
    for (size_t k = 0; k < sizeof CASES / sizeof *CASES; k++)
        for (us_precision precision = US_F32; precision <= US_F64; precision += US_F64 - US_F32) {
            double y[3];
            graph_derivatives(CASES[k].f, precision, CASES[k].x, y);
            double tolerance = 2 * us_precision_epsilon(precision);
            assert_near(y[0], CASES[k].value, tolerance, 0);
            assert_near(y[1], CASES[k].slope, precision == US_F32 ? 1e-6 : 1e-7, 0);
            assert_near(y[2], 0, 0, 1e-11);
        }
    double
        y[3]; /* the tail of Φ keeps its digits: −10·Φ(−10), Φ(−10) = 7.61985302416052606e-24 (Abramowitz & Stegun 26.2) */
    graph_derivatives("gelu", US_F64, -10, y);
    assert_near(y[0], -7.61985302416052606e-23, 1e-12, 0);
}

/* NaN goes through every function, its slope and its product; and what has no value is NaN. */
static void nan_comes_through(void **state) {
    volatile double zero = 0;
    for (us_precision precision = US_F32; precision <= US_F64; precision += US_F64 - US_F32) {
        double y[3];
        for (size_t k = 0; k < us__unary_public; k++) {
            graph_derivatives(us__unary_ops[k].name, precision, zero / zero, y);
            if (!isnan(y[0])) fail_msg("%s(NaN) is %g", us__unary_ops[k].name, y[0]);
        }
        graph_derivatives("log", precision, -2.385, y);
        assert_true(isnan(y[0]));
        graph_derivatives("sqrt", precision, -2.385, y);
        assert_true(isnan(y[0]) && isnan(y[1]));
        graph_derivatives("log", precision, 0, y);
        assert_true(isinf(y[0]) && isinf(y[1]));
        graph_derivatives("asin", precision, 1.5, y);
        assert_true(isnan(y[0]));
    }
}

/* cross-entropy of x + b: rows of extreme logits. */
static void saturated_logits(void **state) {
    enum { CLASSES = 3, CASES = 6 };
    static const double X[CASES][CLASSES] = {{1e4, -1e4, 0},  {1e4, -1e4, 0}, {-1e4, -1e4, -1e4},
                                             {1e4, 1e4, 1e4}, {0, 0, -40},    {50, 0, 0}};
    static const uint32_t LABEL[CASES] = {0, 1, 2, 0, 0, 0};
    const double loss[CASES] = {0, 2e4, log(3), log(3), log(2), 2 * exp(-50)};
    const double slope[CASES][CLASSES] = {{0, 0, 0},
                                          {1, -1, 0},
                                          {1. / 3, 1. / 3, -2. / 3},
                                          {-2. / 3, 1. / 3, 1. / 3},
                                          {-0.5, 0.5, exp(-40) / 2},
                                          {-2 * exp(-50), exp(-50), exp(-50)}};
    for (us_precision precision = US_F32; precision <= US_F64; precision += US_F64 - US_F32) {
        us_dataset *data;
        assert_int_equal(us_dataset_create(&data, context, US_F64, CASES + 1, CLASSES, US_CLASSIFICATION, CLASSES), US_OK);
        memcpy(us_dataset_features(data), X, sizeof X);
        memcpy(us_dataset_labels(data), LABEL, sizeof LABEL);
        volatile double zero = 0;
        ((double *)us_dataset_features(data))[CASES * CLASSES + 1] = zero / zero;
        us_graph *g = graph_new();
        us_node b = us_graph_parameter(g, "b", 1, (size_t[]){CLASSES});
        us_graph_set_loss(
            g, us_graph_cross_entropy(g, us_graph_add(g, us_graph_features(g, CLASSES), b), us_graph_labels(g, CLASSES)));
        us_problem *p;
        assert_int_equal(us_problem_create_graph(&p, g, data, precision), US_OK);
        us_vec *theta = differences_vec(p), *gradient = differences_vec(p), *hv = differences_vec(p),
               *v = differences_vec(p);
        us_vec_write_f64(v, (double[]){1, 2, 3});
        double value, tolerance = 4 * us_precision_epsilon(precision);
        for (uint32_t i = 0; i < CASES; i++) {
            assert_int_equal(us_problem_gradient(p, theta, (us_batch){&i, 1}, &value, gradient), US_OK);
            assert_near(value, loss[i], tolerance, 0);
            for (size_t c = 0; c < CLASSES; c++) assert_near(us_vec_get(gradient, c), slope[i][c], tolerance, 0);
            assert_int_equal(us_problem_hvp(p, theta, (us_batch){&i, 1}, (const us_vec *const *)&v, &hv, 1), US_OK);
            assert_true(us_vec_is_finite(hv));
        }
        assert_int_equal(us_problem_gradient(p, theta, US_BATCH_ALL, &value, gradient), US_OK);
        assert_true(isnan(value));
        assert_false(us_vec_is_finite(gradient));
        us_vec_destroy(theta), us_vec_destroy(gradient), us_vec_destroy(hv), us_vec_destroy(v);
        us_problem_destroy(p);
        us_dataset_destroy(data);
    }
}

/* ------------------------------------------------------------------ formulas over columns */

/* b1·(1 − exp(−b2·x)) with ½ squared error: scalars beside [samples]. */
static void a_formula_over_a_column(void **state) {
    us_dataset *data;
    assert_int_equal(us_dataset_create(&data, context, US_F64, 1300, 2, US_REGRESSION, 1), US_OK);
    us_rng rng = us_rng_init(1, 2);
    for (size_t i = 0; i < 2600; i++) ((double *)us_dataset_features(data))[i] = 0.2 + us_rng_uniform(&rng);
    for (size_t i = 0; i < 1300; i++) ((double *)us_dataset_targets(data))[i] = us_rng_uniform(&rng);
    us_graph *g = graph_new();
    us_node b1 = graph_scalar(g, "b1"), b2 = graph_scalar(g, "b2"), x = us_graph_column(g, us_graph_features(g, 2), 1);
    us_node fit = us_graph_mul(
        g, b1, us_graph_sub(g, us_graph_constant(g, 1), us_graph_apply(g, "exp", us_graph_neg(g, us_graph_mul(g, b2, x)))));
    us_node e = us_graph_sub(g, fit, us_graph_column(g, us_graph_targets(g, 1), 0));
    us_graph_set_loss(g, us_graph_mul(g, us_graph_constant(g, 0.5), us_graph_mul(g, e, e)));
    us_graph_set_output(g, fit);
    us_problem *p;
    assert_int_equal(us_problem_create_graph(&p, g, data, US_F64), US_OK);
    us_vec *theta = differences_vec(p);
    us_vec_write_f64(theta, (double[]){2.385, 0.713});
    double loss, sum = 0, outputs[1300];
    assert_int_equal(us_problem_value(p, theta, US_BATCH_ALL, &loss), US_OK);
    assert_int_equal(us_problem_graph_predict(p, theta, us_dataset_features_const(data), 1300, outputs), US_OK);
    for (size_t i = 0; i < 1300; i++) {
        double y = 2.385 * (1 - exp(-0.713 * ((double *)us_dataset_features(data))[2 * i + 1]));
        double error = y - ((double *)us_dataset_targets(data))[i];
        sum += 0.5 * error * error;
        assert_near(outputs[i], y, 1e-15, 0);
    }
    assert_near(loss, sum / 1300, 1e-13, 0);
    assert_true(differences_gradient(p, theta, US_BATCH_ALL) < 1e-10);
    assert_true(differences_product(p, theta, US_BATCH_ALL) < 1e-10);
    us_vec_destroy(theta);
    us_problem_destroy(p);
    us_dataset_destroy(data);
}

static int graph_setup(void **state) {
    context = support_plain_context();
    return 0;
}

static int graph_teardown(void **state) {
    us_context_destroy(context);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formulas_are_simplified),
        cmocka_unit_test(zero_derivatives_do_not_exist),
        cmocka_unit_test(outputs_that_are_not_computed),
        cmocka_unit_test(printing_names_everything),
        cmocka_unit_test(errors_stick),
        cmocka_unit_test(problems_that_cannot_be),
        cmocka_unit_test(saturated_functions_stay_finite),
        cmocka_unit_test(nan_comes_through),
        cmocka_unit_test(saturated_logits),
        cmocka_unit_test(a_formula_over_a_column),
    };
    return cmocka_run_group_tests(tests, graph_setup, graph_teardown);
}
