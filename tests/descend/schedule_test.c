/* Schedules: values by their formulas, and texts that are refused. */
#include "support.h"
#include <unstuck/rule.h>

static void factors_are_those_of_the_formulas(void **state) {
    us_context *context = support_plain_context();
    static const struct {
        const char *text;
        uint64_t warmup, t;
        double factor;
    } cases[] = {
        {"constant", 0, 1, 1},
        {"constant", 0, 1000000, 1},
        {"exp:0.9", 0, 1, 1},
        {"exp:0.9", 0, 3, 0.81},
        {"exp:1.1", 0, 2, 1.1},
        {"step:10:0.5", 0, 10, 1},
        {"step:10:0.5", 0, 11, 0.5},
        {"step:10:0.5", 0, 31, 0.125},
        {"cosine:100", 0, 1, 1},
        {"cosine:100", 0, 51, 0.5},
        {"cosine:100", 0, 34, 0.7545207078751857}, /* ½(1 + cos 0.33π) */
        {"cosine:100", 0, 101, 0},
        {"cosine:100", 0, 5000, 0},
        {"inverse-sqrt", 0, 1, 1},
        {"inverse-sqrt", 0, 16, 0.25},
        {"constant", 4, 1, 0.25},
        {"constant", 4, 3, 0.75},
        {"constant", 4, 4, 1},
        {"constant", 4, 5, 1},
        {"exp:0.5", 4, 2, 0.25},
        {"poly:100", 0, 1, 1},
        {"poly:100", 0, 26, 0.75},
        {"poly:100:2:0.1", 0, 51, 0.325},
        {"poly:100:2:0.1", 0, 900, 0.1},
        {"cosine:100:0.2", 0, 51, 0.6},
        {"cosine:100:0.2", 0, 500, 0.2},
        {"cosine-restarts:10", 0, 1, 1},
        {"cosine-restarts:10", 0, 6, 0.5},
        {"cosine-restarts:10", 0, 11, 1}, /* rounds of 10, 20, 40 .. */
        {"cosine-restarts:10", 0, 21, 0.5},
        {"cosine-restarts:10", 0, 31, 1},
        {"cosine-restarts:10", 0, 10231, 1}, /* 10 (2^10 - 1) + 1 */
        {"cosine-restarts:10:1", 0, 1006, 0.5},
        {"one-cycle:100", 0, 1, 0.04},
        {"one-cycle:100", 0, 16, 0.52},
        {"one-cycle:100", 0, 31, 1},
        {"one-cycle:100", 0, 66, 0.500002},
        {"one-cycle:100", 0, 101, 4e-6},
        {"wsd:100:20", 0, 81, 1},
        {"wsd:100:20", 0, 91, 0.5},
        {"wsd:100:20", 0, 102, 0},
        {"inverse-sqrt:100", 0, 100, 1},
        {"inverse-sqrt:100", 0, 400, 0.5},
        {"plateau:100", 0, 5000, 1},
        {"warmup:4,exp:0.5", 0, 2, 0.25},
        {"warmup:4:cosine,constant", 0, 2, 0.5},
        {"warmup:4:exponential,constant", 0, 2, 0.1},
        {"warmup:4:constant,constant", 0, 3, 0.1},
        {"warmup:4:constant,constant", 0, 4, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        us_schedule s;
        assert_int_equal(us_schedule_parse(context, cases[i].text, cases[i].warmup, &s), US_OK);
        assert_string_equal(s.text, cases[i].text);
        assert_near(us_schedule_factor(&s, cases[i].t), cases[i].factor, 1e-14, 1e-16);
    }
    us_context_destroy(context);
}

static void wrong_texts_are_refused(void **state) {
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "constant, exp:R"},
        {"cosin:3", "did you mean cosine?"},
        {"exponential:0.9", "there is constant"},
        {"exp", "exp:R, with R > 0"},
        {"exp:", "exp:R"},
        {"exp:0", "exp:R"},
        {"exp:-1", "exp:R"},
        {"exp:nan", "exp:R"},
        {"exp:inf", "exp:R"},
        {"exp:0.9x", "exp:R"},
        {"exp:0.9:2", "exp:R"},
        {"constant:1", "this must be constant"},
        {"step:10", "step:EVERY:R"},
        {"step:1.5:0.5", "step:EVERY:R"},
        {"step:0:0.5", "step:EVERY:R"},
        {"cosine:1e30", "cosine:STEPS"},
        {"cosine:10.5", "cosine:STEPS"},
        {"cosine:10:1.5", "END from 0 to 1"},
        {"cosine-restarts:10:0.5", "GROWTH from 1 to 10"},
        {"wsd:10:2.5", "two whole numbers"},
        {"plateau:10:2", "R from 0 to 1"},
        {"warmup:4", "a warm-up is"},
        {"warmup:4:slow,constant", "a warm-up is"},
        {"warmup:0,constant", "a warm-up is"},
        {"exp:0.9000000000000000000000000000000000000000000000000000000000000", "longer than 63"},
    };
    us_context *context = support_plain_context();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        us_schedule s;
        assert_int_equal(us_schedule_parse(context, cases[i].text, 0, &s), US_ERR_ARGUMENT);
        if (!strstr(us_context_error(context), cases[i].says)) fail_msg("%s: %s", cases[i].text, us_context_error(context));
        assert_string_equal(s.text, "constant");
        assert_true(us_schedule_factor(&s, 9) == 1);
    }
    us_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(factors_are_those_of_the_formulas),
        cmocka_unit_test(wrong_texts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
