/** Is there negative curvature over all rows? Told from as few of them as tell it. */
#ifndef UNSTUCK_LOWEST_H
#define UNSTUCK_LOWEST_H

#include <unstuck/lanczos.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct us_lowest_options {
    uint32_t version; /* 1 */
    size_t rows;      /* to begin with, ≥ 64; default 1024; as many as there are, or more: all at once */
    double growth;    /* of the sample while it leaves the sign open, > 1; default 4 */
    double products;  /* budget, > 0: a product on a tenth of the rows is a tenth; default 200 */
    double below;     /* the question: is there an eigenvalue below −below? ≥ 0; default 0 */
    double accuracy; /* where there is one, goes on over all rows until ‖Hv − λv‖ is at most this part of |λ|, > 0; λ is
                        then right to about its square over the gap; default HUGE_VAL: the sign alone */
    double slack; /* with it: goes on until no eigenvalue is below this multiple of λ, too, with `confidence`: what a sample
                     did not see is not lost; ≥ 1; default 3 */
    double confidence; /* of the answer, in (0, 1); default 0.999 */
    size_t basis;      /* vectors kept; default 0: 120, or what fits in 1 GiB, but 44 at least */
    uint64_t seed;     /* of the sample and the random vectors; default 1 */
    /* Heard after each product: budget used and in all, rows at present, the smallest value so far. May be NULL. */
    void (*progress)(void *user, double done, double budget, size_t rows, double lowest);
    void *progress_user;
} us_lowest_options;
#define US_LOWEST_OPTIONS_INIT                                                                                           \
    {                                                                                                                    \
        .version = 1, .rows = 1024, .growth = 4, .products = 200, .accuracy = HUGE_VAL, .slack = 3, .confidence = 0.999, \
        .seed = 1                                                                                                        \
    }
US_API void us_lowest_options_init(us_lowest_options *options);

typedef struct us_lowest {
    size_t n;
    double *vector;   /* [n] of length 1 */
    double value;     /* v'Hv over all rows: measured where rows is all of them, else estimated */
    double rounding;  /* what rounding may make of it */
    double sampling;  /* its standard error over rows; 0 where all rows were used */
    double residual;  /* ‖Hv − λv‖ on the rows of the last products */
    double low_bound; /* over all rows: no eigenvalue is below, with `confidence`; −inf where that is not known */
    us_below below;   /* FOUND: value + rounding + t·sampling < −below, t the quantile of Student's distribution that
                         belongs to the confidence. NONE is never said of a sample */
    us_needs needs;
    double products_needed; /* for US_NEEDS_PRODUCTS, over all rows; for US_NEEDS_ROWS, 0 */
    double confidence;
    size_t rows;     /* of the last Hessian */
    double products; /* spent, in products over all rows */
    size_t applied;  /* products, on whatever rows */
    us_context *context;
} us_lowest;
US_API void us_lowest_destroy(us_lowest *lowest);

/** The sign of the smallest eigenvalue of a problem's Hessian at θ. Lanczos' method on a sample of the rows finds a vector
 * v; v'Hv over all rows is what it is on the sample, measured, and what it is on the others, of which as many are asked
 * again, in 16 groups whose spread gives the standard error: on rows that had no part in choosing v. While that leaves the
 * sign open the sample grows, and Lanczos' method goes on from v. Over all rows the answer is that of us_lanczos_solve.
 * @param options  NULL for defaults @param out [caller destroys]
 * Errors: US_NOT_CONVERGED (> 0, *out is usable): undecided, or not yet as accurate as asked for or not as sure, and the
 * budget is spent; US_INTERRUPTED (> 0, *out is usable, or NULL); US_ERR_ARGUMENT, US_ERR_NONFINITE, US_ERR_NOMEM, the
 * problem's own. Memory: basis + 6 vectors. */
US_API us_status us_hessian_lowest(us_lowest **out, us_problem *problem, const us_vec *theta,
                                   const us_lowest_options *options);

#ifdef __cplusplus
}
#endif
#endif
