#include "stuck.h"

static const double UNITS[4] = {500, 1, 0.05, 2};

static void momentum_that_hardly_fades_rings(void **state) {
    for (uint64_t seed = 1; seed < 4; seed++) {
        stuck s = {0};
        us_training_options o = US_TRAINING_OPTIONS_INIT;
        stuck_data(&s, US_F64, 120, 3, NULL, 0.2, 70 + seed);
        o.rule = us_rule_find("momentum"), o.hyper = (double[1]){0.9995}, o.learning_rate = 0.03;
        stuck_train(&s, &o, 400 + 37 * seed);
        stuck_verdict(&s, US_VERDICT_OSCILLATING, "momentum-too-high");
        if (seed == 1) stuck_cured(&s, "switch-optimizer", 2000, 0.05);
        stuck_close(&s);
    }
}

static void features_of_different_size_crawl(void **state) {
    for (uint64_t seed = 1; seed < 3; seed++) {
        stuck s = {0};
        us_training_options o = US_TRAINING_OPTIONS_INIT;
        stuck_data(&s, US_F64, 110, 4, UNITS, 0.1, 80 + seed);
        o.learning_rate = 3e-6;
        stuck_train(&s, &o, 1500);
        stuck_verdict(&s, US_VERDICT_CRAWLING, "ill-conditioned");
        if (seed == 1) stuck_cured(&s, "switch-optimizer", 8000, 0.1);
        stuck_close(&s);
    }
}

static void adagrad_that_has_faded_crawls(void **state) {
    stuck s = {0};
    us_training_options o = US_TRAINING_OPTIONS_INIT;
    stuck_data(&s, US_F64, 90, 2, NULL, 0.1, 91);
    for (size_t i = 0; i < 90; i++) ((double *)us_dataset_targets(s.data))[i] *= 200;
    o.rule = us_rule_find("adagrad"), o.learning_rate = 0.6;
    stuck_train(&s, &o, 3000);
    stuck_verdict(&s, US_VERDICT_CRAWLING, "lr-decayed");
    stuck_cured(&s, "raise-lr", 30000, 2000);
    stuck_close(&s);
}

/* Trainings of the same kinds that go down, or have come down. */
static void healthy_ones_are_let_alone(void **state) {
    static const struct {
        const char *rule;
        double momentum, rate;
        uint64_t steps;
        us_verdict_name name;
    } CASES[] = {{"momentum", 0.9, 0.02, 40, US_VERDICT_DESCENDING},
                 {"momentum", 0.95, 0.05, 2000, US_VERDICT_MINIMUM},
                 {"sgd", 0, 0.3, 2000, US_VERDICT_MINIMUM},
                 {"adagrad", 0, 0.1, 20, US_VERDICT_DESCENDING},
                 {"adagrad", 0, 0.5, 3000, US_VERDICT_MINIMUM}};
    for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
        stuck s = {0};
        us_training_options o = US_TRAINING_OPTIONS_INIT;
        stuck_data(&s, US_F64, 130, 3, NULL, 0.3, 60 + c);
        o.rule = us_rule_find(CASES[c].rule), o.learning_rate = CASES[c].rate;
        if (CASES[c].momentum > 0) o.hyper = &CASES[c].momentum;
        stuck_train(&s, &o, CASES[c].steps);
        stuck_verdict(&s, CASES[c].name, CASES[c].name == US_VERDICT_MINIMUM ? "converged" : NULL);
        stuck_close(&s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(momentum_that_hardly_fades_rings),
        cmocka_unit_test(features_of_different_size_crawl),
        cmocka_unit_test(adagrad_that_has_faded_crawls),
        cmocka_unit_test(healthy_ones_are_let_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
