/* Planes: made, gone along, projected on. */
#include "base/base.h"
#include <math.h>
#include <string.h>
#include <unstuck/landscape.h>

us_status us_plane_create(us_plane **out, us_context *context, size_t n, size_t count) {
    *out = NULL;
    if (n < count || count < 1 || count > 2)
        return us__fail(context, US_ERR_ARGUMENT, "a plane of %zu directions in %zu dimensions is asked for; 1 or 2 can be",
                        count, n);
    us_plane *p = us__new(context, 1, sizeof *p);
    if (!p) return US_ERR_NOMEM;
    *p = (us_plane){.n = n,
                    .count = count,
                    .value = {(double)NAN, (double)NAN},
                    .error = {(double)NAN, (double)NAN},
                    .context = context};
    p->origin = us__new(context, (count + 1) * n, sizeof *p->origin);
    if (!p->origin) {
        us__release(context, p);
        return US_ERR_NOMEM;
    }
    for (size_t k = 0; k < count; k++) p->direction[k] = p->origin + (k + 1) * n;
    *out = p;
    return US_OK;
}

void us_plane_destroy(us_plane *plane) {
    if (!plane) return;
    us__release(plane->context, plane->origin);
    us__release(plane->context, plane);
}

us_status us_plane_axes(us_plane **out, us_context *context, const us_vec *theta, size_t first, size_t count) {
    size_t n = us_vec_size(theta);
    *out = NULL;
    if (first + count > n)
        return us__fail(context, US_ERR_ARGUMENT, "parameters %zu to %zu are asked for; there are %zu", first,
                        first + count - 1, n);
    us_status status = us_plane_create(out, context, n, count);
    if (status != US_OK) return status;
    us_vec_read_f64(theta, (*out)->origin);
    for (size_t k = 0; k < count; k++) {
        (*out)->origin[first + k] = 0;
        (*out)->direction[k][first + k] = 1;
    }
    return US_OK;
}

/* ------------------------------------------------------------------ on it */

static double plane_dot(const double *x, const double *y, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i] * y[i];
    return sum;
}

void us_plane_place(const us_plane *plane, const double *at, us_vec *theta) {
    const double *d = plane->direction[0], *e = plane->direction[1] ? plane->direction[1] : d;
    double x = at[0], y = plane->direction[1] ? at[1] : 0;
    if (us_vec_precision(theta) == US_F64) {
        double *t = us_vec_data(theta);
        for (size_t i = 0; i < plane->n; i++) t[i] = plane->origin[i] + x * d[i] + y * e[i];
    } else {
        float *t = us_vec_data(theta);
        for (size_t i = 0; i < plane->n; i++) t[i] = (float)(plane->origin[i] + x * d[i] + y * e[i]);
    }
}

/* Least squares: the normal equations of one or two directions. */
void us_plane_project(const us_plane *plane, const us_vec *theta, double *at, double *distance) {
    const double *d = plane->direction[0], *e = plane->direction[1];
    double a = plane_dot(d, d, plane->n), b = e ? plane_dot(d, e, plane->n) : 0, c = e ? plane_dot(e, e, plane->n) : 1;
    double p = 0, q = 0, rest = 0;
    for (size_t i = 0; i < plane->n; i++) {
        double away = us_vec_get(theta, i) - plane->origin[i];
        p += d[i] * away;
        if (e) q += e[i] * away;
    }
    double det = a * c - b * b;
    at[0] = (p * c - q * b) / det;
    if (e) at[1] = (q * a - p * b) / det;
    for (size_t i = 0; i < plane->n; i++) {
        double off = us_vec_get(theta, i) - plane->origin[i] - at[0] * d[i] - (e ? at[1] * e[i] : 0);
        rest += off * off;
    }
    *distance = sqrt(rest);
}

/* ------------------------------------------------------------------ how far */

us_status us_plane_span(const us_plane *plane, us_problem *problem, size_t k, double *span) {
    double length = fmax(1, sqrt(plane_dot(plane->origin, plane->origin, plane->n))) /
                    sqrt(plane_dot(plane->direction[k], plane->direction[k], plane->n));
    double at[2] = {0, 0}, zero, up, down;
    us_vec *theta = NULL;
    us_status status = us_vec_create(&theta, plane->context, us_problem_precision(problem), plane->n);
    if (status != US_OK) return status;
    us_plane_place(plane, at, theta);
    status = us_problem_value(problem, theta, US_BATCH_ALL, &zero);
    for (*span = 1e-4 * length; status == US_OK && *span < 2 * length; *span *= 2) {
        at[k] = *span;
        us_plane_place(plane, at, theta);
        if ((status = us_problem_value(problem, theta, US_BATCH_ALL, &up)) != US_OK) break;
        at[k] = -*span;
        us_plane_place(plane, at, theta);
        if ((status = us_problem_value(problem, theta, US_BATCH_ALL, &down)) != US_OK) break;
        if (!isfinite(up) || !isfinite(down) || fabs(up - zero) > fabs(zero) || fabs(down - zero) > fabs(zero)) break;
    }
    us_vec_destroy(theta);
    return status;
}
