/* decay-lr: from the present rate on, 1/√t: long steps as long as they pay, and noise that dies away.
 * Source: Robbins & Monro 1951, "A stochastic approximation method". */
#include "remedy/remedy.h"
#include <stdio.h>

static bool decay_applies(const us_diagnosis *d, char *why, size_t why_size) {
    const us_evidence *e = &d->evidence;
    if (d->verdict.name != US_VERDICT_NOISY) return false;
    snprintf(why, why_size, "the noise of the steps keeps the loss up: a tenth of the rate takes %.3g off it at once",
             e->decrease_quiet);
    return true;
}

static us_status decay_apply(us_training *training, const us_diagnosis *d, uint64_t steps) {
    (void)steps;
    us_schedule schedule;
    us_context *context = us_problem_context(us_training_problem(training));
    us_status status = us_schedule_parse(context, "inverse-sqrt", 0, &schedule);
    if (!status) status = us_training_set_learning_rate(training, d->evidence.learning_rate, false);
    return status ? status : us_training_set_schedule(training, &schedule);
}

const us_remedy us__remedy_decay_lr = {
    .name = "decay-lr",
    .does = "lets the learning rate fall with the root of the steps from here on",
    .applies = decay_applies,
    .apply = decay_apply,
};
