/* The watch: every sign beside a plain recomputation, the same bits with it and without, and the share that it keeps, on a
 * clock that the test moves. */
#include "diagnose/watch.h"
#include "net.h"
#include <unstuck/linear.h>
#include <unstuck/units.h>

/* ------------------------------------------------------------------ what a watch says */

typedef struct heard {
    uint64_t step;
    char name[24], part[32];
    double value;
} heard;

typedef struct ear {
    heard signs[20000];
    size_t count;
    double time; /* of the clock */
} ear;

static double ear_sign(void *user, uint64_t step, const char *name, const char *part, double value) {
    ear *e = user;
    if (e->count == sizeof e->signs / sizeof *e->signs) return 0;
    heard *h = &e->signs[e->count++];
    *h = (heard){.step = step, .value = value};
    snprintf(h->name, sizeof h->name, "%s", name);
    snprintf(h->part, sizeof h->part, "%s", part);
    return 0;
}

static double ear_clock(void *user) { return ((ear *)user)->time; }

/* An observer before the watch's: each step has taken an hour and nothing else any time, so that a
 * kind of probe is affordable for ever once its first one, whose cost is estimated in steps, was. */
static bool ear_hour(void *user, const us_training *training, const us_step_info *info) {
    (void)training, (void)info;
    ((ear *)user)->time += 3600;
    return true;
}

static const heard *ear_find(const ear *e, uint64_t step, const char *name, const char *part) {
    for (size_t i = 0; i < e->count; i++)
        if (e->signs[i].step == step && !strcmp(e->signs[i].name, name) && !strcmp(e->signs[i].part, part))
            return &e->signs[i];
    return NULL;
}

static double ear_value(const ear *e, uint64_t step, const char *name, const char *part) {
    const heard *h = ear_find(e, step, name, part);
    if (!h) fail_msg("no sign %s[%s] at step %llu", name, part, (unsigned long long)step);
    return h->value;
}

static us_watch *ear_watch(ear *e, us_training *training, us_watch_mode mode, uint64_t planned) {
    us_watch_options o = US_WATCH_OPTIONS_INIT;
    us_watch *watch;
    o.mode = mode, o.steps_planned = planned, o.share = mode ? 1 : 0;
    o.sign = ear_sign, o.sign_user = e, o.clock = ear_clock, o.clock_user = e;
    assert_int_equal(us_training_observe(training, ear_hour, e), US_OK);
    assert_int_equal(us_watch_create(&watch, training, &o), US_OK);
    return watch;
}

static void target_sine(us_rng *rng, const double *x, double *y) { *y = sin(x[0]) - 0.5 * x[1] + 0.3 * us_rng_normal(rng); }

/* ------------------------------------------------------------------ signs of an update */

/* What the steps left behind, for the plain recomputation. */
typedef struct path {
    us_vec *theta[3], *gradient[2]; /* the last steps' */
    double rate, loss;
    us_batch batch;
    uint32_t rows[64];
} path;

static bool path_keep(void *user, const us_training *training, const us_step_info *info) {
    path *p = user;
    (void)training;
    us_vec_copy(p->theta[0], p->theta[1]), us_vec_copy(p->theta[1], p->theta[2]), us_vec_copy(p->theta[2], info->theta);
    us_vec_copy(p->gradient[0], p->gradient[1]), us_vec_copy(p->gradient[1], info->gradient);
    p->rate = info->learning_rate, p->loss = info->loss, p->batch = info->batch;
    if (info->batch.rows) {
        memcpy(p->rows, info->batch.rows, info->batch.count * sizeof *p->rows);
        p->batch.rows = p->rows;
    }
    return true;
}

static double norm_of(const us_vec *a, const us_vec *b, size_t from, size_t count) { /* of a − b; b may be NULL */
    double sum = 0;
    for (size_t i = from; i < from + count; i++) {
        double d = us_vec_get(a, i) - (b ? us_vec_get(b, i) : 0);
        sum += d * d;
    }
    return sqrt(sum);
}

/* c at which the batch's loss along the update is again what it was, by bisection. */
static double crossing(us_problem *problem, const path *p, us_vec *trial) {
    double low = 0, high = 0, c = 1, f;
    for (int k = 0; k < 200; k++) {
        for (size_t i = 0; i < us_vec_size(trial); i++)
            us_vec_set(trial, i, us_vec_get(p->theta[1], i) + c * (us_vec_get(p->theta[2], i) - us_vec_get(p->theta[1], i)));
        assert_int_equal(us_problem_value(problem, trial, p->batch, &f), US_OK);
        *(f < p->loss ? &low : &high) = c;
        c = low > 0 && high > 0 ? 0.5 * (low + high) : low > 0 ? 2 * low : 0.5 * high;
    }
    return c;
}

static void every_sign_of_an_update_is_what_it_says(void **state) {
    us_context *context = support_plain_context();
    static const struct {
        const char *rule;
        double rate;
        size_t batch;
    } CASES[] = {{"sgd", 0.05, 60}, {"momentum", 0.01, 12}, {"adam", 0.003, 12}, {"lamb", 0.003, 12}, {"muon", 0.003, 12}};
    for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
        static ear e;
        memset(&e, 0, sizeof e);
        net s;
        net_make(&s, context, "dense 7 tanh, dense 5 relu", US_REGRESSION, 60, 60, 3, target_sine, 4);
        net_train(&s, CASES[c].rule, CASES[c].rate, CASES[c].batch, 3);
        path p = {.loss = 0};
        size_t n = us_problem_dimension(s.problem), groups;
        const us_group *group = us_problem_groups(s.problem, &groups);
        us_vec *trial;
        for (int k = 0; k < 3; k++) assert_int_equal(us_vec_create(&p.theta[k], context, US_F64, n), US_OK);
        for (int k = 0; k < 2; k++) assert_int_equal(us_vec_create(&p.gradient[k], context, US_F64, n), US_OK);
        assert_int_equal(us_vec_create(&trial, context, US_F64, n), US_OK);
        us_watch *w = ear_watch(&e, s.training, US_WATCH_FULL, 1003);
        assert_int_equal(us_training_observe(s.training, path_keep, &p), US_OK);
        size_t probes = 0;
        for (int k = 0; k < 80; k++) {
            size_t before = e.count;
            assert_int_equal(us_training_step(s.training), US_OK);
            uint64_t step = us_training_steps(s.training);
            if (e.count == before) continue;
            probes++;
            double batch_loss;
            assert_int_equal(us_problem_gradient(s.problem, p.theta[1], p.batch, &batch_loss, trial), US_OK);
            assert_near(norm_of(trial, p.gradient[1], 0, n), 0, 0, 1e-12); /* no rule writes to it */
            double g = norm_of(p.gradient[1], NULL, 0, n), d = norm_of(p.theta[2], p.theta[1], 0, n);
            double last = norm_of(p.theta[1], p.theta[0], 0, n), t = norm_of(p.theta[2], NULL, 0, n), dl = 0, gg = 0;
            for (size_t i = 0; i < n; i++) {
                double a = us_vec_get(p.theta[0], i), b = us_vec_get(p.theta[1], i), z = us_vec_get(p.theta[2], i);
                dl += (z - b) * (b - a);
                gg += us_vec_get(p.gradient[0], i) * us_vec_get(p.gradient[1], i);
            }
            assert_near(ear_value(&e, step, "gradient_norm", ""), g, 1e-12, 0);
            assert_near(ear_value(&e, step, "update_norm", ""), d, 1e-12, 0);
            assert_near(ear_value(&e, step, "weight_norm", ""), t, 1e-12, 0);
            assert_near(ear_value(&e, step, "update_ratio", ""), d / t, 1e-12, 0);
            assert_near(ear_value(&e, step, "effective_rate", ""), d / g, 1e-12, 0);
            assert_near(ear_value(&e, step, "step_cosine", ""), dl / (d * last), 1e-10, 1e-12);
            assert_near(ear_value(&e, step, "gradient_cosine", ""), gg / (g * norm_of(p.gradient[0], NULL, 0, n)), 1e-10,
                        1e-12);
            assert_near(ear_value(&e, step, "unchanged_share", ""), 0, 0, 0);
            assert_near(ear_value(&e, step, "nonfinite", ""), 0, 0, 0);
            assert_near(ear_value(&e, step, "reach", ""), (1003 - (double)step) * d, 1e-12, 0); /* a constant rate */
            for (size_t k2 = 0; k2 < groups; k2++) {
                size_t from = group[k2].offset, count = group[k2].count;
                assert_near(ear_value(&e, step, "update_norm", group[k2].name), norm_of(p.theta[2], p.theta[1], from, count),
                            1e-12, 0);
                assert_near(ear_value(&e, step, "gradient_norm", group[k2].name), norm_of(p.gradient[1], NULL, from, count),
                            1e-12, 0);
                assert_near(ear_value(&e, step, "weight_norm", group[k2].name), norm_of(p.theta[2], NULL, from, count),
                            1e-12, 0);
            }
            const heard *sharp = ear_find(&e, step, "sharpness", "");
            if (sharp && us_training_rule(s.training)->stability) {
                assert_near(sharp->value, 2 / (crossing(s.problem, &p, trial) * p.rate), 0.02, 0);
                assert_near(ear_value(&e, step, "sharpness_limit", ""),
                            us_training_rule(s.training)->stability(us_training_hyper(s.training)) / p.rate, 1e-12, 0);
            }
            assert_int_equal(us_watch_between(w), US_OK);
        }
        assert_in_range(probes, 12, 27); /* three steps each, and some between */
        us_watch_report r = us_watch_tell(w);
        assert_int_equal(r.probes, probes);
        assert_true(r.searches + 12 >= probes && isfinite(r.sharpness)); /* a first search waits until it is paid for */
        us_training_destroy(s.training);
        s.training = NULL;
        us_watch_destroy(w);
        for (int k = 0; k < 3; k++) us_vec_destroy(p.theta[k]);
        for (int k = 0; k < 2; k++) us_vec_destroy(p.gradient[k]);
        us_vec_destroy(trial);
        net_close(&s);
    }
    us_context_destroy(context);
}

/* f = ½θ'diag(λ)θ: gradient descent's critical sharpness is Σλᵢ³θᵢ²/Σλᵢ²θᵢ² in closed form. */
static const double LAMBDA[4] = {0.5, 2, 7, 31};
static double calls_time, calls_unit = 1; /* clock, and what a value takes */

static int bowl_value(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss) {
    const double *t = theta;
    (void)user, (void)rows, (void)count;
    calls_time += calls_unit;
    *loss = 0;
    for (int i = 0; i < 4; i++) *loss += 0.5 * LAMBDA[i] * t[i] * t[i];
    return 0;
}

static int bowl_gradient(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss, void *gradient) {
    bowl_value(user, theta, rows, count, loss);
    calls_time += 2 * calls_unit;
    for (int i = 0; i < 4; i++) ((double *)gradient)[i] = LAMBDA[i] * ((const double *)theta)[i];
    return 0;
}

static int bowl_hvp(void *user, const void *theta, const uint32_t *rows, size_t count, const void *v, void *hv) {
    (void)user, (void)theta, (void)rows, (void)count;
    calls_time += 6 * calls_unit;
    for (int i = 0; i < 4; i++) ((double *)hv)[i] = LAMBDA[i] * ((const double *)v)[i];
    return 0;
}

static us_training *bowl_training(us_context *context, us_problem **problem, double rate) {
    us_callback_problem bowl = US_CALLBACK_PROBLEM_INIT;
    us_training_options o = US_TRAINING_OPTIONS_INIT;
    us_training *training;
    us_vec *theta;
    bowl.dimension = 4, bowl.value = bowl_value, bowl.gradient = bowl_gradient, bowl.hvp = bowl_hvp;
    assert_int_equal(us_problem_create_callback(problem, context, &bowl), US_OK);
    assert_int_equal(us_vec_create(&theta, context, US_F64, 4), US_OK);
    us_vec_fill(theta, 1.385);
    o.learning_rate = rate;
    assert_int_equal(us_training_create(&training, *problem, theta, &o), US_OK);
    us_vec_destroy(theta);
    return training;
}

static void the_critical_sharpness_of_a_bowl_is_known(void **state) {
    us_context *context = support_plain_context();
    us_problem *problem;
    us_training *training = bowl_training(context, &problem, 0.06);
    static ear e;
    memset(&e, 0, sizeof e);
    us_watch *w = ear_watch(&e, training, US_WATCH_FULL, 0);
    for (int k = 0; k < 400; k++) {
        double before[4], up = 0, down = 0;
        for (size_t i = 0; i < 4; i++) before[i] = us_vec_get(us_training_theta(training), i);
        assert_int_equal(us_training_step(training), US_OK);
        uint64_t step = us_training_steps(training);
        for (int i = 0; i < 4; i++) {
            double g = LAMBDA[i] * before[i];
            up += LAMBDA[i] * g * g, down += g * g;
        }
        const heard *h = ear_find(&e, step, "sharpness", "");
        if (h) assert_near(h->value, up / down, 1e-6, 0);
        if (h) assert_near(ear_value(&e, step, "sharpness_limit", ""), 2 / 0.06, 1e-12, 0);
        assert_int_equal(us_watch_between(w), US_OK);
    }
    /* and both ends; every step goes mostly along the sharpest, which the rate hardly bears: back and forth */
    size_t ends = 0, along = 0;
    for (size_t i = 0; i < e.count; i++) {
        const heard *h = &e.signs[i];
        if (!strcmp(h->name, "lambda_max")) assert_near(h->value, 31, 0.02, 0), ends++;
        if (!strcmp(h->name, "lambda_min")) assert_near(h->value, 0.5, 0, 0.02 * 31), ends++;
        if (!strcmp(h->name, "sharp_projection")) assert_true(fabs(h->value) <= 1 + 1e-12), along++;
    }
    assert_true(ends >= 4 && along >= 4);
    assert_true(us_watch_tell(w).looks >= 2);
    us_training_destroy(training);
    us_watch_destroy(w);
    us_problem_destroy(problem);
    us_context_destroy(context);
}

static double step_rise(void *user, double c) { /* a wall behind the dip */
    (*(int *)user)++;
    return c > 3 ? HUGE_VAL : c - 1.5;
}

static void the_search_takes_few_values(void **state) {
    int values = 0;
    assert_near(us__critical_step(step_rise, &values, 1, 12), 1.5, 1e-12, 0);
    assert_in_range(values, 2, 6);
    values = 0;
    assert_near(us__critical_step(step_rise, &values, 60, 12), 1.5, 1e-9, 0);
    assert_true(isnan(us__critical_step(step_rise, &values, 1e9, 6))); /* not found within six */
    assert_true(isnan(us__critical_step(step_rise, &values, 1e-9, 6)));
}

/* Rows x ~ N(μ, 2²I), loss ½‖θ − x‖²: tr(Σ) = 4d, ‖∇f‖² = ‖θ − μ‖². With a tiny rate θ stays where it is. */
static void noise_scale_has_its_closed_form(void **state) {
    us_context *context = support_plain_context();
    enum { ROWS = 4000, D = 6 };
    us_dataset *data;
    us_problem *problem;
    us_training *training;
    us_vec *theta, *gradient;
    us_rng rng = us_rng_init(2, 1);
    assert_int_equal(us_dataset_create(&data, context, US_F64, ROWS, D, US_REGRESSION, 1), US_OK);
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t j = 0; j < D; j++) ((double *)us_dataset_features(data))[i * D + j] = us_rng_normal(&rng);
        ((double *)us_dataset_targets(data))[i] = 1 + us_rng_normal(&rng);
    }
    assert_int_equal(us_problem_create_linear(&problem, data, US_LINEAR_HALF_MSE), US_OK);
    size_t n = us_problem_dimension(problem);
    assert_int_equal(us_vec_create(&theta, context, US_F64, n), US_OK);
    assert_int_equal(us_vec_create(&gradient, context, US_F64, n), US_OK);
    us_vec_fill(theta, 0.3);
    us_training_options o = US_TRAINING_OPTIONS_INIT;
    o.learning_rate = 1e-9, o.batch = 20, o.clip_norm = 0.5; /* clipped gradients are told as they were */
    assert_int_equal(us_training_create(&training, problem, theta, &o), US_OK);
    static ear e;
    memset(&e, 0, sizeof e);
    us_watch *w = ear_watch(&e, training, US_WATCH_FULL, 0);
    double mean[D + 1] = {0}, square = 0, length = 0, found = 0, loss;
    for (uint32_t row = 0; row < ROWS; row++) {
        assert_int_equal(us_problem_gradient(problem, theta, (us_batch){&row, 1, 0}, &loss, gradient), US_OK);
        for (size_t i = 0; i < n; i++) {
            double g = us_vec_get(gradient, i);
            square += g * g, mean[i] += g / ROWS;
        }
    }
    for (size_t i = 0; i < n; i++) length += mean[i] * mean[i];
    double scale = (square - ROWS * length) / (ROWS - 1) / length;
    assert_int_equal(us_training_advance(training, 3000), US_OK);
    size_t count = 0;
    for (size_t i = 0; i < e.count; i++)
        if (!strcmp(e.signs[i].name, "noise_scale") && e.signs[i].step > 200) found += e.signs[i].value, count++;
    assert_true(count > 100);
    assert_near(found / (double)count, scale, 0.15, 0);
    us_training_destroy(training);
    us_watch_destroy(w);
    us_vec_destroy(theta);
    us_vec_destroy(gradient);
    us_problem_destroy(problem);
    us_dataset_destroy(data);
    us_context_destroy(context);
}

static void dead_units_and_frozen_weights_are_counted(void **state) {
    us_context *context = support_plain_context();
    static ear e;
    static const size_t ROWS[] = {60, 5000}; /* all of them, and some of them */
    for (int r = 0; r < 2; r++) {
        memset(&e, 0, sizeof e);
        net s;
        net_make(&s, context, "dense 8 relu", US_REGRESSION, ROWS[r], ROWS[r], 3, target_sine, 4);
        net_fill(&s, "layer1.bias", 0, 2, -1e3); /* two of eight are never active */
        us_training_options o = US_TRAINING_OPTIONS_INIT;
        o.learning_rate = 1e-30; /* no weight changes by half a unit in its last place; biases of 0 do */
        assert_int_equal(us_training_create(&s.training, s.problem, s.theta, &o), US_OK);
        us_watch *w = ear_watch(&e, s.training, US_WATCH_ECONOMY, 0);
        for (int k = 0; k < 80; k++) {
            assert_int_equal(us_training_step(s.training), US_OK);
            assert_int_equal(us_watch_between(w), US_OK);
        }
        size_t dead = 0, still = 0, rows = 0;
        for (size_t i = 0; i < e.count; i++) {
            const heard *h = &e.signs[i];
            if (!strcmp(h->name, "dead_share")) assert_near(h->value, 0.25, 0, 0), dead++;
            if (!strcmp(h->name, "dead_share")) assert_true(!*h->part || !strcmp(h->part, "layer1.weight"));
            if (!strcmp(h->name, "dead_share_rows")) assert_near(h->value, r ? US__WATCH_UNIT_ROWS : 60, 0, 0), rows++;
            if (!strcmp(h->name, "unchanged_share")) assert_true(h->value > 0.7 && h->value < 1), still++;
        }
        assert_true(dead >= 2 && still >= 2 && 2 * rows == dead);
        us_training_destroy(s.training);
        s.training = NULL;
        us_watch_destroy(w);
        net_close(&s);
    }
    us_context_destroy(context);
}

/* ------------------------------------------------------------------ what a watch leaves alone */

static void the_weights_are_the_same_bits(void **state) {
    us_context *context = support_plain_context();
    static const char *const MODELS[] = {"dense 9 tanh, dense 6 relu",
                                         "dense 6, batch-norm, relu, dropout 0.3, dense 4 tanh"};
    static const char *const RULES[] = {"momentum", "adam", "muon"};
    for (int m = 0; m < 2; m++)
        for (int r = 0; r < 3; r++) {
            us_vec *end[3];
            for (int mode = 0; mode < 3; mode++) {
                static ear e;
                memset(&e, 0, sizeof e);
                net s;
                net_make(&s, context, MODELS[m], US_REGRESSION, 90, 90, 3, target_sine, 8);
                net_train(&s, RULES[r], 0.01, 16, 1);
                us_watch *w = ear_watch(&e, s.training, (us_watch_mode)mode, 0);
                for (int k = 0; k < 30; k++) {
                    assert_int_equal(us_training_advance(s.training, 5), US_OK);
                    assert_int_equal(us_watch_between(w), US_OK);
                }
                assert_true(mode == 0 ? e.count == 0 : e.count > 100);
                assert_int_equal(us_vec_create(&end[mode], context, US_F64, us_problem_dimension(s.problem)), US_OK);
                us_vec_copy(end[mode], us_training_theta(s.training));
                us_training_destroy(s.training);
                s.training = NULL;
                us_watch_destroy(w);
                net_close(&s);
            }
            assert_int_equal(us_vec_count_different(end[0], end[1]), 0);
            assert_int_equal(us_vec_count_different(end[0], end[2]), 0);
            for (int mode = 0; mode < 3; mode++) us_vec_destroy(end[mode]);
        }
    us_context_destroy(context);
}

/* ------------------------------------------------------------------ the promise */

static double sign_seconds;

static double bowl_clock(void *user) {
    (void)user;
    return calls_time += 1e-3 * calls_unit; /* looking at it takes a while, too */
}

static double bowl_sign(void *user, uint64_t step, const char *name, const char *part, double value) {
    ear_sign(user, step, name, part, value);
    return sign_seconds;
}

/* Whatever a value takes and whatever a sign costs, from the first step on. */
static void the_share_is_kept_at_every_moment(void **state) {
    us_context *context = support_plain_context();
    static const double UNITS[] = {1e-7, 1e-6, 2.5e-5, 1e-3, 1};
    for (int mode = US_WATCH_ECONOMY; mode <= US_WATCH_FULL; mode++)
        for (int u = 0; u < 5; u++) {
            us_problem *problem;
            us_training *training = bowl_training(context, &problem, 0.01);
            us_watch_options o = US_WATCH_OPTIONS_INIT;
            us_watch *w;
            static ear e;
            memset(&e, 0, sizeof e);
            calls_time = 0, calls_unit = UNITS[u], sign_seconds = 4e-6;
            o.mode = (us_watch_mode)mode, o.sign = bowl_sign, o.sign_user = &e, o.clock = bowl_clock;
            assert_int_equal(us_watch_create(&w, training, &o), US_OK);
            double promised = mode == US_WATCH_ECONOMY ? 0.03 : 0.10;
            uint64_t early = 0;
            for (int k = 0; k < 5000; k++) {
                assert_int_equal(us_training_step(training), US_OK);
                if (k % 7 == 0) assert_int_equal(us_watch_between(w), US_OK);
                us_watch_report r = us_watch_tell(w);
                if (r.seconds > promised * r.training)
                    fail_msg("%s, a value takes %g s: %g of %g after %d steps", us_watch_mode_name(o.mode), calls_unit,
                             r.seconds, r.training, k + 1);
                if (k == 119) early = r.probes;
                if (k == 119) assert_int_equal(r.wanting[US_WATCH_UPDATES] > r.training, early == 0);
            }
            us_watch_report r = us_watch_tell(w);
            print_message("%s, a value takes %g s: %.4f of the time, %llu probes (%llu in 120 steps), %llu searches, %llu "
                          "looks\n",
                          us_watch_mode_name(o.mode), calls_unit, r.share, (unsigned long long)r.probes,
                          (unsigned long long)early, (unsigned long long)r.searches, (unsigned long long)r.looks);
            assert_near(r.promised, promised, 0, 0);
            /* what a run of milliseconds cannot pay for is not measured; a longer one uses its share */
            if (calls_unit <= 1e-6) assert_int_equal(early, 0);
            if (calls_unit >= 1e-3) assert_true(r.searches >= 15 && r.probes >= 15 && r.wanting[US_WATCH_UPDATES] == 0);
            /* a pause is no time of training */
            us_watch_pause(w, true);
            calls_time += 1e9 * calls_unit;
            assert_near(us_watch_tell(w).training, r.training, 1e-3, 0);
            us_watch_pause(w, false);
            assert_near(us_watch_tell(w).training, r.training, 1e-3, 0);
            us_training_destroy(training);
            us_watch_destroy(w);
            us_problem_destroy(problem);
        }
    calls_unit = 1;
    us_context_destroy(context);
}

static us_status body(us_context *context, void *user) {
    (void)user;
    us_problem *problem = NULL;
    us_training *training = NULL;
    us_watch *w = NULL;
    us_vec *theta = NULL;
    static ear e;
    memset(&e, 0, sizeof e);
    us_callback_problem bowl = US_CALLBACK_PROBLEM_INIT;
    bowl.dimension = 4, bowl.value = bowl_value, bowl.gradient = bowl_gradient, bowl.hvp = bowl_hvp;
    us_watch_options o = US_WATCH_OPTIONS_INIT;
    o.mode = US_WATCH_FULL, o.clock = ear_clock, o.clock_user = &e;
    us_training_options t = US_TRAINING_OPTIONS_INIT;
    t.learning_rate = 0.01;
    us_status status = us_problem_create_callback(&problem, context, &bowl);
    if (!status) status = us_vec_create(&theta, context, US_F64, 4);
    if (!status) us_vec_fill(theta, 1);
    if (!status) status = us_training_create(&training, problem, theta, &t);
    if (!status) status = us_watch_create(&w, training, &o);
    for (int k = 0; k < 30 && !status; k++) {
        e.time += 3600;
        status = us_training_step(training);
        if (!status) status = us_watch_between(w);
    }
    us_training_destroy(training);
    us_watch_destroy(w);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    return status;
}

/* The same of a net: with units to look at, a trend, and a training that it goes on with. */
static us_status net_body(us_context *context, void *user) {
    static ear e;
    us_dataset *data = NULL;
    us_model *model = NULL;
    us_problem *problem = NULL;
    us_training *training = NULL, *other = NULL;
    us_vec *theta = NULL;
    us_watch *w = NULL;
    us_model_options m = US_MODEL_OPTIONS_INIT;
    us_watch_options o = US_WATCH_OPTIONS_INIT;
    memset(&e, 0, sizeof e);
    m.text = "dense 4 relu, dense 3 tanh", m.inputs = 2, m.outputs = 1, m.task = US_REGRESSION;
    o.mode = US_WATCH_FULL, o.share = 1, o.sign = ear_sign, o.sign_user = &e, o.clock = ear_clock, o.clock_user = &e;
    (void)user;
    us_status status = us_dataset_create(&data, context, US_F64, 12, 2, US_REGRESSION, 1);
    for (size_t i = 0; !status && i < 12; i++) {
        double *x = (double *)us_dataset_features(data) + 2 * i;
        x[0] = sin((double)i), x[1] = cos(2.0 * (double)i), ((double *)us_dataset_targets(data))[i] = x[0] * x[1];
    }
    if (!status) status = us_model_create(&model, context, &m);
    if (!status) status = us_model_problem(&problem, model, data);
    if (!status) status = us_vec_create(&theta, context, US_F64, us_problem_dimension(problem));
    for (size_t i = 0; !status && i < us_vec_size(theta); i++) us_vec_set(theta, i, 0.4 * sin(3.0 * (double)i));
    if (!status) status = us_training_create(&training, problem, theta, NULL);
    if (!status) status = us_watch_create(&w, training, &o);
    for (int k = 0; k < 300 && !status; k++) {
        e.time += 3600;
        status = us_training_step(training);
        if (!status) status = us_watch_between(w);
    }
    if (!status) assert_true(us_watch_tell(w).looks >= 2 && us_watch_tell(w).searches > 0 && w->sharpest);
    if (!status) status = us_training_copy(&other, training, NULL);
    if (!status) status = us_watch_move(w, other);
    if (!status) status = us_training_step(other);
    us_training_destroy(other);
    us_training_destroy(training);
    us_watch_destroy(w);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    us_model_destroy(model);
    us_dataset_destroy(data);
    return status;
}

static void a_failed_allocation_leaves_nothing(void **state) {
    support_fail_each_allocation(body, NULL);
    support_fail_each_allocation(net_body, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sign_of_an_update_is_what_it_says),
        cmocka_unit_test(the_critical_sharpness_of_a_bowl_is_known),
        cmocka_unit_test(the_search_takes_few_values),
        cmocka_unit_test(noise_scale_has_its_closed_form),
        cmocka_unit_test(dead_units_and_frozen_weights_are_counted),
        cmocka_unit_test(the_weights_are_the_same_bits),
        cmocka_unit_test(the_share_is_kept_at_every_moment),
        cmocka_unit_test(a_failed_allocation_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
