/* The l2 decorator: F(θ) = f(θ) + (λ/2)‖θ‖² (without running statistics), ∇F = ∇f + λθ, ∇²F·v = ∇²f·v + λv, and so for the
 * other curvatures. */
#include "problem/problem.h"
#include <math.h>
#include <unstuck/units.h>

typedef struct l2_problem {
    us_problem base;
    us_problem *inner;
    double strength; /* λ ≥ 0 */
    bool owned;
} l2_problem;

/* out ← out + λ·v, but for running statistics, which are not penalised. */
static void l2_add(const l2_problem *p, us_vec *out, const us_vec *v) {
    size_t size = us_precision_bytes(v->precision);
    for (size_t k = 0; k < p->base.group_count; k++) {
        const us_group *group = &p->base.groups[k];
        char *to = (char *)out->data + group->offset * size;
        if (!group->state) v->ops->axpy(to, p->strength, (const char *)v->data + group->offset * size, group->count);
    }
}

static double l2_penalty(const l2_problem *p, const us_vec *theta) {
    size_t size = us_precision_bytes(theta->precision);
    double sum = 0;
    for (size_t k = 0; k < p->base.group_count; k++) {
        const us_group *group = &p->base.groups[k];
        const char *part = (const char *)theta->data + group->offset * size;
        if (!group->state) sum += theta->ops->dot(part, part, group->count);
    }
    return 0.5 * p->strength * sum;
}

static us_status l2_value(us_problem *problem, const us_vec *theta, us_batch batch, double *loss) {
    l2_problem *p = (l2_problem *)problem;
    us_status status = p->inner->ops->value(p->inner, theta, batch, loss);
    if (status == US_OK) *loss += l2_penalty(p, theta);
    return status;
}

static us_status l2_gradient(us_problem *problem, const us_vec *theta, us_batch batch, double *loss, us_vec *gradient) {
    l2_problem *p = (l2_problem *)problem;
    us_status status = p->inner->ops->gradient(p->inner, theta, batch, loss, gradient);
    if (status != US_OK) return status;
    *loss += l2_penalty(p, theta);
    l2_add(p, gradient, theta);
    return US_OK;
}

static us_status l2_hvp(us_problem *problem, const us_vec *theta, us_batch batch, const us_vec *const *v, us_vec *const *hv,
                        size_t k) {
    l2_problem *p = (l2_problem *)problem;
    us_status status = p->inner->ops->hvp(p->inner, theta, batch, v, hv, k);
    for (size_t j = 0; j < k && status == US_OK; j++) l2_add(p, hv[j], v[j]);
    return status;
}

static us_status l2_product(us_problem *problem, us_product product, const us_vec *theta, us_batch batch,
                            const us_vec *const *v, us_vec *const *hv, size_t k) {
    l2_problem *p = (l2_problem *)problem;
    us_status status = us_problem_product(p->inner, product, theta, batch, v, hv, k);
    for (size_t j = 0; j < k && status == US_OK; j++) l2_add(p, hv[j], v[j]);
    return status;
}

static us_status l2_hessian(us_problem *problem, const us_vec *theta, us_batch batch, double *h, const us__heard *heard,
                            bool *done) {
    l2_problem *p = (l2_problem *)problem;
    size_t n = problem->dimension;
    us_status status = us__problem_hessian(p->inner, theta, batch, h, heard, done);
    for (size_t i = 0; i < n && *done && status == US_OK; i++) h[i * n + i] += p->strength;
    return status;
}

static us_status l2_diagonal(us_problem *problem, const us_vec *theta, us_batch batch, double most, double *d,
                             double *products) {
    l2_problem *p = (l2_problem *)problem;
    us_status status = us__problem_diagonal(p->inner, theta, batch, most, d, products);
    if (status != US_OK || *products == 0) return status;
    for (size_t i = 0; i < problem->dimension; i++) d[i] += p->strength;
    return US_OK;
}

/* N·λ‖θ‖² are the squares of n residuals more. */
static us_status l2_residuals(us_problem *problem, const us_vec *theta, double *residuals, double *jacobian) {
    l2_problem *p = (l2_problem *)problem;
    size_t n = problem->dimension, inner = p->inner->residuals;
    double factor = sqrt((double)problem->samples * p->strength);
    us_status status = p->inner->ops->residuals(p->inner, theta, residuals, jacobian);
    for (size_t j = 0; j < n && status == US_OK; j++) {
        residuals[inner + j] = factor * us_vec_get(theta, j);
        for (size_t k = 0; k < n && jacobian; k++) jacobian[(inner + j) * n + k] = j == k ? factor : 0;
    }
    return status;
}

static us_status l2_recast(us_problem **out, const us_problem *problem, us_precision precision, us_context *context) {
    const l2_problem *p = (const l2_problem *)problem;
    us_problem *inner;
    us_status status = us__problem_recast(&inner, p->inner, precision, context);
    return status == US_OK ? us_problem_create_l2(out, inner, p->strength, true) : status;
}

static us_status l2_floor(us_problem *problem, double *floor, double *constant) {
    return us_problem_floor(((l2_problem *)problem)->inner, floor, constant);
}

static us_status l2_units(us_units **out, us_problem *problem, const us_vec *theta, us_batch batch) {
    return us_problem_units(out, ((l2_problem *)problem)->inner, theta, batch);
}

static us_status l2_trace(us_problem *problem, const us_vec *theta, us_batch batch, char *text, size_t size) {
    return us_problem_trace(((l2_problem *)problem)->inner, theta, batch, text, size);
}

static void l2_hint(us_problem *problem, us_batch next) { us__problem_hint(((l2_problem *)problem)->inner, next); }

static double l2_keep(us_problem *problem, double bytes) { return us_problem_keep(((l2_problem *)problem)->inner, bytes); }

static void l2_destroy(us_problem *problem) {
    l2_problem *p = (l2_problem *)problem;
    if (p->owned) us_problem_destroy(p->inner);
    us__release(problem->context, p);
}

static const us__problem_ops L2_OPS = {
    .value = l2_value,
    .gradient = l2_gradient,
    .hvp = l2_hvp,
    .product = l2_product,
    .hessian = l2_hessian,
    .diagonal = l2_diagonal,
    .residuals = l2_residuals,
    .recast = l2_recast,
    .hint = l2_hint,
    .keep = l2_keep,
    .floor = l2_floor,
    .units = l2_units,
    .trace = l2_trace,
    .destroy = l2_destroy,
};

us_status us_problem_create_l2(us_problem **out, us_problem *inner, double strength, bool owned) {
    *out = NULL;
    us_status status = US_OK;
    l2_problem *p = NULL;
    if (!(strength >= 0) || isinf(strength))
        status =
            us__fail(inner->context, US_ERR_ARGUMENT, "the l2 strength is %g; it must be finite and not negative", strength);
    else if (!(p = us__new(inner->context, 1, sizeof *p)))
        status = US_ERR_NOMEM;
    if (status != US_OK) {
        if (owned) us_problem_destroy(inner);
        return status;
    }
    p->base = *inner; /* dimension, samples, precision, groups, context */
    p->base.ops = &L2_OPS;
    if (inner->residuals > 0) p->base.residuals = inner->residuals + inner->dimension;
    p->inner = inner;
    p->strength = strength;
    p->owned = owned;
    *out = &p->base;
    return US_OK;
}
