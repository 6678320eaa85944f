/* Solvers that step by a quadratic model in its eigenvectors: of the whole Hessian for few parameters, of a Krylov space of
 * the gradient for many. What differs is the step. */
#ifndef US_DESCEND_SOLVERS_CURVED_H
#define US_DESCEND_SOLVERS_CURVED_H

#include "descend/solvers/solver.h"

typedef struct us__curved us__curved;
struct us__curved {
    size_t capacity, m;          /* directions at most, and now */
    double *values, *slopes, *p; /* [m] ascending eigenvalues, gradient along them, the step */
    double *basis;               /* [m×n] rows */
    double *v, *hv;              /* [capacity×n] asked for, answered */
    double *small;               /* [capacity² + 3·capacity] of the tridiagonal matrix */
    double *diagonal, *beyond;   /* [capacity] */
    double *memory;
    double radius;             /* how far steps may go; grows and shrinks by how well the model foretells */
    double resolution, length; /* eigenvalues within ± this may be zero; ‖p‖ */
    bool begun, whole, modelling;
    size_t refused;
    us_rng rng;
    double (*step)(us__curved *); /* fills in p; returns what the model falls by */
};

us_status us__curved_open(us_solver *solver, double (*step)(us__curved *));
us_status us__curved_next(us_solver *solver);
void us__curved_close(us_solver *solver);

#endif
