/** Solvers that drive a problem themselves to a minimum. */
#ifndef UNSTUCK_SOLVE_H
#define UNSTUCK_SOLVE_H

#include <unstuck/curvature.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct us_minimize_options {
    uint32_t version;          /* 1 */
    size_t iterations;         /* default 10000 */
    double gradient_tolerance; /* stop when ‖g‖∞ ≤ this · max(1, |f|) and the point is no saddle; default 1e-10 */
    double step_tolerance;     /* stop when a step is shorter than this · ‖θ‖ + tiny; default 1e-15 */
    double initial_radius;     /* of the trust region; default 0: from the start point */
    void (*progress)(void *user, size_t iteration, double value, double gradient_norm);
    void *progress_user;
} us_minimize_options;
#define US_MINIMIZE_OPTIONS_INIT {.version = 1, .iterations = 10000, .gradient_tolerance = 1e-10, .step_tolerance = 1e-15}
US_API void us_minimize_options_init(us_minimize_options *options);

typedef struct us_minimize_result {
    double value;
    double gradient_norm;
    size_t iterations;
    size_t values, gradients, products; /* evaluations */
    const char *reason;                 /* why it ended, in words; static */
} us_minimize_result;

/** Trust-region Newton that uses negative curvature: the exact subproblem (Moré & Sorensen 1983) on a dense Hessian up to a
 * few hundred parameters, Steihaug-Toint conjugate gradients beyond. From a saddle or a maximum it leaves along the most
 * negative eigenvector; it never ends on one while there is a way down. @param theta in: start; out: where it ended.
 * Errors: US_NOT_CONVERGED (result is valid), US_ERR_NONFINITE (the start has no finite loss), US_INTERRUPTED. */
US_API us_status us_minimize(us_problem *problem, us_vec *theta, const us_minimize_options *options, us_minimize_result *result);

#ifdef __cplusplus
}
#endif
#endif
