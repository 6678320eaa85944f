/* A problem driven by a solver of the table. */
#include "descend/solvers/drive.h"
#include "descend/solvers/local.h"
#include "descend/solvers/look.h"
#include "descend/solvers/solver.h"
#include "descend/solvers/squares.h"
#include <math.h>
#include <string.h>

enum { DRIVE_BLOCK = 16, DRIVE_WHOLE = 400 };

/* ------------------------------------------------------------------ answers */

static us_status drive_products(us__local *local, const us_request *q) {
    us_vec_write_f64(local->theta, q->theta);
    for (size_t from = 0; from < q->count; from += local->block) {
        size_t count = q->count - from < local->block ? q->count - from : local->block;
        for (size_t j = 0; j < count; j++) us_vec_write_f64(local->v[j], q->v + (from + j) * local->n);
        us_status status =
            us_problem_hvp(local->problem, local->theta, US_BATCH_ALL, (const us_vec *const *)local->v, local->hv, count);
        if (status != US_OK && status != US_ERR_NONFINITE) return status;
        for (size_t j = 0; j < count; j++) us_vec_read_f64(local->hv[j], q->hv + (from + j) * local->n);
        if (status == US_ERR_NONFINITE) q->hv[from * local->n] = (double)NAN; /* the solver deals with it */
    }
    return US_OK;
}

static us_status drive_answer(us__local *local, const us_request *q) {
    switch (q->ask) {
    case US_ASK_VALUE:
        return us__local_value(local, q->theta, q->value);
    case US_ASK_GRADIENT:
        return us__local_gradient(local, q->theta, q->value, q->gradient);
    case US_ASK_PRODUCTS:
        return drive_products(local, q);
    default:
        us_vec_write_f64(local->theta, q->theta);
        return us_problem_residuals(local->problem, local->theta, q->residuals,
                                    q->ask == US_ASK_JACOBIAN ? q->jacobian : NULL);
    }
}

us_status us__drive(us_problem *problem, us_vec *theta, const us__method *method, const us_minimize_options *options,
                    us_minimize_result *result) {
    us_context *context = us_problem_context(problem);
    us_solver_sizes sizes = {us_problem_dimension(problem), us_problem_residual_count(problem), us_problem_samples(problem)};
    us_solver *solver = NULL;
    const us_request *request;
    us__local local;
    size_t block = sizes.n < DRIVE_BLOCK ? sizes.n : sizes.n <= DRIVE_WHOLE ? DRIVE_BLOCK : 1;
    double *start = us__alloc(context, sizes.n, sizeof *start);
    us_status status = us__local_open(&local, problem, block);
    if (!start) status = US_ERR_NOMEM;
    if (status == US_OK) us_vec_read_f64(theta, start);
    if (status == US_OK) status = us__solver_create(&solver, context, method, sizes, start, options);
    if (status == US_OK) solver->epsilon = us_precision_epsilon(us_problem_precision(problem));
    while (status == US_OK) {
        status = us_solver_next(solver, &request);
        if (status != US_OK || request->ask == US_ASK_NOTHING) break;
        status = drive_answer(&local, request);
    }
    if (solver) *result = *us_solver_result(solver);
    if (solver && status >= 0) us_vec_write_f64(theta, us_solver_theta(solver));
    us_solver_destroy(solver);
    us__local_close(&local);
    us__release(context, start);
    return status;
}

/* ------------------------------------------------------------------ by name */

/* What solvers that are plain functions end with: the ends of the spectrum, and no success at a saddle. */
static us_status drive_look(us_problem *problem, us_vec *theta, const us_minimize_options *options,
                            us_minimize_result *result) {
    us_minimize_result seen;
    if (options && !options->look) return US_OK;
    us_status status = us__drive(problem, theta, &us__method_look, options, &seen);
    result->gradients += seen.gradients, result->products += seen.products;
    result->lowest = seen.lowest, result->highest = seen.highest;
    result->resolution = seen.resolution, result->kind = seen.kind;
    if (status == US_NOT_CONVERGED) result->reason = seen.reason;
    return status;
}

us_status us_solve(us_problem *problem, us_vec *theta, const char *name, const us_minimize_options *options,
                   us_minimize_result *result) {
    us_context *context = us_problem_context(problem);
    const us__method *method = (const us__method *)us_solver_find(name);
    *result = (us_minimize_result)US__MINIMIZE_RESULT_INIT;
    if (!method) {
        const char *nearest = us_solver_nearest(name);
        return us__fail(context, US_ERR_ARGUMENT, "there is no solver '%s'%s%s%s", name, nearest ? "; did you mean '" : "",
                        nearest ? nearest : "", nearest ? "'?" : "");
    }
    if (us_vec_size(theta) != us_problem_dimension(problem))
        return us__fail(context, US_ERR_ARGUMENT, "theta has %zu elements, the problem %zu parameters", us_vec_size(theta),
                        us_problem_dimension(problem));
    if (method->about.squares && !us__squares_are_few(problem))
        return us__fail(context, US_ERR_UNSUPPORTED,
                        us_problem_residual_count(problem) == 0
                            ? "%s is for sums of squares of one output; choose another solver, such as trust-region"
                            : "%s keeps all derivatives of all residuals, which are too many here; choose l-bfgs",
                        name);
    if (!method->solve) return us__drive(problem, theta, method, options, result);
    us_status status = method->solve(problem, theta, options, result);
    return status == US_OK ? drive_look(problem, theta, options, result) : status;
}
