/* The trace by XTrace. With Ω = [ω₁ .. ω_m], ‖ωᵢ‖² = n, and AΩ = QR, leaving vector i out leaves the range of
 *     Qᵢ = Q(I − sᵢsᵢ')^½,   sᵢ = R⁻ᵀeᵢ/‖R⁻ᵀeᵢ‖,
 * and ωᵢ, independent of Qᵢ, estimates what Qᵢ does not see. With W = Q'Ω, H = Q'AQ, pᵢ = (I − sᵢsᵢ')wᵢ and uᵢ = ωᵢ − Qpᵢ:
 *     tᵢ = tr H − sᵢ'Hsᵢ + c·uᵢ'Auᵢ,
 *     uᵢ'Auᵢ = (wᵢ − 2pᵢ)'Reᵢ + pᵢ'Hpᵢ   (A is symmetric, so Q'Aωᵢ = Reᵢ).
 * ωᵢ are random signs, which cost next to nothing, with c = 1. In few dimensions, where signs may depend on each other, they
 * are uniform on the sphere, and uᵢ on that of its space: c = (n − m + 1)/‖uᵢ‖², ‖uᵢ‖² = n − ‖pᵢ‖².
 * The trace is their mean. What two vectors have in common, such as (ωᵢ'Aωⱼ)², is in both of their estimates, so that it is
 * as much as √2 times as far off as their standard deviation over √m: the standard error is that, an upper bound to this
 * order. Source: Epperly, Tropp & Webber 2024, "XTrace: making the most of every sample in stochastic trace estimation". */
#include "base/base.h"
#include "problem/problem.h"
#include <cblas.h>
#include <lapacke.h>
#include <limits.h>
#include <math.h>
#include <string.h>
#include <unstuck/density.h>

void us_trace_options_init(us_trace_options *options) { *options = (us_trace_options)US_TRACE_OPTIONS_INIT; }

enum { TRACE_CHUNK = 256 };
enum { TRACE_SIGNS_FROM = 64 }; /* dimensions: two vectors of as many signs are the same once in 2⁶³ */

/* ωᵢ: random signs, or uniform on the sphere of radius √n; the same whenever it is asked for. */
static void trace_vector(double *omega, size_t n, uint64_t seed, size_t i) {
    us_rng rng = us_rng_init(seed, 0x7ace + ((uint64_t)i << 32));
    if (n >= TRACE_SIGNS_FROM) {
        us_rng_fill_signs(&rng, omega, n);
        return;
    }
    us_rng_fill_normal(&rng, omega, n);
    cblas_dscal((int)n, sqrt((double)n) / cblas_dnrm2((int)n, omega, 1), omega, 1);
}

static us_status trace_apply(us_context *context, const us_operator *a, const double *x, double *y, size_t k,
                             size_t *products) {
    if (us_context_cancelled(context)) return us__fail(context, US_INTERRUPTED, "interrupted after %zu products", *products);
    us_status status = a->apply(a->user, x, y, k);
    if (status) return status;
    *products += k;
    for (size_t j = 0; j < k; j++)
        if (!isfinite(cblas_dnrm2((int)a->n, y + j * a->n, 1)))
            return us__fail(context, US_ERR_NONFINITE, "trace: product %zu is not finite", *products - k + j + 1);
    return US_OK;
}

/* The estimates from the small matrices, all [m×m] column-major: R (upper), its inverse, W, H. @param p [2m] scratch */
static void trace_estimate(us_trace_estimate *out, size_t n, size_t m, const double *r, const double *inverse,
                           const double *w, const double *h, double *p) {
    double trace = 0, mean = 0, squares = 0, *hp = p + m;
    int order = (int)m;
    for (size_t i = 0; i < m; i++) trace += h[i + i * m];
    for (size_t i = 0; i < m; i++) {
        const double *s = inverse + i, *wi = w + i * m; /* sᵢ is row i of R⁻¹, from its diagonal on */
        double length = cblas_dnrm2(order, s, order), along = cblas_ddot(order, s, order, wi, 1) / length;
        cblas_dcopy(order, s, order, p, 1);
        cblas_dscal(order, 1 / length, p, 1);
        cblas_dsymv(CblasColMajor, CblasLower, order, 1, h, order, p, 1, 0, hp, 1);
        double estimate = trace - cblas_ddot(order, p, 1, hp, 1), rest = 0;
        for (size_t k = 0; k < m; k++) p[k] = wi[k] - along * p[k];
        cblas_dsymv(CblasColMajor, CblasLower, order, 1, h, order, p, 1, 0, hp, 1);
        for (size_t k = 0; k <= i; k++) rest += (wi[k] - 2 * p[k]) * r[k + i * m];
        rest += cblas_ddot(order, p, 1, hp, 1);
        double square = (double)n - cblas_ddot(order, p, 1, p, 1);
        if (n >= TRACE_SIGNS_FROM)
            estimate += rest;
        else if (square > 1e-12 * (double)n)
            estimate += (double)(n - m + 1) / square * rest;
        double delta = estimate - mean;
        mean += delta / (double)(i + 1);
        squares += delta * (estimate - mean);
    }
    out->value = mean;
    out->standard_error = sqrt(2 * squares / (double)(m - 1) / (double)m);
}

/* Q [n×m] ← that of its QR factors, R into the triangle of r [m×m]: Householder's vectors V (dgeqrt, whose recursion is
 * products of matrices) and Q = (I − V·T·V')·[I; 0], a chunk of rows after the other. dgeqrf and dorgqr take a pass over the
 * tall columns for each. @param small [(3m + CHUNK)·m] @returns LAPACK's info */
static lapack_int trace_orthonormalise(double *q, size_t n, size_t m, double *r, double *small) {
    double *t = small, *coefficients = t + m * m, *rows = coefficients + m * m;
    int columns = (int)m;
    lapack_int info =
        LAPACKE_dgeqrt_work(LAPACK_COL_MAJOR, (lapack_int)n, columns, columns, q, (lapack_int)n, t, columns, rows);
    for (size_t j = 0; j < m; j++)
        for (size_t i = 0; i < m; i++) {
            r[i + j * m] = i <= j ? q[i + j * n] : 0;
            coefficients[i + j * m] = i == j ? 1 : i < j ? q[j + i * n] : 0; /* V₁' */
        }
    if (info) return info;
    cblas_dtrmm(CblasColMajor, CblasLeft, CblasUpper, CblasNoTrans, CblasNonUnit, columns, columns, 1, t, columns,
                coefficients, columns);
    for (size_t first = 0; first < n; first += TRACE_CHUNK) {
        size_t count = n - first < TRACE_CHUNK ? n - first : TRACE_CHUNK;
        for (size_t j = 0; j < m; j++)
            for (size_t i = 0; i < count; i++)
                rows[i + j * count] = first + i > j ? q[first + i + j * n] : first + i == j ? 1 : 0;
        cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, (int)count, columns, columns, -1, rows, (int)count,
                    coefficients, columns, 0, q + first, (int)n);
    }
    for (size_t j = 0; j < m; j++) q[j + j * n] += 1;
    return 0;
}

us_status us_hessian_trace(us_trace_estimate *out, us_problem *problem, const us_vec *theta, us_batch batch,
                           const us_trace_options *options) {
    us_trace_options o = US_TRACE_OPTIONS_INIT;
    if (options) o = *options;
    us_context *context = us_problem_context(problem);
    us_hessian_operator *h = NULL;
    size_t n = us_problem_dimension(problem);
    double took = 0, size = 0, *d = us__alloc(context, n, sizeof *d);
    *out = (us_trace_estimate){.value = (double)NAN, .standard_error = HUGE_VAL};
    us_status status = d ? us__problem_diagonal(problem, theta, batch, (double)o.products, d, &took) : US_ERR_NOMEM;
    if (!status && took > 0) {
        out->value = 0, out->products = (size_t)ceil(took);
        for (size_t i = 0; i < n; i++) out->value += d[i], size += fabs(d[i]);
        out->standard_error = us_precision_epsilon(us_problem_precision(problem)) * size;
        if (!isfinite(size)) status = us__fail(context, US_ERR_NONFINITE, "the Hessian's diagonal is not finite");
    } else if (!status && !(status = us_hessian_operator_create(&h, problem, theta, batch, o.block)))
        status = us_trace(out, context, us_hessian_operator_get(h), &o);
    us_hessian_operator_destroy(h);
    us__release(context, d);
    return status;
}

us_status us_trace(us_trace_estimate *out, us_context *context, const us_operator *a, const us_trace_options *options) {
    us_trace_options o = US_TRACE_OPTIONS_INIT;
    if (options) o = *options;
    *out = (us_trace_estimate){.value = (double)NAN, .standard_error = HUGE_VAL};
    if (o.version != 1 || a->version != 1) return us__fail(context, US_ERR_ARGUMENT, "trace: version must be 1");
    if (o.products < 4 || o.block == 0)
        return us__fail(context, US_ERR_ARGUMENT, "us_trace_options: products is %zu and block %zu; at least 4 and 1",
                        o.products, o.block);
    if (a->n == 0 || a->n > INT_MAX)
        return us__fail(context, US_ERR_ARGUMENT, "trace: dimension %zu; it must be 1 to %d", a->n, INT_MAX);
    size_t n = a->n, m = o.products / 2 < n ? o.products / 2 : n, block = o.block < m ? o.block : m, products = 0;
    us_status status = US_ERR_NOMEM;
    double *small = NULL, *q = us__alloc(context, m + 2 * block, n * sizeof *q);
    if (!q || !(small = us__new(context, 7 * m * m + TRACE_CHUNK * m, sizeof *small))) goto done;
    double *x = q + m * n, *y = x + block * n;
    double *r = small, *inverse = r + m * m, *w = inverse + m * m, *h = w + m * m, *scratch = h + m * m;
    for (size_t first = 0; first < m; first += block) {
        size_t k = m - first < block ? m - first : block;
        for (size_t j = 0; j < k; j++) trace_vector(x + j * n, n, o.seed, first + j);
        if ((status = trace_apply(context, a, x, q + first * n, k, &products))) goto done;
    }
    int rows = (int)n, columns = (int)m;
    lapack_int info = trace_orthonormalise(q, n, m, r, scratch);
    memcpy(inverse, r, m * m * sizeof *r);
    double largest = 0, smallest = HUGE_VAL;
    for (size_t j = 0; j < m; j++)
        largest = fmax(largest, fabs(r[j + j * m])), smallest = fmin(smallest, fabs(r[j + j * m]));
    if (info) {
        status = us__fail(context, US_ERR_NUMERIC, "LAPACK's QR of %zu products failed (info %d)", m, (int)info);
        goto done;
    }
    for (size_t first = 0; first < m; first += block) {
        size_t k = m - first < block ? m - first : block;
        if ((status = trace_apply(context, a, q + first * n, y, k, &products))) goto done;
        cblas_dgemm(CblasColMajor, CblasTrans, CblasNoTrans, columns, (int)k, rows, 1, q, rows, y, rows, 0, h + first * m,
                    columns);
        for (size_t j = 0; j < k; j++) trace_vector(x + j * n, n, o.seed, first + j);
        cblas_dgemm(CblasColMajor, CblasTrans, CblasNoTrans, columns, (int)k, rows, 1, q, rows, x, rows, 0, w + first * m,
                    columns);
    }
    out->products = products;
    bool whole = m == n || smallest <= 10 * a->epsilon * sqrt((double)n) * largest;
    if (!whole && m > 1 && LAPACKE_dtrtri_work(LAPACK_COL_MAJOR, 'U', 'N', columns, inverse, columns) == 0) {
        trace_estimate(out, n, m, r, inverse, w, h, scratch);
    } else { /* Q spans the range of A, up to rounding */
        out->value = 0;
        for (size_t i = 0; i < m; i++) out->value += h[i + i * m];
        out->standard_error = m == n ? 4 * a->epsilon * largest : sqrt((double)n) * smallest + 4 * a->epsilon * largest;
    }
    status = US_OK;
done:
    us__release(context, small);
    us__release(context, q);
    return status;
}
