/* What curvature's files share, and what diagnose may use of them. */
#ifndef US_CURVATURE_CURVATURE_H
#define US_CURVATURE_CURVATURE_H

#include "base/base.h"
#include <unstuck/curvature.h>

/* hv ← H(θ)·v for k vectors of doubles, vector j at v + j·n and hv + j·n, at most `block` at a time. `progress` of the
 * options hears done + (products so far). Errors: US_ERR_NONFINITE, US_INTERRUPTED, US_ERR_NOMEM, the problem's own. */
us_status us__hessian_products(us_problem *problem, const us_vec *theta, const us_spectrum_options *options,
                               const double *v /* [k×n] */, double *hv /* [k×n] */, size_t k, size_t done, size_t total);

/* h [n×n]: column j is H(θ)·e_j, as measured, not symmetrised. */
us_status us__hessian_dense(us_problem *problem, const us_vec *theta, const us_spectrum_options *options, double *h);

/* How far off the measured Hessian may be, as a bound on what rounding does to an eigenvalue: see resolution.c. */
us_status us__hessian_rounding(us_problem *problem, const us_vec *theta, const us_spectrum_options *options,
                               const double *h /* [n×n] symmetric */, double *rounding, size_t *products);

/* Counts values below −resolution, within ±, and above. */
void us__spectrum_count(us_spectrum *spectrum);

/* out ← θ with every element moved by one unit in the last place or so, up or down at random. */
void us__nudge(us_vec *out, const us_vec *theta, us_rng *rng);

#endif
