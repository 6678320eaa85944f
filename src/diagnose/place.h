/* A place: one θ of a problem, and the loss and gradient at displacements from it, in doubles. */
#ifndef US_DIAGNOSE_PLACE_H
#define US_DIAGNOSE_PLACE_H

#include "base/base.h"
#include <unstuck/problem.h>

typedef struct us__place {
    us_problem *problem; /* borrowed */
    us_batch batch;
    size_t n;
    const us_vec *theta; /* borrowed */
    us_vec *at, *work;   /* [n] scratch: θ + displacement, and its gradient */
    double loss;         /* at θ */
    double size;         /* max(1, ‖θ‖∞): the unit of lengths in which the surroundings are looked at */
    double rounding;     /* differences of the loss smaller than this are none */
} us__place;

/** Looks at θ. Errors: US_ERR_NONFINITE when the loss there is not finite. @param place [caller closes, also on failure] */
us_status us__place_open(us__place *place, us_problem *problem, const us_vec *theta, us_batch batch);
void us__place_close(us__place *place);

/** Loss at θ + t·d; NaN and inf are handed on. */
us_status us__place_value(us__place *place, const double *d /* [n] */, double t, double *loss);
/** Loss and gradient at θ + t·d. @param d  NULL: at θ itself */
us_status us__place_gradient(us__place *place, const double *d, double t, double *loss, double *gradient /* [n] */);

/** What a line search along ±d found. */
typedef struct us__line {
    double step;     /* the best t, with its sign; 0 when nothing on the line was lower */
    double loss;     /* there */
    double decrease; /* loss at θ − that; 0 or more */
} us__line;

/** Steps t = first, 2·first, 4·first, ... up to `longest` along d, until the loss has risen twice in a row or stopped being
 * finite; then a few more values around the best one. both: also against d; the better side counts. Rounding is no rise and
 * no decrease.
 * Errors: the problem's own; US_INTERRUPTED. Cost: at most about log2(longest/first) + 6 values a side. */
us_status us__place_search(us__place *place, const double *d /* [n] */, double first, double longest, bool both,
                           us__line *line);

/** What rounding does here: the largest change of the loss and of each element of the gradient over `draws` nudges of θ by
 * a unit in the last place. Sets place->rounding, from the first. @param gradient [n] at θ @param noise [n] */
us_status us__place_noise(us__place *place, const double *gradient, size_t draws, double *noise);

/** What rounding does to the slope vᵀg around θ. @param v [n] of length 1 @param scratch [n]. Cost: 9 gradients. */
us_status us__place_slope_noise(us__place *place, const double *v, double *scratch, double *noise);

#endif
