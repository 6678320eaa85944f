/* The counting decorator: the same problem, and a note of what it was asked. */
#include "problem/problem.h"
#include <unstuck/units.h>

typedef struct counted_problem {
    us_problem base;
    us_problem *inner;
    us_evaluations *counts; /* borrowed */
    bool owned;
} counted_problem;

double us_evaluations_gradients(const us_evaluations *counts, size_t rows) {
    double sum = counts->value_rows / 3 + counts->gradient_rows + 2 * counts->product_rows;
    return rows ? sum / (double)rows : sum;
}

static us_status counted_value(us_problem *problem, const us_vec *theta, us_batch batch, double *loss) {
    counted_problem *p = (counted_problem *)problem;
    p->counts->value_rows += (double)batch.count;
    return p->inner->ops->value(p->inner, theta, batch, loss);
}

static us_status counted_gradient(us_problem *problem, const us_vec *theta, us_batch batch, double *loss, us_vec *gradient) {
    counted_problem *p = (counted_problem *)problem;
    p->counts->gradient_rows += (double)batch.count;
    return p->inner->ops->gradient(p->inner, theta, batch, loss, gradient);
}

static us_status counted_hvp(us_problem *problem, const us_vec *theta, us_batch batch, const us_vec *const *v,
                             us_vec *const *hv, size_t k) {
    counted_problem *p = (counted_problem *)problem;
    p->counts->product_rows += (double)batch.count * (double)k;
    return p->inner->ops->hvp(p->inner, theta, batch, v, hv, k);
}

static us_status counted_product(us_problem *problem, us_product product, const us_vec *theta, us_batch batch,
                                 const us_vec *const *v, us_vec *const *hv, size_t k) {
    counted_problem *p = (counted_problem *)problem;
    p->counts->product_rows += (double)batch.count * (double)k;
    return us_problem_product(p->inner, product, theta, batch, v, hv, k);
}

/* By a tangent a unit it takes rows × n² multiplications and additions or so, of which a product takes 12 n a row. */
static us_status counted_hessian(us_problem *problem, const us_vec *theta, us_batch batch, double *h, const us__heard *heard,
                                 bool *done) {
    counted_problem *p = (counted_problem *)problem;
    us_status status = us__problem_hessian(p->inner, theta, batch, h, heard, done);
    if (*done) p->counts->product_rows += (double)batch.count * (double)problem->dimension / 12;
    return status;
}

static us_status counted_diagonal(us_problem *problem, const us_vec *theta, us_batch batch, double most, double *d,
                                  double *products) {
    counted_problem *p = (counted_problem *)problem;
    us_status status = us__problem_diagonal(p->inner, theta, batch, most, d, products);
    p->counts->product_rows += (double)batch.count * *products;
    return status;
}

static us_status counted_residuals(us_problem *problem, const us_vec *theta, double *residuals, double *jacobian) {
    counted_problem *p = (counted_problem *)problem;
    *(jacobian ? &p->counts->gradient_rows : &p->counts->value_rows) += (double)problem->samples;
    return p->inner->ops->residuals(p->inner, theta, residuals, jacobian);
}

static us_status counted_recast(us_problem **out, const us_problem *problem, us_precision precision, us_context *context) {
    const counted_problem *p = (const counted_problem *)problem;
    us_problem *inner;
    us_status status = us__problem_recast(&inner, p->inner, precision, context);
    return status == US_OK ? us_problem_create_counted(out, inner, p->counts, true) : status;
}

static us_status counted_floor(us_problem *problem, double *floor, double *constant) {
    return us_problem_floor(((counted_problem *)problem)->inner, floor, constant);
}

/* About two gradients a layer. */
static us_status counted_units(us_units **out, us_problem *problem, const us_vec *theta, us_batch batch) {
    counted_problem *p = (counted_problem *)problem;
    double rows = (double)(batch.rows ? batch.count : problem->samples);
    us_status status = us_problem_units(out, p->inner, theta, batch);
    if (status == US_OK && *out) p->counts->gradient_rows += 2 * rows * (double)(*out)->layer_count;
    return status;
}

static us_status counted_trace(us_problem *problem, const us_vec *theta, us_batch batch, char *text, size_t size) {
    return us_problem_trace(((counted_problem *)problem)->inner, theta, batch, text, size);
}

static void counted_hint(us_problem *problem, us_batch next) { us__problem_hint(((counted_problem *)problem)->inner, next); }

static double counted_keep(us_problem *problem, double bytes) {
    return us_problem_keep(((counted_problem *)problem)->inner, bytes);
}

static void counted_destroy(us_problem *problem) {
    counted_problem *p = (counted_problem *)problem;
    if (p->owned) us_problem_destroy(p->inner);
    us__release(problem->context, p);
}

static const us__problem_ops COUNTED_OPS = {
    .value = counted_value,
    .gradient = counted_gradient,
    .hvp = counted_hvp,
    .product = counted_product,
    .hessian = counted_hessian,
    .diagonal = counted_diagonal,
    .residuals = counted_residuals,
    .recast = counted_recast,
    .hint = counted_hint,
    .keep = counted_keep,
    .floor = counted_floor,
    .units = counted_units,
    .trace = counted_trace,
    .destroy = counted_destroy,
};

us_status us_problem_create_counted(us_problem **out, us_problem *inner, us_evaluations *counts, bool owned) {
    counted_problem *p = us__new(inner->context, 1, sizeof *p);
    *out = NULL;
    if (!p) {
        if (owned) us_problem_destroy(inner);
        return US_ERR_NOMEM;
    }
    p->base = *inner; /* dimension, samples, precision, groups, context */
    p->base.ops = &COUNTED_OPS;
    p->inner = inner;
    p->counts = counts;
    p->owned = owned;
    *out = &p->base;
    return US_OK;
}
