/* All eigenvalues of a Hessian, each with its residual, and the size below which they say nothing. */
#include "curvature/curvature.h"
#include <cblas.h>
#include <float.h>
#include <math.h>
#include <string.h>

void us_spectrum_options_init(us_spectrum_options *options) { *options = (us_spectrum_options)US_SPECTRUM_OPTIONS_INIT; }

void us_spectrum_destroy(us_spectrum *spectrum) {
    if (!spectrum) return;
    us__release(spectrum->context, spectrum->vectors);
    us__release(spectrum->context, spectrum->values);
    us__release(spectrum->context, spectrum);
}

void us__spectrum_count(us_spectrum *s) {
    s->negative = s->zero = s->positive = 0;
    for (size_t i = 0; i < s->n; i++)
        if (s->values[i] < -s->resolution)
            s->negative++;
        else if (s->values[i] > s->resolution)
            s->positive++;
        else
            s->zero++;
}

us_status us__spectrum_check(us_context *context, size_t n, const us_vec *theta, const us_spectrum_options *o) {
    if (o->version != 1)
        return us__fail(context, US_ERR_ARGUMENT, "us_spectrum_options: version is %u; it must be 1", o->version);
    if (us_vec_size(theta) != n)
        return us__fail(context, US_ERR_ARGUMENT, "theta has %zu elements; the problem has %zu parameters",
                        us_vec_size(theta), n);
    if (n > o->limit)
        return us__fail(context, US_ERR_ARGUMENT, "a dense Hessian of %zu parameters is above the limit of %zu", n,
                        o->limit);
    if (o->block == 0) return us__fail(context, US_ERR_ARGUMENT, "us_spectrum_options: block is 0; it must be at least 1");
    if (!(o->resolution >= 0))
        return us__fail(context, US_ERR_ARGUMENT, "us_spectrum_options: resolution is %g; it must be 0 or more",
                        o->resolution);
    return US_OK;
}

void us__spectrum_symmetrise(double *h, double *skew, size_t n, double *largest, double *frobenius) {
    double most = 0;
    for (size_t j = 0; j < n; j++) {
        skew[j + j * n] = 0;
        for (size_t i = j + 1; i < n; i++) {
            double a = h[i + j * n], b = h[j + i * n];
            skew[i + j * n] = a - b, skew[j + i * n] = b - a;
            most = fmax(most, fabs(a - b));
            h[i + j * n] = h[j + i * n] = 0.5 * a + 0.5 * b;
        }
    }
    *largest = most;
    *frobenius = cblas_dnrm2((int)(n * n), skew, 1); /* no overflow of squares */
}

/* ‖Hv − λv‖₂ for every pair. @param product [n×n] overwritten */
static void spectrum_residuals(us_spectrum *s, const double *h, double *product) {
    int n = (int)s->n;
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, h, n, s->vectors, n, 0, product, n);
    for (size_t i = 0; i < s->n; i++) {
        cblas_daxpy(n, -s->values[i], s->vectors + i * s->n, 1, product + i * s->n, 1);
        s->residuals[i] = cblas_dnrm2(n, product + i * s->n, 1);
    }
}

us_status us_hessian_dense(us_problem *problem, const us_vec *theta, const us_spectrum_options *options, double *h) {
    us_spectrum_options o = US_SPECTRUM_OPTIONS_INIT;
    if (options) o = *options;
    us_status status = us__spectrum_check(us_problem_context(problem), us_problem_dimension(problem), theta, &o);
    return status ? status : us__hessian_dense(problem, theta, &o, h);
}

us_status us_spectrum_dense(us_spectrum **out, us_problem *problem, const us_vec *theta,
                            const us_spectrum_options *options) {
    *out = NULL;
    us_context *context = us_problem_context(problem);
    size_t n = us_problem_dimension(problem);
    us_spectrum_options o = US_SPECTRUM_OPTIONS_INIT;
    if (options) o = *options;
    us_status status = us__spectrum_check(context, n, theta, &o);
    if (status) return status;
    double asymmetry, rounding = 0, *h = NULL, *skew = NULL;
    us_spectrum *s = us__new(context, 1, sizeof *s);
    if (!s) return US_ERR_NOMEM;
    s->context = context;
    s->n = n;
    s->exact = us_problem_hvp_is_exact(problem);
    status = US_ERR_NOMEM;
    if (!(s->values = us__new(context, 2 * n, sizeof *s->values))) goto done;
    s->residuals = s->values + n;
    if (!(s->vectors = us__alloc(context, n * n, sizeof *s->vectors))) goto done;
    if (!(h = us__alloc(context, n * n, sizeof *h))) goto done;
    if (!(skew = us__alloc(context, n * n, sizeof *skew))) goto done;

    if ((status = us__hessian_dense(problem, theta, &o, h))) goto done;
    s->products = n;
    us__spectrum_symmetrise(h, skew, n, &s->asymmetry, &asymmetry);
    if (o.resolution == 0 && (status = us__hessian_rounding(problem, theta, &o, h, NULL, &rounding, &s->products)))
        goto done;
    memcpy(s->vectors, h, n * n * sizeof *h);
    if ((status = us_symmetric_eigen(context, n, s->vectors, s->values))) goto done;
    double norm = n ? fmax(fabs(s->values[0]), fabs(s->values[n - 1])) : 0;
    double solver = (double)n * us_precision_epsilon(us_problem_precision(problem)) * norm;
    s->resolution = o.resolution > 0 ? o.resolution : solver + asymmetry + rounding + US__CURVATURE_TINY;
    us__spectrum_count(s);
    if (o.resolution == 0 && s->exact && (status = us__spectrum_refine(s, problem, theta, &o, h, skew))) goto done;
    spectrum_residuals(s, h, skew);
done:
    us__release(context, skew);
    us__release(context, h);
    if (status)
        us_spectrum_destroy(s);
    else
        *out = s;
    return status;
}
