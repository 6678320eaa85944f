/* The limit of stability of rules that divide by their state. RMSProp at a constant rate cannot come to rest: it shrinks
 * what it divides by until it bounces, and then stands exactly at its limit. */
#include "stuck.h"

static void a_rule_that_bounces_stands_at_its_limit(void **state) {
    static const char *const RULES[] = {"rmsprop", "rmsprop-first-gradient"};
    for (size_t c = 0; c < sizeof RULES / sizeof *RULES; c++) {
        stuck s = {0};
        us_training_options o = US_TRAINING_OPTIONS_INIT;
        stuck_data(&s, US_F64, 120, 3, NULL, 0.3, 70 + c);
        o.rule = us_rule_find(RULES[c]), o.learning_rate = 0.3;
        stuck_train(&s, &o, 800);
        assert_near(s.diagnosis->evidence.stability_limit, 0.3, 1e-3, 0);
        assert_near(s.diagnosis->evidence.sharpness_preconditioned, 2 / 0.3, 1e-3, 0);
        stuck_verdict(&s, US_VERDICT_OSCILLATING, "lr-above-stability");
        stuck_cured(&s, "lower-lr", 800, 0.5 * s.diagnosis->evidence.loss + 0.03);
        stuck_close(&s);
    }
}

/* Below it they come down, or have come down; the limit is told, and lies above the rate. */
static void below_the_limit_nothing_is_amiss(void **state) {
    static const struct {
        const char *rule;
        double rate;
        uint64_t steps;
        us_verdict_name name;
    } CASES[] = {{"adam", 0.01, 100, US_VERDICT_DESCENDING},
                 {"adam", 0.3, 800, US_VERDICT_MINIMUM},
                 {"adagrad", 0.5, 300, US_VERDICT_MINIMUM}};
    for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
        stuck s = {0};
        us_training_options o = US_TRAINING_OPTIONS_INIT;
        stuck_data(&s, US_F64, 120, 3, NULL, 0.3, 73 + c);
        o.rule = us_rule_find(CASES[c].rule), o.learning_rate = CASES[c].rate;
        stuck_train(&s, &o, CASES[c].steps);
        assert_true(s.diagnosis->evidence.stability_limit > CASES[c].rate);
        stuck_verdict(&s, CASES[c].name, CASES[c].name == US_VERDICT_MINIMUM ? "converged" : NULL);
        stuck_close(&s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_that_bounces_stands_at_its_limit),
        cmocka_unit_test(below_the_limit_nothing_is_amiss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
