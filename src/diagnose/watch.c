/* The watch: when to probe, and the probe of updates.
 *
 * Each kind of probe has its part of the share, and is taken when what it cost last time still fits into its part of the
 * time that the training has had, and into what all of them may take. What a first one will cost is estimated from the time
 * of a step, and it waits for that, too: so the promise holds at any moment, not only in the end. */
#include "diagnose/watch.h"
#include "diagnose/noise.h"
#include <math.h>

static const double WATCH_SHARE[] = {0, 0.03, 0.10};
static const double WATCH_KEPT = 0.8; /* of the share: the rest is for what no clock sees, such as caches */
/* Parts of the share: update, search, trend, units, eigenvalues. */
static const double WATCH_PARTS[][US_WATCH_KINDS] = {{0}, {0.35, 0.35, 0.05, 0.15, 0.1}, {0.25, 0.25, 0.05, 0.1, 0.35}};
enum { WATCH_DENSITY = 64 }; /* probes a doubling or so (a factor e) of the steps, at most; full: twice that */
/* Seconds that a first probe is likely to take beside its gradients. */
static const double WATCH_FIRST = 1e-5;     /* any */
static const double WATCH_ELEMENT = 1.5e-8; /* for an element of θ in a probe of updates */
static const double WATCH_PASS = 2e-9;      /* for one in a pass over vectors */
static const double WATCH_SIGN = 5e-6;      /* for a sign that is kept: a row of a database */
static const double WATCH_TREND = 3e-4;
static const double WATCH_PRODUCT = 5e-5; /* for a product with the Hessian and its bookkeeping */
static const double WATCH_CAUTION = 1.5;
static const double WATCH_REMEMBERED = 0.75; /* a probe is not expected to take less than this part of what one did before */
static const double WATCH_NOISE_MEMORY = 10; /* probes that a running mean looks back */

void us_watch_options_init(us_watch_options *options) { *options = (us_watch_options)US_WATCH_OPTIONS_INIT; }

const char *us_watch_mode_name(us_watch_mode mode) {
    return mode == US_WATCH_FULL ? "full" : mode == US_WATCH_ECONOMY ? "economy" : "off";
}

const char *us_watch_kind_name(us_watch_kind kind) {
    static const char *const NAMES[US_WATCH_KINDS] = {"updates", "sharpness", "trend", "units", "eigenvalues"};
    return (unsigned)kind < US_WATCH_KINDS ? NAMES[kind] : "unknown";
}

/* ------------------------------------------------------------------ time */

double us__watch_clock(const us_watch *w) {
    return w->options.clock ? w->options.clock(w->options.clock_user) : us_clock_now();
}

static double watch_trained(const us_watch *w) {
    return (w->is_paused ? w->paused : us__watch_clock(w)) - w->began - w->spent;
}

double us__watch_step_seconds(const us_watch *w) {
    uint64_t steps = us_training_steps(w->training) - w->begun;
    return steps ? watch_trained(w) / (double)steps : HUGE_VAL;
}

/* What a first probe is likely to cost: the gradients that it takes, by the time that a step does, the passes over θ, and
 * the signs to be kept. A value is a third of a gradient, a product two. */
static double watch_estimate(const us_watch *w, us_watch_kind probe) {
    double n = (double)us_problem_dimension(w->problem), rows = (double)us_problem_samples(w->problem);
    double step = us__watch_step_seconds(w), row;
    size_t groups, batch = us_training_batch(w->training) * us_training_accumulate(w->training);
    us_problem_groups(w->problem, &groups);
    row = step / (double)batch;
    switch (probe) {
    case US_WATCH_UPDATES:
        if (groups == 1 || groups > US__WATCH_GROUPS) groups = 0; /* they are not told one by one */
        return WATCH_FIRST + WATCH_ELEMENT * n + WATCH_SIGN * (double)(5 * (groups + 1) + US__WATCH_OF_ALL);
    case US_WATCH_SHARPNESS:
        return WATCH_FIRST + US__SEARCH_FIRST * (step / 3 + WATCH_PASS * n) + 2 * WATCH_SIGN;
    case US_WATCH_TREND:
        return WATCH_TREND + 3 * WATCH_SIGN;
    case US_WATCH_UNITS:
        return WATCH_FIRST + 2 * (double)w->layers * fmin(rows, US__WATCH_UNIT_ROWS) * row +
               WATCH_SIGN * (double)(w->layers + 2);
    case US_WATCH_EIGENVALUES:
        return US__WATCH_PRODUCTS *
               (WATCH_PRODUCT + 2 * fmin(rows, US__WATCH_ROWS) * row + US__WATCH_PRODUCTS * WATCH_PASS * n);
    }
    return HUGE_VAL;
}

/* Seconds of training from which on a probe can be paid for: out of the part of its kind, and out of what all may take. */
static double watch_affordable(const us_watch *w, us_watch_kind probe) {
    double kept = WATCH_KEPT * w->share,
           cost = w->count[probe] > 0 ? w->cost[probe] : WATCH_CAUTION * watch_estimate(w, probe);
    return fmax((w->spent_on[probe] + cost) / (kept * WATCH_PARTS[w->options.mode][probe]), (w->spent + cost) / kept);
}

bool us__watch_affords(us_watch *w, us_watch_kind probe) {
    bool affords = watch_affordable(w, probe) <= watch_trained(w);
    w->waits[probe] = !affords && w->count[probe] == 0;
    return affords;
}

void us__watch_charge(us_watch *w, us_watch_kind probe, double began, bool done) {
    double took = us__watch_clock(w) - began;
    w->spent += took;
    w->spent_on[probe] += took;
    w->at_probe[probe] += took;
    if (!done) return;
    w->cost[probe] = fmax(w->at_probe[probe], WATCH_REMEMBERED * w->cost[probe]);
    w->at_probe[probe] = 0;
    w->count[probe]++;
}

void us__watch_sign(us_watch *w, us_watch_kind probe, const char *name, const char *part, double value) {
    if (!w->options.sign || isnan(value)) return;
    double later = w->options.sign(w->options.sign_user, us_training_steps(w->training), name, part, value);
    w->spent += later; /* the time for it is still to come, and is then no time of training */
    w->began -= later;
    w->spent_on[probe] += later;
    w->at_probe[probe] += later;
}

/* ------------------------------------------------------------------ a probe of updates: three steps in a row */

static double watch_ratio(double a, double b) { return b > 0 ? a / b : (double)NAN; }

static void watch_part(us_watch *w, const char *part, const us__update_sums *s, double unclip) {
    const us_watch_kind p = US_WATCH_UPDATES;
    double gradient = unclip * sqrt(s->gradient_gradient), update = sqrt(s->delta_delta), weight = sqrt(s->theta_theta);
    us__watch_sign(w, p, "gradient_norm", part, gradient);
    us__watch_sign(w, p, "update_norm", part, update);
    us__watch_sign(w, p, "weight_norm", part, weight);
    us__watch_sign(w, p, "update_ratio", part, watch_ratio(update, weight));
    us__watch_sign(w, p, "effective_rate", part, watch_ratio(update, gradient));
}

/* tr(Σ) and ‖∇f‖² from gradients of two batches of b rows at (nearly) one place, and of their mean, of 2b rows:
 * E‖g_b‖² = ‖∇f‖² + tr(Σ)/b (McCandlish et al. 2018, arXiv:1812.06162, appendix A.1). Running means of both, for one pair
 * says little. */
static void watch_noise(us_watch *w, const us__update_sums *s, double unclip, const us_batch *batch) {
    size_t rows = us_training_batch(w->training) * us_training_accumulate(w->training);
    if (!batch->rows || rows >= us_problem_samples(w->problem)) return;
    double g = unclip * unclip * s->gradient_gradient, h = w->unclip_before * w->unclip_before * s->before_before;
    double gh = unclip * w->unclip_before * s->gradient_before, small = 0.5 * (g + h), large = 0.25 * (g + h + 2 * gh);
    double trace = us__noise_trace(small, rows, large, 2 * rows), length = small - trace / (double)rows;
    w->noise_weight = fmin(w->noise_weight + 1, WATCH_NOISE_MEMORY);
    w->noise_trace += (trace - w->noise_trace) / w->noise_weight;
    w->noise_length += (length - w->noise_length) / w->noise_weight;
    if (!(w->noise_length > 0 && w->noise_trace > 0)) return;
    w->noise_scale = w->noise_trace / w->noise_length;
    us__watch_sign(w, US_WATCH_UPDATES, "noise_scale", "", w->noise_scale);
}

/* What the schedule still allows to travel, when updates stay as long as they are beside the rate. */
static void watch_reach(us_watch *w, double update, double rate) {
    uint64_t steps = us_training_steps(w->training);
    if (w->options.steps_planned <= steps || w->options.steps_planned == UINT64_MAX) return;
    us__watch_sign(w, US_WATCH_UPDATES, "reach", "",
                   us_training_rates_ahead(w->training, w->options.steps_planned - steps) * update / rate);
}

static void watch_measure(us_watch *w, const us_step_info *info) {
    const us_watch_kind p = US_WATCH_UPDATES;
    size_t count, wide = us_precision_bytes(us_vec_precision(info->theta));
    const us_group *groups = us_problem_groups(w->problem, &count);
    const char *vectors[5] = {us_vec_data_const(info->theta), us_vec_data_const(w->before), us_vec_data_const(w->last),
                              us_vec_data_const(info->gradient), us_vec_data_const(w->gradient_before)};
    us__update_sums all = {0};
    double unclip = watch_ratio(info->clipped_from, us_vec_norm2(info->gradient));
    if (!(unclip > 1)) unclip = 1;
    for (size_t k = 0; k < count; k++) {
        us__update_sums s = {0};
        size_t from = groups[k].offset * wide;
        if (groups[k].state) continue;
        (wide == 4 ? us__update_sums_f32 : us__update_sums_f64)(&s, vectors[0] + from, vectors[1] + from, vectors[2] + from,
                                                                vectors[3] + from, vectors[4] + from, groups[k].count);
        if (count > 1 && count <= US__WATCH_GROUPS) watch_part(w, groups[k].name, &s, unclip);
        all.theta_theta += s.theta_theta, all.delta_delta += s.delta_delta, all.gradient_gradient += s.gradient_gradient;
        all.delta_last += s.delta_last, all.last_last += s.last_last;
        all.gradient_before += s.gradient_before, all.before_before += s.before_before;
        all.moved += s.moved, all.still += s.still, all.not_finite += s.not_finite;
    }
    watch_part(w, "", &all, unclip);
    us__watch_sign(w, p, "step_cosine", "", watch_ratio(all.delta_last, sqrt(all.delta_delta) * sqrt(all.last_last)));
    us__watch_sign(w, p, "gradient_cosine", "",
                   watch_ratio(all.gradient_before, sqrt(all.gradient_gradient) * sqrt(all.before_before)));
    us__watch_sign(w, p, "unchanged_share", "", watch_ratio(all.still, all.moved));
    us__watch_sign(w, p, "nonfinite", "", all.not_finite);
    watch_noise(w, &all, unclip, &info->batch);
    watch_reach(w, sqrt(all.delta_delta), info->learning_rate);
    us_vec_sum(w->gradient_before, info->theta, -1, w->before); /* from here on it is Δ */
    if (w->sharpest)
        us__watch_sign(w, p, "sharp_projection", "",
                       watch_ratio(us_vec_dot(w->gradient_before, w->sharpest), sqrt(all.delta_delta)));
}

/* Not yet: looks at the clock again when it may be time, by the time that steps took so far. */
static void watch_wait(us_watch *w, uint64_t step) {
    double lacks = watch_affordable(w, US_WATCH_UPDATES) - watch_trained(w), steps = lacks / us__watch_step_seconds(w);
    double most = (double)(step - w->begun) + 1; /* the next look at twice the steps, at the latest */
    if (steps > most) steps = most;
    if (steps > (double)(w->next - step)) w->next = step + (uint64_t)steps;
}

static bool watch_observe(void *user, const us_training *training, const us_step_info *info) {
    us_watch *w = user;
    if (training != w->training) return true;
    us_series_add(&w->losses, info->loss);
    if (w->phase == 0 && (info->step < w->next || w->share == 0)) return true;
    double began = us__watch_clock(w);
    if (w->phase == 0) {
        uint64_t every = w->options.mode == US_WATCH_FULL ? 2 * WATCH_DENSITY : WATCH_DENSITY;
        w->next = info->step + 3 + info->step / every;
        if (!us__watch_affords(w, US_WATCH_UPDATES)) {
            watch_wait(w, info->step);
            return true;
        }
        us_vec_copy(w->before, info->theta);
        w->phase = 1;
    } else if (w->phase == 1) {
        us_vec_sum(w->last, info->theta, -1, w->before);
        us_vec_copy(w->before, info->theta);
        us_vec_copy(w->gradient_before, info->gradient);
        double norm = info->clipped_from > 0 ? us_vec_norm2(info->gradient) : 0;
        w->unclip_before = norm > 0 ? info->clipped_from / norm : 1;
        w->phase = 2;
    } else {
        w->phase = 0;
        watch_measure(w, info);
        us__watch_charge(w, US_WATCH_UPDATES, began, true);
        if (us__watch_affords(w, US_WATCH_SHARPNESS)) us__watch_search(w, info, w->before, w->gradient_before, w->last);
        return true;
    }
    us__watch_charge(w, US_WATCH_UPDATES, began, false);
    return true;
}

/* ------------------------------------------------------------------ life */

/* Room for vectors of its dimension, and its layers. Nothing changes after an error. */
static us_status watch_take_problem(us_watch *w, us_problem *problem) {
    us_vec **const vectors[3] = {&w->before, &w->last, &w->gradient_before}, *fresh[3] = {NULL, NULL, NULL};
    us_status status = US_OK;
    for (int k = 0; k < 3 && status == US_OK && w->share > 0; k++)
        status = us_vec_create(&fresh[k], w->context, us_problem_precision(problem), us_problem_dimension(problem));
    for (int k = 0; k < 3; k++) {
        if (status == US_OK) US__SWAP(us_vec *, *vectors[k], fresh[k]);
        us_vec_destroy(fresh[k]);
    }
    if (status != US_OK) return status;
    size_t groups;
    const us_group *group = us_problem_groups(problem, &groups);
    w->problem = problem;
    w->layers = 0;
    for (size_t k = 0; k < groups; k++) w->layers += !group[k].state && group[k].rank >= 2;
    return US_OK;
}

us_status us_watch_create(us_watch **out, us_training *training, const us_watch_options *options) {
    us_watch_options o = US_WATCH_OPTIONS_INIT;
    us_problem *problem = us_training_problem(training);
    us_context *context = us_problem_context(problem);
    *out = NULL;
    if (options) o = *options;
    if (o.version != 1)
        return us__fail(context, US_ERR_ARGUMENT, "us_watch_options: version is %u; this library knows 1", o.version);
    if (!(o.share >= 0 && o.share <= 1) || (unsigned)o.mode > US_WATCH_FULL)
        return us__fail(context, US_ERR_ARGUMENT, "us_watch_options: share is %g and mode %d; 0 to 1, and 0 to 2", o.share,
                        (int)o.mode);
    us_watch *w = us__new(context, 1, sizeof *w);
    if (!w) return US_ERR_NOMEM;
    *w = (us_watch){.context = context, .training = training, .problem = problem, .options = o};
    w->share = o.mode == US_WATCH_OFF ? 0 : o.share > 0 ? o.share : WATCH_SHARE[o.mode];
    w->critical = w->sharpness = w->limit = w->noise_scale = (double)NAN;
    w->losses.first = w->begun = us_training_steps(training);
    w->began = us__watch_clock(w);
    us_status status = watch_take_problem(w, problem);
    if (status == US_OK) status = us_training_observe(training, watch_observe, w);
    if (status == US_OK)
        *out = w;
    else
        us_watch_destroy(w);
    return status;
}

void us_watch_destroy(us_watch *w) {
    if (!w) return;
    us_vec_destroy(w->before);
    us_vec_destroy(w->last);
    us_vec_destroy(w->gradient_before);
    us_vec_destroy(w->sharpest);
    us__release(w->context, w);
}

us_status us_watch_move(us_watch *w, us_training *training) {
    us_status status =
        us_training_problem(training) == w->problem ? US_OK : watch_take_problem(w, us_training_problem(training));
    if (status == US_OK) status = us_training_observe(training, watch_observe, w);
    if (status != US_OK) return status;
    uint64_t done = us_training_steps(w->training) - w->begun; /* so that the mean time of a step stays what it was */
    w->training = training;
    w->begun = us_training_steps(training) > done ? us_training_steps(training) - done : 0;
    w->phase = 0;
    w->next = us_training_steps(training) + 1;
    w->losses = (us_series){.first = us_training_steps(training)};
    w->noise_weight = w->noise_trace = w->noise_length = 0;
    w->critical = w->sharpness = w->limit = w->noise_scale = (double)NAN;
    us__watch_forget(w);
    return US_OK;
}

void us_watch_plan(us_watch *w, uint64_t steps_planned) { w->options.steps_planned = steps_planned; }

void us_watch_pause(us_watch *w, bool paused) {
    double now = us__watch_clock(w);
    if (paused && !w->is_paused) w->paused = now;
    if (!paused && w->is_paused) w->began += now - w->paused;
    w->is_paused = paused;
}

uint64_t us_watch_steps(const us_watch *w) { return w->losses.added; }

us_watch_report us_watch_tell(const us_watch *w) {
    double trained = watch_trained(w);
    us_watch_report report = {.seconds = w->spent,
                              .training = trained,
                              .share = trained > 0 ? w->spent / trained : 0,
                              .promised = w->share,
                              .probes = w->count[US_WATCH_UPDATES],
                              .searches = w->count[US_WATCH_SHARPNESS],
                              .looks = w->count[US_WATCH_UNITS] + w->count[US_WATCH_EIGENVALUES],
                              .sharpness = w->sharpness,
                              .sharpness_limit = w->limit,
                              .noise_scale = w->noise_scale};
    for (unsigned k = 0; k < US_WATCH_KINDS; k++)
        if (w->waits[k]) report.wanting[k] = watch_affordable(w, (us_watch_kind)k);
    return report;
}
