/* The quadratic model in a trust region, in the basis of its eigenvectors. */
#ifndef US_DESCEND_SOLVERS_SUBPROBLEM_H
#define US_DESCEND_SOLVERS_SUBPROBLEM_H

#include <stdbool.h>
#include <stddef.h>

typedef struct us__subproblem {
    double predicted; /* −m(p): by how much the model falls; ≥ 0 */
    double length;    /* ‖p‖ */
    bool on_boundary; /* ‖p‖ = radius */
    bool mirrored;    /* hard case: p₁ may as well have the other sign */
} us__subproblem;

/** The p that minimises m(p) = gᵀp + ½ pᵀΛp over ‖p‖ ≤ radius, exactly, also in the hard case (no gradient along the
 * eigenvectors of the smallest eigenvalue, which is not positive).
 *
 * (Λ + μI)p = −g with μ ≥ max(0, −λ₁) and μ(radius − ‖p‖) = 0. μ is the root of 1/radius − 1/‖p(μ)‖, which is nearly linear.
 *
 * @param values    [m] Λ, ascending
 * @param gradient  [m]
 * @param step      [m] p
 * Source: Moré & Sorensen 1983, "Computing a trust region step", SIAM J. Sci. Stat. Comput. 4(3). */
us__subproblem us__subproblem_solve(size_t m, const double *values, const double *gradient, double radius, double *step);

#endif
