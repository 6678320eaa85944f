/** The whole spectrum in outline: how its eigenvalues are spread, and their sum, each with its standard error. */
#ifndef UNSTUCK_DENSITY_H
#define UNSTUCK_DENSITY_H

#include <unstuck/operator.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ trace */

typedef struct us_trace_options {
    uint32_t version; /* 1 */
    size_t products;  /* at most, ≥ 4; 2·n and more is exact; default 60 */
    size_t block;     /* products asked for at a time; default 8 */
    uint64_t seed;    /* of the random vectors; default 1 */
} us_trace_options;
#define US_TRACE_OPTIONS_INIT \
    { .version = 1, .products = 60, .block = 8, .seed = 1 }
US_API void us_trace_options_init(us_trace_options *options);

typedef struct us_trace_estimate {
    double value;          /* unbiased */
    double standard_error; /* √2 times what the spread of the leave-one-out estimates gives: they have vectors in common, and
                              it is at most so much too large; at rounding when A has a smaller rank than vectors */
    size_t products;
} us_trace_estimate;

/** tr A of a symmetric operator by XTrace: exact on the range that the products of m random vectors span, Hutchinson's
 * estimator on the rest, each vector being tested on the range of the other m−1.
 * Errors: US_ERR_NONFINITE, US_ERR_NOMEM, US_ERR_ARGUMENT, US_ERR_NUMERIC, the operator's own.
 * Memory: (products/2 + 2·block) vectors.
 * Source: Epperly, Tropp & Webber 2024, "XTrace: making the most of every sample in stochastic trace estimation", SIAM J.
 * Matrix Anal. Appl. 45(1). */
US_API us_status us_trace(us_trace_estimate *out, us_context *context, const us_operator *a,
                          const us_trace_options *options);

/** tr H of a problem's Hessian: the sum of its diagonal, exact but for rounding, where a network of dense layers has few
 * units beside its parameters, so that a tangent a unit takes no longer than options.products (us_curvature_diagonal); else
 * us_trace of its products. out->products: what it took, in products. Errors: those of us_trace, the problem's own. */
US_API us_status us_hessian_trace(us_trace_estimate *out, us_problem *problem, const us_vec *theta, us_batch batch,
                                  const us_trace_options *options);

/* ------------------------------------------------------------------ density */

typedef struct us_density_options {
    uint32_t version; /* 1 */
    size_t probes;    /* random vectors, ≥ 2; default 8 */
    size_t steps;     /* of Lanczos from each, ≥ 2; default 80 */
    size_t block;     /* probes that go side by side, whose products are asked for together, ≥ 1; default 4 */
    size_t points;    /* of the curve, ≥ 2; default 256 */
    double
        width; /* standard deviation of the bell that each node is drawn as, as part of the spectrum's width; default 0.01 */
    uint64_t seed; /* default 1 */
    /* Hears products done and in all. May be NULL. */
    void (*progress)(void *user, size_t done, size_t total);
    void *progress_user;
} us_density_options;
#define US_DENSITY_OPTIONS_INIT \
    { .version = 1, .probes = 8, .steps = 80, .block = 4, .points = 256, .width = 0.01, .seed = 1 }
US_API void us_density_options_init(us_density_options *options);

typedef struct us_density {
    size_t n, probes, steps; /* steps ≤ n */
    double *nodes;           /* [probes×steps] Ritz values of each probe, ascending */
    double *weights;         /* [probes×steps] of a probe they add up to 1 */
    double *residuals;       /* [probes×steps] an eigenvalue lies within this of the node */
    size_t points;
    double *at;             /* [points] ascending */
    double *density;        /* [points] share of the eigenvalues a unit of λ: integrates to 1 */
    double *standard_error; /* [points] over the probes */
    double lowest, highest; /* Ritz values seen */
    double width;           /* of the bells */
    size_t products;
    us_context *context;
} us_density;

/** The spectral density of a symmetric operator by stochastic Lanczos quadrature: probes·steps products.
 * Errors: US_ERR_NONFINITE, US_ERR_NOMEM, US_ERR_ARGUMENT, US_INTERRUPTED, the operator's own; *out is then NULL.
 * Memory: 3·block vectors. @param out [caller destroys]
 * Source: Golub & Welsch 1969; Ghorbani, Krishnan & Xiao 2019, "An investigation into neural net optimization via Hessian
 * eigenvalue density"; without reorthogonalisation: Chen, Trogdon & Ubaru 2022, "Randomized matrix-free quadrature for
 * spectrum and spectral sum approximation". */
US_API us_status us_density_create(us_density **out, us_context *context, const us_operator *a,
                                   const us_density_options *options);
US_API void us_density_destroy(us_density *density);

/** The share of the eigenvalues below x: times n, the index for x = −resolution.
 * @param error  may be NULL: the standard error over the probes, and the weight of nodes that may lie on either side of x */
US_API double us_density_below(const us_density *density, double x, double *error);

#ifdef __cplusplus
}
#endif
#endif
