/* The inside of a solver by request. A method is a table row: what it is, and three functions or one. */
#ifndef US_DESCEND_SOLVERS_SOLVER_H
#define US_DESCEND_SOLVERS_SOLVER_H

#include "base/base.h"
#include <math.h>
#include <unstuck/solve.h>

#define US__MINIMIZE_RESULT_INIT \
    { .reason = "it has not begun", .lowest = (double)NAN, .highest = (double)NAN, .resolution = (double)NAN }

typedef struct us__method {
    us_solver_about about;
    us_status (*open)(us_solver *); /* allocates solver->state, and makes the first request */
    us_status (*next)(us_solver *); /* the answers are in: makes the next request, or ends by us__solver_end */
    void (*close)(us_solver *);     /* also of a half-built state */
    /* Or, instead of these: a plain function of a problem, as us_minimize (asked.c runs it by request). */
    us_status (*solve)(us_problem *problem, us_vec *theta, const us_minimize_options *options, us_minimize_result *result);
    bool sees_curvature; /* it ends only where its own model of the Hessian has no negative eigenvalue */
} us__method;

struct us_solver {
    us_context *context;
    const us__method *method;
    us_minimize_options options;
    us_solver_sizes sizes;
    size_t n;
    double *memory;                 /* of the vectors */
    double *theta, *gradient;       /* [n] here: the best so far */
    double *trial, *trial_gradient; /* [n] there */
    double value, trial_value, first_value;
    us_request request;
    us_minimize_result result;
    double epsilon; /* of the numbers that are answered */
    bool begun, looking;
    us_status ended;
    struct us__look *look; /* NULL: none at the end */
    void *state;
};

extern const us__method us__method_trust_region, us__method_newton_cg, us__method_cubic, us__method_saddle_free,
    us__method_negative_curvature, us__method_perturbed, us__method_lbfgs, us__method_conjugate_gradient,
    us__method_levenberg_marquardt, us__method_least_squares;

/* us_solver_create for a row that need not be in the table. */
us_status us__solver_create(us_solver **out, us_context *context, const us__method *method, us_solver_sizes sizes,
                            const double *theta, const us_minimize_options *options);
/* Asks for loss, or loss and gradient, at solver->trial or (here) solver->theta. */
void us__solver_ask(us_solver *solver, us_ask ask, bool here);
/* No more questions. @return `status`, for the caller to return */
us_status us__solver_end(us_solver *solver, us_status status, const char *reason);
/* Counts an iteration, tells of it, and ends when they ran out or the context was cancelled: then false. */
bool us__solver_iterate(us_solver *solver, double gradient_norm);
/* Is ‖g‖∞ within the tolerance of the options? */
bool us__solver_is_small(const us_solver *solver, const double *gradient);
/* Trial becomes here. */
void us__solver_accept(us_solver *solver);

#endif
