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
    /* us_solve and solvers by request: look at the Hessian where it ends, by n products up to 400 parameters, at most 60
     * beyond; default true. Without it a saddle may be called a success by solvers that see no curvature on their way. */
    bool look;
    /* Hears of every iteration; may be NULL. us_context_cancel ends the search. */
    void (*progress)(void *user, size_t iteration, double value, double gradient_norm);
    void *progress_user;
} us_minimize_options;
#define US_MINIMIZE_OPTIONS_INIT \
    { .version = 1, .iterations = 10000, .gradient_tolerance = 1e-10, .step_tolerance = 1e-15, .look = true }
US_API void us_minimize_options_init(us_minimize_options *options);

typedef struct us_minimize_result {
    double value;
    double gradient_norm;
    size_t iterations;
    size_t values, gradients, products; /* evaluations */
    const char *reason;                 /* why it ended, in words; static */
    /* What kind of point it is: "minimum", "saddle", "maximum", "degenerate" (eigenvalues that can't be told from zero), or
     * "undecided" (above 400 parameters no negative eigenvalue was found, or the Hessian is not finite). NULL: not looked
     * at, since it did not end at a point, or on demand. */
    const char *kind;
    /* The evidence: ends of the spectrum of the Hessian there, and what can't be told from zero; NaN: not measured. Above
     * 400 parameters they are the ends of what some products saw: a negative one is a proof, the others are bounds. */
    double lowest, highest, resolution;
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

/* ------------------------------------------------------------------ every solver, by name */

/** What a solver is: a row of the table that `unstuck optimizers` and the docs are printed from. */
typedef struct us_solver_about {
    const char *name;     /* "l-bfgs" */
    const char *title;    /* "limited-memory BFGS" */
    const char *formula;  /* plain text, lines */
    const char *latex;    /* the same for LaTeX, lines separated by \\\\ */
    const char *settings; /* the constants of its own that it uses; the options that all have are in us_minimize_options */
    const char *source;   /* paper */
    const char *advice;   /* when to use it, one line */
    bool squares;         /* for sums of squares only */
} us_solver_about;

/** All of them; static. */
US_API const us_solver_about *const *us_solvers(size_t *count);
/** By name, or NULL. */
US_API const us_solver_about *us_solver_find(const char *name);
/** The nearest name to a mistyped one, or NULL. */
US_API const char *us_solver_nearest(const char *name);

/** Drives a problem to a minimum by the solver of that name, and looks at where it ended: a point whose gradient is zero
 * with a negative eigenvalue (a saddle, a maximum) is no success, but US_NOT_CONVERGED with the reason.
 *
 * "trust-region" is us_minimize; for a sum of squares of at most 400 parameters, Levenberg-Marquardt goes first, one that is
 * linear in its parameters is solved at once, and us_minimize has its turn where that ends on no regular minimum: the lower
 * end counts, the first when they are as low. Otherwise as us_minimize. Errors also: US_ERR_ARGUMENT (no such solver);
 * US_ERR_UNSUPPORTED (a solver for sums of squares, another loss). */
US_API us_status us_solve(us_problem *problem, us_vec *theta, const char *name, const us_minimize_options *options,
                          us_minimize_result *result);

/* ------------------------------------------------------------------ by request */

/** What a solver wants to know of a point. */
typedef enum us_ask {
    US_ASK_NOTHING = 0, /* it has ended */
    US_ASK_VALUE,       /* *value */
    US_ASK_GRADIENT,    /* *value and gradient */
    US_ASK_PRODUCTS,    /* hv: the Hessian times `count` vectors v */
    US_ASK_RESIDUALS,   /* residuals */
    US_ASK_JACOBIAN     /* residuals and jacobian */
} us_ask;

/** A question, and where the answers go. Memory is the solver's. What is not finite may be answered as such: it steps back.
 */
typedef struct us_request {
    us_ask ask;
    const double *theta; /* [n] */
    double *value;
    double *gradient; /* [n] */
    size_t count;
    const double *v;   /* [count×n] */
    double *hv;        /* [count×n] */
    double *residuals; /* [m] */
    double *jacobian;  /* [m×n] row-major */
} us_request;

typedef struct us_solver_sizes {
    size_t n;       /* parameters */
    size_t m;       /* residuals; 0: the loss is no sum of squares */
    size_t samples; /* N of f = Σr²/(2N); default 1 */
} us_solver_sizes;

typedef struct us_solver us_solver;

/** A solver at its start, for a program that computes losses itself: ask us_solver_next what it wants to know, answer, and
 * so on until it asks nothing.
 * @param theta    [n] start, copied @param options  NULL for defaults; progress is called by next
 * Errors: US_ERR_ARGUMENT (no such solver, no parameters, no residuals for a solver that needs them);
 * US_ERR_NOMEM. @param out [caller destroys] */
US_API us_status us_solver_create(us_solver **out, us_context *context, const char *name, us_solver_sizes sizes,
                                  const double *theta, const us_minimize_options *options);
US_API void us_solver_destroy(us_solver *solver);
/** Takes the answers to the last question, and gives the next one. No allocation, except by trust-region and
 * least-squares, which work in a thread of their own while the caller waits, and it waits while the caller computes.
 * @param request  borrowed until the next call. With US_ASK_NOTHING it has ended, and next says how: US_OK, or as
 * us_minimize; US_ERR_NUMERIC (LAPACK failed). */
US_API us_status us_solver_next(us_solver *solver, const us_request **request);
/** The best point so far, and what it took; borrowed. */
US_API const double *us_solver_theta(const us_solver *solver);
US_API const us_minimize_result *us_solver_result(const us_solver *solver);

/* ------------------------------------------------------------------ how well a fit is known */

typedef struct us_fit {
    size_t n;
    size_t degrees;            /* of freedom: residuals less parameters */
    double residual_deviation; /* s = √(Σr²/degrees); NaN without degrees */
    double *standard_error;    /* [n] √ of the diagonal of (J'J)⁻¹s²; NaN where J has not full rank */
    us_context *context;
} us_fit;

/** Measures a fit at its end, by a QR factorisation of the Jacobian. A penalty counts as n residuals more.
 * Errors: US_ERR_UNSUPPORTED (no sum of squares), US_ERR_NOMEM, the problem's own.
 * Memory: the Jacobian, twice. @param out [caller destroys] */
US_API us_status us_fit_measure(us_fit **out, us_problem *problem, const us_vec *theta);
US_API void us_fit_destroy(us_fit *fit);

#ifdef __cplusplus
}
#endif
#endif
