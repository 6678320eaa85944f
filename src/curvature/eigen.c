/* Eigenpairs of a dense symmetric matrix, by LAPACK's divide and conquer (dsyevd: tridiagonal form, then
 * Cuppen 1981, Gu & Eisenstat 1995). Its eigenvectors are orthogonal to rounding, clusters or not. */
#include "base/base.h"
#include <lapacke.h>
#include <math.h>
#include <unstuck/curvature.h>

us_status us_symmetric_eigen(us_context *context, size_t n, double *a, double *values) {
    if (n == 0) return US_OK;
    if (n > 32000) return us__fail(context, US_ERR_ARGUMENT, "a dense matrix of %zu rows is too large; at most 32000", n);
    for (size_t i = 0; i < n * n; i++)
        if (!isfinite(a[i])) return us__fail(context, US_ERR_NONFINITE, "element %zu of the matrix is not finite", i);
    us_status status = US_OK;
    size_t work_size = 1 + 6 * n + 2 * n * n, integer_size = 3 + 5 * n; /* dsyevd's documented sizes for jobz = V */
    double *work = us__alloc(context, work_size, sizeof *work);
    lapack_int *integers = work ? us__alloc(context, integer_size, sizeof *integers) : NULL;
    if (!integers) {
        status = US_ERR_NOMEM;
        goto done;
    }
    lapack_int info = LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, 'V', 'L', (lapack_int)n, a, (lapack_int)n, values, work,
                                          (lapack_int)work_size, integers, (lapack_int)integer_size);
    if (info)
        status =
            us__fail(context, US_ERR_NUMERIC, "LAPACK's dsyevd failed on a %zu x %zu matrix (info %d)", n, n, (int)info);
done:
    us__release(context, integers);
    us__release(context, work);
    return status;
}
