/** A symmetric operator, known by its products with vectors: a Hessian, or anything of the caller's. */
#ifndef UNSTUCK_OPERATOR_H
#define UNSTUCK_OPERATOR_H

#include <unstuck/problem.h>

#ifdef __cplusplus
extern "C" {
#endif

/** y = A·x for k vectors of doubles at a time, vector j at x + j·n and y + j·n. Filled in by whoever has the products. */
typedef struct us_operator {
    uint32_t version; /* 1 */
    size_t n;         /* ≥ 1 */
    double epsilon;   /* of the arithmetic that makes the products; default 2^-52, 2^-23 for products in f32 */
    void *user;
    us_status (*apply)(void *user, const double *x /* [k×n] */, double *y /* [k×n] */,
                       size_t k); /* US_OK, or what to fail with */
} us_operator;
#define US_OPERATOR_INIT \
    { .version = 1, .epsilon = 0x1p-52 }
US_API void us_operator_init(us_operator *a);

/** The Hessian of a problem at θ on a batch, or another of its curvatures (us_product), as an operator. Products are
 * computed in the problem's precision. */
typedef struct us_hessian_operator us_hessian_operator;

/** @param theta  copied, and so are the batch's rows
 * @param block  products that are asked of the problem at a time, ≥ 1; memory is 2·block vectors
 * Errors: US_ERR_ARGUMENT, US_ERR_NOMEM. The problem must outlive it. @param out [caller destroys] */
US_API us_status us_hessian_operator_create(us_hessian_operator **out, us_problem *problem, const us_vec *theta,
                                            us_batch batch, size_t block);
/** The same for any curvature. */
US_API us_status us_product_operator_create(us_hessian_operator **out, us_problem *problem, us_product product,
                                            const us_vec *theta, us_batch batch, size_t block);
US_API void us_hessian_operator_destroy(us_hessian_operator *hessian);

/** From now on the operator is D^(-1/2)·A·D^(-1/2) with a diagonal D: similar to D⁻¹A, whose largest eigenvalue is what a
 * rule with steps α·D⁻¹g can bear (us_training_preconditioner gives D).
 * @param d [n], copied; each > 0 and finite; NULL: A alone again. Errors: US_ERR_ARGUMENT, US_ERR_NOMEM; the operator is
 * then as it was. */
US_API us_status us_hessian_operator_precondition(us_hessian_operator *hessian, const double *d);
/** Borrowed until it is destroyed. Its apply fails with US_ERR_NONFINITE, US_INTERRUPTED (the context was cancelled), or as
 * us_problem_hvp; it allocates nothing. */
US_API const us_operator *us_hessian_operator_get(const us_hessian_operator *hessian);

/** v'Hv with its error bar. */
typedef struct us_quotient {
    double value; /* v'Hv for ‖v‖ = 1: an eigenvalue at most this large exists, and one at least this large */
    double error; /* rounding: twice the largest change under nudges of θ by a unit in the last place, plus 4·ε·‖Hv‖ */
    double residual; /* ‖Hv − value·v‖ */
    double sampling; /* standard error of the value for all rows, where the batch is some of them; 0 for all rows. It speaks
                        for a v that was found on other rows: one that was found on these looks more extreme than it is */
} us_quotient;

/** Measures v'Hv at θ, and again at three nudged θ. value + error < 0 proves a negative eigenvalue.
 * @param v [n], not zero; need not have length 1. Errors: US_ERR_NONFINITE and as above. Cost: 4 products; one more where
 * the batch is some of the rows (32 or more; fewer leave sampling NaN). */
US_API us_status us_hessian_quotient(us_quotient *out, us_problem *problem, const us_vec *theta, us_batch batch,
                                     const double *v);

/** The same for any curvature. */
US_API us_status us_product_quotient(us_quotient *out, us_problem *problem, us_product product, const us_vec *theta,
                                     us_batch batch, const double *v);

#ifdef __cplusplus
}
#endif
#endif
