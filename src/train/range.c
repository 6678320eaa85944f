/* A range test of the learning rate: on a copy of a training, each step takes a higher rate than the one before, and the
 * loss of its batch is noted before the step.
 *
 *   rate at step k     from·(to/from)^(k/(steps − 1)), of a constant schedule
 *   smoothed loss      s ← βs + (1 − β)·loss, divided by 1 − βᵏ; β = 1 − 1/(window·steps)
 *   steepest           where the smoothed loss falls fastest over ln rate: the slope of a least-squares line through a
 * window
 *
 * Source: Smith 2017, "Cyclical learning rates for training neural networks", WACV, section 3.3; Smith 2018,
 * arXiv:1803.09820. */
#include "base/base.h"
#include <math.h>
#include <unstuck/range.h>

enum { RANGE_WINDOW = 16 };            /* the windows of slopes have steps/16 + 1 points to each side */
static const double RANGE_SHARE = 0.1; /* of the rate at the lowest loss: no suggestion is above */

void us_range_options_init(us_range_options *options) { *options = (us_range_options)US_RANGE_OPTIONS_INIT; }

const char *us_range_end_name(us_range_end end) {
    static const char *const NAMES[] = {"range", "rising", "not-finite", "interrupted"};
    return NAMES[end];
}

void us_range_destroy(us_range *range) {
    if (!range) return;
    us__release(range->context, range->rates);
    us__release(range->context, range);
}

static us_status range_check(us_context *context, const us_range_options *o) {
    if (o->version != 1 || !(o->from >= 0) || !(o->to >= 0) || !isfinite(o->to) ||
        (o->from > 0 && o->to > 0 && !(o->from < o->to)))
        return us__fail(context, US_ERR_ARGUMENT,
                        "range options: version is 1, 0 < from < to (0: by the rule), from %g, to %g", o->from, o->to);
    if (o->steps < 10 || o->steps > 1000000 || !(o->window >= 0 && o->window <= 1))
        return us__fail(context, US_ERR_ARGUMENT, "range options: steps is %zu, from 10 to 1000000; window %g, from 0 to 1",
                        o->steps, o->window);
    return US_OK;
}

/* What the observer of the copy notes into. */
typedef struct range_watch {
    us_range *range;
    double smoothing, mean, weight, best;
} range_watch;

static bool range_note(void *user, const us_training *training, const us_step_info *info) {
    range_watch *w = user;
    us_range *r = w->range;
    (void)training;
    w->mean = w->smoothing * w->mean + (1 - w->smoothing) * info->loss;
    w->weight = w->smoothing * w->weight + (1 - w->smoothing);
    r->rates[r->count] = info->learning_rate;
    r->losses[r->count] = info->loss;
    r->smoothed[r->count] = w->mean / w->weight;
    w->best = fmin(w->best, r->smoothed[r->count++]);
    return true;
}

/* Far above the lowest: nothing is to be learned from higher rates. */
static bool range_has_risen(const range_watch *w) {
    const us_range *r = w->range;
    double fall = r->smoothed[0] - w->best;
    return r->smoothed[r->count - 1] - w->best > fmax(3 * fabs(w->best), 0.5 * fall);
}

/* Slope of the smoothed loss over ln rate, by least squares through points i − half .. i + half. */
static double range_slope(const us_range *r, size_t i, size_t half) {
    double x = 0, y = 0, xy = 0, xx = 0, m = (double)(2 * half + 1);
    for (size_t k = i - half; k <= i + half; k++) x += log(r->rates[k]) / m, y += r->smoothed[k] / m;
    for (size_t k = i - half; k <= i + half; k++) {
        double dx = log(r->rates[k]) - x;
        xy += dx * (r->smoothed[k] - y), xx += dx * dx;
    }
    return xy / xx;
}

static void range_read(us_range *r, size_t steps) {
    size_t lowest = 0, half = steps / RANGE_WINDOW + 1;
    double best = 0;
    for (size_t i = 1; i < r->count; i++)
        if (r->smoothed[i] < r->smoothed[lowest]) lowest = i;
    for (size_t i = half; i + half < r->count && i + half <= lowest; i++) {
        double slope = range_slope(r, i, half);
        if (slope < best) best = slope, r->steepest = r->rates[i];
    }
    if (best == 0) return; /* it never fell */
    r->lowest = r->rates[lowest];
    r->suggestion = fmin(r->steepest, RANGE_SHARE * r->lowest);
}

us_status us_range_test(us_range **out, const us_training *training, const us_range_options *options) {
    us_range_options defaults = US_RANGE_OPTIONS_INIT;
    const us_rule *rule = us_training_rule(training);
    const us_schedule constant = {.text = "constant"};
    us_context *context = us_problem_context(us_training_problem(training));
    us_training *copy = NULL;
    us_range *r = NULL;
    *out = NULL;
    if (!options) options = &defaults;
    us_status status = range_check(context, options);
    if (status != US_OK) return status;
    double from = options->from > 0 ? options->from : US_RANGE_BELOW * rule->learning_rate;
    double to = options->to > 0 ? options->to : US_RANGE_ABOVE * rule->learning_rate;
    size_t steps = options->steps;
    if (!(from < to))
        return us__fail(context, US_ERR_ARGUMENT, "range options: from is %g, to %g; from must be less", from, to);
    if (!(r = us__new(context, 1, sizeof *r))) return US_ERR_NOMEM;
    r->context = context;
    r->suggestion = r->steepest = r->lowest = (double)NAN;
    double span = fmax(options->window * (double)steps, 1);
    range_watch watch = {.range = r, .smoothing = 1 - 1 / span, .best = HUGE_VAL};
    if (!(r->rates = us__alloc(context, 3 * steps, sizeof *r->rates))) status = US_ERR_NOMEM;
    if (status == US_OK) status = us_training_copy(&copy, training, NULL);
    if (status == US_OK) status = us_training_set_schedule(copy, &constant);
    if (status == US_OK) status = us_training_observe(copy, range_note, &watch);
    if (status != US_OK) goto done;
    r->losses = r->rates + steps, r->smoothed = r->losses + steps;
    r->end = US_RANGE_WHOLE;
    while (r->count < steps && r->end == US_RANGE_WHOLE) {
        double rate = from * pow(to / from, (double)r->count / (double)(steps - 1));
        status = us_training_set_learning_rate(copy, rate, false);
        if (status == US_OK) status = us_training_advance(copy, 1);
        if (status == US_ERR_NONFINITE)
            r->end = US_RANGE_NONFINITE;
        else if (status == US_INTERRUPTED)
            r->end = US_RANGE_INTERRUPTED;
        else if (status != US_OK)
            goto done;
        else if (range_has_risen(&watch))
            r->end = US_RANGE_RISING;
        if (options->progress && r->count > 0)
            options->progress(options->progress_user, r->count, steps, rate, r->smoothed[r->count - 1]);
    }
    range_read(r, steps);
    status = r->end == US_RANGE_INTERRUPTED ? US_INTERRUPTED : US_OK;
    if (r->end == US_RANGE_NONFINITE && r->count == 0) status = US_ERR_NONFINITE; /* the text is there */
done:
    us_training_destroy(copy);
    if (status < 0)
        us_range_destroy(r);
    else
        *out = r;
    return status;
}
