/* The Hessian seen from the gradient: the Krylov space of (H, g), by Lanczos' method, and what can be done to g within it.
 */
#ifndef US_DIAGNOSE_KRYLOV_H
#define US_DIAGNOSE_KRYLOV_H

#include "base/base.h"
#include <unstuck/problem.h>

/* HV_k = V_{k+1}T, with V orthonormal from g/‖g‖ and T [(k+1)×k] tridiagonal. */
typedef struct us__krylov {
    us_context *context;
    us_problem *problem; /* borrowed */
    us_batch batch;
    size_t n, most, k; /* dimension; vectors at most; columns of T so far */
    double kept;       /* bytes that the problem might keep before */
    us_vec *x, *y;
    double *basis;      /* [(most+1)×n] */
    double *diagonal;   /* [most] αⱼ */
    double *beside;     /* [most] βⱼ₊₁, below the diagonal */
    double *small;      /* memory of the small problems */
    double length;      /* ‖g‖ */
    double residual;    /* min over the space of ‖g + Hp‖ */
    double rotation[4]; /* cosine and sine of the last two Givens rotations */
    bool whole;         /* the space is invariant: nothing lies beyond */
} us__krylov;

us_status us__krylov_create(us__krylov **out, us_problem *problem, us_batch batch, size_t most);
void us__krylov_destroy(us__krylov *krylov);

/* Begins with a gradient. @param gradient [n], not zero */
void us__krylov_begin(us__krylov *krylov, const double *gradient);
/* One product more: the space grows by a vector. Only while k < most and not `whole`. Errors: US_ERR_NONFINITE,
 * US_INTERRUPTED, the problem's own. */
us_status us__krylov_grow(us__krylov *krylov, const us_vec *theta);

/* ‖Hg‖/‖g‖, after the first product. */
double us__krylov_slope(const us__krylov *krylov);
/* A bound from below on ‖H‖, close to it after some products: the largest |Ritz value|, or column of T. */
double us__krylov_norm(const us__krylov *krylov);

/* The singular value decomposition of T, for us__krylov_step. Errors: US_ERR_NUMERIC. */
us_status us__krylov_decompose(us__krylov *krylov);
/* p of length at most `radius` that makes ‖g + Hp‖ least within the space. @param step [n], or NULL: the
 * numbers alone @param residual that least */
void us__krylov_step(us__krylov *krylov, double radius, double *step, double *length, double *residual);

/* What the quadratic model offers, ½·g'|H|⁻¹g, by Gauss quadrature: eigenvalues within ± of resolution count as that. @param
 * lowest  the smallest Ritz value @param silent  the part that comes from eigenvalues within the resolution. Errors:
 * US_ERR_NUMERIC. Source: Golub & Meurant 2010, "Matrices, moments and quadrature", chapter 6. */
us_status us__krylov_offer(us__krylov *krylov, double resolution, double *offer, double *silent, double *lowest);

#endif
