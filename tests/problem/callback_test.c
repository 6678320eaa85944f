/* The seam's argument checks, the callback leaf and the l2 decorator. */
#include "support.h"
#include <unstuck/problem.h>

static const us_precision PRECISIONS[] = {US_F32, US_F64};

/* f(θ) = mean over rows r of exp(0.3 θ₀) + (r+1)·θ₀·θ₁ + ½θ₁⁴, with derivatives by hand. */
typedef struct sample_function {
    us_precision precision;
    int fail; /* what the functions return */
} sample_function;

enum { SAMPLES = 5 };

static double mean_weight(const uint32_t *rows, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += 1 + (double)(rows ? rows[i] : i);
    return sum / (double)count;
}

static double get(const sample_function *f, const void *x, size_t i) {
    return f->precision == US_F32 ? (double)((const float *)x)[i] : ((const double *)x)[i];
}

static void put(const sample_function *f, void *x, size_t i, double value) {
    if (f->precision == US_F32)
        ((float *)x)[i] = (float)value;
    else
        ((double *)x)[i] = value;
}

static int sample_value(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss) {
    const sample_function *f = user;
    double a = get(f, theta, 0), b = get(f, theta, 1);
    *loss = exp(0.3 * a) + mean_weight(rows, count) * a * b + 0.5 * b * b * b * b;
    return f->fail;
}

static int sample_gradient(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss, void *gradient) {
    const sample_function *f = user;
    double a = get(f, theta, 0), b = get(f, theta, 1), w = mean_weight(rows, count);
    put(f, gradient, 0, 0.3 * exp(0.3 * a) + w * b);
    put(f, gradient, 1, w * a + 2 * b * b * b);
    return sample_value(user, theta, rows, count, loss);
}

static int sample_hvp(void *user, const void *theta, const uint32_t *rows, size_t count, const void *v, void *hv) {
    const sample_function *f = user;
    double a = get(f, theta, 0), b = get(f, theta, 1), w = mean_weight(rows, count);
    put(f, hv, 0, 0.09 * exp(0.3 * a) * get(f, v, 0) + w * get(f, v, 1));
    put(f, hv, 1, w * get(f, v, 0) + 6 * b * b * get(f, v, 1));
    return f->fail;
}

static us_callback_problem sample_callback(sample_function *f, bool exact) {
    us_callback_problem callback = US_CALLBACK_PROBLEM_INIT;
    callback.dimension = 2;
    callback.samples = SAMPLES;
    callback.precision = f->precision;
    callback.user = f;
    callback.value = sample_value;
    callback.gradient = sample_gradient;
    callback.hvp = exact ? sample_hvp : NULL;
    return callback;
}

static us_vec *vec(us_context *context, us_precision precision, double a, double b) {
    us_vec *v;
    assert_int_equal(us_vec_create(&v, context, precision, 2), US_OK);
    us_vec_set(v, 0, a), us_vec_set(v, 1, b);
    return v;
}

/* Value, gradient and product at (0.7, −1.3) on all rows and on some, for a problem of any precision, against the
 * formulas in long hand. `strength` is that of an l2 around it. */
static void expect_sample(us_problem *problem, double strength, double tolerance, double hvp_tolerance) {
    us_context *context = us_problem_context(problem);
    us_precision precision = us_problem_precision(problem);
    const double a = (double)0.7f, b = (double)-1.3f, v0 = 2.385, v1 = -0.41;
    us_vec *theta = vec(context, precision, a, b), *g = vec(context, precision, 9, 9), *v = vec(context, precision, v0, v1),
           *u = vec(context, precision, v1, v0), *hv = vec(context, precision, 9, 9), *hu = vec(context, precision, 9, 9);
    const uint32_t some[] = {4, 0, 4};
    const us_batch batches[] = {US_BATCH_ALL, {some, 3}, {some + 1, 1}};
    const double weights[] = {3, 11.0 / 3, 1};
    for (size_t i = 0; i < 3; i++) {
        double w = weights[i], loss, again;
        double value = exp(0.3 * a) + w * a * b + 0.5 * b * b * b * b + strength / 2 * (a * a + b * b);
        assert_int_equal(us_problem_value(problem, theta, batches[i], &loss), US_OK);
        assert_near(loss, value, tolerance, 0);
        assert_int_equal(us_problem_gradient(problem, theta, batches[i], &again, g), US_OK);
        assert_near(again, value, tolerance, 0);
        assert_near(us_vec_get(g, 0), 0.3 * exp(0.3 * a) + w * b + strength * a, tolerance, tolerance);
        assert_near(us_vec_get(g, 1), w * a + 2 * b * b * b + strength * b, tolerance, tolerance);
        assert_int_equal(
            us_problem_hvp(problem, theta, batches[i], (const us_vec *const[]){v, u}, (us_vec *const[]){hv, hu}, 2), US_OK);
        double h00 = 0.09 * exp(0.3 * a) + strength, h11 = 6 * b * b + strength;
        assert_near(us_vec_get(hv, 0), h00 * v0 + w * v1, hvp_tolerance, hvp_tolerance);
        assert_near(us_vec_get(hv, 1), w * v0 + h11 * v1, hvp_tolerance, hvp_tolerance);
        assert_near(us_vec_get(hu, 0), h00 * v1 + w * v0, hvp_tolerance, hvp_tolerance);
        assert_near(us_vec_get(hu, 1), w * v1 + h11 * v0, hvp_tolerance, hvp_tolerance);
    }
    us_vec_destroy(theta), us_vec_destroy(g), us_vec_destroy(v), us_vec_destroy(u), us_vec_destroy(hv), us_vec_destroy(hu);
}

/* Callback precision × problem precision × with and without hvp × with and without l2 around it. */
static void callback_agrees_with_formulas(void **state) {
    us_context *context = support_plain_context();
    for (size_t p = 0; p < 2; p++)
        for (size_t q = 0; q < 2; q++)
            for (int exact = 0; exact < 2; exact++)
                for (int penalised = 0; penalised < 2; penalised++) {
                    sample_function f = {.precision = PRECISIONS[p]};
                    us_callback_problem callback = sample_callback(&f, exact);
                    us_problem *problem, *outer = NULL, *recast;
                    assert_int_equal(us_problem_create_callback(&problem, context, &callback), US_OK);
                    if (penalised) assert_int_equal(us_problem_create_l2(&outer, problem, 0.37, false), US_OK);
                    us_problem *whole = outer ? outer : problem;
                    assert_int_equal(us_problem_recast(&recast, whole, PRECISIONS[q]), US_OK);
                    assert_int_equal(us_problem_precision(recast), PRECISIONS[q]);
                    assert_int_equal(us_problem_samples(recast), SAMPLES);
                    assert_int_equal(us_problem_dimension(recast), 2);
                    assert_true(us_problem_hvp_is_exact(recast) == exact);
                    size_t groups;
                    const us_group *group = us_problem_groups(recast, &groups);
                    assert_int_equal(groups, 1);
                    assert_string_equal(group->name, "theta");
                    assert_int_equal(group->count, 2);
                    double epsilon = fmax(us_precision_epsilon(PRECISIONS[p]), us_precision_epsilon(PRECISIONS[q]));
                    double difference = 40 * pow(epsilon, 2.0 / 3);
                    expect_sample(whole, penalised ? 0.37 : 0, 8 * epsilon, exact ? 16 * epsilon : difference);
                    expect_sample(recast, penalised ? 0.37 : 0, 8 * epsilon, exact ? 16 * epsilon : difference);
                    us_problem_destroy(recast);
                    us_problem_destroy(outer);
                    us_problem_destroy(problem);
                }
    us_context_destroy(context);
}

static void failing_callbacks_say_so(void **state) {
    us_context *context = support_plain_context();
    for (int exact = 0; exact < 2; exact++) {
        sample_function f = {.precision = US_F64, .fail = 17};
        us_callback_problem callback = sample_callback(&f, exact);
        us_problem *problem, *outer;
        assert_int_equal(us_problem_create_callback(&problem, context, &callback), US_OK);
        assert_int_equal(us_problem_create_l2(&outer, problem, 1, true), US_OK);
        us_vec *theta = vec(context, US_F64, 1, 2), *g = vec(context, US_F64, 0, 0);
        double loss;
        assert_int_equal(us_problem_value(outer, theta, US_BATCH_ALL, &loss), US_ERR_CALLBACK);
        assert_non_null(strstr(us_context_error(context), "17"));
        assert_int_equal(us_problem_gradient(outer, theta, US_BATCH_ALL, &loss, g), US_ERR_CALLBACK);
        assert_int_equal(us_problem_hvp(outer, theta, US_BATCH_ALL, (const us_vec *const[]){theta}, (us_vec *const[]){g}, 1),
                         US_ERR_CALLBACK);
        us_vec_destroy(theta), us_vec_destroy(g);
        us_problem_destroy(outer);
    }
    us_context_destroy(context);
}

static void wrong_arguments_are_refused(void **state) {
    us_context *context = support_plain_context();
    sample_function f = {.precision = US_F64};
    us_callback_problem callback = sample_callback(&f, true);
    us_problem *problem, *none;
    assert_int_equal(us_problem_create_callback(&problem, context, &callback), US_OK);
    us_vec *theta = vec(context, US_F64, 1, 2), *g = vec(context, US_F64, 0, 0), *single = vec(context, US_F32, 1, 2),
           *shared, *longer;
    assert_int_equal(us_vec_wrap(&shared, context, US_F64, 2, us_vec_data(theta)), US_OK);
    assert_int_equal(us_vec_create(&longer, context, US_F64, 3), US_OK);
    double loss;
    const uint32_t beyond[] = {0, SAMPLES};
    assert_int_equal(us_problem_value(problem, single, US_BATCH_ALL, &loss), US_ERR_ARGUMENT);
    assert_int_equal(us_problem_value(problem, longer, US_BATCH_ALL, &loss), US_ERR_ARGUMENT);
    assert_int_equal(us_problem_value(problem, theta, (us_batch){beyond, 2}, &loss), US_ERR_ARGUMENT);
    assert_int_equal(us_problem_value(problem, theta, (us_batch){beyond + 1, 1}, &loss), US_ERR_ARGUMENT);
    assert_int_equal(us_problem_value(problem, theta, (us_batch){beyond, 0}, &loss), US_ERR_ARGUMENT);
    assert_int_equal(us_problem_value(problem, theta, (us_batch){beyond, 1}, &loss), US_OK);
    assert_int_equal(us_problem_gradient(problem, theta, US_BATCH_ALL, &loss, shared), US_ERR_ARGUMENT);
    assert_int_equal(us_problem_gradient(problem, theta, US_BATCH_ALL, &loss, longer), US_ERR_ARGUMENT);
    assert_int_equal(us_problem_hvp(problem, theta, US_BATCH_ALL, (const us_vec *const[]){single}, (us_vec *const[]){g}, 1),
                     US_ERR_ARGUMENT);
    assert_int_equal(
        us_problem_hvp(problem, theta, US_BATCH_ALL, (const us_vec *const[]){theta}, (us_vec *const[]){shared}, 1),
        US_ERR_ARGUMENT);
    assert_int_equal(us_problem_recast(&none, problem, (us_precision)16), US_ERR_ARGUMENT);
    assert_int_equal(us_problem_create_l2(&none, problem, -1, false), US_ERR_ARGUMENT);
    assert_int_equal(us_problem_create_l2(&none, problem, (double)NAN, false), US_ERR_ARGUMENT);
    callback.dimension = 0;
    assert_int_equal(us_problem_create_callback(&none, context, &callback), US_ERR_ARGUMENT);
    callback = sample_callback(&f, true), callback.gradient = NULL;
    assert_int_equal(us_problem_create_callback(&none, context, &callback), US_ERR_ARGUMENT);
    callback = sample_callback(&f, true), callback.precision = (us_precision)0;
    assert_int_equal(us_problem_create_callback(&none, context, &callback), US_ERR_ARGUMENT);
    us_vec_destroy(theta), us_vec_destroy(g), us_vec_destroy(single), us_vec_destroy(shared), us_vec_destroy(longer);
    us_problem_destroy(problem);
    us_problem_destroy(NULL);
    us_context_destroy(context);
}

static us_status make_all(us_context *context, void *user) {
    us_callback_problem callback = sample_callback(user, false);
    us_problem *problem = NULL, *outer = NULL, *recast = NULL;
    us_status status = us_problem_create_callback(&problem, context, &callback);
    if (status == US_OK) status = us_problem_create_l2(&outer, problem, 0.5, true);
    if (status == US_OK) status = us_problem_recast(&recast, outer, US_F32);
    us_problem_destroy(recast);
    us_problem_destroy(outer);
    return status;
}

static void creation_survives_failing_allocations(void **state) {
    sample_function f = {.precision = US_F64};
    support_fail_each_allocation(make_all, &f);
}

static void products_of_zero_and_nan(void **state) {
    us_context *context = support_plain_context();
    sample_function f = {.precision = US_F64};
    us_callback_problem callback = sample_callback(&f, false);
    us_problem *problem;
    assert_int_equal(us_problem_create_callback(&problem, context, &callback), US_OK);
    us_vec *theta = vec(context, US_F64, 1, 2), *v = vec(context, US_F64, 0, 0), *hv = vec(context, US_F64, 9, 9);
    assert_int_equal(us_problem_hvp(problem, theta, US_BATCH_ALL, (const us_vec *const[]){v}, (us_vec *const[]){hv}, 1),
                     US_OK);
    assert_true(us_vec_get(hv, 0) == 0 && us_vec_get(hv, 1) == 0);
    volatile double zero = 0;
    us_vec_set(v, 1, zero / zero);
    assert_int_equal(us_problem_hvp(problem, theta, US_BATCH_ALL, (const us_vec *const[]){v}, (us_vec *const[]){hv}, 1),
                     US_OK);
    assert_false(us_vec_is_finite(hv));
    us_vec_destroy(theta), us_vec_destroy(v), us_vec_destroy(hv);
    us_problem_destroy(problem);
    us_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(callback_agrees_with_formulas), cmocka_unit_test(failing_callbacks_say_so),
        cmocka_unit_test(wrong_arguments_are_refused),   cmocka_unit_test(creation_survives_failing_allocations),
        cmocka_unit_test(products_of_zero_and_nan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
