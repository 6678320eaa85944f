/* The inside of Lanczos' method, shared by its files.
 *
 * Columns 0 .. size−1 of the basis V are orthonormal and have had their products; column `size` is the next. At all times
 *     A·V = V·T + next·couple' + Σ rₑ·droppedₑ',     ‖rₑ‖ = 1,
 * with T = V'AV. A plain step has couple = β·e_last; after a restart with Ritz vectors it is their residuals' coefficients.
 * Where a fresh random vector takes the place of next, what coupled to next is kept as dropped, one row for each such round.
 */
#ifndef US_CURVATURE_LANCZOS_H
#define US_CURVATURE_LANCZOS_H

#include "base/base.h"
#include <lapacke.h>
#include <unstuck/lanczos.h>

struct us_lanczos {
    us_context *context;
    us_lanczos_options o;
    us_rng rng;
    size_t n, most;       /* dimension; columns at most */
    double *basis;        /* [n×(most+1)] column j at basis + j·n */
    double *work;         /* [n] */
    double *t;            /* [most×most] T, column-major, full */
    double *couple;       /* [most+1] */
    double *dropped;      /* [rounds_most×most] row e at dropped + e·most */
    double *coefficients; /* [2·(most+1)] */
    double *ritz;         /* [most] eigenvalues of T, ascending */
    double *vectors;      /* [most×most] its eigenvectors, vector i at vectors + i·size */
    double *residuals;    /* [most] |couple'y| + Σ|droppedₑ'y| for each */
    double *rows;         /* [CHUNK×most] scratch of a restart */
    double *lapack;
    lapack_int *integers, lapack_size, integer_size;
    size_t size; /* columns with products */
    size_t products;
    size_t chain;       /* Krylov steps since the present random start; no longer counted after a restart */
    size_t first_chain; /* of the first random start */
    bool chain_open, looked, done, verified;
    bool plain;                         /* goes on to the last product whatever is seen, and looks at T only then */
    size_t rounds, rounds_most;         /* fresh random vectors that looked for missing copies */
    double boundary_low, boundary_high; /* innermost wanted values when the present round began */
    double lowest, highest;             /* Ritz values ever seen: all are within the spectrum */
    double scale;                       /* largest ‖Av‖ or |Ritz value| seen */
    double noise;                       /* Frobenius norm of V'AV − what symmetry says it is */
    us_below below;
};

enum { US__LANCZOS_CHUNK = 256 };

/* options.products steps (= basis) from one random vector, for a quadrature: T is looked at after the last. */
us_status us__lanczos_create_plain(us_lanczos **out, us_context *context, size_t n, const us_lanczos_options *options);

/* Eigenpairs of T with their residuals; nothing when they are known. Errors: US_ERR_NUMERIC. */
us_status us__lanczos_look(us_lanczos *l);
/* Looks, and decides whether to go on; may begin a round with a fresh random vector. */
us_status us__lanczos_decide(us_lanczos *l);
/* V ← its `low` smallest and `high` largest Ritz vectors (T must have been looked at). */
void us__lanczos_restart(us_lanczos *l, size_t low, size_t high);
/* Puts a random unit vector that is orthogonal to the first `against` columns, at least `size` of them, into column `size`.
 */
void us__lanczos_fresh(us_lanczos *l, size_t against);

double us__lanczos_resolution(const us_lanczos *l);
/* Bounds on the spectrum with the confidence asked for. */
void us__lanczos_bounds(const us_lanczos *l, double *low, double *high);
/* Kuczyński-Woźniakowski: the probability that k steps from a random start miss an end of the spectrum by more than
 * `relative` times its width. */
double us__lanczos_failure(size_t n, size_t k, double relative);

#endif
