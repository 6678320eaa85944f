/* The Hessian as an operator: products with blocks of vectors, and all its columns. */
#include "curvature/curvature.h"
#include "problem/problem.h"
#include <math.h>

/* Makes `count` vectors; on failure those made so far are destroyed and forgotten. */
static us_status hessian_vectors(us_vec **v, size_t count, us_problem *problem) {
    for (size_t i = 0; i < count; i++) {
        us_status status =
            us_vec_create(&v[i], us_problem_context(problem), us_problem_precision(problem), us_problem_dimension(problem));
        if (status) return status;
    }
    return US_OK;
}

/* v == NULL stands for the columns of the identity. */
static us_status hessian_apply(us_problem *problem, const us_vec *theta, const us_spectrum_options *options, const double *v,
                               double *hv, size_t k, size_t done, size_t total) {
    us_context *context = us_problem_context(problem);
    size_t n = us_problem_dimension(problem), block = options->block < k ? options->block : k;
    us_vec **x = us__new(context, 2 * block, sizeof *x), **y = x ? x + block : NULL;
    us_status status = x ? hessian_vectors(x, 2 * block, problem) : US_ERR_NOMEM;
    if (status) goto done;
    for (size_t first = 0; first < k; first += block) {
        size_t count = k - first < block ? k - first : block;
        if (us_context_cancelled(context)) {
            status = us__fail(context, US_INTERRUPTED, "interrupted after %zu of %zu Hessian-vector products", done + first,
                              total);
            goto done;
        }
        for (size_t j = 0; j < count; j++) {
            if (v)
                us_vec_write_f64(x[j], v + (first + j) * n);
            else
                us_vec_fill(x[j], 0), us_vec_set(x[j], first + j, 1);
        }
        status = us_problem_hvp(problem, theta, options->batch, (const us_vec *const *)x, y, count);
        if (status) goto done;
        for (size_t j = 0; j < count; j++) {
            if (!us_vec_is_finite(y[j])) {
                status = us__fail(context, US_ERR_NONFINITE, "Hessian-vector product %zu of %zu is not finite",
                                  done + first + j + 1, total);
                goto done;
            }
            us_vec_read_f64(y[j], hv + (first + j) * n);
        }
        if (options->progress) options->progress(options->progress_user, done + first + count, total);
    }
done:
    for (size_t i = 0; x && i < 2 * block; i++) us_vec_destroy(x[i]);
    us__release(context, x);
    return status;
}

us_status us__hessian_products(us_problem *problem, const us_vec *theta, const us_spectrum_options *options, const double *v,
                               double *hv, size_t k, size_t done, size_t total) {
    return hessian_apply(problem, theta, options, v, hv, k, done, total);
}

/* Rows heard as products. */
typedef struct hessian_heard {
    const us_spectrum_options *options;
    size_t n;
} hessian_heard;

static void hessian_progress(void *user, size_t done, size_t rows) {
    const hessian_heard *heard = user;
    const us_spectrum_options *o = heard->options;
    if (o->progress) o->progress(o->progress_user, (size_t)((double)heard->n * (double)done / (double)rows), heard->n);
}

us_status us__hessian_dense(us_problem *problem, const us_vec *theta, const us_spectrum_options *options, double *h) {
    size_t n = us_problem_dimension(problem);
    hessian_heard heard = {options, n};
    bool done;
    us_status status = us__problem_hessian(problem, theta, options->batch, h, &(us__heard){hessian_progress, &heard}, &done);
    for (size_t i = 0; i < n * n && done && !status; i++)
        if (!isfinite(h[i]))
            status = us__fail(us_problem_context(problem), US_ERR_NONFINITE, "element %zu, %zu of the Hessian is not finite",
                              i / n + 1, i % n + 1);
    if (done || status) return status;
    return hessian_apply(problem, theta, options, NULL, h, n, 0, n);
}
