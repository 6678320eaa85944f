/* The sample decorator: what the whole problem says of those rows, in every order of derivative. */
#include "support.h"
#include <unstuck/data.h>
#include <unstuck/linear.h>

enum { ROWS = 11, SAMPLE = 4, N = 4 };
static const uint32_t CHOSEN[SAMPLE] = {0, 2, 5, 8}; /* floor(i·11/4) */

static us_status whole_problem(us_problem **out, us_dataset **data, us_context *context) {
    *out = NULL;
    us_status status = us_dataset_create(data, context, US_F64, ROWS, 3, US_CLASSIFICATION, 2);
    if (status != US_OK) return status;
    us_rng rng = us_rng_init(5, 1);
    for (size_t i = 0; i < 3 * ROWS; i++) ((double *)us_dataset_features(*data))[i] = us_rng_normal(&rng);
    for (size_t i = 0; i < ROWS; i++) us_dataset_labels(*data)[i] = i % 3 == 0;
    return us_problem_create_linear(out, *data, US_LINEAR_LOGISTIC);
}

static us_vec *vec(us_context *context, uint64_t draw) {
    us_vec *v;
    us_rng rng = us_rng_init(3, draw);
    assert_int_equal(us_vec_create(&v, context, US_F64, N), US_OK);
    us_vec_fill_normal(v, &rng);
    return v;
}

static void same(const us_vec *a, const us_vec *b) {
    for (size_t i = 0; i < N; i++) assert_true(us_vec_get(a, i) == us_vec_get(b, i));
}

/* The sample's rows `few` (NULL: all) are the rows `there` of the whole. */
static void compare(us_problem *part, us_problem *whole, us_batch few, us_batch there) {
    us_context *context = us_problem_context(whole);
    us_vec *theta = vec(context, 0), *v = vec(context, 1), *a = vec(context, 2), *b = vec(context, 3);
    double loss[2];
    assert_int_equal(us_problem_value(part, theta, few, &loss[0]), US_OK);
    assert_int_equal(us_problem_value(whole, theta, there, &loss[1]), US_OK);
    assert_true(loss[0] == loss[1]);
    assert_int_equal(us_problem_gradient(part, theta, few, &loss[0], a), US_OK);
    assert_int_equal(us_problem_gradient(whole, theta, there, &loss[1], b), US_OK);
    assert_true(loss[0] == loss[1]);
    same(a, b);
    for (int product = 0; product < US_PRODUCTS; product++) {
        us_status status = us_problem_product(whole, (us_product)product, theta, there, (const us_vec *const[]){v}, &b, 1);
        assert_int_equal(us_problem_product(part, (us_product)product, theta, few, (const us_vec *const[]){v}, &a, 1),
                         status);
        if (status == US_OK) same(a, b);
    }
    us_vec_destroy(theta), us_vec_destroy(v), us_vec_destroy(a), us_vec_destroy(b);
}

static void rows_evenly_spread(void **state) {
    (void)state;
    us_context *context = support_plain_context();
    us_dataset *data;
    us_problem *whole, *part, *single;
    assert_int_equal(whole_problem(&whole, &data, context), US_OK);
    assert_int_equal(us_problem_create_sample(&part, whole, SAMPLE, false), US_OK);
    assert_int_equal(us_problem_samples(part), SAMPLE);
    assert_int_equal(us_problem_dimension(part), us_problem_dimension(whole));
    compare(part, whole, US_BATCH_ALL, (us_batch){CHOSEN, SAMPLE, 0});
    compare(part, whole, (us_batch){(uint32_t[]){3, 1}, 2, 0}, (us_batch){(uint32_t[]){8, 2}, 2, 0});

    us_vec *theta = vec(context, 0);
    double loss[2];
    assert_int_equal(us_problem_value(part, theta, (us_batch){(uint32_t[]){4}, 1, 0}, &loss[0]), US_ERR_ARGUMENT);
    assert_int_equal(us_problem_value(part, theta, (us_batch){(uint32_t[]){0, 0, 0, 0, 0}, 5, 0}, &loss[0]),
                     US_ERR_ARGUMENT);
    assert_int_equal(us_problem_floor(part, &loss[0], &loss[1]), US_OK);
    assert_true(loss[0] != loss[0]);

    us_vec *small; /* in another precision: the same rows */
    assert_int_equal(us_problem_recast(&single, part, US_F32), US_OK);
    assert_int_equal(us_problem_samples(single), SAMPLE);
    assert_int_equal(us_vec_create(&small, context, US_F32, N), US_OK);
    us_vec_copy(small, theta);
    assert_int_equal(us_problem_value(part, theta, US_BATCH_ALL, &loss[0]), US_OK);
    assert_int_equal(us_problem_value(single, small, US_BATCH_ALL, &loss[1]), US_OK);
    assert_near(loss[1], loss[0], 1e-6, 0);
    us_problem_destroy(single), us_problem_destroy(part);

    assert_int_equal(us_problem_create_sample(&part, whole, 0, false), US_ERR_ARGUMENT);
    assert_int_equal(us_problem_create_sample(&part, whole, ROWS + 1, true), US_ERR_ARGUMENT); /* and destroys it */
    assert_null(part);
    us_vec_destroy(theta), us_vec_destroy(small);
    us_dataset_destroy(data);
    us_context_destroy(context);
}

static us_status sample_body(us_context *context, void *user) {
    (void)user;
    us_dataset *data = NULL;
    us_problem *whole, *part = NULL;
    us_status status = whole_problem(&whole, &data, context);
    if (status == US_OK) status = us_problem_create_sample(&part, whole, SAMPLE, true);
    us_problem_destroy(part);
    us_dataset_destroy(data);
    return status;
}

static void failing_allocations_leave_nothing(void **state) {
    (void)state;
    support_fail_each_allocation(sample_body, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_evenly_spread),
        cmocka_unit_test(failing_allocations_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
