#include "stuck.h"

static double *feature(stuck *s, size_t row, size_t column) {
    return (double *)us_dataset_features(s->data) + row * us_dataset_columns(s->data) + column;
}

/* λmax of these data is near 1, and the rate a million times what it bears. */
static void a_rate_too_large_is_told_by_a_lower_one(void **state) {
    for (uint64_t seed = 1; seed < 4; seed++) {
        stuck s = {0};
        us_training_options o = US_TRAINING_OPTIONS_INIT;
        stuck_data(&s, US_F32, 90, 3, NULL, 0.2, seed);
        o.learning_rate = 1e6;
        stuck_train(&s, &o, 0);
        stuck_verdict(&s, US_VERDICT_DIVERGED, "lr-above-stability");
        assert_true(s.diagnosis->first.of && s.diagnosis->first.step > 1 && strstr(s.diagnosis->first.text, "step"));
        assert_true(s.diagnosis->evidence.finite_at_rate < s.diagnosis->evidence.stability_limit);
        stuck_cured(&s, "roll-back", 300, 0.05);
        stuck_close(&s);
    }
}

static void a_row_out_of_proportion_is_named(void **state) {
    static const double CELLS[] = {1e308, 1e100, -1e200};
    for (size_t c = 0; c < sizeof CELLS / sizeof *CELLS; c++) {
        stuck s = {0};
        us_training_options o = US_TRAINING_OPTIONS_INIT;
        stuck_data(&s, US_F64, 80, 4, NULL, 0.2, 5);
        *feature(&s, 37 + c, 2) = CELLS[c];
        o.learning_rate = 0.05, o.batch = 8;
        stuck_train(&s, &o, 0);
        stuck_verdict(&s, US_VERDICT_DIVERGED, "bad-data");
        assert_near(s.diagnosis->evidence.worst_row, 37 + (double)c, 0, 0);
        stuck_close(&s);
    }
}

/* The square of 1e170 is no number. */
static void targets_too_large_overflow(void **state) {
    stuck s = {0};
    us_training_options o = US_TRAINING_OPTIONS_INIT;
    stuck_data(&s, US_F64, 70, 2, NULL, 0.2, 6);
    for (size_t i = 0; i < 70; i++) ((double *)us_dataset_targets(s.data))[i] *= 1e170;
    o.learning_rate = 0.1;
    stuck_train(&s, &o, 0);
    stuck_verdict(&s, US_VERDICT_DIVERGED, "overflow");
    const us_first_not_finite *first = &s.diagnosis->first; /* every row's square is infinite at the start */
    assert_true(first->step == 1 && first->row == 0);
    assert_string_equal(first->of, "loss");
    stuck_close(&s);
}

/* ½(w₅⋯w₁·x − 1)²: from weights of 30 the gradient is 10¹³ times as long as they are. */
static int deep_gradient(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss, void *gradient) {
    const double *w = theta;
    double product = w[0] * w[1] * w[2] * w[3] * w[4];
    *loss = 0.5 * (product - 1) * (product - 1);
    for (int i = 0; i < 5 && gradient; i++) ((double *)gradient)[i] = (product - 1) * product / w[i];
    return 0;
}
static int deep_value(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss) {
    return deep_gradient(user, theta, rows, count, loss, NULL);
}

static void weights_too_large_explode(void **state) {
    us_callback_problem callback = US_CALLBACK_PROBLEM_INIT;
    callback.dimension = 5, callback.value = deep_value, callback.gradient = deep_gradient;
    stuck s = {.context = support_plain_context()};
    us_vec *theta;
    us_training_options o = US_TRAINING_OPTIONS_INIT;
    o.learning_rate = 0.01;
    assert_int_equal(us_problem_create_callback(&s.problem, s.context, &callback), US_OK);
    assert_int_equal(us_vec_create(&theta, s.context, US_F64, 5), US_OK);
    for (size_t i = 0; i < 5; i++) us_vec_set(theta, i, 30 + (double)i);
    assert_int_equal(us_training_create(&s.training, s.problem, theta, &o), US_OK);
    us_vec_destroy(theta);
    assert_int_equal(us_diagnose(&s.diagnosis, s.training, NULL), US_OK);
    stuck_verdict(&s, US_VERDICT_DIVERGED, "exploding-gradient");
    stuck_cured(&s, "clip", 2000, 10);
    stuck_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rate_too_large_is_told_by_a_lower_one),
        cmocka_unit_test(a_row_out_of_proportion_is_named),
        cmocka_unit_test(targets_too_large_overflow),
        cmocka_unit_test(weights_too_large_explode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
