/* standardize: the same training on features and target of mean 0 and deviation 1, at the same function. Where scales differ
 * by a lot, one rate cannot suit all weights, and sums of squares overflow. What makes the data makes the training, too:
 * see us_trial_options.remake. */
#include "remedy/remedy.h"
#include <stdio.h>
#include <string.h>

static bool standardize_applies(const us_diagnosis *d, char *why, size_t why_size) {
    static const char *const CAUSES[] = {"ill-conditioned", "overflow", "lr-too-small", "lr-above-stability",
                                         "frozen-arithmetic"};
    for (size_t i = 0; d->verdict.cause && i < sizeof CAUSES / sizeof *CAUSES; i++)
        if (strcmp(d->verdict.cause, CAUSES[i]) == 0) {
            snprintf(why, why_size, "the columns are of very different scale, or far from 0: %s may come from that",
                     CAUSES[i]);
            return true;
        }
    return false;
}

const us_remedy us__remedy_standardize = {
    .name = "standardize",
    .does = "goes on with standardised features and target, at the same function",
    .applies = standardize_applies,
    .remakes = true,
};
