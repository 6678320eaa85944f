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

static us_status dataset_body(us_context *context, void *user) {
    us_dataset *d;
    us_status status = us_dataset_create(&d, context, US_F32, 5, 3, *(us_task *)user, 2);
    us_dataset_destroy(d);
    return status;
}

static void creation_survives_failing_allocations(void **state) {
    us_task tasks[] = {US_REGRESSION, US_CLASSIFICATION};
    for (int i = 0; i < 2; i++) support_fail_each_allocation(dataset_body, &tasks[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dataset_is_zeros_of_its_shape),
        cmocka_unit_test(sizes_out_of_range_are_refused),
        cmocka_unit_test(creation_survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
