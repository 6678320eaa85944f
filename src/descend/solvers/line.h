/* Solvers that search along one direction after another. What differs is the direction. */
#ifndef US_DESCEND_SOLVERS_LINE_H
#define US_DESCEND_SOLVERS_LINE_H

#include "descend/solvers/search.h"
#include "descend/solvers/solver.h"

typedef struct us__line {
    us__search search;
    double *direction;       /* [n], within memory */
    double *memory;          /* [vectors×n] the direction first */
    double step;             /* the last that was taken */
    double last_slope;       /* φ'(0) of the search before */
    bool begun, reset, lost; /* reset: the direction is steepest descent; lost: the last search found nothing good */
    size_t tries;            /* of this search */
    double curvature;        /* of the Wolfe conditions */
    /* Direction here, after a step (accepted: trial is where it was) or at the start; returns the first step to try. */
    double (*aim)(us_solver *solver, bool first);
    void *own; /* the method's, released with the state */
} us__line;

us_status us__line_open(us_solver *solver, size_t vectors, size_t own_bytes, double curvature,
                        double (*aim)(us_solver *solver, bool first));
us_status us__line_next(us_solver *solver);
void us__line_close(us_solver *solver);

#endif
