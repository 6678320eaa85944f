/** Eigenvalues at both ends of a large symmetric operator, each with its error bar, by products alone. */
#ifndef UNSTUCK_LANCZOS_H
#define UNSTUCK_LANCZOS_H

#include <math.h>
#include <unstuck/operator.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct us_lanczos_options {
    uint32_t version;   /* 1 */
    size_t bottom, top; /* pairs wanted at each end, one of them ≥ 1; default 1 and 1 */
    size_t block; /* vectors whose products are asked for at a time, 1 to 64; default 1. A block of b finds b copies of an
                     eigenvalue by itself, and costs less where b products at a time do; it needs more of them */
    size_t basis; /* vectors kept; default 0: 2·(bottom + top) + 40 + 4·(block − 1). At least 2·(bottom + top + block) + 6;
                     more than n is n */
    size_t products;  /* at most; default 1000 */
    double tolerance; /* a pair has converged when ‖Av − λv‖ ≤ tolerance·‖A‖; default 1e-6 */
    /* Asks only: is there an eigenvalue below −below? Stops at the proof that there is, or when there is none with
     * `confidence`. ≥ 0; default −1: not asked. */
    double below;
    double accuracy; /* having found one, goes on until its residual is at most this part of it; > 0; default HUGE_VAL: stops
                        at the first proof */
    double slack;    /* ... and until no eigenvalue is below this multiple of it, with `confidence`, as far as the basis
                        reaches without a restart; ≥ 1; default HUGE_VAL: not asked */
    double confidence; /* of the bounds on the spectrum, and that no copy of a wanted eigenvalue is missing; default 0.999 */
    bool verify;       /* look for missing copies with fresh random vectors, where 2 or more pairs are wanted at an end;
                          default true */
    double sampling_error; /* what A itself may be off by in the 2-norm, measured on a sample of rows; enters the resolution;
                              default 0 */
    double epsilon;        /* of the arithmetic of the products; default 0: 2^-52 (us_lanczos_solve: the operator's) */
    uint64_t seed;         /* of the random start; default 1 */
    const double *start;   /* [n] a guess at what is wanted, of length 1: the start is it plus a tenth of a random vector,
                              and the bounds allow for that; read at creation; default NULL: random */
    double seconds;        /* > 0: us_lanczos_solve makes no further product after so long; default 0: no limit */
    /* Heard by us_lanczos_solve after each product: products done, at most, and the ends so far. May be NULL. */
    void (*progress)(void *user, size_t done, size_t at_most, double lowest, double highest);
    void *progress_user;
} us_lanczos_options;
#define US_LANCZOS_OPTIONS_INIT                                                                            \
    {                                                                                                      \
        .version = 1, .bottom = 1, .top = 1, .block = 1, .products = 1000, .tolerance = 1e-6, .below = -1, \
        .accuracy = HUGE_VAL, .slack = HUGE_VAL, .confidence = 0.999, .verify = true, .seed = 1            \
    }
US_API void us_lanczos_options_init(us_lanczos_options *options);

typedef enum us_below { /* the answer to options.below */
                        US_BELOW_NOT_ASKED = 0,
                        US_BELOW_FOUND,    /* proved: values[0] is below −below by more than the resolution */
                        US_BELOW_NONE,     /* low_bound ≥ −below: none, with `confidence` */
                        US_BELOW_UNDECIDED /* see us_needs */
} us_below;

typedef enum us_needs { /* what would decide an answer that is undecided */
                        US_NEEDS_NOTHING = 0,
                        US_NEEDS_PRODUCTS,  /* more Hessian-vector products */
                        US_NEEDS_PRECISION, /* the eigenvalue is within the resolution: products in a higher precision */
                        US_NEEDS_ROWS       /* products on more rows: the sampling error hides the sign */
} us_needs;
/** "more Hessian-vector products", ... */
US_API const char *us_needs_text(us_needs needs);

/** What was found. Pairs 0 .. bottom−1 are the smallest eigenvalues, ascending; then the `top` largest, ascending too. */
typedef struct us_eigenpairs {
    size_t n, bottom, top;
    double *values;    /* [bottom+top] */
    double *vectors;   /* [(bottom+top)×n], vector i at vectors + i·n, length 1 */
    double *residuals; /* [bottom+top] at most this is ‖Av − λv‖₂: an eigenvalue lies within it of the value */
    bool *converged;   /* [bottom+top] */
    double norm;       /* largest |value| seen */
    double resolution; /* below this an eigenvalue cannot be told from zero: rounding in the products, as measured by how
                          far they are from symmetric (Frobenius norm over the basis), (4·ε + √(n·(1 + restarts))·2^-52)·‖A‖,
                          and the sampling error */
    double low_bound, high_bound; /* all eigenvalues lie between, with probability `confidence` over the random start;
                            infinite while too few products were made to say */
    double confidence;            /* as asked; 1 when the basis spans the whole space, where the bounds are certain */
    bool verified;                /* no copy of a wanted eigenvalue is missing, with `confidence` */
    us_below below;
    us_needs needs; /* where undecided */
    size_t
        products_needed; /* for US_NEEDS_PRODUCTS: products without a restart (basis as large) that would decide; else 0 */
    size_t products;
    us_context *context;
} us_eigenpairs;
US_API void us_eigenpairs_destroy(us_eigenpairs *pairs);

/** Thick-restart Lanczos with full reorthogonalisation, in ask/tell form: hands out vectors, takes their products, so that
 * any program on any device can supply them.
 *
 *     while ((x = us_lanczos_next(l))) { my_product(x, y); if ((status = us_lanczos_give(l, y))) break; }
 *     us_lanczos_result(&pairs, l);
 *
 * With a block, next hands out us_lanczos_block vectors, one after the other, and give takes as many products.
 *
 * Memory: (basis + 2·block) vectors of n doubles, all taken at creation.
 * Source: Wu & Simon 2000, "Thick-restart Lanczos method for large symmetric eigenvalue problems", SIAM J. Matrix Anal.
 * Appl. 22(2); the bounds: Christoffel's function of the measure that the start makes (src/curvature/lanczos_bounds.c), for
 * blocks Kuczyński & Woźniakowski 1992, SIAM J. Matrix Anal. Appl. 13(4). */
typedef struct us_lanczos us_lanczos;

/** @param n  dimension, 1 .. 2^31−1 @param options  NULL for defaults. Errors: US_ERR_ARGUMENT, US_ERR_NOMEM.
 * @param out [caller destroys] */
US_API us_status us_lanczos_create(us_lanczos **out, us_context *context, size_t n, const us_lanczos_options *options);
US_API void us_lanczos_destroy(us_lanczos *lanczos);

/** The vector [n] of length 1 whose product is wanted next, or NULL when there is nothing more to ask; [block×n] orthonormal
 * ones with a block, vector j at + j·n. Borrowed until the next give; asking twice gives the same. Allocates nothing. */
US_API const double *us_lanczos_next(us_lanczos *lanczos);
/** How many vectors next hands out now: the block of the options, fewer at the end of a small space, 0 at the end. */
US_API size_t us_lanczos_block(const us_lanczos *lanczos);

/** Takes the products with the vectors of next. @param products [n], or [block×n]. Errors: US_ERR_NONFINITE (the product is
 * not taken: it may be given anew, or the result be asked for), US_ERR_ARGUMENT (none was asked for), US_ERR_NUMERIC.
 * Allocates nothing. */
US_API us_status us_lanczos_give(us_lanczos *lanczos, const double *products);

/** What is known so far; may be asked at any time after the first product. @param out [caller destroys]
 * Gives US_OK, or US_NOT_CONVERGED when not all that was asked for is reached (*out is usable). Errors: US_ERR_NOMEM,
 * US_ERR_ARGUMENT (no product yet), US_ERR_NUMERIC. */
US_API us_status us_lanczos_result(us_eigenpairs **out, us_lanczos *lanczos);

/** The loop over it. Errors: US_ERR_NONFINITE (a product was not finite; *out is then NULL), US_INTERRUPTED (positive: *out
 * is what was known by then, or NULL before the first product), the operator's own, and as above; US_NOT_CONVERGED (*out is
 * usable, see its residuals). @param out [caller destroys] */
US_API us_status us_lanczos_solve(us_eigenpairs **out, us_context *context, const us_operator *a,
                                  const us_lanczos_options *options);

/** Products without a restart after which a random start has, with probability `confidence`, found an end of the spectrum of
 * an operator of dimension n to within `resolution` times the spectrum's width: k ≥ ½ +
 * ln(1.648·√n/(1−confidence))/(2·√resolution). At most n. @param resolution in (0, 1) @param confidence in (0, 1); SIZE_MAX
 * when they are not. Source: Kuczyński & Woźniakowski 1992, theorem 4.2 turned round. */
US_API size_t us_lanczos_products(size_t n, double resolution, double confidence);

#ifdef __cplusplus
}
#endif
#endif
