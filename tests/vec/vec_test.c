#include "support.h"
#include <unstuck/vec.h>

static const us_precision PRECISIONS[] = {US_F32, US_F64};

/* Every operation against a plain loop in long double, for sizes around the lanes. */
static void operations_agree_with_plain_loops(void **state) {
    us_context *context = support_plain_context();
    for (size_t p = 0; p < 2; p++)
        for (size_t n = 0; n < 40; n++) {
            double tolerance = 8 * us_precision_epsilon(PRECISIONS[p]);
            us_vec *x, *y, *z;
            assert_int_equal(us_vec_create(&x, context, PRECISIONS[p], n), US_OK);
            assert_int_equal(us_vec_create(&y, context, PRECISIONS[p], n), US_OK);
            assert_int_equal(us_vec_create(&z, context, PRECISIONS[p], n), US_OK);
            us_rng rng = us_rng_init(n, p);
            us_vec_fill_normal(x, &rng);
            us_vec_fill_normal(y, &rng);
            long double dot = 0, square = 0, largest = 0;
            for (size_t i = 0; i < n; i++) {
                long double a = (long double)us_vec_get(x, i), b = (long double)us_vec_get(y, i);
                dot += a * b, square += a * a, largest = fmaxl(largest, fabsl(a));
            }
            assert_near(us_vec_dot(x, y), (double)dot, 1e-14, 1e-14);
            assert_near(us_vec_norm2(x), (double)sqrtl(square), 1e-14, 0);
            assert_near(us_vec_norm_inf(x), (double)largest, 0, 0);
            us_vec_sum(z, x, -1.7, y);
            for (size_t i = 0; i < n; i++)
                assert_near(us_vec_get(z, i), us_vec_get(x, i) - 1.7 * us_vec_get(y, i), tolerance, tolerance);
            us_vec_axpy(z, 1.7, y);
            for (size_t i = 0; i < n; i++) assert_near(us_vec_get(z, i), us_vec_get(x, i), tolerance, tolerance);
            us_vec_copy(z, x);
            us_vec_scale(z, 2.5);
            for (size_t i = 0; i < n; i++) assert_near(us_vec_get(z, i), 2.5 * us_vec_get(x, i), tolerance, 0);
            assert_int_equal(us_vec_count_different(x, z), n);
            us_vec_destroy(x), us_vec_destroy(y), us_vec_destroy(z);
        }
    us_context_destroy(context);
}

/* Would fail if a flag let the compiler assume that there is no NaN. */
static void nan_and_infinity_are_noticed(void **state) {
    us_context *context = support_plain_context();
    volatile double zero = 0;
    double bad[] = {zero / zero, 1 / zero, -1 / zero};
    for (size_t p = 0; p < 2; p++)
        for (size_t n = 1; n < 40; n += 3)
            for (size_t k = 0; k < 3; k++) {
                us_vec *x;
                assert_int_equal(us_vec_create(&x, context, PRECISIONS[p], n), US_OK);
                us_vec_fill(x, 1.5);
                assert_true(us_vec_is_finite(x));
                us_vec_set(x, n / 2, bad[k]);
                assert_false(us_vec_is_finite(x));
                if (k == 0) assert_true(isnan(us_vec_norm_inf(x)));
                if (k == 0) assert_true(isnan(us_vec_norm2(x)));
                if (k > 0) assert_true(isinf(us_vec_norm2(x)));
                us_vec_destroy(x);
            }
    us_context_destroy(context);
}

static void norm_survives_extremes(void **state) {
    us_context *context = support_plain_context();
    us_vec *x;
    assert_int_equal(us_vec_create(&x, context, US_F64, 4), US_OK);
    us_vec_fill(x, 1e200);
    assert_near(us_vec_norm2(x), 2e200, 1e-15, 0);
    us_vec_fill(x, 1e-200);
    assert_near(us_vec_norm2(x), 2e-200, 1e-15, 0);
    us_vec_destroy(x);
    us_context_destroy(context);
}

static us_status vec_body(us_context *context, void *user) {
    us_vec *a = NULL, *b = NULL;
    us_status status = us_vec_create(&a, context, US_F32, 10);
    if (status == US_OK) status = us_vec_wrap(&b, context, US_F32, 10, us_vec_data(a));
    us_vec_destroy(b);
    us_vec_destroy(a);
    return status;
}

static void creation_survives_failing_allocations(void **state) { support_fail_each_allocation(vec_body, NULL); }

static void precisions_convert(void **state) {
    us_context *context = support_plain_context();
    us_vec *x, *y;
    assert_int_equal(us_vec_create(&x, context, US_F32, 3), US_OK);
    assert_int_equal(us_vec_create(&y, context, US_F64, 3), US_OK);
    double values[3] = {1.0 / 3, -2e-9, 7};
    us_vec_write_f64(y, values);
    us_vec_copy(x, y);
    for (size_t i = 0; i < 3; i++) assert_true(us_vec_get(x, i) == (double)(float)values[i]);
    us_vec_copy(y, x);
    for (size_t i = 0; i < 3; i++) assert_true(us_vec_get(y, i) == (double)(float)values[i]);
    us_vec_destroy(x), us_vec_destroy(y);
    us_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_agree_with_plain_loops),
        cmocka_unit_test(nan_and_infinity_are_noticed),
        cmocka_unit_test(norm_survives_extremes),
        cmocka_unit_test(creation_survives_failing_allocations),
        cmocka_unit_test(precisions_convert),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
