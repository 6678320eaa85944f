/* The evidence: everything is measured at the training's θ, in f64, on all rows; going on happens on a copy. */
#include "diagnose/evidence.h"
#include "diagnose/symmetry.h"
#include <cblas.h>
#include <math.h>
#include <string.h>
#include <unstuck/trend.h>

us_status us__evidence_gradient(us__gathering *g) {
    us_evidence *e = &g->diagnosis->evidence;
    us_vec *gradient = NULL;
    us_status status = us_problem_value(g->full, g->theta, US_BATCH_ALL, &e->loss);
    e->finite = us_vec_is_finite(g->theta) && isfinite(e->loss);
    if (status || !e->finite) return status;
    if ((status = us_vec_create(&gradient, us_problem_context(g->full), US_F64, us_problem_dimension(g->full))))
        return status;
    status = us_problem_gradient(g->full, g->theta, US_BATCH_ALL, &e->loss, gradient);
    e->gradient_norm = us_vec_norm2(gradient);
    e->finite = isfinite(e->gradient_norm);
    if (status || !e->finite) goto done;
    us_vec_read_f64(gradient, g->gradient);
    if ((status = us__gathering_sample(g, e->loss, gradient))) goto done;
    if ((status = us__place_open(&g->place, g->problem, g->theta, US_BATCH_ALL))) goto done;
    status = us__place_noise(&g->place, g->gradient, 4, g->direction);
done:
    us_vec_destroy(gradient);
    return status;
}

/* A derivative that is wrong is wrong on a sample, too: checks look at no more rows than this, evenly spread, and at a share
 * of many. */
enum { EVIDENCE_CHECK_ROWS = 1024, EVIDENCE_CHECK_LEAST = 128, EVIDENCE_CHECK_SHARE = 64 };

static us_batch evidence_check_rows(const us__gathering *g, uint32_t rows[EVIDENCE_CHECK_ROWS]) {
    size_t samples = us_problem_samples(g->seen), count = EVIDENCE_CHECK_ROWS;
    if (samples <= EVIDENCE_CHECK_ROWS) return US_BATCH_ALL;
    if (us__gathering_is_sampled(g)) count = samples / EVIDENCE_CHECK_SHARE;
    count = count < EVIDENCE_CHECK_LEAST ? EVIDENCE_CHECK_LEAST : count > EVIDENCE_CHECK_ROWS ? EVIDENCE_CHECK_ROWS : count;
    for (size_t i = 0; i < count; i++) rows[i] = (uint32_t)(i * samples / count);
    return (us_batch){rows, count, 0};
}

typedef us_status (*evidence_check)(us_problem *, const us_vec *theta, us_batch, const us_check_options *, us_check *out);

/* Checks a derivative at θ, and where it does not pass, again beside it: at a critical point the gradient is rounding, and
 * there is nothing to compare it with; and what is wrong is wrong next door, too. A callback in f32 computes in f32
 * whatever it is recast to, so what fails in f64 gets a last hearing in its own precision. */
static us_status evidence_derivative(us__gathering *g, evidence_check check, bool *checked, bool *right,
                                     double *disagreement) {
    us_check here, beside;
    us_problem *own = g->seen;
    uint32_t rows[EVIDENCE_CHECK_ROWS];
    us_batch batch = evidence_check_rows(g, rows);
    us_status status = check(g->full, g->theta, batch, NULL, &here);
    *checked = here.decided, *right = here.passed, *disagreement = here.disagreement;
    if (status || here.passed) return status;
    us_rng rng = us_rng_init(1, 0xbe51de);
    for (size_t i = 0; i < g->place.n; i++) {
        double x = us_vec_get(g->theta, i);
        us_vec_set(g->place.at, i, x + 0.1 * us_rng_normal(&rng) * (x == 0 ? 1 : x));
    }
    if ((status = check(g->full, g->place.at, batch, NULL, &beside))) return status;
    *checked = beside.decided, *right = beside.passed, *disagreement = beside.disagreement;
    if (beside.passed || !beside.decided || us_problem_precision(own) == US_F64) return US_OK;
    us_problem *problem;
    us_vec *theta;
    status = us_problem_freeze(&problem, &theta, own, us_problem_precision(own), us_training_theta(g->training));
    if (!status) status = check(problem, theta, batch, NULL, &here);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    if (!status) *checked = here.decided, *right = here.passed, *disagreement = here.disagreement;
    return status;
}

us_status us__evidence_checks(us__gathering *g) {
    us_evidence *e = &g->diagnosis->evidence;
    us_status status = evidence_derivative(g, us_problem_check_gradient, &e->gradient_checked, &e->gradient_right,
                                           &e->gradient_disagreement);
    if (!status && us_problem_hvp_is_exact(g->problem) && (e->gradient_right || !e->gradient_checked))
        status = evidence_derivative(g, us_problem_check_hessian, &e->hessian_checked, &e->hessian_right,
                                     &e->hessian_disagreement);
    if (!e->gradient_checked) e->gradient_disagreement = (double)NAN;
    if (!e->hessian_checked) e->hessian_disagreement = (double)NAN;
    return status;
}

/* What the steps of a constant gradient come to: α for gradient descent, α/(1 − β) for heavy ball. */
static double evidence_effective_rate(const us_training *training, double rate) {
    const us_rule *rule = us_training_rule(training);
    size_t momentum = us_rule_hyperparameter(rule, "momentum");
    if (strcmp(rule->name, "sgd") == 0) return rate;
    if (strcmp(rule->name, "momentum") == 0 && momentum != SIZE_MAX)
        return rate / (1 - us_training_hyper(training)[momentum]);
    return (double)NAN;
}

static void evidence_progress(void *user, size_t done, size_t total) {
    const us_diagnose_options *o = user;
    o->progress(o->progress_user, "measuring the curvature", (double)done / (double)total);
}

us_status us__evidence_point(us__gathering *g) {
    us_evidence *e = &g->diagnosis->evidence;
    us_point_options o = g->options->point;
    us_diagnose_options hear = *g->options;
    if (hear.progress && !o.spectrum.progress) o.spectrum.progress = evidence_progress, o.spectrum.progress_user = &hear;
    o.decrease_tolerance = fmax(o.decrease_tolerance, 0.1 * g->options->verdict.decrease_tolerance);
    o.spectrum.batch = US_BATCH_ALL;
    /* at the floor, how many eigenvalues are zero tells a valley from a point */
    if (e->loss - e->floor <= 1e-6 * (e->constant_loss - e->floor)) o.ends_first = SIZE_MAX;
    if (us__gathering_is_sampled(g) && o.products > US__SAMPLED_PRODUCTS) o.products = US__SAMPLED_PRODUCTS;
    us_status status = us_point_classify(&g->diagnosis->point, g->problem, g->theta, &o);
    if (status == US_ERR_NUMERIC) { /* numbers too large for eigenvalues: the curvature stays unknown */
        us_context_error_clear(us_problem_context(g->problem));
        return US_OK;
    }
    if (status) return status;
    const us_point *point = g->diagnosis->point;
    const us_spectrum *s = point->spectrum;
    e->kind = point->kind;
    e->null_space = point->null_space;
    e->offered_decrease = point->offered_decrease;
    if (!s && !point->ends) return US_OK;
    e->spectrum_known = true;
    e->counted = s != NULL;
    if (s) {
        e->lambda_min = s->values[0], e->lambda_max = s->values[s->n - 1];
        e->resolution = s->resolution;
        e->negative = s->negative, e->zero = s->zero, e->positive = s->positive;
    } else {
        e->lambda_min = point->ends->values[0], e->lambda_max = point->ends->values[1];
        e->resolution = point->ends->resolution;
        bool degenerate = e->kind == US_KIND_DEGENERATE && e->lambda_min < -e->resolution;
        e->negative = e->kind == US_KIND_SADDLE || e->kind == US_KIND_MAXIMUM || degenerate;
        e->positive = e->kind == US_KIND_SADDLE || e->kind == US_KIND_MINIMUM;
        if (e->kind == US_KIND_NOT_CRITICAL) { /* v'Hv proves it, wherever it is measured */
            e->negative = -e->lambda_min > e->resolution;
            e->positive = e->lambda_max > e->resolution;
        }
        e->zero = e->null_space == US_NULL_WAY_DOWN; /* one that is flat, or rises, says nothing of the others */
    }
    e->effective_rate = evidence_effective_rate(g->training, e->learning_rate);
    size_t count;
    const us_group *groups = us_problem_groups(g->problem, &count);
    double share;
    status = us__symmetry_share(point->context, groups, count, point, &share);
    e->symmetric_units = share > 0.5;
    return status ? status : us__gathering_settle(g);
}

us_status us__evidence_line_search(us__gathering *g) {
    us_evidence *e = &g->diagnosis->evidence;
    us__line line = {0};
    e->decrease_line_search = 0;
    if (e->gradient_norm == 0) return US_OK;
    double unit = g->place.size / e->gradient_norm;
    for (size_t i = 0; i < g->place.n; i++) g->direction[i] = -g->gradient[i];
    us_status status = us__place_search(&g->place, g->direction, 1e-12 * unit, 10 * unit, false, &line);
    if (!status) status = us__gathering_confirm(g, g->direction, &line);
    if (status) return status;
    e->decrease_line_search = line.decrease;
    if (line.decrease > 0) e->line_search_rate = line.step;
    return US_OK;
}

/* At or near a saddle the gradient is H(θ − θ*): its part along an eigenvector, over λ, says how far off the point the
 * training stands. */
us_status us__evidence_escape(us__gathering *g) {
    us_evidence *e = &g->diagnosis->evidence;
    const us_point *point = g->diagnosis->point;
    if (!point || !point->escape) return US_OK;
    double part = (double)NAN, steps; /* a way down of a degenerate point has no λ to divide by */
    if (e->negative) part = fabs(cblas_ddot((int)g->place.n, point->escape, 1, g->gradient, 1) / e->lambda_min);
    us_status status = us__leave_along(g, &g->place, point->escape, e->lambda_min, part, &steps, &e->decrease_escape);
    if (status || e->negative == 0) return status;
    e->escape_component = part;
    if (us_training_rule(g->training)->preconditioner)
        status = us__leave_adaptive(g, &g->place, g->gradient, NULL, &steps, &e->escape_component);
    e->steps_to_leave = steps;
    return status;
}

static bool evidence_hear(void *user, const us_training *training, const us_step_info *info) {
    (void)training;
    us_series_add(user, info->loss);
    return true;
}

/* By how much losses fall by their trend over so many steps; where noise alone may make as much of it, what its interval
 * leaves of that, which is nothing or less. */
static double evidence_fall(const us_trend *trend, uint64_t steps) {
    return -(double)steps * (trend->high < 0 ? trend->slope : trend->high);
}

/* Share of ‖g‖² in elements of θ that one step did not change by a single bit. */
static us_status evidence_frozen(us__gathering *g, const us_training *after, double *share) {
    double still = 0, all = 0;
    us_status status = us__gathering_take(g, us_training_theta(after), g->place.at);
    for (size_t i = 0; i < g->place.n && !status; i++) {
        double square = g->gradient[i] * g->gradient[i];
        all += square;
        if (us_vec_get(g->place.at, i) == us_vec_get(g->theta, i)) still += square;
    }
    *share = all > 0 ? still / all : (double)NAN;
    return status;
}

/* Gradients over all rows that going on may take where the problem is large. */
static const double EVIDENCE_GOING_ON = 8, EVIDENCE_LONGER = 12;
static const double EVIDENCE_SURE = 0.98; /* of the trend: of two, each on one side */
enum { EVIDENCE_LOOKS = 64 };

/* The copy's steps, with looks at the loss on all rows between them where a step sees some of them only.
 * @param at, seen [EVIDENCE_LOOKS + 1] of the looks: the step, and the loss; *count: how many */
static us_status evidence_advance(us__gathering *g, us_training *copy, uint64_t steps, double *at, double *seen,
                                  size_t *count) {
    const us_evidence *e = &g->diagnosis->evidence;
    uint64_t looks = e->full_batch ? 1 : steps < EVIDENCE_LOOKS ? steps : EVIDENCE_LOOKS;
    at[0] = 0, seen[0] = e->loss, *count = 1;
    for (uint64_t look = 1; look <= looks; look++) {
        uint64_t target = steps / looks * look + steps % looks * look / looks;
        us_status status = us_training_advance(copy, target - (us_training_steps(copy) - e->steps_done));
        if (!status && !e->full_batch) status = us__gathering_look(g, copy, &seen[*count]);
        if (status) return status;
        at[*count] = (double)target;
        if (!e->full_batch) ++*count;
    }
    return US_OK;
}

/* What the trend says: of the steps' own losses, and of the looks where there were some. */
static us_status evidence_trend(us__gathering *g, const us_series *losses, const double *at, const double *seen,
                                size_t count, uint64_t steps) {
    us_evidence *e = &g->diagnosis->evidence;
    us_context *context = us_problem_context(g->problem);
    us_trend trend;
    e->trend_carrying_on = (double)NAN;
    us_status status = us_series_trend(losses, context, 1, EVIDENCE_SURE, &trend);
    if (status == US_OK) e->trend_carrying_on = evidence_fall(&trend, steps);
    if (status == US_OK || status == US_ERR_ARGUMENT)
        status = us_trend_measure(&trend, context, at, seen, count, EVIDENCE_SURE);
    if (status == US_OK) e->trend_carrying_on = fmax(e->trend_carrying_on, evidence_fall(&trend, steps));
    if (status != US_OK && status != US_ERR_ARGUMENT) return status;
    us_context_error_clear(context); /* too few for a trend of one kind, or of both */
    return US_OK;
}

/* On a copy, for `wanted` steps, or as many of them as so many gradients allow. */
static us_status evidence_go_on(us__gathering *g, uint64_t wanted, double gradients) {
    us_evidence *e = &g->diagnosis->evidence;
    us_context *context = us_problem_context(g->problem);
    uint64_t steps = us__gathering_steps(g, wanted, gradients);
    us_series losses = {0};
    us_training *copy = NULL;
    double loss, at[EVIDENCE_LOOKS + 1], seen[EVIDENCE_LOOKS + 1];
    size_t count;
    us_status status = us_training_copy(&copy, g->training, g->own);
    if (!status) status = us_training_observe(copy, evidence_hear, &losses);
    if (status) goto done;
    status = us_training_step(copy);
    if (!status) status = evidence_frozen(g, copy, &e->frozen_share);
    if (!status) status = evidence_advance(g, copy, steps, at, seen, &count);
    e->steps_carrying_on = us_training_steps(copy) - e->steps_done;
    if (status == US_ERR_NONFINITE) {
        us_context_error_clear(context);
        e->carrying_on_finite = false;
        status = US_OK;
        goto done;
    }
    if (status) goto done;
    if ((status = us__gathering_loss(g, copy, &loss))) goto done;
    e->carrying_on_finite = isfinite(loss);
    if (!e->carrying_on_finite) goto done;
    e->decrease_carrying_on = e->loss - loss;
    e->carrying_on_share = (double)steps / (double)wanted;
    status = evidence_trend(g, &losses, at, seen, count, steps);
done:
    us_training_destroy(copy);
    return status;
}

us_status us__evidence_carry_on(us__gathering *g) {
    const us_evidence *e = &g->diagnosis->evidence;
    uint64_t steps = g->options->steps;
    if (steps > 0) return evidence_go_on(g, steps, HUGE_VAL);
    /* at the limit of stability the loss goes up and down: only a longer look tells whether it falls */
    uint64_t share = e->learning_rate > 0.9 * e->stability_limit ? 1 : 10;
    steps = e->steps_done / share < 10 ? 10 : e->steps_done / share > 1000 ? 1000 : e->steps_done / share;
    return evidence_go_on(g, steps, EVIDENCE_GOING_ON);
}

/* Momentum and fresh states swing at first: what a short look cannot tell, one of ten times the length may. */
us_status us__evidence_longer(us__gathering *g) {
    us_evidence *e = &g->diagnosis->evidence;
    us_verdict v = us_verdict_decide(e, &g->options->verdict);
    if (g->options->steps || v.name != US_VERDICT_UNDECIDED || v.cause || !e->carrying_on_finite) return US_OK;
    us_evidence before = *e;
    us_status status =
        evidence_go_on(g, (uint64_t)(10 * (double)e->steps_carrying_on / e->carrying_on_share), EVIDENCE_LONGER);
    if (!status && !e->carrying_on_finite) *e = before; /* that it ends later on is no verdict about now */
    return status;
}
