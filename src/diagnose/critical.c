/* Every critical point in a box: Newton's method on the gradient from many starts, half of them evenly spread, half random;
 * what is found is checked, merged and named. */
#include "diagnose/critical.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CRITICAL_SAMPLES = 64, CRITICAL_LIMIT = 500, CRITICAL_BLOCK = 16, CRITICAL_PROGRESS = 16 };

void us_critical_options_init(us_critical_options *options) { *options = (us_critical_options)US_CRITICAL_OPTIONS_INIT; }

static us_status search_open(us__search *s, us_problem *problem, const double *low, const double *high,
                             const us_critical_options *options) {
    us_context *context = us_problem_context(problem);
    size_t n = us_problem_dimension(problem);
    memset(s, 0, sizeof *s);
    s->options = *options;
    s->n = n;
    s->low = low;
    s->high = high;
    us_status status = us__local_open(&s->local, problem, n < CRITICAL_BLOCK ? n : CRITICAL_BLOCK);
    if (status != US_OK) return status;
    s->width = us__new(context, n + 9, n * sizeof *s->width);
    if (!s->width) return US_ERR_NOMEM;
    double **parts[] = {&s->gradient, &s->scale,          &s->values, &s->slopes, &s->step,
                        &s->trial,    &s->trial_gradient, &s->probe,  &s->hessian};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) *parts[i] = s->width + (i + 1) * n;
    for (size_t j = 0; j < n; j++) s->width[j] = high[j] - low[j];
    return US_OK;
}

static void search_close(us__search *s) {
    for (size_t i = 0; i < s->count; i++) us__release(s->local.context, s->found[i].theta);
    us__release(s->local.context, s->found);
    us__release(s->local.context, s->width);
    us__local_close(&s->local);
}

/* The root above 1 of x^(n+1) = x + 1, whose powers make the evenly spread sequence below. */
static double search_golden(size_t n) {
    double x = 1.5;
    for (int i = 0; i < 60; i++) x = pow(1 + x, 1 / (double)(n + 1));
    return x;
}

/* The k-th start: the middle, the origin, then in turn evenly spread (the additive recurrence frac(½ + k·φ^-j), Roberts
 * 2018) and random. */
static void search_start(const us__search *s, size_t k, us_rng *rng, double golden, double *theta) {
    bool has_origin = true;
    for (size_t j = 0; j < s->n; j++) has_origin = has_origin && s->low[j] <= 0 && s->high[j] >= 0;
    double power = 1;
    for (size_t j = 0; j < s->n; j++) {
        double part = 0.5, whole;
        power /= golden;
        if (k >= 2) part = k % 2 == 0 ? modf(0.5 + (double)(k / 2) * power, &whole) : us_rng_uniform(rng);
        theta[j] = k == 1 && has_origin ? 0 : s->low[j] + part * s->width[j];
    }
}

static int search_compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double search_median(double *x, size_t count) {
    qsort(x, count, sizeof *x, search_compare);
    return count ? x[count / 2] : 0;
}

/* How large loss and gradient are over the box, by medians over some places where they are finite. */
static us_status search_measure(us__search *s, us_rng rng) {
    double values[CRITICAL_SAMPLES], slopes[CRITICAL_SAMPLES];
    size_t count = 0;
    for (size_t k = 0; k < 4 * CRITICAL_SAMPLES && count < CRITICAL_SAMPLES; k++) {
        double value, slope = 0;
        for (size_t j = 0; j < s->n; j++) s->trial[j] = s->low[j] + us_rng_uniform(&rng) * s->width[j];
        us_status status = us__local_gradient(&s->local, s->trial, &value, s->trial_gradient);
        if (status != US_OK) return status;
        if (!isfinite(value) || !us__all_finite(s->trial_gradient, s->n)) continue;
        for (size_t j = 0; j < s->n; j++) slope = fmax(slope, fabs(s->trial_gradient[j]) * s->width[j]);
        values[count] = value;
        slopes[count++] = slope;
    }
    double middle = search_median(values, count);
    for (size_t i = 0; i < count; i++) values[i] = fabs(values[i] - middle);
    s->value_scale = search_median(values, count);
    s->gradient_scale = search_median(slopes, count);
    return US_OK;
}

static size_t search_default_starts(size_t n) { return n <= 4 ? 2000 : 2500; }

static bool search_is_inside(const us__search *s, const us__critical_place *place) {
    double slack = fmin(fmax(1e-9, place->error), 1e-3);
    for (size_t j = 0; j < s->n; j++)
        if (place->theta[j] < s->low[j] - slack * s->width[j] || place->theta[j] > s->high[j] + slack * s->width[j])
            return false;
    return true;
}

/* Starts until as many as were asked for are done, or, by default, twice as many as it took to find the last place. */
static us_status search_run(us__search *s, double *theta /* [2n] */, size_t *tried) {
    size_t least = s->options.starts ? s->options.starts : search_default_starts(s->n), last_new = 0;
    size_t most = s->options.starts ? least : 20 * least;
    us_rng rng = us_rng_init(s->options.seed, 0x63726974);
    double golden = search_golden(s->n), deadline = us_clock_now() + s->options.seconds;
    us__critical_place place = {.theta = theta, .null = theta + s->n};
    us_status status = search_measure(s, us_rng_init(s->options.seed, 0x7363616c));
    for (*tried = 0; status == US_OK && *tried < most; ++*tried) {
        size_t goal = 2 * last_new > least ? 2 * last_new : least;
        if (*tried >= goal || us_clock_now() > deadline) break;
        if (us_context_cancelled(s->local.context)) return US_INTERRUPTED;
        if (s->options.progress && *tried % CRITICAL_PROGRESS == 0)
            s->options.progress(s->options.progress_user, *tried, goal < most ? goal : most, s->count);
        us__newton_end end;
        bool is_new = false;
        search_start(s, *tried, &rng, golden, theta);
        status = us__newton_descend(s, theta, *tried / 2 % 2 == 0, &place, &end);
        if (status != US_OK || end != US__NEWTON_CRITICAL || !search_is_inside(s, &place)) continue;
        status = us__search_add(s, &place, &is_new);
        if (is_new && s->count <= CRITICAL_LIMIT) last_new = *tried + 1;
    }
    return status;
}

static int critical_compare(const void *a, const void *b) {
    const us_point *p = *(us_point *const *)a, *q = *(us_point *const *)b;
    return (p->value > q->value) - (p->value < q->value);
}

/* Names what was found; what turns out not to be critical goes. */
static us_status critical_name(us__search *s, us_critical_points *out) {
    out->points = us__new(out->context, s->count, sizeof *out->points);
    us_vec *theta = NULL;
    us_status status = out->points ? us_vec_create(&theta, out->context, US_F64, s->n) : US_ERR_NOMEM;
    for (size_t i = 0; i < s->count && status == US_OK; i++) {
        us_point *point = NULL;
        us_vec_write_f64(theta, s->found[i].theta);
        status = us_point_classify(&point, s->local.problem, theta, &s->options.point);
        if (status == US_ERR_NONFINITE)
            status = US_OK;
        else if (status == US_OK && point->kind == US_KIND_NOT_CRITICAL)
            us_point_destroy(point);
        else if (point)
            out->points[out->count++] = point;
    }
    us_vec_destroy(theta);
    if (status == US_OK) qsort(out->points, out->count, sizeof *out->points, critical_compare);
    return status;
}

static us_status critical_check(us_problem *problem, const double *low, const double *high, const us_critical_options *o) {
    us_context *context = us_problem_context(problem);
    if (o->version != 1 || !(o->seconds > 0) || !(o->merge_tolerance >= 0))
        return us__fail(context, US_ERR_ARGUMENT,
                        "critical options: version is 1, seconds positive, merge_tolerance not negative");
    if (us_problem_precision(problem) != US_F64)
        return us__fail(context, US_ERR_ARGUMENT, "the search for critical points needs a problem in f64; recast it");
    for (size_t j = 0; j < us_problem_dimension(problem); j++)
        if (!(low[j] < high[j]) || !isfinite(high[j] - low[j]))
            return us__fail(context, US_ERR_ARGUMENT, "side %zu of the box, %g to %g, is not an interval", j + 1, low[j],
                            high[j]);
    return US_OK;
}

us_status us_critical_search(us_critical_points **out, us_problem *problem, const double *low, const double *high,
                             const us_critical_options *options) {
    us_critical_options defaults = US_CRITICAL_OPTIONS_INIT;
    us_context *context = us_problem_context(problem);
    *out = NULL;
    if (!options) options = &defaults;
    us_status status = critical_check(problem, low, high, options);
    if (status != US_OK) return status;
    us__search search = {0};
    double *theta = NULL;
    us_critical_points *points = us__new(context, 1, sizeof *points);
    if (!points) return US_ERR_NOMEM;
    points->context = context;
    status = search_open(&search, problem, low, high, options);
    if (status == US_OK && !(theta = us__alloc(context, 2 * search.n, sizeof *theta))) status = US_ERR_NOMEM;
    if (status == US_OK) status = search_run(&search, theta, &points->starts);
    bool interrupted = status == US_INTERRUPTED; /* what was found so far is named all the same */
    if (interrupted) us_context_resume(context);
    if (status == US_OK) status = us__search_thin(&search);
    if (status == US_OK || interrupted) status = critical_name(&search, points);
    if (interrupted) us_context_cancel(context);
    us__release(context, theta);
    search_close(&search);
    if (status < 0) {
        us_critical_points_destroy(points);
        return status;
    }
    *out = points;
    return interrupted ? US_INTERRUPTED : status;
}

void us_critical_points_destroy(us_critical_points *points) {
    if (!points) return;
    for (size_t i = 0; i < points->count; i++) us_point_destroy(points->points[i]);
    us__release(points->context, points->points);
    us__release(points->context, points);
}
