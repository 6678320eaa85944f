/* The restricted decorator: the same loss as a function of some groups of θ, the others held where they are. With P the
 * matrix that puts the free groups into θ: F(x) = f(θ₀ + Px), ∇F = P'∇f, ∇²F = P'∇²f·P. */
#include "problem/problem.h"
#include <string.h>
#include <unstuck/units.h>

enum { RESTRICTED_VECTORS = 16 };

typedef struct restricted_problem {
    us_problem base;
    us_problem *inner;
    bool *held;                                             /* [groups of inner] */
    us_group *groups;                                       /* [base.group_count] */
    us_vec *theta, *gradient;                               /* [inner n] with the held groups in their places */
    us_vec *v[RESTRICTED_VECTORS], *hv[RESTRICTED_VECTORS]; /* made when they are first needed; zero where held */
    bool owned;
} restricted_problem;

/* The free groups of `whole` to `part`, or back. */
static void restricted_move(const restricted_problem *p, us_vec *whole, us_vec *part, bool back) {
    size_t size = us_precision_bytes(whole->precision), at = 0;
    for (size_t k = 0; k < p->inner->group_count; k++) {
        const us_group *group = &p->inner->groups[k];
        if (p->held[k]) continue;
        char *there = (char *)whole->data + group->offset * size, *here = (char *)part->data + at * size;
        memcpy(back ? there : here, back ? here : there, group->count * size);
        at += group->count;
    }
}

/* θ of the inner problem. What is only read is not written through. */
static const us_vec *restricted_theta(restricted_problem *p, const us_vec *part) {
    restricted_move(p, p->theta, (us_vec *)(uintptr_t)part, true);
    return p->theta;
}

static us_status restricted_value(us_problem *problem, const us_vec *theta, us_batch batch, double *loss) {
    restricted_problem *p = (restricted_problem *)problem;
    return p->inner->ops->value(p->inner, restricted_theta(p, theta), batch, loss);
}

static us_status restricted_gradient(us_problem *problem, const us_vec *theta, us_batch batch, double *loss,
                                     us_vec *gradient) {
    restricted_problem *p = (restricted_problem *)problem;
    us_status status = p->inner->ops->gradient(p->inner, restricted_theta(p, theta), batch, loss, p->gradient);
    if (status == US_OK) restricted_move(p, p->gradient, gradient, false);
    return status;
}

static us_status restricted_reserve(restricted_problem *p, size_t k) {
    us_status status = US_OK;
    for (size_t j = 0; j < k && status == US_OK; j++) {
        if (!p->v[j]) status = us_vec_create(&p->v[j], p->base.context, p->base.precision, p->inner->dimension);
        if (status == US_OK && !p->hv[j])
            status = us_vec_create(&p->hv[j], p->base.context, p->base.precision, p->inner->dimension);
    }
    return status;
}

static us_status restricted_product(us_problem *problem, us_product product, const us_vec *theta, us_batch batch,
                                    const us_vec *const *v, us_vec *const *hv, size_t k) {
    restricted_problem *p = (restricted_problem *)problem;
    us_status status = US_OK;
    for (size_t from = 0, count; from < k && status == US_OK; from += count) {
        count = k - from < RESTRICTED_VECTORS ? k - from : RESTRICTED_VECTORS;
        if ((status = restricted_reserve(p, count)) != US_OK) break;
        for (size_t j = 0; j < count; j++) restricted_move(p, p->v[j], (us_vec *)(uintptr_t)v[from + j], true);
        status = us_problem_product(p->inner, product, restricted_theta(p, theta), batch, (const us_vec *const *)p->v, p->hv,
                                    count);
        for (size_t j = 0; j < count && status == US_OK; j++) restricted_move(p, p->hv[j], hv[from + j], false);
    }
    return status;
}

static us_status restricted_hvp(us_problem *problem, const us_vec *theta, us_batch batch, const us_vec *const *v,
                                us_vec *const *hv, size_t k) {
    return restricted_product(problem, US_HESSIAN, theta, batch, v, hv, k);
}

static us_status restricted_recast(us_problem **out, const us_problem *problem, us_precision precision,
                                   us_context *context) {
    const restricted_problem *p = (const restricted_problem *)problem;
    us_problem *inner;
    us_status status = us__problem_recast(&inner, p->inner, precision, context);
    return status == US_OK ? us_problem_create_restricted(out, inner, p->theta, p->held, true) : status;
}

static us_status restricted_floor(us_problem *problem, double *floor, double *constant) {
    return us_problem_floor(((restricted_problem *)problem)->inner, floor, constant);
}

static us_status restricted_units(us_units **out, us_problem *problem, const us_vec *theta, us_batch batch) {
    restricted_problem *p = (restricted_problem *)problem;
    return us_problem_units(out, p->inner, restricted_theta(p, theta), batch);
}

static void restricted_hint(us_problem *problem, us_batch next) {
    us__problem_hint(((restricted_problem *)problem)->inner, next);
}

static double restricted_keep(us_problem *problem, double bytes) {
    return us_problem_keep(((restricted_problem *)problem)->inner, bytes);
}

static void restricted_destroy(us_problem *problem) {
    restricted_problem *p = (restricted_problem *)problem;
    if (p->owned) us_problem_destroy(p->inner);
    for (size_t j = 0; j < RESTRICTED_VECTORS; j++) us_vec_destroy(p->v[j]), us_vec_destroy(p->hv[j]);
    us_vec_destroy(p->theta), us_vec_destroy(p->gradient);
    us__release(problem->context, p->held);
    us__release(problem->context, p->groups);
    us__release(problem->context, p);
}

static const us__problem_ops RESTRICTED_OPS = {
    .value = restricted_value,
    .gradient = restricted_gradient,
    .hvp = restricted_hvp,
    .product = restricted_product,
    .recast = restricted_recast,
    .keep = restricted_keep,
    .hint = restricted_hint,
    .floor = restricted_floor,
    .units = restricted_units,
    .destroy = restricted_destroy,
};

us_status us_problem_create_restricted(us_problem **out, us_problem *inner, const us_vec *theta, const bool *held,
                                       bool owned) {
    us_context *context = inner->context;
    *out = NULL;
    us_status status = US_ERR_NOMEM;
    restricted_problem *p = us__new(context, 1, sizeof *p);
    if (!p) {
        if (owned) us_problem_destroy(inner);
        return status;
    }
    p->base = *inner; /* samples, precision, context, forms */
    p->base.ops = &RESTRICTED_OPS;
    p->base.dimension = p->base.group_count = 0;
    p->inner = inner;
    p->owned = owned;
    if (!theta || us_vec_size(theta) != inner->dimension) {
        status = us__fail(context, US_ERR_ARGUMENT,
                          "a restricted problem needs a theta of the %zu elements of the whole one", inner->dimension);
        goto done;
    }
    if (!(p->held = us__alloc(context, inner->group_count, sizeof *p->held))) goto done;
    if (!(p->groups = us__new(context, inner->group_count, sizeof *p->groups))) goto done;
    for (size_t k = 0; k < inner->group_count; k++) {
        p->held[k] = held ? held[k] : inner->groups[k].state;
        if (p->held[k]) continue;
        us_group *group = &p->groups[p->base.group_count++];
        *group = inner->groups[k];
        group->offset = p->base.dimension;
        p->base.dimension += group->count;
    }
    p->base.groups = p->groups;
    if (p->base.dimension == 0) {
        status = us__fail(context, US_ERR_ARGUMENT, "a restricted problem needs a group that is not held");
        goto done;
    }
    if ((status = us_vec_create(&p->theta, context, inner->precision, inner->dimension)) != US_OK) goto done;
    if ((status = us_vec_create(&p->gradient, context, inner->precision, inner->dimension)) != US_OK) goto done;
    us_vec_copy(p->theta, theta);
    *out = &p->base;
    p = NULL;
done:
    if (p) restricted_destroy(&p->base);
    return status;
}

/* Copies a vector of the whole to one of the part, or back. */
static us_status restricted_exchange(const us_problem *problem, us_vec *whole, us_vec *part, bool back) {
    const restricted_problem *p = problem->ops == &RESTRICTED_OPS ? (const restricted_problem *)problem : NULL;
    if (us_vec_size(whole) != (p ? p->inner : problem)->dimension || us_vec_size(part) != problem->dimension ||
        us_vec_precision(whole) != problem->precision || us_vec_precision(part) != problem->precision)
        return us__fail(problem->context, US_ERR_ARGUMENT,
                        "us_restricted_%s: a vector of the whole problem and one of the part are needed, in %d bits",
                        back ? "put" : "take", (int)problem->precision);
    if (p)
        restricted_move(p, whole, part, back);
    else
        us_vec_copy(back ? whole : part, back ? part : whole);
    return US_OK;
}

us_status us_restricted_take(const us_problem *problem, const us_vec *whole, us_vec *part) {
    return restricted_exchange(problem, (us_vec *)(uintptr_t)whole, part, false);
}

us_status us_restricted_put(const us_problem *problem, const us_vec *part, us_vec *whole) {
    return restricted_exchange(problem, whole, (us_vec *)(uintptr_t)part, true);
}

static bool restricted_has_state(const us_problem *problem) {
    bool state = false;
    for (size_t k = 0; k < problem->group_count; k++) state = state || problem->groups[k].state;
    return state;
}

us_status us_problem_freeze(us_problem **out, us_vec **at, const us_problem *problem, us_precision precision,
                            const us_vec *theta) {
    us_problem *whole;
    us_vec *all = NULL;
    *at = NULL;
    us_status status = us_problem_recast(out, problem, precision);
    if (status != US_OK) return status;
    if (us_vec_size(theta) != problem->dimension) {
        status = us__fail(problem->context, US_ERR_ARGUMENT, "theta has %zu elements; the problem wants %zu",
                          us_vec_size(theta), problem->dimension);
        goto done;
    }
    whole = *out;
    if (restricted_has_state(problem)) status = us_problem_create_restricted(out, whole, theta, NULL, true);
    if (status == US_OK) status = us_vec_create(&all, problem->context, precision, problem->dimension);
    if (status == US_OK) status = us_vec_create(at, problem->context, precision, (*out)->dimension);
    if (status != US_OK) goto done;
    us_vec_copy(all, theta);
    status = us_restricted_take(*out, all, *at);
done:
    us_vec_destroy(all);
    if (status != US_OK) {
        us_problem_destroy(*out);
        us_vec_destroy(*at);
        *out = NULL, *at = NULL;
    }
    return status;
}
