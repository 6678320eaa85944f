/* A problem driven by a solver of the table. */
#include "descend/solvers/drive.h"
#include "descend/solvers/local.h"
#include "descend/solvers/quadratic.h"
#include "descend/solvers/solver.h"
#include "descend/solvers/squares.h"
#include <math.h>
#include <string.h>

enum { DRIVE_BLOCK = 16, DRIVE_WHOLE = 400, DRIVE_KRYLOV = 80 };

/* ------------------------------------------------------------------ answers */

static us_status drive_products(us__local *local, const us_request *q) {
    us_vec_write_f64(local->theta, q->theta);
    for (size_t from = 0; from < q->count; from += local->block) {
        size_t count = q->count - from < local->block ? q->count - from : local->block;
        for (size_t j = 0; j < count; j++) us_vec_write_f64(local->v[j], q->v + (from + j) * local->n);
        us_status status =
            us_problem_hvp(local->problem, local->theta, US_BATCH_ALL, (const us_vec *const *)local->v, local->hv, count);
        if (status != US_OK) return status;
        for (size_t j = 0; j < count; j++) us_vec_read_f64(local->hv[j], q->hv + (from + j) * local->n);
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

us_status us__drive(us_problem *problem, us_vec *theta, const char *name, const us_minimize_options *options,
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
    if (status == US_OK) status = us_solver_create(&solver, context, name, sizes, start, options);
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

/* ------------------------------------------------------------------ where it ended */

/* The ends of the spectrum at θ; a negative eigenvalue where the gradient is zero makes it no success. */
static us_status drive_look(us_problem *problem, const us_vec *theta, us_minimize_result *result) {
    us_context *context = us_problem_context(problem);
    size_t n = us_problem_dimension(problem);
    bool whole = n <= DRIVE_WHOLE;
    us__local local;
    us__quadratic q = {0};
    double *at = us__alloc(context, 3 * n, sizeof *at), *gradient, *random, value;
    us_status status = us__local_open(&local, problem, whole ? (n < DRIVE_BLOCK ? n : DRIVE_BLOCK) : 1);
    if (!at) status = US_ERR_NOMEM;
    if (status == US_OK) status = us__quadratic_open(&q, context, n, whole ? n : DRIVE_KRYLOV);
    if (status != US_OK) goto done;
    gradient = at + n, random = gradient + n;
    us_vec_read_f64(theta, at);
    us_rng rng = us_rng_init(1, 0x656e64);
    for (size_t i = 0; i < n; i++) random[i] = us_rng_normal(&rng);
    status = us__local_gradient(&local, at, &value, gradient);
    if (status == US_OK && whole) status = us__quadratic_whole(&q, &local, at, gradient, true);
    if (status == US_OK && !whole) status = us__quadratic_krylov(&q, &local, at, gradient, random, 1, 0);
    result->gradients++;
    result->products += local.products;
    if (status == US_ERR_NONFINITE)
        status = US_OK; /* a Hessian that is not finite tells nothing */
    else if (status == US_OK) {
        result->lowest = q.values[0], result->highest = q.values[q.m - 1];
        if (result->lowest < -q.resolution) {
            result->reason = result->highest > q.resolution
                                 ? "the gradient is zero, but at a saddle: the Hessian has negative "
                                   "eigenvalues"
                                 : "the gradient is zero, but at a maximum: the Hessian has no positive "
                                   "eigenvalue";
            status = US_NOT_CONVERGED;
        }
    }
done:
    if (q.context) us__quadratic_close(&q);
    us__local_close(&local);
    us__release(context, at);
    return status;
}

us_status us_solve(us_problem *problem, us_vec *theta, const char *name, const us_minimize_options *options,
                   us_minimize_result *result) {
    us_context *context = us_problem_context(problem);
    const us__method *method = (const us__method *)us_solver_find(name);
    *result = (us_minimize_result){.reason = "it has not begun", .lowest = (double)NAN, .highest = (double)NAN};
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
    us_status status;
    if (method == &us__method_least_squares) {
        status = us__squares_linear(problem, theta, result);
        return status != US_NOT_FOUND ? status
                                      : us__fail(context, US_ERR_UNSUPPORTED,
                                                 "least-squares: the model is not linear in its parameters, or its columns "
                                                 "depend on each other; choose levenberg-marquardt");
    }
    if (method == &us__method_trust_region)
        return us__squares_are_few(problem) ? us__squares_minimize(problem, theta, options, result)
                                            : us_minimize(problem, theta, options, result);
    status = us__drive(problem, theta, name, options, result);
    return status == US_OK ? drive_look(problem, theta, result) : status;
}

const us__method us__method_trust_region = {
    .about =
        {.name = "trust-region",
         .title = "Newton's method in a trust region",
         .formula = "min g'p + p'Hp/2  over  |Dp| <= radius\ntheta <- theta + p  where the loss falls as foretold",
         .source =
             "Moré & Sorensen 1983, Computing a trust region step, SIAM J. Sci. Stat. Comput. 4(3); Gould, Lucidi, Roma "
             "& Toint 1999, SIAM J. Optim. 9(2)",
         .advice = "small and middling problems: leaves saddles and maxima by negative curvature, and looks for a way down "
                   "where the second order is silent"},
};
