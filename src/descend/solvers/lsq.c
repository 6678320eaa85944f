/* A·diag(s)⁻¹ = QR by Householder's reflections, and then the augmented system
 *
 *   r + Ax = b,  A'r = 0
 *
 * is refined: its residuals f = b − r − Ax and g = −A'r are summed in twice the precision and rounded, and the corrections
 *   (c₁, c₂) = Q'f,  h = R⁻ᵀg,  dx = R⁻¹(c₁ − h),  dr = Q(h, c₂)
 * are added until they no longer shrink. x is then nearly as exact as doubles can be, if A is not singular to them.
 * Sources: Björck 1967, "Iterative refinement of linear least squares solutions", BIT 7; sums: Ogita, Rump & Oishi 2005,
 * "Accurate sum and dot product", SIAM J. Sci. Comput. 26(6), algorithm 5.3. */
#include "descend/solvers/lsq.h"
#include <cblas.h>
#include <float.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>

enum { LSQ_REFINEMENTS = 20 };

us_status us__lsq_open(us__lsq *q, us_context *context, size_t m, size_t n, const double *a) {
    *q = (us__lsq){.context = context, .m = m, .n = n, .a = a};
    size_t block = 64 * (m > n ? m : n);
    q->qr = us__alloc(context, m, n * sizeof *q->qr);
    q->tau = us__alloc(context, 2 * n, sizeof *q->tau);
    q->work = us__alloc(context, 4 * m + 4 * n + block, sizeof *q->work);
    if (!q->qr || !q->tau || !q->work) return US_ERR_NOMEM;
    q->scale = q->tau + n;
    for (size_t j = 0; j < n; j++) {
        double length = cblas_dnrm2((int)m, a + j, (int)n);
        int exponent;
        frexp(length, &exponent);
        q->scale[j] = length > 0 && isfinite(length) ? ldexp(1, exponent) : 1;
        for (size_t i = 0; i < m; i++) q->qr[j * m + i] = a[i * n + j] / q->scale[j];
    }
    if (LAPACKE_dgeqrf_work(LAPACK_COL_MAJOR, (lapack_int)m, (lapack_int)n, q->qr, (lapack_int)m, q->tau, q->work,
                            (lapack_int)block) != 0)
        return us__fail(context, US_ERR_NUMERIC, "LAPACK's dgeqrf failed");
    double low = HUGE_VAL, high = 0;
    for (size_t j = 0; j < n; j++) {
        double r = fabs(q->qr[j * m + j]);
        low = r < low ? r : low;
        high = r > high ? r : high;
    }
    q->full_rank = isfinite(high) && low > 4 * (double)n * DBL_EPSILON * high;
    return US_OK;
}

void us__lsq_close(us__lsq *q) {
    us__release(q->context, q->qr);
    us__release(q->context, q->tau);
    us__release(q->context, q->work);
}

/* start + Σ xᵢyᵢ, as if in twice the precision. */
static double lsq_dot(double start, const double *x, size_t x_stride, const double *y, size_t n, double sign) {
    double sum = start, rest = 0;
    for (size_t i = 0; i < n; i++) {
        double a = sign * x[i * x_stride], product = a * y[i], lost = fma(a, y[i], -product);
        double next = sum + product, back = next - sum;
        rest += (sum - (next - back)) + (product - back) + lost;
        sum = next;
    }
    return sum + rest;
}

static bool lsq_apply(us__lsq *q, char transposed, double *x /* [m] */, double *work) {
    return LAPACKE_dormqr_work(LAPACK_COL_MAJOR, 'L', transposed, (lapack_int)q->m, 1, (lapack_int)q->n, q->qr,
                               (lapack_int)q->m, q->tau, x, (lapack_int)q->m, work, (lapack_int)(64 * q->m)) == 0;
}

static void lsq_triangle(const us__lsq *q, CBLAS_TRANSPOSE transposed, double *x /* [n] */) {
    cblas_dtrsv(CblasColMajor, CblasUpper, transposed, CblasNonUnit, (int)q->n, q->qr, (int)q->m, x, 1);
}

us_status us__lsq_solve(us__lsq *q, const double *b, double *x) {
    size_t m = q->m, n = q->n;
    double *r = q->work, *f = r + m, *t = f + m, *h = t + m, *c = h + n, *best = c + n, *work = best + n;
    double last = HUGE_VAL;
    memset(r, 0, m * sizeof *r);
    memset(x, 0, n * sizeof *x);
    for (int k = 0; k < LSQ_REFINEMENTS; k++) {
        for (size_t i = 0; i < m; i++) {
            double start = b[i] - r[i], back = start - b[i]; /* b − r is not exact either */
            double lost = (b[i] - (start - back)) - (r[i] + back);
            f[i] = lsq_dot(start, q->a + i * n, 1, x, n, -1) + lost;
        }
        for (size_t j = 0; j < n; j++) h[j] = lsq_dot(0, q->a + j, n, r, m, -1) / q->scale[j];
        if (!lsq_apply(q, 'T', f, work)) return us__fail(q->context, US_ERR_NUMERIC, "LAPACK's dormqr failed");
        lsq_triangle(q, CblasTrans, h);
        for (size_t j = 0; j < n; j++) c[j] = f[j] - h[j], f[j] = h[j];
        lsq_triangle(q, CblasNoTrans, c);
        if (!lsq_apply(q, 'N', f, work)) return us__fail(q->context, US_ERR_NUMERIC, "LAPACK's dormqr failed");
        double length = 0;
        for (size_t j = 0; j < n; j++) length = fmax(length, fabs(c[j] / fmax(fabs(x[j] * q->scale[j]), DBL_MIN)));
        if (k > 1 && !(length < 0.5 * last)) break;
        last = length;
        for (size_t i = 0; i < m; i++) r[i] += f[i];
        for (size_t j = 0; j < n; j++) x[j] += c[j] / q->scale[j];
        if (length <= DBL_EPSILON / 4) break;
    }
    for (size_t j = 0; j < n; j++)
        if (!isfinite(x[j])) return us__fail(q->context, US_ERR_NUMERIC, "the least-squares solution is not finite");
    return US_OK;
}

void us__lsq_deviations(us__lsq *q, double *deviation) {
    size_t m = q->m, n = q->n;
    double *row = q->work; /* of R⁻¹: its transpose solves R'z = eⱼ */
    (void)m;
    for (size_t j = 0; j < n; j++) deviation[j] = 0;
    for (size_t j = 0; j < n; j++) {
        memset(row, 0, n * sizeof *row);
        row[j] = 1;
        lsq_triangle(q, CblasNoTrans, row); /* column j of R⁻¹ */
        for (size_t i = 0; i < n; i++) deviation[i] = hypot(deviation[i], row[i]);
    }
    for (size_t j = 0; j < n; j++) deviation[j] /= q->scale[j];
}
