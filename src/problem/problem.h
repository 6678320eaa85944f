/* The table behind the seam. A leaf or decorator embeds us_problem as its first member. */
#ifndef US_PROBLEM_PROBLEM_H
#define US_PROBLEM_PROBLEM_H

#include "vec/vec.h"
#include <unstuck/problem.h>

struct us_units;

/* Sizes, precisions and rows have been checked by the us_problem_* functions before these are called.
 * batch.rows == NULL means all samples; batch.count is then the number of samples. */
/* Who hears how far a long computation is; progress may be NULL. */
typedef struct us__heard {
    void (*progress)(void *user, size_t done, size_t total);
    void *user;
} us__heard;

typedef struct us__problem_ops {
    us_status (*value)(us_problem *, const us_vec *theta, us_batch, double *loss);
    us_status (*gradient)(us_problem *, const us_vec *theta, us_batch, double *loss, us_vec *gradient);
    us_status (*hvp)(us_problem *, const us_vec *theta, us_batch, const us_vec *const *v, us_vec *const *hv, size_t k);
    /* Every kind but US_HESSIAN. May be NULL: there are none. */
    us_status (*product)(us_problem *, us_product, const us_vec *theta, us_batch, const us_vec *const *v, us_vec *const *hv,
                         size_t k);
    /* The whole Hessian [n×n] for less than n products, where that can be: *done. May be NULL: it cannot. */
    us_status (*hessian)(us_problem *, const us_vec *theta, us_batch, double *h, const us__heard *, bool *done);
    /* The Hessian's diagonal [n] where that takes no longer than `most` products: *products is what it takes, about, or 0
     * where it is not computed. May be NULL: it cannot be. */
    us_status (*diagonal)(us_problem *, const us_vec *theta, us_batch, double most, double *d, double *products);
    /* See us_problem_residuals. May be NULL while `residuals` is 0. */
    us_status (*residuals)(us_problem *, const us_vec *theta, double *residuals, double *jacobian);
    us_status (*recast)(us_problem **out, const us_problem *, us_precision, us_context *);
    /* The rows that will be asked for next: a hint to fetch them from memory. May be NULL. */
    void (*hint)(us_problem *, us_batch next);
    double (*keep)(us_problem *, double bytes);                        /* see us_problem_keep. May be NULL */
    us_status (*floor)(us_problem *, double *floor, double *constant); /* see us_problem_floor. May be NULL */
    us_status (*units)(struct us_units **out, us_problem *, const us_vec *theta,
                       us_batch); /* see us_problem_units. May be NULL */
    /* See us_problem_trace. May be NULL: nothing is known. */
    us_status (*trace)(us_problem *, const us_vec *theta, us_batch, char *text, size_t size);
    void (*destroy)(us_problem *); /* releases the object itself, too */
} us__problem_ops;

struct us_problem {
    const us__problem_ops *ops;
    us_context *context;
    us_precision precision;
    size_t dimension;
    size_t samples;
    const us_group *groups; /* owned by the leaf; a decorator borrows the inner one's */
    size_t group_count;
    size_t residuals; /* see us_problem_residual_count */
    bool hvp_is_exact;
    bool has_training_form; /* batch.draw matters */
};

/* Tells a problem which rows it will be asked for next. Costs nothing where nobody listens; rows are not checked. */
static inline void us__problem_hint(us_problem *problem, us_batch next) {
    if (problem->ops->hint) problem->ops->hint(problem, next);
}

/* us_problem_recast into another context, and so for another thread: all that the recast one allocates and tells is there.
 * The context must be a branch of the problem's (us__context_branch). */
us_status us__problem_recast(us_problem **out, const us_problem *problem, us_precision precision, us_context *context);

/* Checks θ and the rows of a batch, and counts them where they are all. @param function  that is asked, for the message */
us_status us__problem_check(const us_problem *problem, const us_vec *theta, us_batch *batch, const char *function);

/* The operation `hessian`. Errors: those of products. */
us_status us__problem_hessian(us_problem *problem, const us_vec *theta, us_batch batch, double *h, const us__heard *heard,
                              bool *done);

/* The operation `diagonal`. Errors: those of products. */
us_status us__problem_diagonal(us_problem *problem, const us_vec *theta, us_batch batch, double most, double *d,
                               double *products);

/* Row i of a sample of m rows out of N, evenly spread. */
static inline uint32_t us__sample_row(size_t i, size_t m, size_t n) { return (uint32_t)((uint64_t)i * n / m); }

#endif
