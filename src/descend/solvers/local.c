#include "descend/solvers/local.h"
#include <float.h>
#include <math.h>

us_status us__local_open(us__local *local, us_problem *problem, size_t block) {
    us_context *context = us_problem_context(problem);
    size_t n = us_problem_dimension(problem);
    us_precision precision = us_problem_precision(problem);
    *local = (us__local){.problem = problem, .context = context, .n = n, .block = block};
    us_status status = us_vec_create(&local->theta, context, precision, n);
    if (status == US_OK) status = us_vec_create(&local->gradient, context, precision, n);
    if (status != US_OK) return status;
    local->v = us__new(context, 2 * block, sizeof *local->v);
    if (!local->v) return US_ERR_NOMEM;
    local->hv = local->v + block;
    for (size_t i = 0; i < 2 * block && status == US_OK; i++) status = us_vec_create(&local->v[i], context, precision, n);
    return status;
}

void us__local_close(us__local *local) {
    for (size_t i = 0; local->v && i < 2 * local->block; i++) us_vec_destroy(local->v[i]);
    us__release(local->context, local->v);
    us_vec_destroy(local->gradient);
    us_vec_destroy(local->theta);
}

us_status us__local_value(us__local *local, const double *theta, double *value) {
    us_vec_write_f64(local->theta, theta);
    local->values++;
    return us_problem_value(local->problem, local->theta, US_BATCH_ALL, value);
}

us_status us__local_gradient(us__local *local, const double *theta, double *value, double *gradient) {
    us_vec_write_f64(local->theta, theta);
    local->gradients++;
    us_status status = us_problem_gradient(local->problem, local->theta, US_BATCH_ALL, value, local->gradient);
    if (status == US_OK) us_vec_read_f64(local->gradient, gradient);
    return status;
}

us_status us__local_hessian(us__local *local, const double *theta, double *hessian) {
    size_t n = local->n;
    us_vec_write_f64(local->theta, theta);
    for (size_t first = 0; first < n; first += local->block) {
        size_t count = n - first < local->block ? n - first : local->block;
        for (size_t j = 0; j < count; j++) {
            us_vec_fill(local->v[j], 0);
            us_vec_set(local->v[j], first + j, 1);
        }
        local->products += count;
        us_status status =
            us_problem_hvp(local->problem, local->theta, US_BATCH_ALL, (const us_vec *const *)local->v, local->hv, count);
        if (status != US_OK) return status;
        for (size_t j = 0; j < count; j++) us_vec_read_f64(local->hv[j], hessian + (first + j) * n);
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            hessian[i * n + j] = hessian[j * n + i] = 0.5 * (hessian[i * n + j] + hessian[j * n + i]);
    return US_OK;
}

us_status us__local_product(us__local *local, const double *theta, const double *v, double *hv) {
    us_vec_write_f64(local->theta, theta);
    us_vec_write_f64(local->v[0], v);
    local->products++;
    us_status status =
        us_problem_hvp(local->problem, local->theta, US_BATCH_ALL, (const us_vec *const *)local->v, local->hv, 1);
    if (status == US_OK) us_vec_read_f64(local->hv[0], hv);
    return status;
}

void us__local_scale(const double *hessian, size_t n, double *d) {
    double largest = 0;
    for (size_t i = 0; i < n; i++) d[i] = fabs(hessian[i * n + i]);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) {
            double h = fabs(hessian[i * n + j]);
            if (h * h <= d[i] * d[j]) continue;
            double raise = h / sqrt(d[i] * d[j]);
            d[i] = isfinite(raise) ? d[i] * raise : fmax(d[i], h);
            d[j] = isfinite(raise) ? d[j] * raise : fmax(d[j], h);
        }
    for (size_t i = 0; i < n; i++) largest = fmax(largest, d[i]);
    if (largest == 0) largest = 1;
    double least = fmax(largest * DBL_EPSILON * DBL_EPSILON, DBL_MIN);
    for (size_t i = 0; i < n; i++) d[i] = sqrt(fmax(d[i], least));
}

bool us__all_finite(const double *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return false;
    return true;
}
