/** Solvers that drive a problem themselves to a minimum. */
#ifndef UNSTUCK_SOLVE_H
#define UNSTUCK_SOLVE_H

#include <unstuck/curvature.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct us_minimize_options {
    uint32_t version;  /* 1 */
    size_t iterations; /* default 10000 */
    /* Stop when ‖g‖∞ ≤ this · max(1, |f|) (f the smaller of here and at the start), no eigenvalue is negative, and Newton's
     * step offers nothing that counts beside f; default 1e-10. */
    double gradient_tolerance;
    double step_tolerance; /* a step shorter than this · ‖θ‖ is none; default 1e-15 */
    double initial_radius; /* of the trust region, in the metric of the model; default 0: from the start point */
    /* Hears of every iteration; may be NULL. us_context_cancel ends the search. */
    void (*progress)(void *user, size_t iteration, double value, double gradient_norm);
    void *progress_user;
} us_minimize_options;
#define US_MINIMIZE_OPTIONS_INIT \
    { .version = 1, .iterations = 10000, .gradient_tolerance = 1e-10, .step_tolerance = 1e-15 }
US_API void us_minimize_options_init(us_minimize_options *options);

typedef struct us_minimize_result {
    double value;
    double gradient_norm;
    size_t iterations;
    size_t values, gradients, products; /* evaluations */
    const char *reason;                 /* why it ended, in words; static */
} us_minimize_result;

/** Trust-region Newton that uses negative curvature: the exact subproblem (Moré & Sorensen 1983), on the whole Hessian up to
 * 400 parameters and in Krylov spaces of at most 80 dimensions beyond (Gould, Lucidi, Roma & Toint 1999). From a saddle or a
 * maximum it leaves along the most negative eigenvector, on the side that is lower; where gradient and Hessian both vanish,
 * it measures the loss along what the second order does not see. It never ends where it sees a way down.
 *
 * With a whole Hessian, lengths are measured so that they do not depend on the units of the parameters. Where that ends on a
 * singular Hessian or in a valley without end, plain lengths are tried, too, and the lower end counts.
 * Points where the loss or its gradient is not finite are stepped back from.
 *
 * @param theta  in: start; out: where it ended, also when it was interrupted; unchanged on an error
 * @return US_OK; US_NOT_CONVERGED (theta and result are valid, result->reason says why: the iterations ran out, a kink, a
 * loss that falls without bound); US_INTERRUPTED. Errors: US_ERR_NONFINITE (the start has no finite loss or gradient),
 * US_ERR_ARGUMENT, US_ERR_NOMEM, the problem's own. Cost: an iteration is a gradient, a value or two, and n products (whole)
 * or at most 80. Memory: 2n² doubles, or 160n. */
US_API us_status us_minimize(us_problem *problem, us_vec *theta, const us_minimize_options *options,
                             us_minimize_result *result);

#ifdef __cplusplus
}
#endif
#endif
