/* The checks must catch what is wrong and accept what is right, at any scale of the loss, in both precisions. */
#include "problem/problem.h"
#include "support.h"
#include <unstuck/linear.h>

static const us_precision PRECISIONS[] = {US_F32, US_F64};

/* ---------------------------------------------------------------- a decorator that spoils things */

typedef enum wrong {
    RIGHT,
    FLIPPED_GROUP,     /* the gradient of one group has the wrong sign */
    DOUBLED,           /* the gradient is twice what it should be */
    MISSING_TERM,      /* a thousandth of one group's gradient is missing */
    NAN_ELEMENT,       /* one element of the gradient of a group is NaN */
    HVP_FLIPPED_GROUP, /* the product's rows of one group have the wrong sign */
    HVP_DOUBLED,
    HVP_MISSING_TERM,
    HVP_ASYMMETRIC, /* v's group is forgotten in the rows of the others */
} wrong;

typedef struct spoiled {
    us_problem base;
    us_problem *inner;
    wrong kind;
    size_t group;
    double scale; /* loss, gradient and product are multiplied by it */
} spoiled;

static void spoil(const spoiled *p, us_vec *x, double factor) {
    const us_group *group = &p->base.groups[p->group];
    for (size_t i = group->offset; i < group->offset + group->count; i++) us_vec_set(x, i, us_vec_get(x, i) * factor);
}

static us_status spoiled_value(us_problem *problem, const us_vec *theta, us_batch batch, double *loss) {
    spoiled *p = (spoiled *)problem;
    us_status status = us_problem_value(p->inner, theta, batch, loss);
    *loss *= p->scale;
    return status;
}

static us_status spoiled_gradient(us_problem *problem, const us_vec *theta, us_batch batch, double *loss, us_vec *gradient) {
    spoiled *p = (spoiled *)problem;
    us_status status = us_problem_gradient(p->inner, theta, batch, loss, gradient);
    *loss *= p->scale;
    us_vec_scale(gradient, p->scale * (p->kind == DOUBLED ? 2 : 1));
    if (p->kind == FLIPPED_GROUP) spoil(p, gradient, -1);
    if (p->kind == MISSING_TERM) spoil(p, gradient, 0.999);
    if (p->kind == NAN_ELEMENT) us_vec_set(gradient, p->base.groups[p->group].offset, (double)NAN);
    return status;
}

static us_status spoiled_hvp(us_problem *problem, const us_vec *theta, us_batch batch, const us_vec *const *v,
                             us_vec *const *hv, size_t k) {
    spoiled *p = (spoiled *)problem;
    us_status status = US_OK;
    us_vec *copy;
    assert_int_equal(us_vec_create(&copy, problem->context, problem->precision, problem->dimension), US_OK);
    for (size_t j = 0; j < k && status == US_OK; j++) {
        us_vec_copy(copy, v[j]);
        if (p->kind == HVP_ASYMMETRIC) spoil(p, copy, 0.5);
        status = us_problem_hvp(p->inner, theta, batch, (const us_vec *const[]){copy}, &hv[j], 1);
        us_vec_scale(hv[j], p->scale * (p->kind == HVP_DOUBLED ? 2 : 1));
        if (p->kind == HVP_FLIPPED_GROUP) spoil(p, hv[j], -1);
        if (p->kind == HVP_MISSING_TERM) spoil(p, hv[j], 0.999);
    }
    us_vec_destroy(copy);
    return status;
}

static const us__problem_ops SPOILED_OPS = {.value = spoiled_value, .gradient = spoiled_gradient, .hvp = spoiled_hvp};

static spoiled spoiled_make(us_problem *inner, wrong kind, size_t group, double scale) {
    spoiled p = {.base = *inner, .inner = inner, .kind = kind, .group = group, .scale = scale};
    p.base.ops = &SPOILED_OPS;
    return p;
}

/* ---------------------------------------------------------------- problems to check */

enum { ROWS = 60, COLUMNS = 7 };

static us_dataset *dataset_make(us_context *context, us_precision precision, us_linear_loss loss, double feature_scale) {
    us_dataset *dataset;
    us_task task = loss == US_LINEAR_HALF_MSE ? US_REGRESSION : US_CLASSIFICATION;
    size_t outputs = loss == US_LINEAR_LOGISTIC ? 2 : 3;
    assert_int_equal(us_dataset_create(&dataset, context, precision, ROWS, COLUMNS, task, outputs), US_OK);
    us_rng rng = us_rng_init(5, 9);
    for (size_t i = 0; i < ROWS * COLUMNS; i++) {
        double x = feature_scale * (us_rng_normal(&rng) + 0.3);
        if (precision == US_F32)
            ((float *)us_dataset_features(dataset))[i] = (float)x;
        else
            ((double *)us_dataset_features(dataset))[i] = x;
    }
    for (size_t i = 0; i < ROWS; i++) {
        if (task == US_CLASSIFICATION) us_dataset_labels(dataset)[i] = us_rng_below(&rng, (uint32_t)outputs);
        for (size_t k = 0; k < outputs && task == US_REGRESSION; k++) {
            double y = 3 * us_rng_normal(&rng);
            if (precision == US_F32)
                ((float *)us_dataset_targets(dataset))[i * outputs + k] = (float)y;
            else
                ((double *)us_dataset_targets(dataset))[i * outputs + k] = y;
        }
    }
    return dataset;
}

typedef struct bench {
    us_context *context;
    us_dataset *dataset;
    us_problem *problem;
    us_vec *theta;
} bench;

static bench bench_make(us_precision precision, us_linear_loss loss, double theta_scale, double feature_scale) {
    bench b = {.context = support_plain_context()};
    b.dataset = dataset_make(b.context, precision, loss, feature_scale);
    assert_int_equal(us_problem_create_linear(&b.problem, b.dataset, loss), US_OK);
    assert_int_equal(us_vec_create(&b.theta, b.context, precision, us_problem_dimension(b.problem)), US_OK);
    us_rng rng = us_rng_init(8, 8);
    us_vec_fill_normal(b.theta, &rng);
    us_vec_scale(b.theta, theta_scale);
    return b;
}

static void bench_free(bench *b) {
    us_vec_destroy(b->theta);
    us_problem_destroy(b->problem);
    us_dataset_destroy(b->dataset);
    us_context_destroy(b->context);
}

/* Towards the least-squares or most likely θ: Newton's method with conjugate gradients, in f64. */
static void bench_go_to_minimum(bench *b) {
    us_problem *exact;
    size_t n = us_vec_size(b->theta);
    assert_int_equal(us_problem_recast(&exact, b->problem, US_F64), US_OK);
    us_vec *v[6];
    for (size_t i = 0; i < 6; i++) assert_int_equal(us_vec_create(&v[i], b->context, US_F64, n), US_OK);
    us_vec *theta = v[0], *g = v[1], *step = v[2], *r = v[3], *p = v[4], *hp = v[5];
    for (int newton = 0; newton < 30; newton++) {
        double loss;
        assert_int_equal(us_problem_gradient(exact, theta, US_BATCH_ALL, &loss, g), US_OK);
        us_vec_fill(step, 0);
        us_vec_copy(r, g), us_vec_copy(p, g);
        for (size_t i = 0; i < 3 * n && us_vec_norm2(r) > 1e-15 * us_vec_norm2(g); i++) {
            assert_int_equal(us_problem_hvp(exact, theta, US_BATCH_ALL, (const us_vec *const[]){p}, &hp, 1), US_OK);
            double before = us_vec_dot(r, r), a = before / (us_vec_dot(p, hp) + 1e-300);
            us_vec_axpy(step, a, p);
            us_vec_axpy(r, -a, hp);
            us_vec_scale(p, us_vec_dot(r, r) / before);
            us_vec_axpy(p, 1, r);
        }
        us_vec_axpy(theta, -1, step);
    }
    us_vec_copy(b->theta, theta);
    for (size_t i = 0; i < 6; i++) us_vec_destroy(v[i]);
    us_problem_destroy(exact);
}

typedef us_status (*check_function)(us_problem *, const us_vec *, us_batch, const us_check_options *, us_check *);

static us_check run(check_function function, spoiled *p, const us_vec *theta, uint64_t seed) {
    us_check_options options = US_CHECK_OPTIONS_INIT;
    us_check check;
    options.seed = seed;
    assert_int_equal(function(&p->base, theta, US_BATCH_ALL, &options, &check), US_OK);
    return check;
}

static const double THETA_SCALES[] = {0, 1e-6, 0.4, 30}, LOSS_SCALES[] = {1e-8, 1, 1e12};
enum { SEEDS = 3 };

static void expect(bool condition, const us_check *check, const char *what, us_precision precision, int loss,
                   double theta_scale, double loss_scale, uint64_t seed) {
    if (!condition)
        fail_msg("%s: f%d, loss %d, theta ~ %g, loss × %g, seed %d: passed %d, decided %d, disagreement %g, asymmetry %g, "
                 "worst group %zd",
                 what, (int)precision, loss, theta_scale, loss_scale, (int)seed, check->passed, check->decided,
                 check->disagreement, check->asymmetry, (ssize_t)check->worst_group);
}

static void each(void (*body)(bench *b, us_precision precision, int loss, double theta_scale, double loss_scale,
                              uint64_t seed)) {
    for (size_t p = 0; p < 2; p++)
        for (int l = 0; l < 3; l++)
            for (size_t t = 0; t < 4; t++) {
                bench b = bench_make(PRECISIONS[p], (us_linear_loss)l, THETA_SCALES[t], 1);
                for (size_t s = 0; s < 3; s++)
                    for (uint64_t seed = 1; seed <= SEEDS; seed++)
                        body(&b, PRECISIONS[p], l, THETA_SCALES[t], LOSS_SCALES[s], seed);
                bench_free(&b);
            }
}

static void accept_right(bench *b, us_precision precision, int loss, double theta_scale, double loss_scale, uint64_t seed) {
    spoiled p = spoiled_make(b->problem, RIGHT, 0, loss_scale);
    us_check check = run(us_problem_check_gradient, &p, b->theta, seed);
    expect(check.passed && check.decided && check.worst_group == SIZE_MAX, &check, "right gradient", precision, loss,
           theta_scale, loss_scale, seed);
    if (theta_scale > 1 && loss != US_LINEAR_HALF_MSE) return; /* saturated: curvature may be below what rounding shows */
    check = run(us_problem_check_hessian, &p, b->theta, seed);
    expect(check.passed && check.decided && check.worst_group == SIZE_MAX, &check, "right Hessian", precision, loss,
           theta_scale, loss_scale, seed);
}

static void right_ones_are_accepted(void **state) { each(accept_right); }

static void catch_wrong(bench *b, us_precision precision, int loss, double theta_scale, double loss_scale, uint64_t seed) {
    static const struct {
        wrong kind;
        const char *name;
        double at_least;
        bool in_f32;
    } GRADIENTS[] = {
        {FLIPPED_GROUP, "flipped group", 0.2, true},
        {DOUBLED, "doubled gradient", 0.4, true},
        {MISSING_TERM, "missing term", 1e-4, false},
    };
    static const struct {
        wrong kind;
        const char *name;
        bool in_f32;
    } HESSIANS[] = {
        {HVP_FLIPPED_GROUP, "flipped rows", true},
        {HVP_DOUBLED, "doubled product", true},
        {HVP_MISSING_TERM, "missing rows", false},
        {HVP_ASYMMETRIC, "asymmetric", true},
    };
    for (size_t group = 0; group < 2; group++) {
        for (size_t i = 0; i < 3; i++) {
            if (precision == US_F32 && !GRADIENTS[i].in_f32) continue;
            spoiled p = spoiled_make(b->problem, GRADIENTS[i].kind, group, loss_scale);
            us_check check = run(us_problem_check_gradient, &p, b->theta, seed);
            bool blamed = GRADIENTS[i].kind == DOUBLED ? check.worst_group != SIZE_MAX : check.worst_group == group;
            expect(!check.passed && check.decided && blamed && check.disagreement >= GRADIENTS[i].at_least, &check,
                   GRADIENTS[i].name, precision, loss, theta_scale, loss_scale, seed);
        }
        if (theta_scale > 1 && loss != US_LINEAR_HALF_MSE) continue;
        for (size_t i = 0; i < 4; i++) {
            if (precision == US_F32 && !HESSIANS[i].in_f32) continue;
            spoiled p = spoiled_make(b->problem, HESSIANS[i].kind, group, loss_scale);
            us_check check = run(us_problem_check_hessian, &p, b->theta, seed);
            expect(!check.passed && check.decided && check.worst_group != SIZE_MAX, &check, HESSIANS[i].name, precision,
                   loss, theta_scale, loss_scale, seed);
            if (HESSIANS[i].kind == HVP_ASYMMETRIC)
                expect(check.asymmetry > 1e-3, &check, "asymmetry is seen", precision, loss, theta_scale, loss_scale, seed);
        }
    }
}

static void wrong_ones_are_caught(void **state) { each(catch_wrong); }

/* At a minimum, a gradient is rounding and nothing else: nobody may be accused, whatever the features' scale. */
static void no_false_alarm_at_a_minimum(void **state) {
    for (size_t p = 0; p < 2; p++)
        for (int l = 0; l < 3; l++)
            for (double features = 1e-3; features < 1e4; features *= 1e3) {
                bench b = bench_make(PRECISIONS[p], (us_linear_loss)l, 0, features);
                bench_go_to_minimum(&b);
                for (size_t s = 0; s < 3; s++)
                    for (uint64_t seed = 1; seed <= 10; seed++) {
                        spoiled right = spoiled_make(b.problem, RIGHT, 0, LOSS_SCALES[s]);
                        us_check check = run(us_problem_check_gradient, &right, b.theta, seed);
                        expect(check.passed || !check.decided, &check, "gradient at a minimum", PRECISIONS[p], l, features,
                               LOSS_SCALES[s], seed);
                        check = run(us_problem_check_hessian, &right, b.theta, seed);
                        expect(check.passed || !check.decided, &check, "Hessian at a minimum", PRECISIONS[p], l, features,
                               LOSS_SCALES[s], seed);
                    }
                bench_free(&b);
            }
}

static void what_is_not_finite(void **state) {
    for (size_t p = 0; p < 2; p++) {
        bench b = bench_make(PRECISIONS[p], US_LINEAR_SOFTMAX, 0.5, 1);
        spoiled bad = spoiled_make(b.problem, NAN_ELEMENT, 1, 1);
        us_check check = run(us_problem_check_gradient, &bad, b.theta, 1);
        assert_true(check.decided && !check.passed && check.worst_group == 1 && isinf(check.disagreement));
        volatile double zero = 0;
        bad = spoiled_make(b.problem, RIGHT, 0, zero / zero);
        check = run(us_problem_check_gradient, &bad, b.theta, 1);
        assert_true(!check.decided && !check.passed);
        check = run(us_problem_check_hessian, &bad, b.theta, 1);
        assert_true(!check.decided && !check.passed);
        bench_free(&b);
    }
}

/* ---------------------------------------------------------------- callbacks */

typedef struct curve {
    double (*value)(const double *theta);
    void (*gradient)(const double *theta, double *g);
} curve;

static int curve_value(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss) {
    *loss = ((const curve *)user)->value(theta);
    return 0;
}

static int curve_gradient(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss, void *gradient) {
    *loss = ((const curve *)user)->value(theta);
    ((const curve *)user)->gradient(theta, gradient);
    return 0;
}

static us_check check_curve(double (*value)(const double *), void (*gradient)(const double *, double *), size_t n,
                            const double *at, uint64_t seed, bool hessian) {
    us_context *context = support_plain_context();
    curve c = {value, gradient};
    us_callback_problem callback = US_CALLBACK_PROBLEM_INIT;
    callback.dimension = n, callback.user = &c, callback.value = curve_value, callback.gradient = curve_gradient;
    us_problem *problem;
    us_vec *theta;
    assert_int_equal(us_problem_create_callback(&problem, context, &callback), US_OK);
    assert_int_equal(us_vec_create(&theta, context, US_F64, n), US_OK);
    us_vec_write_f64(theta, at);
    us_check_options options = US_CHECK_OPTIONS_INIT;
    options.seed = seed;
    us_check check;
    assert_int_equal(
        (hessian ? us_problem_check_hessian : us_problem_check_gradient)(problem, theta, US_BATCH_ALL, &options, &check),
        US_OK);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    us_context_destroy(context);
    return check;
}

static double kink(const double *t) { return fabs(t[0]) + t[1] * t[1]; }
static void kink_gradient(const double *t, double *g) { g[0] = t[0] > 0 ? 1 : -1, g[1] = 2 * t[1]; }

/* At a kink no difference decides; beside it, a right gradient passes and a wrong one does not. */
static void a_kink_decides_nothing(void **state) {
    for (uint64_t seed = 1; seed <= 50; seed++) {
        us_check check = check_curve(kink, kink_gradient, 2, (double[]){0, 0.7}, seed, false);
        assert_true(!check.decided && !check.passed);
        check = check_curve(kink, kink_gradient, 2, (double[]){0.003, 0.7}, seed, false);
        assert_true(check.decided && check.passed);
        check = check_curve(kink, kink_gradient, 2, (double[]){-2, 0.7}, seed, true);
        assert_true(check.decided && check.passed);
    }
}

/* Misra1a's model (NIST StRD), whose parameters differ by six powers of ten, at start 1. */
static const double MISRA_X[] = {77.6,  114.9, 141.1, 190.8, 239.9, 289,   332.8,
                                 378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760};
static const double MISRA_Y[] = {10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02,
                                 44.82, 50.76, 55.05, 61.01, 66.4,  75.47, 81.78};
static double misra(const double *t) {
    double sum = 0;
    for (int i = 0; i < 14; i++) {
        double r = MISRA_Y[i] - t[0] * (1 - exp(-t[1] * MISRA_X[i]));
        sum += 0.5 * r * r;
    }
    return sum;
}
static void misra_gradient(const double *t, double *g) {
    g[0] = g[1] = 0;
    for (int i = 0; i < 14; i++) {
        double e = exp(-t[1] * MISRA_X[i]), r = MISRA_Y[i] - t[0] * (1 - e);
        g[0] -= r * (1 - e);
        g[1] -= r * t[0] * MISRA_X[i] * e;
    }
}
static void misra_wrong(const double *t, double *g) { misra_gradient(t, g), g[0] *= 1.001; }
static void misra_flipped(const double *t, double *g) { misra_gradient(t, g), g[1] *= -1; }

static void parameters_of_very_different_size(void **state) {
    for (uint64_t seed = 1; seed <= 10; seed++) {
        us_check check = check_curve(misra, misra_gradient, 2, (double[]){500, 1e-4}, seed, false);
        assert_true(check.decided && check.passed);
        check = check_curve(misra, misra_gradient, 2, (double[]){500, 1e-4}, seed, true);
        assert_true(check.passed || !check.decided);
        check = check_curve(misra, misra_wrong, 2, (double[]){500, 1e-4}, seed, false);
        assert_true(check.decided && !check.passed);
        check = check_curve(misra, misra_flipped, 2, (double[]){500, 1e-4}, seed, false);
        assert_true(check.decided && !check.passed && check.worst_group == 0);
    }
}

/* A loss that was rounded to float on its way: coarser than its precision says. */
static double coarse(const double *t) { return (double)(float)(3 + exp(0.3 * t[0]) + t[0] * t[1] * t[1]); }
static void coarse_gradient(const double *t, double *g) {
    g[0] = 0.3 * exp(0.3 * t[0]) + t[1] * t[1], g[1] = 2 * t[0] * t[1];
}
static void coarse_flipped(const double *t, double *g) { coarse_gradient(t, g), g[1] = -g[1]; }

static void a_coarse_loss_is_no_wrong_gradient(void **state) {
    static const double AT[][2] = {{0.7, -1.3}, {1e-3, 1e-3}, {0, 0.02}, {40, 3}, {-2.385, 1e-5}};
    for (size_t i = 0; i < 5; i++)
        for (uint64_t seed = 1; seed <= 10; seed++) {
            us_check check = check_curve(coarse, coarse_gradient, 2, AT[i], seed, false);
            assert_true(check.passed || !check.decided);
        }
    for (uint64_t seed = 1; seed <= 10; seed++) {
        us_check check = check_curve(coarse, coarse_flipped, 2, AT[0], seed, false);
        assert_true(check.decided && !check.passed);
    }
}

static double plane(const double *t) { return 5 + 3 * t[0] - t[1]; }
static void plane_gradient(const double *t, double *g) { g[0] = 3, g[1] = -1; }
static double bowl(const double *t) { return t[0] * t[0] + t[1] * t[1]; }
static void bowl_gradient(const double *t, double *g) { g[0] = 2 * t[0], g[1] = 2 * t[1]; }
static void nothing(const double *t, double *g) { g[0] = g[1] = 0; }

static void simple_functions(void **state) {
    for (uint64_t seed = 1; seed <= 10; seed++) {
        assert_true(check_curve(plane, plane_gradient, 2, (double[]){1, 2}, seed, false).passed);
        us_check check = check_curve(plane, plane_gradient, 2, (double[]){1, 2}, seed, true);
        assert_true(check.passed || !check.decided);
        check = check_curve(bowl, bowl_gradient, 2, (double[]){0, 0}, seed, false);
        assert_true(check.passed || !check.decided);
        check = check_curve(bowl, bowl_gradient, 2, (double[]){1e-9, 0}, seed, false);
        assert_true(check.passed || !check.decided);
        assert_true(check_curve(bowl, bowl_gradient, 2, (double[]){1, 2}, seed, true).passed);
        check = check_curve(bowl, nothing, 2, (double[]){1, 2}, seed, false);
        assert_true(check.decided && !check.passed);
    }
}

static void options_out_of_range(void **state) {
    bench b = bench_make(US_F64, US_LINEAR_HALF_MSE, 0.4, 1);
    us_check check;
    us_check_options options = US_CHECK_OPTIONS_INIT;
    options.directions = 0;
    assert_int_equal(us_problem_check_gradient(b.problem, b.theta, US_BATCH_ALL, &options, &check), US_ERR_ARGUMENT);
    us_check_options_init(&options);
    options.tolerance = -1;
    assert_int_equal(us_problem_check_hessian(b.problem, b.theta, US_BATCH_ALL, &options, &check), US_ERR_ARGUMENT);
    options.tolerance = 0.5; /* lets a missing half through */
    spoiled p = spoiled_make(b.problem, MISSING_TERM, 0, 1);
    assert_int_equal(us_problem_check_gradient(&p.base, b.theta, US_BATCH_ALL, &options, &check), US_OK);
    assert_true(check.passed);
    bench_free(&b);
}

static us_status check_body(us_context *context, void *user) {
    static curve c = {bowl, bowl_gradient};
    us_callback_problem callback = US_CALLBACK_PROBLEM_INIT;
    callback.dimension = 2, callback.user = &c, callback.value = curve_value, callback.gradient = curve_gradient;
    us_problem *problem = NULL;
    us_vec *theta = NULL;
    us_check check;
    us_status status = us_problem_create_callback(&problem, context, &callback);
    if (status == US_OK) status = us_vec_create(&theta, context, US_F64, 2);
    if (status == US_OK) us_vec_fill(theta, 2.385);
    if (status == US_OK) status = us_problem_check_gradient(problem, theta, US_BATCH_ALL, NULL, &check);
    if (status == US_OK) status = us_problem_check_hessian(problem, theta, US_BATCH_ALL, NULL, &check);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    return status;
}

static void failing_allocations_are_survived(void **state) { support_fail_each_allocation(check_body, NULL); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_ones_are_accepted),
        cmocka_unit_test(wrong_ones_are_caught),
        cmocka_unit_test(no_false_alarm_at_a_minimum),
        cmocka_unit_test(what_is_not_finite),
        cmocka_unit_test(a_kink_decides_nothing),
        cmocka_unit_test(parameters_of_very_different_size),
        cmocka_unit_test(a_coarse_loss_is_no_wrong_gradient),
        cmocka_unit_test(simple_functions),
        cmocka_unit_test(options_out_of_range),
        cmocka_unit_test(failing_allocations_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
