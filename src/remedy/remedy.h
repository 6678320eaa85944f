/* The remedies, one file each. */
#ifndef US_REMEDY_REMEDY_H
#define US_REMEDY_REMEDY_H

#include "base/base.h"
#include <unstuck/remedy.h>

extern const us_remedy us__remedy_escape, us__remedy_raise_lr, us__remedy_lower_lr;
extern const us_remedy us__remedy_grow_batch, us__remedy_decay_lr, us__remedy_roll_back, us__remedy_clip,
    us__remedy_switch_optimizer, us__remedy_standardize, us__remedy_recycle, us__remedy_lift, us__remedy_restart,
    us__remedy_stop;

/* Multiplies the base rate so that the next step's rate, schedule included, is `rate`. */
us_status us__remedy_set_rate(us_training *training, double rate);

/* escape.c: theta ← the lowest point found on its line along ±direction, and by how much that is lower; 0 where nothing was.
 * @param direction [n] */
us_status us__escape_along(us_problem *problem, us_vec *theta, const double *direction, double *decrease);

/* The loss is where the training can't lower it, a minimum, and yet further above the least that the data allow than a
 * hundredth of what the best constant leaves undone. False where that is not known. */
bool us__remedy_above_floor(const us_diagnosis *diagnosis);

#endif
