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

/* A bound on what rounding in the products does to an eigenvalue of D⁻¹HD⁻¹: see resolution.c. @param scale  [n] the
 * diagonal of D⁻¹; NULL: all 1 */
us_status us__hessian_rounding(us_problem *problem, const us_vec *theta, const us_spectrum_options *options,
                               const double *h /* [n×n] symmetric */, const double *scale, double *rounding,
                               size_t *products);

/* Replaces eigenvalues that the resolution hides by ones that are right to relative accuracy, where H is definite beyond
 * doubt: see graded.c. @param skew [n×n] hᵢⱼ − hⱼᵢ as measured */
us_status us__spectrum_refine(us_spectrum *spectrum, us_problem *problem, const us_vec *theta,
                              const us_spectrum_options *options, const double *h, const double *skew);

/* w ← w − V·(V'w), V the first `count` columns of a basis [n×·] of orthonormal ones. @param c [count] V'w */
void us__basis_orthogonalise(const double *basis, size_t n, size_t count, double *w, double *c);

/* Bytes of what is computed at θ, kept for the next product: a third of the work. The bases of Lanczos' method may have
 * 1 GiB. */
#define US__CURVATURE_KEEP 0x1p29

/* The square root of the smallest normal number. Below it an eigenvalue is never told from zero: a gradient that belongs to
 * it, about its square, has underflowed. */
#define US__CURVATURE_TINY 0x1p-511

us_status us__spectrum_check(us_context *context, size_t n, const us_vec *theta, const us_spectrum_options *options);
/* h ← (h + hᵀ)/2, skew ← h − hᵀ. Gives max |skew|, and ‖skew‖_F. */
void us__spectrum_symmetrise(double *h, double *skew, size_t n, double *largest, double *frobenius);

/* Counts values below −resolution, within ±, and above. */
void us__spectrum_count(us_spectrum *spectrum);

/* out ← θ with every element moved by 1 to `units` units in the last place or so, up or down, at random. */
void us__nudge(us_vec *out, const us_vec *theta, uint32_t units, us_rng *rng);

#endif
