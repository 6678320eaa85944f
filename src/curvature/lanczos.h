/* The inside of Lanczos' method, shared by its files.
 *
 * Columns 0 .. size−1 of the basis V are orthonormal and have had their products; the `ahead` columns after them, N, are the
 * next block. At all times
 *     A·V = V·T + N·C' + Σ Rₑ·droppedₑ',     Rₑ orthonormal,
 * with T = V'AV. A plain step leaves C zero but for the last block's rows; after a restart with Ritz vectors C holds their
 * residuals' coefficients. Where fresh random vectors take the place of N, the columns of C are kept as dropped. */
#ifndef US_CURVATURE_LANCZOS_H
#define US_CURVATURE_LANCZOS_H

#include "base/base.h"
#include <lapacke.h>
#include <unstuck/lanczos.h>

struct us_lanczos {
    us_context *context;
    us_lanczos_options o;
    us_rng rng;
    size_t n, most;    /* dimension; columns of V at most */
    size_t block;      /* columns of a full block */
    double *basis;     /* [n×(most+block)] column j at basis + j·n */
    double *work;      /* [n×block] */
    double *t;         /* [most×most] T, column-major, full */
    double *couple;    /* [most×block] C, column-major */
    double *dropped;   /* [rounds_most×block×most] what was C when a round began */
    double *parts;     /* [(most+2·block)×block] N'W, V'W */
    double *ritz;      /* [most] eigenvalues of T, ascending */
    double *vectors;   /* [most×most] its eigenvectors, vector i at vectors + i·size */
    double *residuals; /* [most] ‖C'y‖ + Σ‖droppedₑ'y‖ for each */
    double *rows;      /* [CHUNK×most] scratch of a restart */
    double *alpha;     /* [most] T's diagonal along the first random start, before any restart; a block's is not kept */
    double *beta;      /* [most] beside it: beta[j] joins steps j and j + 1 */
    double *lapack;
    lapack_int *integers, lapack_size, integer_size;
    size_t size;  /* columns with products */
    size_t ahead; /* columns of N; 0 when V spans the whole space */
    size_t products, restarts;
    size_t chain;       /* Krylov steps since the present random start; no longer counted after a restart */
    size_t first_chain; /* of the first random start: as many as alpha and beta have */
    bool chain_open, looked, done, verified;
    size_t rounds, rounds_most;         /* fresh random blocks that looked for missing copies */
    double boundary_low, boundary_high; /* innermost wanted values when the present round began */
    double lowest, highest;             /* Ritz values ever seen: all are within the spectrum */
    double scale;                       /* largest ‖Av‖ or |Ritz value| seen */
    double noise;                       /* Frobenius norm of V'AV − what symmetry says it is */
    us_below below;
    us_needs needs;
};

enum { US__LANCZOS_CHUNK = 256 };
#define US__LANCZOS_START 0.1 /* the random part of a start that was guessed */

/* Eigenpairs of T with their residuals; nothing when they are known. Errors: US_ERR_NUMERIC. */
us_status us__lanczos_look(us_lanczos *l);
/* Looks, and decides whether to go on; may begin a round with a fresh random vector. */
us_status us__lanczos_decide(us_lanczos *l);
/* V ← its `low` smallest and `high` largest Ritz vectors (T must have been looked at). */
void us__lanczos_restart(us_lanczos *l, size_t low, size_t high);
/* N ← random, orthonormal, orthogonal to V and, where the space is large enough, to the N that was. */
void us__lanczos_fresh(us_lanczos *l);

/* ‖x‖, also where its square is out of range. */
double us__lanczos_length(const double *x, size_t n);
/* W −= V·C over columns from .. from + count of the basis. @param c [count×k] columns `stride` apart */
void us__lanczos_subtract(us_lanczos *l, size_t from, size_t count, size_t k, const double *c, size_t stride);
/* W −= V·C + N·S, where C is zero but for rows from `from` on; D ← (V, N)'W of what is left, in the same pass.
 * @param s [k×k] @param d [(size+k)×k] */
void us__lanczos_subtract_and_measure(us_lanczos *l, size_t from, size_t k, const double *s, double *d);
/* w ← w − V·(V'w) over the first `count` columns. @param c [count] V'w */
void us__lanczos_orthogonalise(const us_lanczos *l, double *w, size_t count, double *c);

double us__lanczos_resolution(const us_lanczos *l);
/* Bounds on the spectrum with the confidence asked for: lanczos_bounds.c. */
void us__lanczos_bounds(const us_lanczos *l, double *low, double *high);
/* Kuczyński-Woźniakowski: the probability that k steps from the random start miss an end of the spectrum by more than
 * `relative` times its width. */
double us__lanczos_failure(const us_lanczos *l, size_t k, double relative);

#endif
