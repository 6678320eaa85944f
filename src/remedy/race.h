/* Trials side by side. */
#ifndef US_REMEDY_RACE_H
#define US_REMEDY_RACE_H

#include "base/base.h"
#include <unstuck/remedy.h>

/* Is there something to try? */
static inline bool us__trial_moves(const us_trial *t) { return t->remedy->apply || t->training; }

/* Carrying on and every trial that moves go on for options->steps steps, or as many as are likely to be done in
 * options->seconds, as many at a time as the context has threads; fills in the trials, and trials->best. Results do not
 * depend on how many there are, nor on who is done first. A training is kept of the best alone. Errors: those of a step
 * (what is not finite is none), US_ERR_NOMEM, US_INTERRUPTED. Memory: for each thread a training and what its problem needs;
 * the trainings that are done before carrying on is. */
us_status us__race_trials(us_trials *trials, const us_training *training, const us_diagnosis *diagnosis,
                          const us_trial_options *options);

#endif
