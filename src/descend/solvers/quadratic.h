/* The quadratic model of a problem around θ, in eigenvectors: of the whole Hessian, or of its part in a Krylov space.
 * A step with coordinates p is Σ pᵢ·basisᵢ, the model falls by −(Σ slopeᵢ pᵢ + ½ Σ valueᵢ pᵢ²). */
#ifndef US_DESCEND_SOLVERS_QUADRATIC_H
#define US_DESCEND_SOLVERS_QUADRATIC_H

#include "descend/solvers/local.h"

typedef struct us__quadratic {
    us_context *context;
    size_t n, capacity, m; /* m ≤ capacity directions at present */
    double *values;        /* [m] ascending */
    double *slopes;        /* [m] gradient along basisᵢ */
    double *basis;         /* [m×n] rows */
    double *scale;         /* [n] D: the length of a step δ is ‖Dδ‖ = ‖p‖ */
    double *work;          /* whole: [n×n]; Krylov: [capacity×n + capacity² + ...] */
    double resolution;     /* eigenvalues within ± of this cannot be told from zero */
} us__quadratic;

/* capacity = n: for whole Hessians; less: for Krylov spaces. @param quadratic [caller closes, also on failure] */
us_status us__quadratic_open(us__quadratic *quadratic, us_context *context, size_t n, size_t capacity);
void us__quadratic_close(us__quadratic *quadratic);

/* All of the Hessian at θ: eigenvectors of D⁻¹HD⁻¹, D by us__local_scale, or I when plain. Where H is not finite, a multiple
 * of the identity stands for it, so that the step goes down the gradient. */
us_status us__quadratic_whole(us__quadratic *quadratic, us__local *local, const double *theta, const double *gradient,
                              bool plain);

/* Hessian and gradient in the Krylov space of `start`, by Lanczos with full reorthogonalisation; D = I. It stops growing
 * when the minimiser of the model over ‖p‖ ≤ radius has a residual of `tolerance`·‖gradient‖ in the whole space (the
 * trust-region Lanczos method of Gould, Lucidi, Roma & Toint 1999, SIAM J. Optim. 9(2)). tolerance 0: grows to its capacity.
 */
us_status us__quadratic_krylov(us__quadratic *quadratic, us__local *local, const double *theta, const double *gradient,
                               const double *start, double radius, double tolerance);

/* out ← θ + Σ pᵢ·basisᵢ; returns ‖out − θ‖₂. */
double us__quadratic_move(const us__quadratic *quadratic, const double *theta, const double *p /* [m] */,
                          double *out /* [n] */);

#endif
