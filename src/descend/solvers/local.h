/* A problem seen from one θ after another: value, gradient and Hessian as arrays of doubles, whatever its precision. */
#ifndef US_DESCEND_SOLVERS_LOCAL_H
#define US_DESCEND_SOLVERS_LOCAL_H

#include "base/base.h"
#include <unstuck/problem.h>

typedef struct us__local {
    us_problem *problem;
    us_context *context;
    size_t n, block;                    /* block: products asked for at a time */
    us_vec *theta, *gradient;           /* [n] scratch, in the problem's precision */
    us_vec **v, **hv;                   /* [block] of [n] */
    size_t values, gradients, products; /* evaluations so far */
} us__local;

/* Nothing is allocated after this. @param local [caller closes, also on failure] */
us_status us__local_open(us__local *local, us_problem *problem, size_t block);
void us__local_close(us__local *local);

/* What is not finite is no error. */
us_status us__local_value(us__local *local, const double *theta /* [n] */, double *value);
us_status us__local_gradient(us__local *local, const double *theta, double *value, double *gradient /* [n] */);
/* [n×n], symmetrised. */
us_status us__local_hessian(us__local *local, const double *theta, double *hessian);
us_status us__local_product(us__local *local, const double *theta, const double *v /* [n] */, double *hv /* [n] */);

/* Diagonal d [n] > 0 for which D⁻¹HD⁻¹ has no element much above 1: dᵢ = √|Hᵢᵢ|, raised where an element off the diagonal
 * asks for it. It makes steps and tolerances independent of the units of the single parameters. */
void us__local_scale(const double *hessian /* [n×n] */, size_t n, double *d);

bool us__all_finite(const double *x, size_t n);

#endif
