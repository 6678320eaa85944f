/* Several changed weights, each tried for a while on a copy; the best one is kept. */
#ifndef US_REMEDY_DRAWS_H
#define US_REMEDY_DRAWS_H

#include "base/base.h"
#include <unstuck/train.h>

enum { US__DRAWS = 12 };

/* Writes draw number `draw` over theta, which holds the present one [n]. */
typedef void us__draw(void *user, uint64_t draw, us_rng *rng, double *theta);

/* Makes US__DRAWS of them, goes on with each for steps/US__DRAWS (at most 2,000) steps on a copy with a fresh state, and
 * leaves the training at the one that ended lowest, as it was drawn, with a fresh state: the training has not advanced. The
 * draws follow from the number of steps that the training has done.
 * Errors: US_ERR_NUMERIC (none stayed finite), those of a step, US_INTERRUPTED. Cost: at most `steps` steps (US__DRAWS when
 * fewer were granted), US__DRAWS values; memory for one training and 3 vectors. */
us_status us__draws_race(us_training *training, uint64_t steps, us__draw *draw, void *user);

#endif
