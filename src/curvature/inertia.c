/* How many eigenvalues are negative, without the eigenvalues: by Sylvester's law of inertia H = LDL' has as many as D, whose
 * blocks of 1 and 2 show their signs. With H + rI and H − rI those below −r and below r are counted. Source: Bunch & Kaufman
 * 1977, "Some stable methods for calculating inertia and solving symmetric linear systems", Math. Comp. 31. */
#include "curvature/curvature.h"
#include <lapacke.h>
#include <math.h>
#include <string.h>

/* Negative eigenvalues of h + shift·I. @param a [n×n] scratch */
static us_status inertia_below(us_context *context, size_t n, const double *h, double shift, double *a, lapack_int *pivots,
                               double *work, lapack_int work_size, size_t *count) {
    memcpy(a, h, n * n * sizeof *a);
    for (size_t i = 0; i < n; i++) a[i + i * n] += shift;
    lapack_int info = LAPACKE_dsytrf_work(LAPACK_COL_MAJOR, 'L', (lapack_int)n, a, (lapack_int)n, pivots, work, work_size);
    if (info < 0) return us__fail(context, US_ERR_NUMERIC, "LAPACK's dsytrf failed on a %zu x %zu matrix", n, n);
    *count = 0;
    for (size_t i = 0; i < n; i++) {
        if (pivots[i] < 0) { /* a block of 2: its determinant is negative */
            i++;
            ++*count;
        } else
            *count += a[i + i * n] < 0;
    }
    return US_OK;
}

us_status us_hessian_inertia(us_inertia *out, us_problem *problem, const us_vec *theta, const us_spectrum_options *options) {
    enum { BLOCK = 64 };
    *out = (us_inertia){0};
    us_context *context = us_problem_context(problem);
    size_t n = us_problem_dimension(problem), below, products = n;
    us_spectrum_options o = US_SPECTRUM_OPTIONS_INIT;
    if (options) o = *options;
    us_status status = us__spectrum_check(context, n, theta, &o);
    if (status) return status;
    lapack_int work_size = (lapack_int)(BLOCK * n), *pivots = NULL;
    double *work = NULL, *h = us__alloc(context, n * n, sizeof *h), *a = NULL, largest, asymmetry, rounding = 0;
    status = US_ERR_NOMEM;
    if (!h || !(a = us__alloc(context, n * n, sizeof *a))) goto done;
    if (!(work = us__alloc(context, BLOCK * n, sizeof *work))) goto done;
    if (!(pivots = us__alloc(context, n, sizeof *pivots))) goto done;
    if ((status = us__hessian_dense(problem, theta, &o, h))) goto done;
    us__spectrum_symmetrise(h, a, n, &largest, &asymmetry);
    if (o.resolution == 0 && (status = us__hessian_rounding(problem, theta, &o, h, NULL, &rounding, &products))) goto done;
    double norm = LAPACKE_dlansy_work(LAPACK_COL_MAJOR, '1', 'L', (lapack_int)n, h, (lapack_int)n, work);
    double solver = (double)n * us_precision_epsilon(us_problem_precision(problem)) * norm;
    out->resolution = o.resolution > 0 ? o.resolution : solver + asymmetry + rounding + US__CURVATURE_TINY;
    status = inertia_below(context, n, h, out->resolution, a, pivots, work, work_size, &out->negative);
    if (!status) status = inertia_below(context, n, h, -out->resolution, a, pivots, work, work_size, &below);
    if (status) goto done;
    out->zero = below - out->negative;
    out->positive = n - below;
    out->products = products;
done:
    us__release(context, pivots);
    us__release(context, work);
    us__release(context, a);
    us__release(context, h);
    return status;
}
