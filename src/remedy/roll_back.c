/* roll-back: a diverged training still holds the last θ that was good, a checkpoint or the start. From there again, with
 * a fresh state and the rate at which a replay stayed finite; a tenth where none was looked for. */
#include "remedy/remedy.h"
#include <stdio.h>

static bool roll_applies(const us_diagnosis *d, char *why, size_t why_size) {
    const us_evidence *e = &d->evidence;
    if (d->verdict.name != US_VERDICT_DIVERGED || !(e->finite_at_rate > 0)) return false;
    snprintf(why, why_size, "from the last good weights the same steps end in no numbers at %.3g, and gain at %.3g",
             e->learning_rate, e->finite_at_rate);
    return true;
}

static us_status roll_apply(us_training *training, const us_diagnosis *d, uint64_t steps) {
    (void)steps;
    const us_evidence *e = &d->evidence;
    us_status status = us_training_set_theta(training, us_training_theta(training), true);
    return status ? status
                  : us__remedy_set_rate(training, e->finite_at_rate > 0 ? e->finite_at_rate : 0.1 * e->learning_rate);
}

const us_remedy us__remedy_roll_back = {
    .name = "roll-back",
    .does = "goes back to the last good weights and on from there at a lower learning rate",
    .applies = roll_applies,
    .apply = roll_apply,
};
