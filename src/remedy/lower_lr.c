/* lower-lr: half of the largest stable learning rate, which for gradient descent is 1/λmax; a tenth of the present one
 * where that is not known or is no less. */
#include "remedy/remedy.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static double lower_rate(const us_evidence *e) {
    double rate = 0.5 * e->stability_limit;
    return rate < e->learning_rate ? rate : 0.1 * e->learning_rate;
}

static bool lower_applies(const us_diagnosis *d, char *why, size_t why_size) {
    const us_evidence *e = &d->evidence;
    if (!d->verdict.cause || strcmp(d->verdict.cause, "lr-above-stability") != 0) return false;
    snprintf(why, why_size, "the learning rate is %.3g; above %.3g the steps overshoot here, and %.3g is tried",
             e->learning_rate, e->stability_limit, lower_rate(e));
    return true;
}

static us_status lower_apply(us_training *training, const us_diagnosis *d, uint64_t steps) {
    (void)steps;
    return us__remedy_set_rate(training, lower_rate(&d->evidence));
}

const us_remedy us__remedy_lower_lr = {
    .name = "lower-lr",
    .does = "lowers the learning rate below the limit of stability",
    .applies = lower_applies,
    .apply = lower_apply,
};
