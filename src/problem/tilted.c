/* The tilting decorator: F(θ) = f(θ) + c + d'(θ − θ₀), on whatever rows; ∇F = ∇f + d, and the curvature is that of f. With
 * f on a sample of the rows, and c and d what loss and gradient at θ₀ lack there, F agrees with all rows to the first order.
 * Source of the idea: Johnson & Zhang 2013, "Accelerating stochastic gradient descent using predictive variance reduction".
 */
#include "problem/problem.h"
#include <unstuck/units.h>

typedef struct tilted_problem {
    us_problem base;
    us_problem *inner;
    us_vec *origin, *slope; /* [n] θ₀ and d */
    double shift;           /* c − d'θ₀ */
    double constant;        /* c */
    bool owned;
} tilted_problem;

static us_status tilted_value(us_problem *problem, const us_vec *theta, us_batch batch, double *loss) {
    tilted_problem *p = (tilted_problem *)problem;
    us_status status = p->inner->ops->value(p->inner, theta, batch, loss);
    if (status == US_OK) *loss += p->shift + us_vec_dot(p->slope, theta);
    return status;
}

static us_status tilted_gradient(us_problem *problem, const us_vec *theta, us_batch batch, double *loss, us_vec *gradient) {
    tilted_problem *p = (tilted_problem *)problem;
    us_status status = p->inner->ops->gradient(p->inner, theta, batch, loss, gradient);
    if (status != US_OK) return status;
    *loss += p->shift + us_vec_dot(p->slope, theta);
    us_vec_axpy(gradient, 1, p->slope);
    return US_OK;
}

static us_status tilted_hvp(us_problem *problem, const us_vec *theta, us_batch batch, const us_vec *const *v,
                            us_vec *const *hv, size_t k) {
    tilted_problem *p = (tilted_problem *)problem;
    return p->inner->ops->hvp(p->inner, theta, batch, v, hv, k);
}

static us_status tilted_product(us_problem *problem, us_product product, const us_vec *theta, us_batch batch,
                                const us_vec *const *v, us_vec *const *hv, size_t k) {
    return us_problem_product(((tilted_problem *)problem)->inner, product, theta, batch, v, hv, k);
}

static us_status tilted_hessian(us_problem *problem, const us_vec *theta, us_batch batch, double *h, const us__heard *heard,
                                bool *done) {
    return us__problem_hessian(((tilted_problem *)problem)->inner, theta, batch, h, heard, done);
}

static us_status tilted_diagonal(us_problem *problem, const us_vec *theta, us_batch batch, double most, double *d,
                                 double *products) {
    return us__problem_diagonal(((tilted_problem *)problem)->inner, theta, batch, most, d, products);
}

static us_status tilted_recast(us_problem **out, const us_problem *problem, us_precision precision, us_context *context) {
    const tilted_problem *p = (const tilted_problem *)problem;
    us_problem *inner;
    us_status status = us__problem_recast(&inner, p->inner, precision, context);
    return status == US_OK ? us_problem_create_tilted(out, inner, p->origin, p->constant, p->slope, true) : status;
}

static us_status tilted_units(us_units **out, us_problem *problem, const us_vec *theta, us_batch batch) {
    return us_problem_units(out, ((tilted_problem *)problem)->inner, theta, batch);
}

static void tilted_hint(us_problem *problem, us_batch next) { us__problem_hint(((tilted_problem *)problem)->inner, next); }

static double tilted_keep(us_problem *problem, double bytes) {
    return us_problem_keep(((tilted_problem *)problem)->inner, bytes);
}

static void tilted_destroy(us_problem *problem) {
    tilted_problem *p = (tilted_problem *)problem;
    if (p->owned) us_problem_destroy(p->inner);
    us_vec_destroy(p->origin), us_vec_destroy(p->slope);
    us__release(problem->context, p);
}

/* No floor, and no sum of squares: the tilt is neither. */
static const us__problem_ops TILTED_OPS = {
    .value = tilted_value,
    .gradient = tilted_gradient,
    .hvp = tilted_hvp,
    .product = tilted_product,
    .hessian = tilted_hessian,
    .diagonal = tilted_diagonal,
    .keep = tilted_keep,
    .recast = tilted_recast,
    .hint = tilted_hint,
    .units = tilted_units,
    .destroy = tilted_destroy,
};

us_status us_problem_create_tilted(us_problem **out, us_problem *inner, const us_vec *origin, double constant,
                                   const us_vec *slope, bool owned) {
    us_context *context = inner->context;
    tilted_problem *p = NULL;
    us_status status = US_OK;
    *out = NULL;
    if (origin->n != inner->dimension || slope->n != inner->dimension)
        status = us__fail(context, US_ERR_ARGUMENT, "a tilt of %zu and %zu numbers is given; the problem has %zu", origin->n,
                          slope->n, inner->dimension);
    else if (!(p = us__new(context, 1, sizeof *p)))
        status = US_ERR_NOMEM;
    if (status == US_OK) status = us_vec_create(&p->origin, context, inner->precision, inner->dimension);
    if (status == US_OK) status = us_vec_create(&p->slope, context, inner->precision, inner->dimension);
    if (status != US_OK) {
        if (p) us_vec_destroy(p->origin);
        us__release(context, p);
        if (owned) us_problem_destroy(inner);
        return status;
    }
    us_vec_copy(p->origin, origin), us_vec_copy(p->slope, slope);
    p->base = *inner; /* dimension, samples, precision, groups, context */
    p->base.ops = &TILTED_OPS;
    p->base.residuals = 0;
    p->inner = inner;
    p->constant = constant;
    p->shift = constant - us_vec_dot(p->slope, p->origin);
    p->owned = owned;
    *out = &p->base;
    return US_OK;
}
