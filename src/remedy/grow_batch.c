/* grow-batch: twice the batch at which scatter and gradient are equally strong, and at least eight times the present one:
 * the nearer the minimum, the weaker the gradient becomes beside its noise. All rows when that is most of them. */
#include "remedy/remedy.h"
#include <math.h>
#include <stdio.h>

static size_t grow_size(const us_training *training, const us_evidence *e) {
    double samples = (double)us_problem_samples(us_training_problem(training));
    double wanted = fmax(8 * (double)us_training_batch(training), ceil(2 * e->noise_scale)); /* NaN gives way */
    return wanted > 0.5 * samples ? 0 : (size_t)wanted;
}

static bool grow_applies(const us_diagnosis *d, char *why, size_t why_size) {
    const us_evidence *e = &d->evidence;
    if (d->verdict.name != US_VERDICT_NOISY) return false;
    snprintf(why, why_size,
             "a step sees %.0f rows; at %.3g rows the scatter of the gradients is as strong as the gradient itself",
             e->noise_batch, e->noise_scale);
    return true;
}

static us_status grow_apply(us_training *training, const us_diagnosis *d, uint64_t steps) {
    (void)steps;
    return us_training_set_batch(training, grow_size(training, &d->evidence));
}

const us_remedy us__remedy_grow_batch = {
    .name = "grow-batch",
    .does = "takes more rows a step, so that the gradient stands out from its noise",
    .applies = grow_applies,
    .apply = grow_apply,
};
