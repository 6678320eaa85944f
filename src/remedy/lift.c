/* lift: the same training with more hidden units, at the same function: a minimum of the small model, seen with more
 * dimensions, may be a saddle. What makes the model makes the training, too: see us_trial_options.remake, and src/run/lift.c
 * for how units are chosen and what a gain must come to. */
#include "remedy/remedy.h"
#include <stdio.h>
#include <string.h>

static bool lift_applies(const us_diagnosis *d, char *why, size_t why_size) {
    const us_evidence *e = &d->evidence;
    if (!e->hidden_units) return false;
    bool local = d->verdict.cause && strcmp(d->verdict.cause, "local") == 0;
    if (!local && !us__remedy_above_floor(d)) return false;
    if (local)
        snprintf(why, why_size, "with more units this local minimum may be a saddle");
    else
        snprintf(why, why_size,
                 "the loss %.4g is above %.4g, the least that the data allow: with more units this may be a saddle", e->loss,
                 e->floor);
    return true;
}

const us_remedy us__remedy_lift = {
    .name = "lift",
    .does = "splits hidden units without changing the function, leaves the saddle that this may be, and goes on with them",
    .applies = lift_applies,
    .remakes = true,
};
