/* The result of Lanczos' method, and the loop over an operator. */
#include "curvature/lanczos.h"
#include <cblas.h>
#include <math.h>

void us_eigenpairs_destroy(us_eigenpairs *pairs) {
    if (!pairs) return;
    us__release(pairs->context, pairs->vectors);
    us__release(pairs->context, pairs->values);
    us__release(pairs->context, pairs->converged);
    us__release(pairs->context, pairs);
}

/* How many products without a restart would decide the question about `below`. */
static size_t eigenpairs_needed(const us_lanczos *l) {
    double width = l->highest - l->lowest, margin = l->lowest + l->o.below + us__lanczos_resolution(l);
    double relative = margin / (width + 2 * margin); /* e·width/(1−2e) = margin */
    return relative > 0 && relative < 1 ? us_lanczos_products(l->n, relative, 0.5 + 0.5 * l->o.confidence) : l->n;
}

us_status us_lanczos_result(us_eigenpairs **out, us_lanczos *l) {
    *out = NULL;
    if (l->size == 0) return us__fail(l->context, US_ERR_ARGUMENT, "Lanczos: there is no result before the first product");
    us_status status = us__lanczos_look(l);
    if (status) return status;
    size_t size = l->size, n = l->n, bottom = l->o.bottom < size ? l->o.bottom : size;
    size_t top = size == n ? l->o.top : l->o.top < size - bottom ? l->o.top : size - bottom, count = bottom + top;
    us_eigenpairs *p = us__new(l->context, 1, sizeof *p);
    if (!p) return US_ERR_NOMEM;
    p->context = l->context;
    p->n = n, p->bottom = bottom, p->top = top;
    status = US_ERR_NOMEM;
    if (!(p->values = us__new(l->context, 2 * count, sizeof *p->values))) goto done;
    if (!(p->converged = us__new(l->context, count, sizeof *p->converged))) goto done;
    if (!(p->vectors = us__alloc(l->context, count, n * sizeof *p->vectors))) goto done;
    p->residuals = p->values + count;
    p->norm = fmax(fabs(l->ritz[0]), fabs(l->ritz[size - 1]));
    p->resolution = us__lanczos_resolution(l);
    us__lanczos_bounds(l, &p->low_bound, &p->high_bound);
    p->confidence = size == n ? 1 : l->o.confidence;
    p->verified = l->verified || size == n;
    p->below = l->below;
    p->products = l->products;
    if (p->below == US_BELOW_UNDECIDED) p->needs = l->needs;
    if (p->needs == US_NEEDS_PRODUCTS) p->products_needed = eigenpairs_needed(l);
    bool all = bottom == l->o.bottom && top == l->o.top;
    for (size_t i = 0; i < count; i++) {
        size_t from = i < bottom ? i : size - count + i;
        double *v = p->vectors + i * n;
        cblas_dgemv(CblasColMajor, CblasNoTrans, (int)n, (int)size, 1, l->basis, (int)n, l->vectors + from * size, 1, 0, v,
                    1);
        cblas_dscal((int)n, 1 / cblas_dnrm2((int)n, v, 1), v, 1);
        p->values[i] = l->ritz[from];
        p->converged[i] = l->residuals[from] <= l->o.tolerance * l->scale;
        p->residuals[i] = l->residuals[from] + p->resolution - l->o.sampling_error;
        all = all && p->converged[i];
    }
    bool verified = p->verified || !l->o.verify || (bottom < 2 && top < 2);
    bool reached = l->o.below >= 0 ? p->below != US_BELOW_UNDECIDED : all && verified;
    *out = p;
    return reached ? US_OK : US_NOT_CONVERGED;
done:
    us_eigenpairs_destroy(p);
    return status;
}

us_status us_lanczos_solve(us_eigenpairs **out, us_context *context, const us_operator *a,
                           const us_lanczos_options *options) {
    *out = NULL;
    us_lanczos_options o = US_LANCZOS_OPTIONS_INIT;
    if (options) o = *options;
    if (a->version != 1) return us__fail(context, US_ERR_ARGUMENT, "us_operator: version is %u; it must be 1", a->version);
    if (o.epsilon == 0) o.epsilon = a->epsilon;
    us_lanczos *l;
    us_status status = us_lanczos_create(&l, context, a->n, &o), found;
    if (status) return status;
    double *y = us__alloc(context, l->block, a->n * sizeof *y);
    const double *x;
    double started = us_clock_now();
    if (!y) status = US_ERR_NOMEM;
    while (!status && (x = us_lanczos_next(l))) {
        if (o.seconds > 0 && l->size && us_clock_now() - started > o.seconds) break;
        if (us_context_cancelled(context)) {
            status = us__fail(context, US_INTERRUPTED, "interrupted after %zu products", l->products);
            break;
        }
        if ((status = a->apply(a->user, x, y, us_lanczos_block(l))) || (status = us_lanczos_give(l, y))) break;
        if (!o.progress) continue;
        if ((status = us__lanczos_look(l))) break;
        o.progress(o.progress_user, l->products, o.products, l->ritz[0], l->ritz[l->size - 1]);
    }
    us__release(context, y);
    if (!status || (status == US_INTERRUPTED && l->size)) {
        found = us_lanczos_result(out, l);
        if (!status || found < 0) status = found;
    }
    us_lanczos_destroy(l);
    return status;
}
