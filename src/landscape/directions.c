/* Directions worth looking along: random ones with filter normalisation, eigenvectors, principal directions of a path. */
#include "base/base.h"
#include <cblas.h>
#include <math.h>
#include <string.h>
#include <unstuck/curvature.h>
#include <unstuck/lanczos.h>
#include <unstuck/landscape.h>

enum { DIRECTIONS_STREAM = 0x1a4d };

static double directions_norm(const double *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i] * x[i];
    return sqrt(sum);
}

static void directions_scale(double *x, size_t n, double factor) {
    for (size_t i = 0; i < n; i++) x[i] *= factor;
}

static us_status directions_check(const us_problem *problem, const us_vec *theta) {
    if (us_vec_size(theta) == us_problem_dimension(problem)) return US_OK;
    return us__fail(us_problem_context(problem), US_ERR_ARGUMENT, "theta has %zu elements; the problem has %zu parameters",
                    us_vec_size(theta), us_problem_dimension(problem));
}

/* ------------------------------------------------------------------ random */

/* d ← d/‖d‖·‖θ‖ for each slice of a group along its first axis. */
static void directions_normalise_filters(double *d, const double *theta, const us_group *group) {
    size_t filters = group->shape[0], size = group->count / filters;
    for (size_t f = 0; f < filters; f++) {
        size_t at = group->offset + f * size;
        double own = directions_norm(theta + at, size), length = directions_norm(d + at, size);
        directions_scale(d + at, size, length > 0 ? own / length : 0);
    }
}

us_status us_plane_random(us_plane **out, const us_problem *problem, const us_vec *theta, size_t count, uint64_t seed) {
    us_context *context = us_problem_context(problem);
    size_t n = us_problem_dimension(problem), groups, layers = 0;
    const us_group *group = us_problem_groups(problem, &groups);
    us_rng rng = us_rng_init(seed, DIRECTIONS_STREAM);
    *out = NULL;
    us_status status = directions_check(problem, theta);
    if (status == US_OK) status = us_plane_create(out, context, n, count);
    if (status != US_OK) return status;
    us_plane *p = *out;
    us_vec_read_f64(theta, p->origin);
    for (size_t g = 0; g < groups; g++) layers += group[g].rank >= 2 && group[g].count > 0;
    for (size_t k = 0; k < count; k++) {
        double *d = p->direction[k];
        us_rng_fill_normal(&rng, d, n);
        for (size_t g = 0; layers && g < groups; g++)
            if (group[g].rank >= 2 && group[g].count > 0)
                directions_normalise_filters(d, p->origin, &group[g]);
            else
                memset(d + group[g].offset, 0, group[g].count * sizeof *d);
        if (layers && directions_norm(d, n) > 0) continue;
        if (layers) us_rng_fill_normal(&rng, d, n); /* every weight is zero */
        double own = directions_norm(p->origin, n);
        directions_scale(d, n, (own > 0 ? own : 1) / directions_norm(d, n));
    }
    return US_OK;
}

/* ------------------------------------------------------------------ eigenvectors */

us_status us_plane_eigen(us_plane **out, us_problem *problem, const us_vec *theta, size_t count,
                         const us_plane_eigen_options *options) {
    us_plane_eigen_options o = US_PLANE_EIGEN_OPTIONS_INIT;
    us_context *context = us_problem_context(problem);
    us_hessian_operator *hessian = NULL;
    us_eigenpairs *pairs = NULL;
    us_status solved = US_OK;
    if (options) o = *options;
    *out = NULL;
    us_status status = directions_check(problem, theta);
    if (status == US_OK) status = us_plane_create(out, context, us_problem_dimension(problem), count);
    if (status != US_OK) return status;
    us_plane *p = *out;
    us_vec_read_f64(theta, p->origin);
    us_lanczos_options l = US_LANCZOS_OPTIONS_INIT;
    l.bottom = 1, l.top = count - 1, l.products = o.products, l.tolerance = o.tolerance, l.seed = o.seed;
    l.progress = o.progress, l.progress_user = o.progress_user;
    status = us_hessian_operator_create(&hessian, problem, theta, o.batch, 1);
    if (status != US_OK) goto done;
    solved = us_lanczos_solve(&pairs, context, us_hessian_operator_get(hessian), &l);
    if (!pairs || solved == US_INTERRUPTED) {
        status = solved;
        goto done;
    }
    for (size_t k = 0; k < count; k++) {
        memcpy(p->direction[k], pairs->vectors + k * p->n, p->n * sizeof(double));
        p->value[k] = pairs->values[k];
        p->error[k] = pairs->residuals[k];
    }
done:
    us_eigenpairs_destroy(pairs);
    us_hessian_operator_destroy(hessian);
    if (status == US_OK) return solved;
    us_plane_destroy(*out);
    *out = NULL;
    return status;
}

/* ------------------------------------------------------------------ a path */

/* The part of d that is orthogonal to `other` (of length 1, or NULL), at length 1; twice is enough (Kahan; Parlett 1998). */
static bool directions_orthogonalise(double *d, const double *other, size_t n) {
    for (int pass = 0; pass < 2; pass++) {
        double dot = 0;
        for (size_t i = 0; other && i < n; i++) dot += d[i] * other[i];
        for (size_t i = 0; other && i < n; i++) d[i] -= dot * other[i];
        double length = directions_norm(d, n);
        if (!(length > 0)) return false;
        directions_scale(d, n, 1 / length);
    }
    return true;
}

us_status us_plane_path(us_plane **out, us_context *context, const us_vec *theta, const us_vec *const *places,
                        size_t places_count, size_t count) {
    size_t n = us_vec_size(theta), k = places_count;
    double *away = NULL /* [k×n] θᵢ − θ₀ */, *gram = NULL /* [k×k] */, *values = NULL, total = 0;
    *out = NULL;
    for (size_t i = 0; i < k; i++)
        if (us_vec_size(places[i]) != n)
            return us__fail(context, US_ERR_ARGUMENT, "place %zu of the path has %zu elements; theta has %zu", i,
                            us_vec_size(places[i]), n);
    us_status status = us_plane_create(out, context, n, count);
    if (status != US_OK) return status;
    us_plane *p = *out;
    us_vec_read_f64(theta, p->origin);
    status = US_ERR_NOMEM;
    if (!(away = us__alloc(context, k * n, sizeof *away))) goto done;
    if (!(gram = us__new(context, k * k, sizeof *gram)) || !(values = us__new(context, k, sizeof *values))) goto done;
    for (size_t i = 0; i < k; i++) {
        us_vec_read_f64(places[i], away + i * n);
        for (size_t e = 0; e < n; e++) away[i * n + e] -= p->origin[e];
    }
    /* The lower triangle, as us_symmetric_eigen reads it by columns. */
    if (k > 0) cblas_dsyrk(CblasRowMajor, CblasUpper, CblasNoTrans, (int)k, (int)n, 1, away, (int)n, 0, gram, (int)k);
    for (size_t i = 0; i < k; i++) total += gram[i * k + i];
    if (!(total > 0)) {
        status = us__fail(context, US_ERR_ARGUMENT, "the path has no place but where it ends; there is no direction in it");
        goto done;
    }
    if ((status = us_symmetric_eigen(context, k, gram, values)) != US_OK) goto done;
    us_rng rng = us_rng_init(1, DIRECTIONS_STREAM);
    for (size_t c = 0; c < count; c++) {
        double *d = p->direction[c], share = c < k ? values[k - 1 - c] / total : 0;
        const double *before = c ? p->direction[0] : NULL;
        if (c < k)
            cblas_dgemv(CblasRowMajor, CblasTrans, (int)k, (int)n, 1, away, (int)n, gram + (k - 1 - c) * k, 1, 0, d, 1);
        if (!(share > 1e-12) || !directions_orthogonalise(d, before, n)) {
            share = 0;
            do us_rng_fill_normal(&rng, d, n);
            while (!directions_orthogonalise(d, before, n));
        }
        p->value[c] = share;
    }
done:
    us__release(context, away);
    us__release(context, gram);
    us__release(context, values);
    if (status != US_OK) us_plane_destroy(p), *out = NULL;
    return status;
}
