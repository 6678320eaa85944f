/* Eigenvalues of very different size. A bound of n·ε·‖H‖ on every eigenvalue hides the small ones of
 *     10²⁰·x² + y²,   which is a minimum plainly enough.
 * For a definite matrix much more can be known. With D = diag(|hᵢᵢ|^½) and S = D⁻¹HD⁻¹, whose diagonal is 1, every
 * eigenvalue of H is determined to the relative error
 *     η/λmin(S),   η a bound on the error of S,
 * whatever the scales in D, and by Sylvester's law H is definite when S is: so when λmin(S) > η, no sign is in doubt.
 * One-sided Jacobi on the Cholesky factor finds the eigenvalues to that accuracy; tridiagonal methods do not. η is measured
 * in the scaled coordinates just as the plain resolution is. 10⁸(x+y)² − 10⁻⁹(x−y)² stays undecided: its S is singular to
 * rounding. Source: Demmel & Veselić 1992, "Jacobi's method is more accurate than QR", SIAM J. Matrix Anal. Appl. 13(4),
 * theorems 2.3, 3.1. */
#include "curvature/curvature.h"
#include <cblas.h>
#include <float.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>

enum { GRADED_LIMIT = 500 }; /* Jacobi costs some ten times a tridiagonal eigenproblem */

/* ±1 when the diagonal has that sign throughout, else 0. */
static double graded_sign(const double *h, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!(h[0] * h[i + i * n] > 0)) return 0;
    return n == 0 ? 0 : h[0] > 0 ? 1 : -1;
}

/* Eigenpairs of the positive definite a [n×n], which becomes the eigenvectors; values ascending. */
static us_status graded_jacobi(us_context *context, size_t n, double *a, double *values) {
    lapack_int order = (lapack_int)n, work_size = order < 3 ? 6 : 2 * order; /* max(6, 2n) */
    double *work = us__alloc(context, (size_t)work_size + n, sizeof *work), unused = 0;
    if (!work) return US_ERR_NOMEM;
    double *sigma = work + work_size;
    lapack_int info = LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'L', order, a, order);
    for (size_t j = 1; j < n; j++) memset(a + j * n, 0, j * sizeof *a);
    if (!info)
        info = LAPACKE_dgesvj_work(LAPACK_COL_MAJOR, 'L', 'U', 'N', order, order, a, order, sigma, 0, &unused, 1, work,
                                   work_size);
    for (size_t i = 0; i < n; i++) { /* descending to ascending */
        double s = work[0] * sigma[n - 1 - i];
        values[i] = s * s;
    }
    for (size_t i = 0; i < n / 2; i++) cblas_dswap((int)n, a + i * n, 1, a + (n - 1 - i) * n, 1);
    us__release(context, work);
    return info
               ? us__fail(context, US_ERR_NUMERIC, "LAPACK's dgesvj failed on a %zu x %zu matrix (info %d)", n, n, (int)info)
               : US_OK;
}

us_status us__spectrum_refine(us_spectrum *s, us_problem *problem, const us_vec *theta, const us_spectrum_options *options,
                              const double *h, const double *skew) {
    size_t n = s->n;
    us_context *context = s->context;
    double sign = graded_sign(h, n);
    if (s->zero == 0 || (s->negative && s->positive) || sign == 0 || n > GRADED_LIMIT) return US_OK;
    us_status status = US_OK;
    double *memory = us__alloc(context, n * n + 2 * n, sizeof *memory);
    if (!memory) return US_ERR_NOMEM;
    double *a = memory, *values = memory + n * n, *scale = values + n, asymmetry = 0, rounding;
    for (size_t i = 0; i < n; i++) scale[i] = 1 / sqrt(fabs(h[i + i * n]));
    for (size_t j = 0; j < n; j++)
        for (size_t i = 0; i < n; i++) {
            double e = scale[i] * skew[i + j * n] * scale[j];
            a[i + j * n] = sign * (scale[i] * h[i + j * n] * scale[j]);
            asymmetry += e * e;
        }
    if ((status = us_symmetric_eigen(context, n, a, values))) goto done;
    double lowest = values[0], norm = values[n - 1];
    if (!(lowest > (double)n * DBL_EPSILON * norm + sqrt(asymmetry))) goto done; /* saves the products */
    if ((status = us__hessian_rounding(problem, theta, options, h, scale, &rounding, &s->products))) goto done;
    double error = (double)n * DBL_EPSILON * norm + sqrt(asymmetry) + rounding;
    if (!(lowest > error)) goto done;

    for (size_t i = 0; i < n * n; i++) a[i] = sign * h[i];
    if ((status = graded_jacobi(context, n, a, values))) goto done;
    if (!(values[0] > US__CURVATURE_TINY)) goto done;
    s->resolution = fmax(error / lowest * values[0], US__CURVATURE_TINY);
    for (size_t i = 0; i < n; i++) { /* for a negative definite H the order turns round */
        size_t from = sign > 0 ? i : n - 1 - i;
        s->values[i] = sign * values[from];
        memcpy(s->vectors + i * n, a + from * n, n * sizeof *a);
    }
    us__spectrum_count(s);
done:
    us__release(context, memory);
    return status;
}
