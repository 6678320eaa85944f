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

/* Mini-batches: every row tilts the hill its own way along x₀, and their mean does not. */
enum { TILTED_ROWS = 512, TILTED_BATCH = 32 };
typedef struct tilted_hill {
    hill hill;
    double tilt[TILTED_ROWS];
} tilted_hill;

static int tilted_gradient(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss, void *gradient) {
    const tilted_hill *t = user;
    double tilt = 0;
    for (size_t i = 0; i < count; i++) tilt += t->tilt[rows ? rows[i] : i] / (double)count;
    hill_gradient((void *)(uintptr_t)&t->hill, theta, NULL, 0, loss, gradient);
    *loss += tilt * ((const double *)theta)[0];
    ((double *)gradient)[0] += tilt;
    return 0;
}

static int tilted_value(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss) {
    double g[64];
    return tilted_gradient(user, theta, rows, count, loss, g);
}

static int tilted_hvp(void *user, const void *theta, const uint32_t *rows, size_t count, const void *v, void *hv) {
    return hill_hvp(&((tilted_hill *)user)->hill, theta, rows, count, v, hv);
}

/* What is told at the start is what runs on batches take, each on its own draws, where the noise of a batch is about the
 * gradient's size. */
static void batches_leave_about_when_they_are_said_to(void **state) {
    static const struct {
        const char *rule;
        double rate, factor;
    } CASES[] = {
        {"sgd", 0.02, 1.1}, {"momentum", 0.005, 1.1}, {"rmsprop", 1e-3, 1.6}, {"adam", 1e-3, 2.2}, {"adamw", 1e-3, 2.2}};
    us_context *context = support_plain_context();
    tilted_hill t = {.hill = {40, 0.2}};
    us_rng rng = us_rng_init(11, 3);
    double mean = 0;
    for (size_t i = 0; i < TILTED_ROWS; i++) t.tilt[i] = 0.01 * us_rng_normal(&rng), mean += t.tilt[i] / TILTED_ROWS;
    for (size_t i = 0; i < TILTED_ROWS; i++) t.tilt[i] -= mean;
    us_callback_problem callback = US_CALLBACK_PROBLEM_INIT;
    us_problem *problem;
    us_vec *theta;
    callback.dimension = t.hill.n, callback.user = &t, callback.samples = TILTED_ROWS;
    callback.value = tilted_value, callback.gradient = tilted_gradient, callback.hvp = tilted_hvp;
    assert_int_equal(us_problem_create_callback(&problem, context, &callback), US_OK);
    assert_int_equal(us_vec_create(&theta, context, US_F64, t.hill.n), US_OK);
    for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++)
        for (uint64_t seed = 1; seed <= 5; seed++) {
            us_training *training;
            us_diagnosis *d;
            us_training_options o = US_TRAINING_OPTIONS_INIT;
            for (size_t i = 0; i < t.hill.n; i++) us_vec_set(theta, i, i ? 1e-6 * us_rng_normal(&rng) : 0.01);
            o.rule = us_rule_find(CASES[c].rule), o.learning_rate = CASES[c].rate, o.batch = TILTED_BATCH, o.seed = seed;
            assert_int_equal(us_training_create(&training, problem, theta, &o), US_OK);
            assert_int_equal(us_training_advance(training, 20), US_OK);
            if (us_diagnose(&d, training, NULL) != US_OK) fail_msg("%s", us_context_error(context));
            double told = d->evidence.steps_to_leave, steps = 0;
            while (fabs(us_vec_get(us_training_theta(training), 0)) < sqrt(0.2) && steps < 1e6) {
                assert_int_equal(us_training_advance(training, 10), US_OK);
                steps += 10;
            }
            if (!(told > steps / CASES[c].factor && told < CASES[c].factor * steps))
                fail_msg("%s, seed %d: told %g steps, took %g", CASES[c].rule, (int)seed, told, steps);
            us_diagnosis_destroy(d);
            us_training_destroy(training);
        }
    us_vec_destroy(theta);
    us_problem_destroy(problem);
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
        cmocka_unit_test(batches_leave_about_when_they_are_said_to),
        cmocka_unit_test(at_a_saddle_there_is_no_leaving),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
