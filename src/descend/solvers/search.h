/* A line search by request: Moré & Thuente's. */
#ifndef US_DESCEND_SOLVERS_SEARCH_H
#define US_DESCEND_SOLVERS_SEARCH_H

#include <stdbool.h>

typedef enum us__search_end { US__SEARCH_MORE, US__SEARCH_DONE, US__SEARCH_FAILED } us__search_end;

typedef struct us__search {
    double decrease, curvature; /* of the strong Wolfe conditions */
    double tolerance;           /* relative width of the bracket at which it gives up */
    double step, least, most;   /* to be tried; bounds */
    double value, slope;        /* at 0 */
    double x, fx, gx;           /* the best step so far: φ and φ' there */
    double y, fy, gy;           /* the other end of the bracket */
    double width, width_before; /* of the bracket, now and two steps ago */
    double low, high;           /* bounds of the next step */
    bool bracketed, second;     /* second: a step with φ' ≥ 0 below the line has been seen */
} us__search;

/* φ(0) = value, φ'(0) = slope < 0; search->step is tried first. */
void us__search_begin(us__search *search, double value, double slope, double step, double curvature);
/* φ and φ' at search->step: finite. US__SEARCH_DONE: the strong Wolfe conditions hold there; FAILED: rounding or the bounds
 * stand in the way, and search->step is the best that was seen; MORE: search->step is to be tried next. */
us__search_end us__search_next(us__search *search, double value, double slope);

#endif
