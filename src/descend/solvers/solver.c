/* The table of solvers, and what all by request share. A new solver is a file here, a line in solver.h and a line here. */
#include "descend/solvers/solver.h"
#include "descend/solvers/asked.h"
#include "descend/solvers/local.h"
#include "descend/solvers/look.h"
#include <cblas.h>
#include <float.h>
#include <math.h>
#include <string.h>

static const us_solver_about *const solver_table[] = {
    &us__method_trust_region.about,  &us__method_newton_cg.about,          &us__method_cubic.about,
    &us__method_saddle_free.about,   &us__method_negative_curvature.about, &us__method_perturbed.about,
    &us__method_lbfgs.about,         &us__method_conjugate_gradient.about, &us__method_levenberg_marquardt.about,
    &us__method_least_squares.about,
};
enum { SOLVER_COUNT = sizeof solver_table / sizeof *solver_table };

const us_solver_about *const *us_solvers(size_t *count) {
    *count = SOLVER_COUNT;
    return solver_table;
}

const us_solver_about *us_solver_find(const char *name) {
    for (size_t i = 0; i < SOLVER_COUNT; i++)
        if (strcmp(solver_table[i]->name, name) == 0) return solver_table[i];
    return NULL;
}

const char *us_solver_nearest(const char *name) {
    const char *names[SOLVER_COUNT];
    for (size_t i = 0; i < SOLVER_COUNT; i++) names[i] = solver_table[i]->name;
    return us__nearest_name(name, names, SOLVER_COUNT);
}

/* ------------------------------------------------------------------ by request */

us_status us_solver_create(us_solver **out, us_context *context, const char *name, us_solver_sizes sizes,
                           const double *theta, const us_minimize_options *options) {
    const us__method *method = (const us__method *)us_solver_find(name); /* about is its first member */
    *out = NULL;
    if (!method) return us__fail(context, US_ERR_ARGUMENT, "there is no solver '%s'; us_solvers lists them", name);
    return us__solver_create(out, context, method, sizes, theta, options);
}

us_status us__solver_create(us_solver **out, us_context *context, const us__method *method, us_solver_sizes sizes,
                            const double *theta, const us_minimize_options *options) {
    us_minimize_options defaults = US_MINIMIZE_OPTIONS_INIT;
    *out = NULL;
    if (!options) options = &defaults;
    if (options->version != 1 || options->iterations == 0 || !(options->gradient_tolerance >= 0) ||
        !(options->step_tolerance >= 0) || !(options->initial_radius >= 0))
        return us__fail(context, US_ERR_ARGUMENT,
                        "minimize options: version is 1, iterations at least 1, the others at least 0");
    if (sizes.n == 0 || sizes.samples == 0 || (method->about.squares && sizes.m == 0))
        return us__fail(context, US_ERR_ARGUMENT, "%s: it needs parameters%s", method->about.name,
                        method->about.squares ? ", samples and residuals" : " and samples");
    us_solver *s = us__new(context, 1, sizeof *s);
    if (!s) return US_ERR_NOMEM;
    s->context = context;
    s->method = method;
    s->options = *options;
    s->sizes = sizes;
    s->n = sizes.n;
    s->epsilon = DBL_EPSILON;
    s->result = (us_minimize_result)US__MINIMIZE_RESULT_INIT;
    us_status status = (s->memory = us__new(context, 4, sizes.n * sizeof *s->memory)) ? US_OK : US_ERR_NOMEM;
    if (status == US_OK) {
        s->theta = s->memory;
        s->gradient = s->theta + sizes.n;
        s->trial = s->gradient + sizes.n;
        s->trial_gradient = s->trial + sizes.n;
        memcpy(s->theta, theta, sizes.n * sizeof *theta);
        memcpy(s->trial, theta, sizes.n * sizeof *theta);
        status = method->solve ? us__asked_open(s) : method->open(s);
    }
    if (status == US_OK && options->look && !method->sees_curvature) status = us__look_open(s);
    if (status != US_OK)
        us_solver_destroy(s);
    else
        *out = s;
    return status;
}

void us_solver_destroy(us_solver *solver) {
    if (!solver) return;
    if (solver->state && solver->method->solve)
        us__asked_close(solver);
    else if (solver->state)
        solver->method->close(solver);
    us__look_close(solver);
    us__release(solver->context, solver->state);
    us__release(solver->context, solver->memory);
    us__release(solver->context, solver);
}

us_status us_solver_next(us_solver *solver, const us_request **request) {
    us_solver *s = solver;
    *request = &s->request;
    if (s->ended != US_OK || s->request.ask == US_ASK_NOTHING) return s->ended;
    if (!s->begun) { /* the first question is there since it was made */
        s->begun = true;
        return US_OK;
    }
    us_status status = s->looking ? us__look_next(s) : s->method->solve ? us__asked_next(s) : s->method->next(s);
    if (s->look && !s->looking && status == US_OK && s->request.ask == US_ASK_NOTHING) {
        s->looking = true;
        us__look_begin(s);
    }
    if (s->request.ask != US_ASK_NOTHING && status != US_OK) us__solver_end(s, status, "it failed");
    s->result.value = s->value;
    return status;
}

const double *us_solver_theta(const us_solver *solver) { return solver->theta; }
const us_minimize_result *us_solver_result(const us_solver *solver) { return &solver->result; }

/* ------------------------------------------------------------------ for methods */

void us__solver_ask(us_solver *s, us_ask ask, bool here) {
    s->request.ask = ask;
    s->request.theta = here ? s->theta : s->trial;
    s->request.value = here ? &s->value : &s->trial_value;
    s->request.gradient = here ? s->gradient : s->trial_gradient;
    s->result.values += ask == US_ASK_VALUE || ask == US_ASK_RESIDUALS;
    s->result.gradients += ask == US_ASK_GRADIENT || ask == US_ASK_JACOBIAN;
    if (ask == US_ASK_PRODUCTS) s->result.products += s->request.count;
}

us_status us__solver_end(us_solver *s, us_status status, const char *reason) {
    s->request.ask = US_ASK_NOTHING;
    s->result.reason = reason;
    s->ended = status;
    s->result.gradient_norm = cblas_dnrm2((int)s->n, s->gradient, 1);
    return status;
}

bool us__solver_iterate(us_solver *s, double gradient_norm) {
    if (us_context_cancelled(s->context)) {
        us__solver_end(s, US_INTERRUPTED, "interrupted");
        return false;
    }
    if (s->options.progress) s->options.progress(s->options.progress_user, s->result.iterations, s->value, gradient_norm);
    if (s->result.iterations++ < s->options.iterations) return true;
    s->result.iterations--;
    us__solver_end(s, US_NOT_CONVERGED, "the iterations ran out");
    return false;
}

bool us__solver_is_small(const us_solver *s, const double *gradient) {
    double size = fmax(1, fmin(fabs(s->value), fabs(s->first_value))), largest = 0;
    for (size_t i = 0; i < s->n; i++)
        if (!(fabs(gradient[i]) <= largest)) largest = fabs(gradient[i]);
    return largest <= s->options.gradient_tolerance * size;
}

void us__solver_accept(us_solver *s) {
    US__SWAP(double *, s->theta, s->trial);
    US__SWAP(double *, s->gradient, s->trial_gradient);
    s->value = s->trial_value;
}
