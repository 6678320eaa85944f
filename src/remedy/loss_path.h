/* How a training fares as it goes on, and what is better than what. */
#ifndef US_REMEDY_LOSS_PATH_H
#define US_REMEDY_LOSS_PATH_H

#include "base/base.h"
#include <unstuck/remedy.h>

enum { US__LOSS_PATH_LOOKS = 10 };

/* The losses of a training as it goes on, on all rows, in f64: losses[k] after k tenths of the steps. */
typedef struct us__loss_path {
    double losses[US__LOSS_PATH_LOOKS + 1];
} us__loss_path;

/* Heard now and then, with the steps that were done since the last time; false asks to stop (US_INTERRUPTED). */
typedef bool us__loss_path_heard(void *user, uint64_t steps);

/* Advances by `steps`. A training that is not finite any more has infinite losses from there on, which is no error.
 * @param f64  the training's problem in f64. Errors: those of a step, US_INTERRUPTED. */
us_status us__loss_path_advance(us_problem *f64, us_training *training, uint64_t steps, us__loss_path_heard *heard,
                                void *user, us__loss_path *path);
/* Fills in the trial's losses and whether it helps. @param path  in the unit of the trial's training */
void us__loss_path_compare(us_trial *trial, const us__loss_path *path, const us__loss_path *carrying_on);

#endif
