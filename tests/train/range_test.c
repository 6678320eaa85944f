/* The range test: its rates, its smoothing, what it suggests against known limits, and that it leaves the training alone. */
#include "problem.h"
#include <unstuck/range.h>

static us_training *make(us_context *context, us_problem *problem, size_t batch) {
    us_training *training;
    us_vec *theta;
    us_training_options options = US_TRAINING_OPTIONS_INIT;
    options.batch = batch;
    strcpy(options.schedule.text, "cosine:50"); /* the test has a schedule of its own */
    assert_int_equal(small_start(&theta, context, US_F64), US_OK);
    assert_int_equal(us_training_create(&training, problem, theta, &options), US_OK);
    us_vec_destroy(theta);
    return training;
}

static void it_finds_where_descent_is_fast_and_where_it_ends(void **state) {
    us_context *context = support_plain_context();
    small_problem small;
    us_problem *problem;
    assert_int_equal(small_create(&problem, context, &small, US_F64), US_OK);
    for (size_t batch = 0; batch <= 8; batch += 8) {
        us_training *training = make(context, problem, batch);
        us_range *r;
        assert_int_equal(us_range_test(&r, training, NULL), US_OK);
        assert_int_equal(us_training_steps(training), 0);
        assert_near(us_vec_get(us_training_theta(training), 0), 0.3, 0, 0);
        double mean = 0, weight = 0;
        for (size_t i = 0; i < r->count; i++) {
            assert_near(r->rates[i], 1e-6 * pow(1e8, (double)i / 199), 1e-12, 0); /* sgd's rate is 0.01 */
            mean = 0.9 * mean + 0.1 * r->losses[i], weight = 0.9 * weight + 0.1;
            assert_near(r->smoothed[i], mean / weight, 1e-12, 0);
        }
        print_message("batch %zu: %zu steps, %s; steepest %g, lowest %g, suggestion %g\n", batch, r->count,
                      us_range_end_name(r->end), r->steepest, r->lowest, r->suggestion);
        assert_int_equal(r->end, US_RANGE_RISING);
        /* The mean of 23 rows of 7 standard normal numbers: eigenvalues from about 0.2 to 2.5, so that full descent bears
         * rates up to about 0.8, and a step halves the distance from about 0.2. */
        assert_true(r->steepest > 0.005 && r->steepest < 0.8);
        assert_true(r->lowest > r->steepest && r->lowest < 8); /* rising takes some steps */
        assert_true(r->suggestion <= r->steepest && r->suggestion <= 0.1 * r->lowest * (1 + 1e-12));
        assert_true(r->suggestion > 0.005 && r->suggestion < 0.8);
        us_range_destroy(r);
        us_training_destroy(training);
    }
    us_problem_destroy(problem);
    us_context_destroy(context);
}

static void what_is_not_finite_ends_it(void **state) {
    us_context *context = support_plain_context();
    small_problem small;
    us_problem *problem;
    us_range *r;
    us_range_options options = US_RANGE_OPTIONS_INIT;
    assert_int_equal(small_create(&problem, context, &small, US_F64), US_OK);
    us_training *training = make(context, problem, 0);
    small.fail_from = 31, small.loss_instead = (double)NAN;
    assert_int_equal(us_range_test(&r, training, NULL), US_OK);
    assert_int_equal(r->end, US_RANGE_NONFINITE);
    assert_int_equal(r->count, 30);
    us_range_destroy(r);
    small.calls = 0, small.fail_from = 1;
    assert_int_equal(us_range_test(&r, training, NULL), US_ERR_NONFINITE);
    assert_null(r);
    options.from = 1, options.to = 0.1;
    assert_int_equal(us_range_test(&r, training, &options), US_ERR_ARGUMENT);
    options = (us_range_options)US_RANGE_OPTIONS_INIT, options.steps = 9;
    assert_int_equal(us_range_test(&r, training, &options), US_ERR_ARGUMENT);
    us_context_cancel(context);
    assert_int_equal(us_range_test(&r, training, NULL), US_INTERRUPTED);
    assert_non_null(r);
    assert_true(isnan(r->suggestion));
    us_range_destroy(r);
    us_training_destroy(training);
    us_problem_destroy(problem);
    us_context_destroy(context);
}

static us_status range_body(us_context *context, void *user) {
    small_problem small;
    us_problem *problem = NULL;
    us_training *training = NULL;
    us_vec *theta = NULL;
    us_range *r = NULL;
    (void)user;
    us_status status = small_create(&problem, context, &small, US_F64);
    if (status == US_OK) status = small_start(&theta, context, US_F64);
    if (status == US_OK) status = us_training_create(&training, problem, theta, NULL);
    if (status == US_OK) status = us_range_test(&r, training, NULL);
    us_range_destroy(r);
    us_training_destroy(training);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    return status;
}

static void failing_allocations_are_survived(void **state) { support_fail_each_allocation(range_body, NULL); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_finds_where_descent_is_fast_and_where_it_ends),
        cmocka_unit_test(what_is_not_finite_ends_it),
        cmocka_unit_test(failing_allocations_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
