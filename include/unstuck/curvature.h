/** The Hessian: its spectrum, and how small an eigenvalue can be told from zero. */
#ifndef UNSTUCK_CURVATURE_H
#define UNSTUCK_CURVATURE_H

#include <unstuck/problem.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct us_spectrum_options {
    uint32_t version;  /* 1 */
    us_batch batch;    /* rows; default all */
    size_t limit;      /* largest n that a dense Hessian is made for; default 4000 */
    size_t block;      /* products asked for at a time; default 16 */
    double resolution; /* eigenvalues within ± of this are "zero"; default 0: from the rounding error, see us_spectrum */
    /* Hears products done and in all. May be NULL. */
    void (*progress)(void *user, size_t done, size_t total);
    void *progress_user;
} us_spectrum_options;
#define US_SPECTRUM_OPTIONS_INIT \
    { .version = 1, .limit = 4000, .block = 16 }
US_API void us_spectrum_options_init(us_spectrum_options *options);

/** All eigenvalues and eigenvectors of a Hessian. */
typedef struct us_spectrum {
    size_t n;
    double *values;    /* [n] ascending */
    double *vectors;   /* [n×n], vector i at vectors + i·n, length 1 */
    double *residuals; /* [n] ‖Hv − λv‖₂ */
    double resolution; /* an eigenvalue within ± of this cannot be told from zero: backward error of the eigensolver,
                          n·ε·‖H‖, plus the asymmetry that was found (Frobenius norm), plus the rounding in the products,
                          measured by nudging θ by some units in the last place (src/curvature/resolution.c). Where H is
                          definite beyond doubt although its scales differ by more than that hides, it is smaller, and
                          the eigenvalues are right to relative accuracy (src/curvature/graded.c) */
    double asymmetry;  /* max |Hij − Hji| before symmetrising; 0 where us_hessian_dense made it so */
    size_t negative, zero, positive; /* counts against the resolution */
    size_t products;                 /* Hessian-vector products used */
    bool exact;                      /* false: products were differences of gradients */
    us_context *context;
} us_spectrum;

/** The whole Hessian, column j at h + j·n. Where all parameters are weights and biases of dense layers that are used once,
 * it takes a tangent for each unit instead of a product for each parameter, and sums over rows that are matrix products; it
 * is then symmetric to the last bit. Else column j is the product with e_j, as measured.
 * @param h [n×n] @param options  batch, block, limit, progress; NULL for defaults
 * Errors: US_ERR_ARGUMENT (n above limit), US_ERR_NONFINITE, US_ERR_NOMEM, US_INTERRUPTED, the problem's own.
 * Cost: n products, or about n·n operations a row. */
US_API us_status us_hessian_dense(us_problem *problem, const us_vec *theta, const us_spectrum_options *options, double *h);

/** Dense Hessian (us_hessian_dense), then LAPACK's dsyevd. The problem should be in f64.
 * Errors: US_ERR_ARGUMENT (n above limit), US_ERR_NONFINITE, US_ERR_NOMEM, US_INTERRUPTED, US_ERR_NUMERIC.
 * Cost: the Hessian and 6 to 12 products, 5·n² doubles, O(n³). @param out [caller destroys] */
US_API us_status us_spectrum_dense(us_spectrum **out, us_problem *problem, const us_vec *theta,
                                   const us_spectrum_options *options);
US_API void us_spectrum_destroy(us_spectrum *spectrum);

typedef struct us_diagonal_options {
    uint32_t version;   /* 1 */
    us_product product; /* of which matrix; default US_HESSIAN */
    us_batch batch;     /* rows; default all */
    size_t products;    /* at most, ≥ 1; n of them and more make it exact; default 16 */
    size_t block;       /* products asked for at a time; default 8 */
    uint64_t seed;      /* of the random signs; default 1 */
} us_diagonal_options;
#define US_DIAGONAL_OPTIONS_INIT \
    { .version = 1, .products = 16, .block = 8, .seed = 1 }
US_API void us_diagonal_options_init(us_diagonal_options *options);

/** The diagonal of the Hessian or another curvature, estimated without bias from products with vectors of random signs;
 * exactly where n products are allowed, or a tangent for each unit of a network of dense layers takes no longer than
 * `products`.
 * @param diagonal [n] @param standard_error [n] of each element, from the spread of the draws: 0 where exact, NaN after one
 * draw; may be NULL. Errors: US_ERR_ARGUMENT, US_ERR_NONFINITE, US_ERR_NOMEM, US_INTERRUPTED, the problem's own.
 * Cost: `products` products, (4·block + 1) vectors.
 * Source: Bekas, Kokiopoulou & Saad 2007, Applied Numerical Mathematics 57. */
US_API us_status us_curvature_diagonal(double *diagonal, double *standard_error, us_problem *problem, const us_vec *theta,
                                       const us_diagonal_options *options);

/** The inertia of a Hessian: how many eigenvalues are below −resolution, within ±, above. */
typedef struct us_inertia {
    size_t negative, zero, positive;
    double resolution; /* as us_spectrum's, with ‖H‖₁ for ‖H‖ */
    size_t products;
} us_inertia;

/** Counts them by two factorisations LDL' (Bunch & Kaufman) of the dense Hessian, an order of magnitude cheaper than its
 * eigenvalues; `limit` of the options holds here, too. Beyond what can be factorised us_density_below tells the share, with
 * its error. Errors: as us_spectrum_dense. Cost: n + 6 products, (2·n + 64)·n doubles, O(n³). */
US_API us_status us_hessian_inertia(us_inertia *out, us_problem *problem, const us_vec *theta,
                                    const us_spectrum_options *options);

/** Eigenpairs of a symmetric matrix a [n×n] (f64, row- or column-major alike), ascending, by LAPACK. a is overwritten with
 * the eigenvectors, vector i at a + i·n. @param values [n]. Errors: US_ERR_NUMERIC, US_ERR_NOMEM, US_ERR_NONFINITE,
 * US_ERR_ARGUMENT (n above 32000). Cost: O(n³), 2·n² doubles. */
US_API us_status us_symmetric_eigen(us_context *context, size_t n, double *a, double *values);

#ifdef __cplusplus
}
#endif
#endif
