/* A training beside a saddle is told from one at it, and the steps that it needs to leave by itself are those that it then
 * takes: with a dense Hessian and by products alone. */
#include "support.h"
#include <unstuck/diagnose.h>

/* f = 1 + ½ Σ dᵢxᵢ² + x₀⁴/8: d₀ < 0, and the loss along x₀ turns up again at √(−2d₀). */
typedef struct hill {
    size_t n;
    double down; /* −d₀ */
} hill;

static double hill_curvature(const hill *h, size_t i) { return i == 0 ? -h->down : 0.5 + 1.5 * (double)(i % 7) / 6; }

static int hill_gradient(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss, void *gradient) {
    const hill *h = user;
    const double *x = theta;
    double *g = gradient;
    *loss = 1;
    for (size_t i = 0; i < h->n; i++) {
        double d = hill_curvature(h, i);
        *loss += 0.5 * d * x[i] * x[i];
        g[i] = d * x[i];
    }
    *loss += x[0] * x[0] * x[0] * x[0] / 8;
    g[0] += x[0] * x[0] * x[0] / 2;
    return 0;
}

static int hill_value(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss) {
    double *g = malloc(((hill *)user)->n * sizeof *g);
    hill_gradient(user, theta, rows, count, loss, g);
    free(g);
    return 0;
}

static int hill_hvp(void *user, const void *theta, const uint32_t *rows, size_t count, const void *v, void *hv) {
    const hill *h = user;
    for (size_t i = 0; i < h->n; i++) ((double *)hv)[i] = hill_curvature(h, i) * ((const double *)v)[i];
    ((double *)hv)[0] += 1.5 * ((const double *)theta)[0] * ((const double *)theta)[0] * ((const double *)v)[0];
    return 0;
}

static void steps_to_leave_are_those_it_takes(void **state) {
    static const struct {
        size_t n;
        const char *rule;
        double away, others;
    } CASES[] = {
        {40, "sgd", 1e-3, 1e-4},   {40, "sgd", 0.08, 1e-3},     {4500, "sgd", 1e-3, 1e-6}, {4500, "sgd", 0.05, 1e-5},
        {40, "momentum", 1e-4, 0}, {4500, "momentum", 1e-3, 0}, {40, "nesterov", 1e-4, 0},
    };
    us_context *context = support_plain_context();
    for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
        hill h = {CASES[c].n, 0.2};
        us_callback_problem callback = US_CALLBACK_PROBLEM_INIT;
        us_problem *problem;
        us_vec *theta;
        us_training *training;
        us_diagnosis *d;
        us_rng rng = us_rng_init(c, 3);
        us_training_options o = US_TRAINING_OPTIONS_INIT;
        callback.dimension = h.n, callback.user = &h;
        callback.value = hill_value, callback.gradient = hill_gradient, callback.hvp = hill_hvp;
        assert_int_equal(us_problem_create_callback(&problem, context, &callback), US_OK);
        assert_int_equal(us_vec_create(&theta, context, US_F64, h.n), US_OK);
        for (size_t i = 0; i < h.n; i++) us_vec_set(theta, i, i ? CASES[c].others * us_rng_normal(&rng) : CASES[c].away);
        o.rule = us_rule_find(CASES[c].rule), o.learning_rate = 0.02;
        assert_int_equal(us_training_create(&training, problem, theta, &o), US_OK);
        assert_int_equal(us_training_advance(training, CASES[c].rule[0] == 's' ? 5 : 60), US_OK);
        double away = us_vec_get(us_training_theta(training), 0);
        if (us_diagnose(&d, training, NULL) != US_OK) fail_msg("%s", us_context_error(context));
        const us_evidence *e = &d->evidence;
        if (e->near_kind != US_KIND_SADDLE || !(e->steps_to_leave > 0))
            fail_msg("case %zu: %s at %g, steps to leave %g, %s", c, us_kind_name(e->near_kind), e->near_distance,
                     e->steps_to_leave, us_verdict_text(d->verdict.name));
        assert_near(e->escape_component, away, 1e-3, 0);
        assert_true(e->near_distance >= away * (1 - 1e-9));
        /* Without the quartic it would be at r = √(2·0.2) then; with it, at r/√2. */
        assert_int_equal(us_training_advance(training, (uint64_t)e->steps_to_leave), US_OK);
        assert_near(us_vec_get(us_training_theta(training), 0), sqrt(0.2), 0.12, 0);
        us_diagnosis_destroy(d);
        us_training_destroy(training);
        us_vec_destroy(theta);
        us_problem_destroy(problem);
    }
    us_context_destroy(context);
}

/* Rules that divide: D changes on the way, so the answer is good to a factor. */
static void rules_that_divide_leave_about_when_they_are_said_to(void **state) {
    static const struct {
        size_t n;
        const char *rule;
        double rate, away;
        uint64_t steps;
    } CASES[] = {{40, "rmsprop", 1e-3, 1e-4, 20}, {40, "adam", 1e-3, 1e-4, 20},      {4500, "adam", 1e-3, 1e-5, 50},
                 {40, "adamw", 1e-4, 1e-3, 20},   {40, "adabelief", 1e-3, 1e-4, 20}, {40, "adagrad", 1e-2, 1e-4, 20},
                 {40, "adam", 1e-6, 1e-2, 100}};
    us_context *context = support_plain_context();
    for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
        hill h = {CASES[c].n, 0.2};
        us_callback_problem callback = US_CALLBACK_PROBLEM_INIT;
        us_problem *problem;
        us_vec *theta;
        us_training *training;
        us_diagnosis *d;
        us_rng rng = us_rng_init(c, 3);
        us_training_options o = US_TRAINING_OPTIONS_INIT;
        callback.dimension = h.n, callback.user = &h;
        callback.value = hill_value, callback.gradient = hill_gradient, callback.hvp = hill_hvp;
        assert_int_equal(us_problem_create_callback(&problem, context, &callback), US_OK);
        assert_int_equal(us_vec_create(&theta, context, US_F64, h.n), US_OK);
        for (size_t i = 0; i < h.n; i++) us_vec_set(theta, i, i ? 1e-6 * us_rng_normal(&rng) : CASES[c].away);
        o.rule = us_rule_find(CASES[c].rule), o.learning_rate = CASES[c].rate;
        assert_int_equal(us_training_create(&training, problem, theta, &o), US_OK);
        assert_int_equal(us_training_advance(training, CASES[c].steps), US_OK);
        if (us_diagnose(&d, training, NULL) != US_OK) fail_msg("%s", us_context_error(context));
        double told = d->evidence.steps_to_leave, steps = 0;
        while (fabs(us_vec_get(us_training_theta(training), 0)) < sqrt(0.2) && steps < 1e6) {
            assert_int_equal(us_training_advance(training, 10), US_OK);
            steps += 10;
        }
        double factor = strcmp(CASES[c].rule, "adagrad") ? 3 : 5; /* its sum of squares slows it on the way */
        if (!(told > steps / factor && told < factor * steps))
            fail_msg("case %zu, %s: told %g steps, took %g", c, CASES[c].rule, told, steps);
        us_diagnosis_destroy(d);
        us_training_destroy(training);
        us_vec_destroy(theta);
        us_problem_destroy(problem);
    }
    us_context_destroy(context);
}

/* On the saddle itself: no distance, and never. */
static void at_a_saddle_there_is_no_leaving(void **state) {
    us_context *context = support_plain_context();
    for (int large = 0; large < 2; large++) {
        hill h = {large ? 4500 : 40, 0.2};
        us_callback_problem callback = US_CALLBACK_PROBLEM_INIT;
        us_problem *problem;
        us_vec *theta;
        us_training *training;
        us_diagnosis *d;
        callback.dimension = h.n, callback.user = &h;
        callback.value = hill_value, callback.gradient = hill_gradient, callback.hvp = hill_hvp;
        assert_int_equal(us_problem_create_callback(&problem, context, &callback), US_OK);
        assert_int_equal(us_vec_create(&theta, context, US_F64, h.n), US_OK);
        assert_int_equal(us_training_create(&training, problem, theta, NULL), US_OK);
        assert_int_equal(us_training_advance(training, 5), US_OK);
        assert_int_equal(us_diagnose(&d, training, NULL), US_OK);
        assert_int_equal(d->verdict.name, US_VERDICT_SADDLE);
        assert_true(d->evidence.near_distance == 0);
        assert_true(isinf(d->evidence.steps_to_leave));
        us_diagnosis_destroy(d);
        us_training_destroy(training);
        us_vec_destroy(theta);
        us_problem_destroy(problem);
    }
    us_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_to_leave_are_those_it_takes),
        cmocka_unit_test(rules_that_divide_leave_about_when_they_are_said_to),
        cmocka_unit_test(at_a_saddle_there_is_no_leaving),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
