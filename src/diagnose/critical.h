/* What the files of the critical-point search share. Lengths are measured in parts of the box: max |δⱼ|/widthⱼ. */
#ifndef US_DIAGNOSE_CRITICAL_H
#define US_DIAGNOSE_CRITICAL_H

#include "descend/solvers/local.h"
#include <unstuck/critical.h>

/* One place where the gradient vanishes. */
typedef struct us__critical_place {
    double *theta; /* [n] */
    double value;
    double error;  /* how far off it may be, in parts of the box */
    double *null;  /* [n] a direction in which the Hessian vanishes; all zero when there is none */
    bool singular; /* it has one */
    bool isolated; /* false: one of a line or surface of such places */
} us__critical_place;

typedef struct us__search {
    us__local local;
    us_critical_options options;
    size_t n;
    const double *low, *high; /* [n] the box */
    double *width;            /* [n] */
    /* [n], [n×n] scratch of the Newton iterations */
    double *gradient, *hessian, *scale, *values, *slopes, *step, *trial, *trial_gradient, *probe;
    double value_scale;    /* how much the loss varies over the box, typically */
    double gradient_scale; /* the same of |gⱼ|·widthⱼ */
    us__critical_place *found;
    size_t count, capacity;
} us__search;

/* What became of a start. */
typedef enum us__newton_end { US__NEWTON_LOST, US__NEWTON_CRITICAL } us__newton_end;

/* From θ to a critical point near by, of any index, to full precision, by Newton's method on the gradient; `damped`: first
 * by Levenberg-Marquardt steps that lower ‖gradient‖. LOST: left the box, no longer finite, or no critical point there.
 * @param theta  [n] in: start; out: the place  @param place  value, error, null and singular are filled in */
us_status us__newton_descend(us__search *search, double *theta, bool damped, us__critical_place *place, us__newton_end *end);

/* A place where the Hessian is singular, too, is hard to tell from its gradient: |g| is lost in rounding all around it.
 * There the curvature along the null space, whose root is of one order less, says more exactly where it is. */
us_status us__newton_sharpen(us__search *search, us__critical_place *place);

/* Is this truly a critical point: does the gradient vanish continuously (no kink, no plateau that underflowed)? */
us_status us__critical_is_genuine(us__search *search, const double *theta, bool *genuine);

/* Distance in parts of the box. */
double us__search_distance(const us__search *search, const double *a, const double *b);
/* Notes a place unless it is known. @param is_new may be NULL */
us_status us__search_add(us__search *search, const us__critical_place *place, bool *is_new);
/* Of lines and surfaces of critical points, keeps some. */
us_status us__search_thin(us__search *search);

#endif
