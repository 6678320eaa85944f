/* Mini-batch trainings whose loss goes up and down: how often one that gets nowhere is called descending, and one that gets
 * on is called stuck. One comparison of two losses is luck there: of 58 that get nowhere 24 are lower after a while, and 4
 * are called descending. Which get nowhere, four times as many steps tell. */
#include "net.h"

enum { SEEDS = 24, ROWS = 600, LOOKS = 40 };

static void target_wave(us_rng *rng, const double *x, double *y) {
    *y = sin(2 * x[0]) - 0.5 * x[1] + 0.5 * us_rng_normal(rng);
}

static void target_side(us_rng *rng, const double *x, double *y) {
    *y = x[0] * x[1] + 0.7 * x[2] + 0.8 * us_rng_normal(rng) > 0;
}

/* Mean loss on all rows over `steps` steps. */
static double mean_loss(net *s, us_training *t, uint64_t steps) {
    double sum = 0, loss;
    for (int k = 0; k < LOOKS; k++) {
        assert_int_equal(us_training_advance(t, steps / LOOKS), US_OK);
        assert_int_equal(us_problem_value(s->problem, us_training_theta(t), US_BATCH_ALL, &loss), US_OK);
        sum += loss / LOOKS;
    }
    return sum;
}

typedef struct luck_case {
    const char *what, *model, *rule;
    double rate;
    size_t batch;
    uint64_t steps;
    bool classes, healthy;
} luck_case;

typedef struct tally {
    int called_descending, called_stuck, lower, of; /* lower: one comparison came out well */
} tally;

static tally luck_of(us_context *context, const luck_case *c) {
    tally t = {0};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        net s;
        net_make(&s, context, c->model, c->classes ? US_CLASSIFICATION : US_REGRESSION, ROWS, ROWS, 3,
                 c->classes ? target_side : target_wave, 100 * seed);
        us_training_options o = US_TRAINING_OPTIONS_INIT;
        o.rule = us_rule_find(c->rule), o.learning_rate = c->rate, o.batch = c->batch, o.seed = seed;
        assert_int_equal(us_training_create(&s.training, s.problem, s.theta, &o), US_OK);
        assert_int_equal(us_training_advance(s.training, c->steps), US_OK);
        /* what is so: over four times as many steps */
        us_training *later;
        assert_int_equal(us_training_copy(&later, s.training, NULL), US_OK);
        double now = mean_loss(&s, later, c->steps);
        assert_int_equal(us_training_advance(later, 2 * c->steps), US_OK);
        double then = mean_loss(&s, later, c->steps);
        us_training_destroy(later);
        if (c->healthy ? then < 0.97 * now : then > 0.97 * now) {
            us_diagnosis *d;
            assert_int_equal(us_diagnose(&d, s.training, NULL), US_OK);
            t.of++;
            t.called_descending += d->verdict.name == US_VERDICT_DESCENDING;
            t.called_stuck += d->verdict.stuck;
            t.lower += d->evidence.decrease_carrying_on > 1e-3 * d->evidence.loss;
            us_diagnosis_destroy(d);
        }
        net_close(&s);
    }
    print_message("%-26s %2d of %2d descending, %2d stuck; %2d lower after a while\n", c->what, t.called_descending, t.of,
                  t.called_stuck, t.lower);
    return t;
}

static void large_rates_are_not_descending_by_luck(void **state) {
    static const luck_case CASES[] = {
        {"adam, rate 0.2", "dense 12 tanh", "adam", 0.2, 16, 1000, false, false},
        {"rmsprop, rate 0.1", "dense 12 tanh", "rmsprop", 0.1, 16, 1000, false, false},
        {"momentum, rate 0.8", "dense 12 tanh", "momentum", 0.8, 16, 1000, true, false},
        {"sgd, rate 20", "dense 8 sigmoid", "sgd", 20, 8, 1000, true, false},
        {"adam, rate 0.5", "dense 12 tanh", "adam", 0.5, 16, 1000, true, false},
    };
    us_context *context = support_plain_context();
    tally all = {0};
    for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
        tally t = luck_of(context, &CASES[c]);
        assert_true(t.of >= 4);
        all.called_descending += t.called_descending, all.lower += t.lower, all.of += t.of;
    }
    print_message("%d of %d that get nowhere are called descending; %d were lower after a while\n", all.called_descending,
                  all.of, all.lower);
    assert_true(all.called_descending * 12 <= all.of && all.lower * 4 >= all.of);
    us_context_destroy(context);
}

static void small_rates_descend(void **state) {
    static const luck_case CASES[] = {
        {"sgd, rate 0.02", "dense 12 tanh", "sgd", 0.02, 16, 300, false, true},
        {"momentum, rate 0.003", "dense 16 relu", "momentum", 0.003, 32, 200, false, true},
        {"adam, rate 0.002", "dense 12 tanh", "adam", 0.002, 16, 200, true, true},
    };
    us_context *context = support_plain_context();
    tally all = {0};
    for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
        tally t = luck_of(context, &CASES[c]);
        assert_true(t.of >= 4);
        all.called_descending += t.called_descending, all.called_stuck += t.called_stuck, all.of += t.of;
    }
    print_message("%d of %d that get on are called descending, %d stuck\n", all.called_descending, all.of, all.called_stuck);
    assert_true(all.called_stuck == 0 && all.called_descending * 10 >= 9 * all.of);
    us_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_rates_are_not_descending_by_luck),
        cmocka_unit_test(small_rates_descend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
