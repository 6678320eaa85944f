#include "support.h"
#include <unstuck/linear.h>
#include <unstuck/model.h>

enum { ROWS = 700, GROUPS = 9 };

/* Rows of GROUPS distinct features, in a scrambled order; −0 and 0 are equal. */
static us_dataset *grouped(us_context *context, us_precision precision, us_task task, size_t outputs) {
    us_dataset *d;
    us_rng rng = us_rng_init(17, 3);
    assert_int_equal(us_dataset_create(&d, context, precision, ROWS, 2, task, outputs), US_OK);
    for (size_t i = 0; i < ROWS; i++) {
        double g = us_rng_below(&rng, GROUPS), x[2] = {g / 3 - 1, g == 3 && i % 2 ? -0.0 : g * g - 9};
        for (size_t j = 0; j < 2; j++) {
            if (precision == US_F32)
                ((float *)us_dataset_features(d))[2 * i + j] = (float)x[j];
            else
                ((double *)us_dataset_features(d))[2 * i + j] = x[j];
        }
        if (task == US_CLASSIFICATION) us_dataset_labels(d)[i] = (uint32_t)us_rng_below(&rng, (uint32_t)outputs);
        for (size_t k = 0; task == US_REGRESSION && k < outputs; k++) {
            double y = g + us_rng_normal(&rng);
            if (precision == US_F32)
                ((float *)us_dataset_targets(d))[i * outputs + k] = (float)y;
            else
                ((double *)us_dataset_targets(d))[i * outputs + k] = y;
        }
    }
    return d;
}

static double feature(const us_dataset *d, size_t i) {
    const void *x = us_dataset_features_const(d);
    return us_dataset_precision(d) == US_F32 ? (double)((const float *)x)[2 * i] : ((const double *)x)[2 * i];
}
static double target(const us_dataset *d, size_t i) {
    const void *y = us_dataset_targets_const(d);
    return us_dataset_precision(d) == US_F32 ? (double)((const float *)y)[i] : ((const double *)y)[i];
}

/* By all pairs of rows: half the mean squared distance of two draws is the variance; entropies by counting. */
static double plain_floor(const us_dataset *d, size_t outputs, bool all) {
    const uint32_t *labels = us_dataset_labels_const(d);
    double sum = 0;
    for (size_t i = 0; i < ROWS; i++) {
        double count = 0, same = 0, squares = 0;
        for (size_t j = 0; j < ROWS; j++) {
            if (!all && feature(d, i) != feature(d, j)) continue;
            count++;
            if (labels) same += labels[i] == labels[j];
            for (size_t k = 0; !labels && k < outputs; k++)
                squares += pow(target(d, i * outputs + k) - target(d, j * outputs + k), 2);
        }
        sum += labels ? log(count / same) : 0.25 * squares / count;
    }
    return sum / ROWS;
}

static void floors_are_those_of_the_groups(void **state) {
    us_context *context = support_plain_context();
    for (int c = 0; c < 4; c++) {
        us_task task = c % 2 ? US_CLASSIFICATION : US_REGRESSION;
        size_t outputs = c % 2 ? 4 : 3;
        us_dataset *d = grouped(context, c < 2 ? US_F32 : US_F64, task, outputs);
        double floor, constant;
        assert_int_equal(us_dataset_floor(d, &floor, &constant), US_OK);
        assert_near(floor, plain_floor(d, outputs, false), 1e-12, 0);
        assert_near(constant, plain_floor(d, outputs, true), 1e-12, 0);
        assert_true(floor > 0 && floor < constant);
        us_dataset_destroy(d);
    }
    us_context_destroy(context);
}

static void without_repeated_rows_the_floor_is_zero(void **state) {
    us_context *context = support_plain_context();
    us_dataset *d = grouped(context, US_F64, US_REGRESSION, 1);
    double floor, constant, *x = us_dataset_features(d);
    for (size_t i = 0; i < ROWS; i++) x[2 * i] = (double)i;
    assert_int_equal(us_dataset_floor(d, &floor, &constant), US_OK);
    assert_true(floor == 0 && constant > 0);
    us_dataset_destroy(d);
    us_context_destroy(context);
}

/* Leaves and decorators answer; `mse` is twice half-mse. */
static void problems_tell_their_floor(void **state) {
    us_context *context = support_plain_context();
    static const struct {
        const char *model, *loss;
        us_task task;
        double factor;
    } CASES[] = {
        {"linear", "half-mse", US_REGRESSION, 1},          {"linear", "mse", US_REGRESSION, 2},
        {"mlp:3", "half-mse", US_REGRESSION, 1},           {"mlp:3", "mse", US_REGRESSION, 2},
        {"linear", "cross-entropy", US_CLASSIFICATION, 1}, {"mlp:3:tanh", "cross-entropy", US_CLASSIFICATION, 1},
    };
    for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
        us_dataset *d = grouped(context, US_F64, CASES[c].task, 2);
        us_model_options o = US_MODEL_OPTIONS_INIT;
        us_model *model;
        us_problem *problem, *decorated, *recast;
        o.text = CASES[c].model, o.loss = CASES[c].loss, o.inputs = 2, o.outputs = 2, o.task = CASES[c].task;
        assert_int_equal(us_model_create(&model, context, &o), US_OK);
        assert_int_equal(us_model_problem(&problem, model, d), US_OK);
        assert_int_equal(us_problem_create_l2(&decorated, problem, 0.1, true), US_OK);
        assert_int_equal(us_problem_recast(&recast, decorated, US_F32), US_OK);
        double floor, constant;
        assert_int_equal(us_problem_floor(recast, &floor, &constant), US_OK);
        assert_near(floor, CASES[c].factor * plain_floor(d, 2, false), 1e-12, 0);
        assert_near(constant, CASES[c].factor * plain_floor(d, 2, true), 1e-12, 0);
        us_problem_destroy(recast);
        us_problem_destroy(decorated);
        us_model_destroy(model);
        us_dataset_destroy(d);
    }
    us_context_destroy(context);
}

static us_status floor_body(us_context *context, void *user) {
    us_dataset *d = NULL;
    double floor, constant;
    us_status status = us_dataset_create(&d, context, US_F64, 5, 2, US_REGRESSION, 1);
    if (!status) status = us_dataset_floor(d, &floor, &constant);
    us_dataset_destroy(d);
    return status;
}

static void every_allocation_may_fail(void **state) { support_fail_each_allocation(floor_body, NULL); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floors_are_those_of_the_groups),
        cmocka_unit_test(without_repeated_rows_the_floor_is_zero),
        cmocka_unit_test(problems_tell_their_floor),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
