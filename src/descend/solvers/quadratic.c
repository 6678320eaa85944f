#include "descend/solvers/quadratic.h"
#include "descend/solvers/subproblem.h"
#include <cblas.h>
#include <float.h>
#include <math.h>
#include <string.h>
#include <unstuck/curvature.h>

enum { KRYLOV_CHECK = 5 }; /* how often a growing Krylov space is asked whether it is enough */

us_status us__quadratic_open(us__quadratic *q, us_context *context, size_t n, size_t capacity) {
    *q = (us__quadratic){.context = context, .n = n, .capacity = capacity};
    q->values = us__alloc(context, 2 * capacity + n, sizeof *q->values);
    q->basis = us__alloc(context, capacity, n * sizeof *q->basis);
    q->work = us__alloc(context, capacity, (n + capacity + 4) * sizeof *q->work);
    if (!q->values || !q->basis || !q->work) return US_ERR_NOMEM;
    q->slopes = q->values + capacity;
    q->scale = q->slopes + capacity;
    return US_OK;
}

void us__quadratic_close(us__quadratic *q) {
    us__release(q->context, q->values);
    us__release(q->context, q->basis);
    us__release(q->context, q->work);
}

static void quadratic_set_resolution(us__quadratic *q) {
    double norm = fmax(fabs(q->values[0]), fabs(q->values[q->m - 1]));
    q->resolution = 8 * (double)q->n * DBL_EPSILON * norm;
}

us_status us__quadratic_whole(us__quadratic *q, us__local *local, const double *theta, const double *gradient, bool plain) {
    size_t n = q->n;
    double *h = q->work, *d = q->scale;
    us_status status = us__local_hessian(local, theta, h);
    if (status != US_OK) return status;
    if (!us__all_finite(h, n * n)) {
        memset(h, 0, n * n * sizeof *h);
        for (size_t i = 0; i < n; i++) h[i * n + i] = 1;
    }
    us__local_scale(h, n, d);
    for (size_t i = 0; i < n && plain; i++) d[i] = 1;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) q->basis[i * n + j] = h[i * n + j] / d[i] / d[j];
    status = us_symmetric_eigen(q->context, n, q->basis, q->values);
    if (status != US_OK) return status;
    q->m = n;
    for (size_t i = 0; i < n; i++) {
        double slope = 0, *row = q->basis + i * n;
        for (size_t j = 0; j < n; j++) slope += (row[j] /= d[j]) * gradient[j];
        q->slopes[i] = slope;
    }
    quadratic_set_resolution(q);
    return US_OK;
}

/* The tridiagonal T [m×m] of diagonal and off-diagonal to eigenvectors in s [m×m], row i the i-th. */
static us_status krylov_eigen(us__quadratic *q, const double *diagonal, const double *beyond, double *s, size_t m) {
    memset(s, 0, m * m * sizeof *s);
    for (size_t i = 0; i < m; i++) {
        s[i * m + i] = diagonal[i];
        if (i + 1 < m) s[i * m + i + 1] = s[(i + 1) * m + i] = beyond[i];
    }
    return us_symmetric_eigen(q->context, m, s, q->values);
}

us_status us__quadratic_krylov(us__quadratic *q, us__local *local, const double *theta, const double *gradient,
                               const double *start, double radius, double tolerance) {
    size_t n = q->n, m = 0;
    double *v = q->work /* [capacity×n] */, *s = v + q->capacity * n, *diagonal = s + q->capacity * q->capacity;
    double *beyond = diagonal + q->capacity, *p = beyond + q->capacity, *projected = p + q->capacity;
    double norm = cblas_dnrm2((int)n, start, 1), size = cblas_dnrm2((int)n, gradient, 1);
    us_status status = US_OK;
    for (size_t j = 0; j < n; j++) q->scale[j] = 1, v[j] = start[j] / norm;
    for (bool enough = false; !enough && status == US_OK;) {
        double *last = v + m * n, *next = m + 1 < q->capacity ? last + n : q->basis;
        status = us__local_product(local, theta, last, next);
        if (status != US_OK) break;
        if (!us__all_finite(next, n)) {
            status = us__fail(q->context, US_ERR_NONFINITE, "a Hessian-vector product is not finite");
            break;
        }
        diagonal[m] = cblas_ddot((int)n, last, 1, next, 1);
        m++;
        for (int twice = 0; twice < 2; twice++) { /* once loses half the digits */
            cblas_dgemv(CblasRowMajor, CblasNoTrans, (int)m, (int)n, 1, v, (int)n, next, 1, 0, projected, 1);
            cblas_dgemv(CblasRowMajor, CblasTrans, (int)m, (int)n, -1, v, (int)n, projected, 1, 1, next, 1);
        }
        beyond[m - 1] = cblas_dnrm2((int)n, next, 1);
        enough = m == q->capacity || beyond[m - 1] <= 1e-14 * fabs(diagonal[m - 1]);
        if (!enough) cblas_dscal((int)n, 1 / beyond[m - 1], next, 1);
        if (!enough && (tolerance == 0 || m % KRYLOV_CHECK != 0)) continue;
        status = krylov_eigen(q, diagonal, beyond, s, m);
        if (status != US_OK) break;
        cblas_dgemv(CblasRowMajor, CblasNoTrans, (int)m, (int)n, 1, v, (int)n, gradient, 1, 0, projected, 1);
        cblas_dgemv(CblasRowMajor, CblasNoTrans, (int)m, (int)m, 1, s, (int)m, projected, 1, 0, q->slopes, 1);
        us__subproblem_solve(m, q->values, q->slopes, radius, p);
        double tail = 0; /* the last coordinate of the step in the Lanczos basis */
        for (size_t i = 0; i < m; i++) tail += p[i] * s[i * m + m - 1];
        enough = enough || fabs(tail) * beyond[m - 1] <= tolerance * size;
    }
    if (status != US_OK) return status;
    q->m = m;
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)m, (int)n, (int)m, 1, s, (int)m, v, (int)n, 0, q->basis,
                (int)n);
    quadratic_set_resolution(q);
    return US_OK;
}

double us__quadratic_move(const us__quadratic *q, const double *theta, const double *p, double *out) {
    for (size_t j = 0; j < q->n; j++) out[j] = 0;
    for (size_t i = 0; i < q->m; i++)
        if (p[i] != 0) cblas_daxpy((int)q->n, p[i], q->basis + i * q->n, 1, out, 1);
    double length = cblas_dnrm2((int)q->n, out, 1);
    for (size_t j = 0; j < q->n; j++) out[j] += theta[j];
    return length;
}
