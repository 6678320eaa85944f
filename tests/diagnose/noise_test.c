#include "diagnose/noise.h"
#include "stuck.h"

/* L = ½E‖θ − x‖², x ~ N(μ, s²I_d): g of a row is θ − x, |g|² = ‖θ − μ‖², tr(Σ) = d·s², so B = d·s²/‖θ − μ‖².
 * d = 50, s = 2, ‖θ − μ‖² = 50·0.3² = 4.5: tr(Σ) = 200, B = 44.4. */
static void two_batches_give_the_closed_form(void **state) {
    enum { D = 50, DRAWS = 2000 };
    us_rng rng = us_rng_init(17, 2);
    double square[2] = {0, 0};
    const size_t batch[2] = {8, 128};
    for (int size = 0; size < 2; size++)
        for (int draw = 0; draw < DRAWS; draw++)
            for (int i = 0; i < D; i++) {
                double g = 0.3 + 2 * us_rng_normal(&rng) / sqrt((double)batch[size]); /* the mean of so many rows */
                square[size] += g * g / DRAWS;
            }
    assert_near(us__noise_trace(square[0], 8, square[1], 128), 200, 0.03, 0);
}

/* On data: tr(Σ) of the gradients of all rows, computed one row at a time. */
static void the_scatter_is_that_of_the_rows(void **state) {
    enum { ROWS = 300, N = 5 };
    stuck s = {0};
    us_training_options o = US_TRAINING_OPTIONS_INIT;
    stuck_data(&s, US_F64, ROWS, N - 1, NULL, 2, 11);
    o.learning_rate = 0.02, o.batch = 6;
    stuck_train(&s, &o, 500);
    us_vec *gradient;
    assert_int_equal(us_vec_create(&gradient, s.context, US_F64, N), US_OK);
    double mean[N] = {0}, square = 0, trace, length = 0;
    for (uint32_t row = 0; row < ROWS; row++) {
        double loss;
        assert_int_equal(us_problem_gradient(s.problem, us_training_theta(s.training), (us_batch){&row, 1}, &loss, gradient),
                         US_OK);
        for (size_t i = 0; i < N; i++) {
            double g = us_vec_get(gradient, i);
            square += g * g, mean[i] += g / ROWS;
        }
    }
    for (size_t i = 0; i < N; i++) length += mean[i] * mean[i];
    trace = (square - ROWS * length) / (ROWS - 1);
    assert_near(s.diagnosis->evidence.noise_trace, trace, 0.25, 0); /* of 32 batches */
    assert_near(s.diagnosis->evidence.noise_scale, s.diagnosis->evidence.noise_trace / length, 1e-9, 0);
    us_vec_destroy(gradient);
    stuck_close(&s);
}

static void runs_that_noise_holds_up_are_named_and_cured(void **state) {
    static const struct {
        double rate, noise;
        size_t batch;
        const char *cause;
        us_precision precision;
    } CASES[] = {{0.08, 2, 1, "batch-too-small", US_F64},
                 {0.4, 3, 5, "lr-at-noise-floor", US_F64},
                 {0.35, 3, 4, "lr-at-noise-floor", US_F32}};
    for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++)
        for (uint64_t seed = 1; seed < 4; seed++) {
            stuck s = {0};
            us_training_options o = US_TRAINING_OPTIONS_INIT;
            stuck_data(&s, CASES[c].precision, 250, 5, NULL, CASES[c].noise, 30 + seed);
            o.learning_rate = CASES[c].rate, o.batch = CASES[c].batch, o.seed = seed;
            stuck_train(&s, &o, 4000);
            stuck_verdict(&s, US_VERDICT_NOISY, CASES[c].cause);
            double floor = 0.5 * CASES[c].noise * CASES[c].noise; /* the loss that the noise of y leaves, about */
            if (seed == 1) stuck_cured(&s, c ? "decay-lr" : "grow-batch", 20000, 1.15 * floor);
            stuck_close(&s);
        }
}

/* Mini-batches that still go down, that have come down, or whose noise is worth nothing. */
static void healthy_mini_batches_are_not_noisy(void **state) {
    static const struct {
        double rate, noise;
        size_t batch;
        uint64_t steps;
        us_verdict_name name;
    } CASES[] = {{0.005, 1, 10, 60, US_VERDICT_DESCENDING},
                 {0.002, 2, 4, 300, US_VERDICT_DESCENDING},
                 {0.05, 0.5, 25, 20, US_VERDICT_DESCENDING},
                 {0.1, 0, 20, 60, US_VERDICT_DESCENDING}};
    for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++)
        for (uint64_t seed = 1; seed < 5; seed++) {
            stuck s = {0};
            us_training_options o = US_TRAINING_OPTIONS_INIT;
            stuck_data(&s, US_F64, 300, 6, NULL, CASES[c].noise, 50 + seed);
            o.learning_rate = CASES[c].rate, o.batch = CASES[c].batch, o.seed = seed;
            stuck_train(&s, &o, CASES[c].steps);
            assert_int_equal(s.diagnosis->verdict.name, CASES[c].name);
            assert_false(s.diagnosis->verdict.stuck);
            stuck_close(&s);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_batches_give_the_closed_form),
        cmocka_unit_test(the_scatter_is_that_of_the_rows),
        cmocka_unit_test(runs_that_noise_holds_up_are_named_and_cured),
        cmocka_unit_test(healthy_mini_batches_are_not_noisy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
