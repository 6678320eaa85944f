/* raise-lr: a learning rate as large as a single step along the gradient can use, at most half of what is stable; ten times
 * the present one where neither is known. A rule that scales the gradient has rates of another unit than that step: it gets
 * up to ten times its own, within half of what is stable, or twice. */
#include "remedy/remedy.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static double raise_rate(const us_evidence *e) {
    if (!isnan(e->sharpness_preconditioned))
        return fmin(10 * e->learning_rate, fmax(2 * e->learning_rate, 0.5 * e->stability_limit));
    double rate = fmin(e->line_search_rate, 0.5 * e->stability_limit); /* NaN gives way to a number */
    return isnan(e->stability_limit) || !(rate > e->learning_rate) ? 10 * e->learning_rate : rate;
}

static bool raise_applies(const us_diagnosis *d, char *why, size_t why_size) {
    const us_evidence *e = &d->evidence;
    static const char *const CAUSES[] = {"lr-too-small", "lr-decayed", "frozen-arithmetic"};
    bool answers = false;
    for (size_t i = 0; d->verdict.cause && i < sizeof CAUSES / sizeof *CAUSES; i++)
        answers = answers || strcmp(d->verdict.cause, CAUSES[i]) == 0;
    if (!answers) return false;
    snprintf(why, why_size, "one step at %.3g would take %.3g off the loss; %.3g is in use, and %.3g is tried",
             e->line_search_rate, e->decrease_line_search, e->learning_rate, raise_rate(e));
    return true;
}

static us_status raise_apply(us_training *training, const us_diagnosis *d, uint64_t steps) {
    (void)steps;
    return us__remedy_set_rate(training, raise_rate(&d->evidence));
}

const us_remedy us__remedy_raise_lr = {
    .name = "raise-lr",
    .does = "raises the learning rate to what the curvature bears",
    .applies = raise_applies,
    .apply = raise_apply,
};
