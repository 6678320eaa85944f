/* clip: a bound on the length of the gradient, such that a step moves the weights by a hundredth at most; a tenth of the
 * gradient where that was not measured.
 * Source: Pascanu, Mikolov, Bengio 2013, "On the difficulty of training recurrent neural networks". */
#include "remedy/remedy.h"
#include <stdio.h>

static bool clip_applies(const us_diagnosis *d, char *why, size_t why_size) {
    const us_evidence *e = &d->evidence;
    if (d->verdict.name != US_VERDICT_DIVERGED || !(e->finite_at_clip > 0)) return false;
    snprintf(why, why_size, "the gradient is %.3g long; bounded by %.3g the same steps stay finite", e->gradient_norm,
             e->finite_at_clip);
    return true;
}

static us_status clip_apply(us_training *training, const us_diagnosis *d, uint64_t steps) {
    (void)steps;
    const us_evidence *e = &d->evidence;
    return us_training_set_clip_norm(training, e->finite_at_clip > 0 ? e->finite_at_clip : 0.1 * e->gradient_norm);
}

const us_remedy us__remedy_clip = {
    .name = "clip",
    .does = "bounds the length of the gradient",
    .applies = clip_applies,
    .apply = clip_apply,
};
