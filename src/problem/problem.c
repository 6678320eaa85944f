/* The seam: what is true of every problem is checked here, once; the rest is the leaf's or decorator's. */
#include "problem/problem.h"
#include <math.h>

static us_status problem_check_vec(const us_problem *p, const us_vec *v, const char *function, const char *name) {
    if (v && v->n == p->dimension && v->precision == p->precision) return US_OK;
    if (!v) return us__fail(p->context, US_ERR_ARGUMENT, "%s: %s is NULL", function, name);
    return us__fail(p->context, US_ERR_ARGUMENT, "%s: %s has %zu elements in f%d; the problem has %zu in f%d", function,
                    name, v->n, (int)v->precision, p->dimension, (int)p->precision);
}

static us_status problem_check_rows(const us_problem *p, us_batch batch, const char *function) {
    if (batch.count == 0) return us__fail(p->context, US_ERR_ARGUMENT, "%s: the batch has no rows", function);
    uint32_t largest = 0;
    for (size_t i = 0; i < batch.count; i++) largest = batch.rows[i] > largest ? batch.rows[i] : largest;
    if (largest < p->samples) return US_OK;
    return us__fail(p->context, US_ERR_ARGUMENT, "%s: row %u of the batch is out of range; there are %zu samples", function,
                    largest, p->samples);
}

/* Checks θ and rows, and counts "all". */
static inline us_status problem_check(const us_problem *p, const us_vec *theta, us_batch *batch, const char *function) {
    us_status status = problem_check_vec(p, theta, function, "theta");
    if (status != US_OK) return status;
    if (batch->rows) return problem_check_rows(p, *batch, function);
    batch->count = p->samples;
    return US_OK;
}

us_status us__problem_check(const us_problem *problem, const us_vec *theta, us_batch *batch, const char *function) {
    return problem_check(problem, theta, batch, function);
}

us_status us_problem_value(us_problem *problem, const us_vec *theta, us_batch batch, double *loss) {
    us_status status = problem_check(problem, theta, &batch, "us_problem_value");
    return status == US_OK ? problem->ops->value(problem, theta, batch, loss) : status;
}

us_status us_problem_gradient(us_problem *problem, const us_vec *theta, us_batch batch, double *loss, us_vec *gradient) {
    us_status status = problem_check(problem, theta, &batch, "us_problem_gradient");
    if (status == US_OK) status = problem_check_vec(problem, gradient, "us_problem_gradient", "gradient");
    if (status != US_OK) return status;
    if (gradient->data == theta->data)
        return us__fail(problem->context, US_ERR_ARGUMENT, "us_problem_gradient: gradient and theta share their memory");
    return problem->ops->gradient(problem, theta, batch, loss, gradient);
}

static us_status problem_check_product(const us_problem *problem, const us_vec *theta, us_batch *batch,
                                       const us_vec *const *v, us_vec *const *hv, size_t k, const char *function) {
    us_status status = problem_check(problem, theta, batch, function);
    for (size_t j = 0; j < k && status == US_OK; j++) {
        status = problem_check_vec(problem, v[j], function, "v");
        if (status == US_OK) status = problem_check_vec(problem, hv[j], function, "hv");
        if (status == US_OK && (hv[j]->data == v[j]->data || hv[j]->data == theta->data))
            status = us__fail(problem->context, US_ERR_ARGUMENT, "%s: hv shares its memory with v or theta", function);
    }
    return status;
}

us_status us_problem_hvp(us_problem *problem, const us_vec *theta, us_batch batch, const us_vec *const *v, us_vec *const *hv,
                         size_t k) {
    us_status status = problem_check_product(problem, theta, &batch, v, hv, k, "us_problem_hvp");
    return status == US_OK && k > 0 ? problem->ops->hvp(problem, theta, batch, v, hv, k) : status;
}

const char *us_product_name(us_product product) {
    static const char *const NAMES[US_PRODUCTS] = {"hessian", "gauss-newton", "fisher"};
    return (unsigned)product < US_PRODUCTS ? NAMES[product] : "unknown";
}

us_status us_problem_product(us_problem *problem, us_product product, const us_vec *theta, us_batch batch,
                             const us_vec *const *v, us_vec *const *hv, size_t k) {
    if (product == US_HESSIAN) return us_problem_hvp(problem, theta, batch, v, hv, k);
    if ((unsigned)product >= US_PRODUCTS)
        return us__fail(problem->context, US_ERR_ARGUMENT, "us_problem_product: there is no product %d", (int)product);
    if (!problem->ops->product)
        return us__fail(problem->context, US_ERR_UNSUPPORTED, "this kind of problem has no %s products",
                        us_product_name(product));
    us_status status = problem_check_product(problem, theta, &batch, v, hv, k, "us_problem_product");
    return status == US_OK && k > 0 ? problem->ops->product(problem, product, theta, batch, v, hv, k) : status;
}

size_t us_problem_residual_count(const us_problem *problem) { return problem->residuals; }

us_status us_problem_residuals(us_problem *problem, const us_vec *theta, double *residuals, double *jacobian) {
    if (problem->residuals == 0)
        return us__fail(problem->context, US_ERR_UNSUPPORTED,
                        "the loss is no sum of squares of one output, so it has no residuals; choose another solver");
    us_status status = problem_check_vec(problem, theta, "us_problem_residuals", "theta");
    return status == US_OK ? problem->ops->residuals(problem, theta, residuals, jacobian) : status;
}

us_status us__problem_hessian(us_problem *problem, const us_vec *theta, us_batch batch, double *h, const us__heard *heard,
                              bool *done) {
    us_status status = problem_check(problem, theta, &batch, "a Hessian");
    *done = false;
    if (status != US_OK || !problem->ops->hessian || batch.draw) return status;
    return problem->ops->hessian(problem, theta, batch, h, heard, done);
}

us_status us__problem_diagonal(us_problem *problem, const us_vec *theta, us_batch batch, double most, double *d,
                               double *products) {
    us_status status = problem_check(problem, theta, &batch, "a Hessian's diagonal");
    *products = 0;
    if (status != US_OK || !problem->ops->diagonal || batch.draw) return status;
    return problem->ops->diagonal(problem, theta, batch, most, d, products);
}

size_t us_problem_dimension(const us_problem *problem) { return problem->dimension; }
size_t us_problem_samples(const us_problem *problem) { return problem->samples; }
us_precision us_problem_precision(const us_problem *problem) { return problem->precision; }
bool us_problem_hvp_is_exact(const us_problem *problem) { return problem->hvp_is_exact; }
bool us_problem_has_training_form(const us_problem *problem) { return problem->has_training_form; }
us_context *us_problem_context(const us_problem *problem) { return problem->context; }

const us_group *us_problem_groups(const us_problem *problem, size_t *count) {
    *count = problem->group_count;
    return problem->groups;
}

us_status us_problem_floor(us_problem *problem, double *floor, double *constant) {
    *floor = *constant = (double)NAN;
    return problem->ops->floor ? problem->ops->floor(problem, floor, constant) : US_OK;
}

us_status us_problem_trace(us_problem *problem, const us_vec *theta, us_batch batch, char *text, size_t size) {
    us_status status = us__problem_check(problem, theta, &batch, "us_problem_trace");
    if (size) *text = '\0';
    return status == US_OK && size && problem->ops->trace ? problem->ops->trace(problem, theta, batch, text, size) : status;
}

double us_problem_keep(us_problem *problem, double bytes) {
    return problem->ops->keep ? problem->ops->keep(problem, bytes > 0 ? bytes : 0) : 0;
}

us_status us_problem_recast(us_problem **out, const us_problem *problem, us_precision precision) {
    return us__problem_recast(out, problem, precision, problem->context);
}

us_status us__problem_recast(us_problem **out, const us_problem *problem, us_precision precision, us_context *context) {
    *out = NULL;
    if (precision != US_F32 && precision != US_F64)
        return us__fail(context, US_ERR_ARGUMENT, "precision is %d; it must be US_F32 or US_F64", (int)precision);
    return problem->ops->recast(out, problem, precision, context);
}

void us_problem_destroy(us_problem *problem) {
    if (problem) problem->ops->destroy(problem);
}
