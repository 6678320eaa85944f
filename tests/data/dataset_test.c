#include "support.h"
#include <unstuck/data.h>

static void a_dataset_is_zeros_of_its_shape(void **state) {
    us_context *context = support_plain_context();
    us_dataset *d;
    assert_int_equal(us_dataset_create(&d, context, US_F32, 3, 2, US_REGRESSION, 2), US_OK);
    assert_int_equal(us_dataset_rows(d), 3);
    assert_int_equal(us_dataset_columns(d), 2);
    assert_int_equal(us_dataset_outputs(d), 2);
    assert_int_equal(us_dataset_task(d), US_REGRESSION);
    assert_int_equal(us_dataset_precision(d), US_F32);
    assert_ptr_equal(us_dataset_context(d), context);
    assert_null(us_dataset_labels(d));
    for (int i = 0; i < 6; i++)
        assert_true(((float *)us_dataset_features(d))[i] == 0 && ((float *)us_dataset_targets(d))[i] == 0);
    us_dataset_destroy(d);
    assert_int_equal(us_dataset_create(&d, context, US_F64, 4, 0, US_CLASSIFICATION, 3), US_OK);
    assert_null(us_dataset_targets(d));
    for (int i = 0; i < 4; i++) assert_int_equal(us_dataset_labels(d)[i], 0);
    us_dataset_destroy(d);
    us_context_destroy(context);
}

static void sizes_out_of_range_are_refused(void **state) {
    us_context *context = support_plain_context();
    us_dataset *d = (us_dataset *)1;
    assert_int_equal(us_dataset_create(&d, context, US_F32, 0, 2, US_REGRESSION, 1), US_ERR_ARGUMENT);
    assert_null(d);
    assert_int_equal(us_dataset_create(&d, context, US_F32, 2, 2, US_REGRESSION, 0), US_ERR_ARGUMENT);
    assert_int_equal(us_dataset_create(&d, context, US_F32, 2, 2, US_TASK_AUTO, 1), US_ERR_ARGUMENT);
    assert_int_equal(us_dataset_create(&d, context, (us_precision)16, 2, 2, US_REGRESSION, 1), US_ERR_ARGUMENT);
    assert_int_equal(us_dataset_create(&d, context, US_F32, 1u << 31, SIZE_MAX / 4, US_REGRESSION, 1), US_ERR_NOMEM);
    us_dataset_destroy(NULL);
    us_context_destroy(context);
}

static void windows_overlap_in_one_sequence(void **state) {
    us_context *context = support_plain_context();
    us_dataset *d = (us_dataset *)1;
    assert_int_equal(us_dataset_create_windows(&d, context, US_F32, 10, 4, 3, 5), US_OK);
    assert_true(us_dataset_has_windows(d));
    assert_int_equal(us_dataset_rows(d), 3); /* begin at 0, 3, 6 */
    assert_int_equal(us_dataset_columns(d), 4);
    assert_int_equal(us_dataset_positions(d), 4);
    assert_int_equal(us_dataset_stride(d), 3);
    assert_int_equal(us_dataset_label_stride(d), 3);
    assert_int_equal(us_dataset_outputs(d), 5);
    uint32_t *labels = us_dataset_labels(d);
    for (size_t i = 0; i < 10; i++) assert_true(labels[i] == 0 && ((float *)us_dataset_features(d))[i] == 0);
    double floor, constant;
    /* rows 2002, 2024, 4002: element 3 is in rows 0 and 1, element 6 in rows 1 and 2 */
    labels[0] = labels[3] = labels[5] = labels[9] = 2;
    labels[6] = 4;
    assert_int_equal(us_dataset_floor(d, &floor, &constant), US_OK);
    assert_true(isnan(floor));
    double two = 5 / 12.0, four = 2 / 12.0, zero = 5 / 12.0;
    assert_near(constant, -two * log(two) - four * log(four) - zero * log(zero), 1e-14, 0);
    labels[9] = 5;
    assert_int_equal(us_dataset_floor(d, &floor, &constant), US_ERR_INPUT);
    us_dataset_destroy(d);
    assert_int_equal(us_dataset_create_windows(&d, context, US_F32, 10, 11, 1, 5), US_ERR_ARGUMENT);
    assert_null(d);
    assert_int_equal(us_dataset_create_windows(&d, context, US_F32, 10, 0, 1, 5), US_ERR_ARGUMENT);
    assert_int_equal(us_dataset_create_windows(&d, context, US_F32, 10, 4, 0, 5), US_ERR_ARGUMENT);
    us_context_destroy(context);
}

static us_status windows_body(us_context *context, void *user) {
    us_dataset *d;
    us_status status = us_dataset_create_windows(&d, context, US_F64, 9, 3, 1, 2);
    double floor, constant;
    if (status == US_OK) status = us_dataset_floor(d, &floor, &constant);
    us_dataset_destroy(d);
    return status;
}

static us_status dataset_body(us_context *context, void *user) {
    us_dataset *d;
    us_status status = us_dataset_create(&d, context, US_F32, 5, 3, *(us_task *)user, 2);
    us_dataset_destroy(d);
    return status;
}

static void creation_survives_failing_allocations(void **state) {
    us_task tasks[] = {US_REGRESSION, US_CLASSIFICATION};
    for (int i = 0; i < 2; i++) support_fail_each_allocation(dataset_body, &tasks[i]);
    support_fail_each_allocation(windows_body, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dataset_is_zeros_of_its_shape),
        cmocka_unit_test(sizes_out_of_range_are_refused),
        cmocka_unit_test(windows_overlap_in_one_sequence),
        cmocka_unit_test(creation_survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
