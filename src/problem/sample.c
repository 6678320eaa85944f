/* The sample decorator: the same loss over some of the rows alone, evenly spread: row i is the inner row ⌊i·N/m⌋. */
#include "problem/problem.h"
#include <unstuck/units.h>

typedef struct sample_problem {
    us_problem base;
    us_problem *inner;
    uint32_t *rows;   /* [m] of inner */
    uint32_t *chosen; /* [m] room for a batch */
    bool owned;
} sample_problem;

static us_status sample_batch(sample_problem *p, us_batch *batch) {
    if (batch->rows && batch->count > p->base.samples)
        return us__fail(p->base.context, US_ERR_ARGUMENT, "a batch of %zu rows is asked for; the sample has %zu",
                        batch->count, p->base.samples);
    for (size_t i = 0; batch->rows && i < batch->count; i++) p->chosen[i] = p->rows[batch->rows[i]];
    batch->rows = batch->rows ? p->chosen : p->rows;
    return US_OK;
}

static us_status sample_value(us_problem *problem, const us_vec *theta, us_batch batch, double *loss) {
    sample_problem *p = (sample_problem *)problem;
    us_status status = sample_batch(p, &batch);
    return status == US_OK ? p->inner->ops->value(p->inner, theta, batch, loss) : status;
}

static us_status sample_gradient(us_problem *problem, const us_vec *theta, us_batch batch, double *loss, us_vec *gradient) {
    sample_problem *p = (sample_problem *)problem;
    us_status status = sample_batch(p, &batch);
    return status == US_OK ? p->inner->ops->gradient(p->inner, theta, batch, loss, gradient) : status;
}

static us_status sample_hvp(us_problem *problem, const us_vec *theta, us_batch batch, const us_vec *const *v,
                            us_vec *const *hv, size_t k) {
    sample_problem *p = (sample_problem *)problem;
    us_status status = sample_batch(p, &batch);
    return status == US_OK ? p->inner->ops->hvp(p->inner, theta, batch, v, hv, k) : status;
}

static us_status sample_product(us_problem *problem, us_product product, const us_vec *theta, us_batch batch,
                                const us_vec *const *v, us_vec *const *hv, size_t k) {
    sample_problem *p = (sample_problem *)problem;
    us_status status = sample_batch(p, &batch);
    return status == US_OK ? us_problem_product(p->inner, product, theta, batch, v, hv, k) : status;
}

static us_status sample_hessian(us_problem *problem, const us_vec *theta, us_batch batch, double *h, const us__heard *heard,
                                bool *done) {
    sample_problem *p = (sample_problem *)problem;
    us_status status = sample_batch(p, &batch);
    return status == US_OK ? us__problem_hessian(p->inner, theta, batch, h, heard, done) : status;
}

static us_status sample_diagonal(us_problem *problem, const us_vec *theta, us_batch batch, double most, double *d,
                                 double *products) {
    sample_problem *p = (sample_problem *)problem;
    us_status status = sample_batch(p, &batch);
    return status == US_OK ? us__problem_diagonal(p->inner, theta, batch, most, d, products) : status;
}

static us_status sample_recast(us_problem **out, const us_problem *problem, us_precision precision, us_context *context) {
    const sample_problem *p = (const sample_problem *)problem;
    us_problem *inner;
    us_status status = us__problem_recast(&inner, p->inner, precision, context);
    return status == US_OK ? us_problem_create_sample(out, inner, problem->samples, true) : status;
}

static us_status sample_units(us_units **out, us_problem *problem, const us_vec *theta, us_batch batch) {
    sample_problem *p = (sample_problem *)problem;
    us_status status = sample_batch(p, &batch);
    return status == US_OK ? us_problem_units(out, p->inner, theta, batch) : status;
}

static double sample_keep(us_problem *problem, double bytes) {
    return us_problem_keep(((sample_problem *)problem)->inner, bytes);
}

static void sample_destroy(us_problem *problem) {
    sample_problem *p = (sample_problem *)problem;
    if (p->owned) us_problem_destroy(p->inner);
    us__release(problem->context, p->rows);
    us__release(problem->context, p);
}

/* No floor: the data's is of all rows. */
static const us__problem_ops SAMPLE_OPS = {
    .value = sample_value,
    .gradient = sample_gradient,
    .hvp = sample_hvp,
    .product = sample_product,
    .hessian = sample_hessian,
    .diagonal = sample_diagonal,
    .recast = sample_recast,
    .keep = sample_keep,
    .units = sample_units,
    .destroy = sample_destroy,
};

us_status us_problem_create_sample(us_problem **out, us_problem *inner, size_t rows, bool owned) {
    us_context *context = inner->context;
    sample_problem *p = NULL;
    us_status status = US_OK;
    *out = NULL;
    if (rows == 0 || rows > inner->samples)
        status =
            us__fail(context, US_ERR_ARGUMENT, "a sample of %zu rows is asked for; there are %zu", rows, inner->samples);
    else if (!(p = us__new(context, 1, sizeof *p)) || !(p->rows = us__alloc(context, rows, 2 * sizeof *p->rows)))
        status = US_ERR_NOMEM;
    if (status != US_OK) {
        us__release(context, p);
        if (owned) us_problem_destroy(inner);
        return status;
    }
    p->base = *inner; /* dimension, precision, groups, context */
    p->base.ops = &SAMPLE_OPS;
    p->base.samples = rows;
    p->inner = inner;
    p->owned = owned;
    p->chosen = p->rows + rows;
    for (size_t i = 0; i < rows; i++) p->rows[i] = us__sample_row(i, rows, inner->samples);
    *out = &p->base;
    return US_OK;
}
