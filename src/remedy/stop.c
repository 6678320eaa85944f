/* stop: there is nothing left to gain. There is nothing to try either: the diagnosis has measured it. */
#include "remedy/remedy.h"
#include <math.h>
#include <stdio.h>

static bool stop_applies(const us_diagnosis *d, char *why, size_t why_size) {
    const us_evidence *e = &d->evidence;
    if (d->verdict.name != US_VERDICT_MINIMUM) return false;
    char left[96] = "";
    if (isfinite(e->floor)) snprintf(left, sizeof left, "; the data allow no less than %.6g", e->floor);
    if (e->spectrum_known)
        snprintf(why, why_size, "the gradient is %.2g long and the least eigenvalue %.3g: at %.6g nothing falls any more%s",
                 e->gradient_norm, e->lambda_min, e->loss, left);
    else
        snprintf(why, why_size, "the gradient is %.2g long: at %.6g nothing falls any more%s", e->gradient_norm, e->loss,
                 left);
    return true;
}

const us_remedy us__remedy_stop = {
    .name = "stop",
    .does = "says that nothing is left to gain here",
    .applies = stop_applies,
    .apply = NULL,
};
