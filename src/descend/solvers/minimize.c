/* Trust-region Newton with negative curvature. One iteration:
 *
 *   model   the quadratic model in eigenvectors, of the whole Hessian or of a Krylov space    quadratic.c
 *   step    its exact minimiser within the radius; at a saddle that follows −λ₁'s eigenvector subproblem.c
 *   judge   ρ = (f(θ) − f(θ+p)) / predicted: take the step or not, widen the region or not
 *
 * Where gradient and negative curvature have both vanished, the loss is measured along what the second order cannot see
 * (probe.c) before the end is called.
 * Source: Conn, Gould & Toint 2000, "Trust-Region Methods", algorithm 6.1.1 and chapter 7. */
#include "descend/solvers/probe.h"
#include "descend/solvers/solver.h"
#include "descend/solvers/subproblem.h"
#include <cblas.h>
#include <float.h>
#include <math.h>
#include <string.h>
#include <unstuck/solve.h>

enum { MINIMIZE_WHOLE_LIMIT = 400, MINIMIZE_KRYLOV = 80, MINIMIZE_BLOCK = 16, MINIMIZE_PROBES = 20, MINIMIZE_POLISH = 100 };

void us_minimize_options_init(us_minimize_options *options) { *options = (us_minimize_options)US_MINIMIZE_OPTIONS_INIT; }

typedef struct minimizer {
    us__local local;
    us__quadratic quadratic;
    us_minimize_options options;
    size_t n;
    bool whole;                       /* Hessian, or Krylov spaces */
    bool plain;                       /* lengths without D */
    double *theta, *gradient;         /* [n] here */
    double *trial, *trial_gradient;   /* [n] there */
    double *step, *spare, *spare2;    /* [n] */
    double *old_scale, *start, *best; /* [n] */
    double value, first_value, radius, noise;
    double gradient_norm, last_gradient_norm; /* ‖·‖∞, here and one step ago */
    size_t probes, polished;                  /* how often */
    us_rng rng;
} minimizer;

static us_status minimizer_open(minimizer *s, us_problem *problem, const us_minimize_options *options) {
    us_context *context = us_problem_context(problem);
    size_t n = us_problem_dimension(problem);
    memset(s, 0, sizeof *s);
    s->n = n;
    s->options = *options;
    s->whole = n <= MINIMIZE_WHOLE_LIMIT;
    s->rng = us_rng_init(1, 0x6d696e);
    us_status status = us__local_open(&s->local, problem, s->whole ? (n < MINIMIZE_BLOCK ? n : MINIMIZE_BLOCK) : 1);
    if (status == US_OK) status = us__quadratic_open(&s->quadratic, context, n, s->whole ? n : MINIMIZE_KRYLOV);
    if (status != US_OK) return status;
    size_t m = s->quadratic.capacity > n ? s->quadratic.capacity : n;
    s->theta = us__new(context, 10, m * sizeof *s->theta);
    if (!s->theta) return US_ERR_NOMEM;
    double **parts[] = {&s->gradient, &s->trial,     &s->trial_gradient, &s->step, &s->spare,
                        &s->spare2,   &s->old_scale, &s->start,          &s->best};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) *parts[i] = s->theta + (i + 1) * m;
    return US_OK;
}

static void minimizer_close(minimizer *s) {
    us__release(s->local.context, s->theta);
    us__quadratic_close(&s->quadratic);
    us__local_close(&s->local);
}

static double minimizer_norm_inf(const double *x, size_t n) {
    double largest = 0;
    for (size_t i = 0; i < n; i++)
        if (!(fabs(x[i]) <= largest)) largest = fabs(x[i]); /* NaN stays */
    return largest;
}

/* Loss and gradient at theta, from scratch. */
static us_status minimizer_look(minimizer *s) {
    us_status status = us__local_gradient(&s->local, s->theta, &s->value, s->gradient);
    s->gradient_norm = minimizer_norm_inf(s->gradient, s->n);
    s->noise = 16 * DBL_EPSILON * fabs(s->value);
    return status;
}

static bool minimizer_is_small(const minimizer *s) {
    double size = fmax(1, fmin(fabs(s->value), fabs(s->first_value)));
    return s->gradient_norm <= s->options.gradient_tolerance * size;
}

/* The model here; in a Krylov space of the gradient, or, where that is nearly zero, of a random vector, which has a part
 * along every eigenvector. */
static us_status minimizer_model(minimizer *s) {
    us__quadratic *q = &s->quadratic;
    if (s->whole) return us__quadratic_whole(q, &s->local, s->theta, s->gradient, s->plain);
    if (!minimizer_is_small(s)) {
        double tolerance = fmin(0.1, sqrt(s->gradient_norm));
        double radius = s->radius > 0 ? s->radius : cblas_dnrm2((int)s->n, s->gradient, 1);
        return us__quadratic_krylov(q, &s->local, s->theta, s->gradient, s->gradient, radius, tolerance);
    }
    for (size_t i = 0; i < s->n; i++) s->spare[i] = us_rng_normal(&s->rng);
    return us__quadratic_krylov(q, &s->local, s->theta, s->gradient, s->spare, 1, 0);
}

/* The first radius: a tenth of the step that a Hessian of D² would ask for, or, at rest, a small part of θ. */
static double minimizer_first_radius(const minimizer *s) {
    const us__quadratic *q = &s->quadratic;
    double newton = 0, size = 0, unit = 0;
    if (s->options.initial_radius > 0) return s->options.initial_radius;
    for (size_t i = 0; i < s->n; i++) {
        newton = hypot(newton, s->gradient[i] / q->scale[i]);
        size = hypot(size, s->theta[i] * q->scale[i]);
        unit = fmax(unit, q->scale[i]);
    }
    double at_rest = size > 0 ? 0.1 * size : 0.1 * unit;
    return fmax(0.1 * newton, 1e-3 * at_rest);
}

/* D changes from one model to the next: the radius keeps its length along the last step. */
static void minimizer_rescale_radius(minimizer *s) {
    double before = 0, after = 0;
    for (size_t i = 0; i < s->n; i++) {
        before = hypot(before, s->step[i] * s->old_scale[i]);
        after = hypot(after, s->step[i] * s->quadratic.scale[i]);
    }
    if (before > 0 && after > 0) s->radius *= after / before;
}

/* Loss, and where it is low enough gradient, at s->trial. *taken says whether it is a better place. */
static us_status minimizer_judge(minimizer *s, double predicted, double *ratio, bool *taken) {
    double there;
    us_status status = us__local_value(&s->local, s->trial, &there);
    *ratio = -1;
    *taken = false;
    if (status != US_OK || !isfinite(there)) return status;
    double gain = s->value - there;
    *ratio = predicted > 0 ? gain / predicted : -1;
    bool buried = predicted <= s->noise && gain >= -s->noise; /* the loss can't tell any more; the gradient may */
    if (!(gain > 0 && *ratio >= 1e-4) && !buried) return status;
    status = us__local_gradient(&s->local, s->trial, &there, s->trial_gradient);
    if (status != US_OK || !us__all_finite(s->trial_gradient, s->n)) return status;
    double norm = minimizer_norm_inf(s->trial_gradient, s->n);
    if (buried && !(norm < 0.9 * s->gradient_norm)) return status;
    if (buried) *ratio = 1;
    *taken = true;
    for (size_t i = 0; i < s->n; i++) s->step[i] = s->trial[i] - s->theta[i];
    memcpy(s->theta, s->trial, s->n * sizeof *s->theta);
    memcpy(s->gradient, s->trial_gradient, s->n * sizeof *s->gradient);
    s->value = there;
    s->last_gradient_norm = s->gradient_norm;
    s->gradient_norm = norm;
    s->noise = 16 * DBL_EPSILON * fabs(there);
    return status;
}

/* In the hard case the step's mirror image is as good to the model: the loss decides. */
static us_status minimizer_choose_side(minimizer *s, double *p) {
    double here, mirrored;
    us_status status = us__local_value(&s->local, s->trial, &here);
    if (status != US_OK) return status;
    p[0] = -p[0];
    us__quadratic_move(&s->quadratic, s->theta, p, s->spare2);
    status = us__local_value(&s->local, s->spare2, &mirrored);
    if (mirrored < here || !isfinite(here)) memcpy(s->trial, s->spare2, s->n * sizeof *s->trial);
    return status;
}

/* Steps from the present model until one is taken; *taken is false when none is left that is long enough to be one. */
static us_status minimizer_step(minimizer *s, bool *taken) {
    double *p = s->spare, size = cblas_dnrm2((int)s->n, s->theta, 1);
    us_status status = US_OK;
    *taken = false;
    while (!*taken) {
        double ratio;
        us__subproblem step = us__subproblem_solve(s->quadratic.m, s->quadratic.values, s->quadratic.slopes, s->radius, p);
        double length = us__quadratic_move(&s->quadratic, s->theta, p, s->trial);
        if (step.predicted == 0 || length <= s->options.step_tolerance * size + DBL_MIN) return US_OK;
        if (step.mirrored) status = minimizer_choose_side(s, p);
        if (status == US_OK) status = minimizer_judge(s, step.predicted, &ratio, taken);
        if (status != US_OK) return status;
        if (ratio < 0.25)
            s->radius = (ratio < -1 ? 0.1 : 0.3) * fmin(s->radius, step.length);
        else if (ratio > 0.75 && step.on_boundary)
            s->radius *= ratio > 0.9 ? 3 : 2;
        if (!*taken && step.predicted <= s->noise) return US_OK;
    }
    return status;
}

/* Is the decrease that Newton's step would bring, ½ Σ slopeᵢ²/|λᵢ|, nothing beside the loss and what it has come down by? */
static bool minimizer_is_spent(const minimizer *s) {
    const us__quadratic *q = &s->quadratic;
    double offer = 0;
    for (size_t i = 0; i < q->m; i++)
        if (q->slopes[i] != 0) offer += 0.5 * q->slopes[i] * q->slopes[i] / fabs(q->values[i]);
    return offer <= 1e-9 * fabs(s->value) + 1e-12 * (s->first_value - s->value);
}

/* Gradient small, no negative curvature, nothing left to gain, and the last step no longer brought much: there. (A few more
 * steps are cheap with a whole Hessian, and at a minimum that it does not see they bring digits.) */
static bool minimizer_is_there(minimizer *s) {
    if (!minimizer_is_small(s) || s->quadratic.values[0] < -s->quadratic.resolution) return false;
    if (s->gradient_norm == 0 || s->polished++ >= MINIMIZE_POLISH) return true;
    double gain = s->whole ? 0.9 : 0.25; /* a Krylov space costs more */
    return s->gradient_norm > gain * s->last_gradient_norm && minimizer_is_spent(s);
}

/* At rest: is there a way down that gradient and Hessian do not show? Goes there if so. */
static us_status minimizer_probe(minimizer *s, bool *moved) {
    double best;
    *moved = false;
    if (s->probes++ >= MINIMIZE_PROBES) return US_OK;
    us_status status = us__probe_way_down(&s->quadratic, &s->local, s->theta, s->value, 1e-6, s->probes, s->spare2, s->trial,
                                          s->spare, &best);
    double least = fmax(1e-9 * (fabs(s->value) + s->first_value - s->value), s->noise);
    if (status != US_OK || !(s->value - best > least)) return status;
    *moved = true;
    s->radius = 0; /* anew */
    memcpy(s->theta, s->spare, s->n * sizeof *s->theta);
    status = minimizer_look(s);
    s->last_gradient_norm = HUGE_VAL;
    return status;
}

/* From s->theta to a minimum. */
static us_status minimizer_run(minimizer *s, us_minimize_result *result) {
    us_status status = minimizer_look(s);
    s->radius = 0;
    s->probes = s->polished = 0;
    if (status != US_OK) return status;
    s->first_value = s->value;
    s->last_gradient_norm = HUGE_VAL;
    if (!isfinite(s->value) || !isfinite(s->gradient_norm))
        return us__fail(s->local.context, US_ERR_NONFINITE,
                        "the loss or its gradient is not finite at the start; start elsewhere");
    for (size_t i = 0; i < s->options.iterations; i++, result->iterations++) {
        if (us_context_cancelled(s->local.context)) {
            result->reason = "interrupted";
            return US_INTERRUPTED;
        }
        if (s->options.progress)
            s->options.progress(s->options.progress_user, result->iterations, s->value, s->gradient_norm);
        memcpy(s->old_scale, s->quadratic.scale, s->n * sizeof *s->old_scale);
        status = minimizer_model(s);
        if (status != US_OK) return status;
        if (s->radius == 0)
            s->radius = minimizer_first_radius(s);
        else
            minimizer_rescale_radius(s);
        bool there = minimizer_is_there(s), moved = false;
        if (!there) status = minimizer_step(s, &moved);
        if (status != US_OK) return status;
        if (s->value < -1e50 * fmax(1, fabs(s->first_value))) {
            result->reason = "the loss falls without bound";
            return US_NOT_CONVERGED;
        }
        if (moved) continue;
        status = minimizer_probe(s, &moved);
        if (status != US_OK || moved) {
            if (status != US_OK) return status;
            continue;
        }
        if (there || minimizer_is_small(s))
            result->reason = "the gradient is zero within the tolerance";
        else if (minimizer_is_spent(s))
            result->reason = "what is left to gain is below this precision";
        else
            result->reason = "no step lowers the loss, though the gradient is not zero: a kink, or a noisy loss";
        return there || minimizer_is_small(s) || minimizer_is_spent(s) ? US_OK : US_NOT_CONVERGED;
    }
    result->reason = "the iterations ran out";
    return US_NOT_CONVERGED;
}

/* A minimum with a clearly positive Hessian, and nothing to be gained from another way to it? */
static bool minimizer_is_regular(const minimizer *s) {
    const us__quadratic *q = &s->quadratic;
    return minimizer_is_small(s) && q->values[0] > 1e-8 * q->values[q->m - 1];
}

/* The way down depends on how lengths are measured. With D it does not depend on the units of the parameters; but where that
 * way ends in a valley without end or on a singular Hessian, the way without D is tried, too, and the lower end counts. */
static us_status minimizer_run_both(minimizer *s, us_minimize_result *result) {
    memcpy(s->start, s->theta, s->n * sizeof *s->start);
    us_status status = minimizer_run(s, result);
    if (status < 0 || status == US_INTERRUPTED || !s->whole || minimizer_is_regular(s)) return status;
    double value = s->value;
    us_status first = status;
    const char *reason = result->reason;
    memcpy(s->best, s->theta, s->n * sizeof *s->best);
    memcpy(s->theta, s->start, s->n * sizeof *s->theta);
    s->plain = true;
    status = minimizer_run(s, result);
    if (status < 0 || s->value < value - s->noise) return status;
    memcpy(s->theta, s->best, s->n * sizeof *s->theta);
    result->reason = reason;
    us_status looked = minimizer_look(s);
    return looked != US_OK ? looked : status == US_INTERRUPTED ? status : first;
}

us_status us_minimize(us_problem *problem, us_vec *theta, const us_minimize_options *options, us_minimize_result *result) {
    us_minimize_options defaults = US_MINIMIZE_OPTIONS_INIT;
    us_context *context = us_problem_context(problem);
    *result = (us_minimize_result)US__MINIMIZE_RESULT_INIT;
    if (!options) options = &defaults;
    if (options->version != 1 || options->iterations == 0 || !(options->gradient_tolerance >= 0) ||
        !(options->step_tolerance >= 0) || !(options->initial_radius >= 0))
        return us__fail(context, US_ERR_ARGUMENT,
                        "minimize options: version is 1, iterations at least 1, the others at least 0");
    if (us_vec_size(theta) != us_problem_dimension(problem))
        return us__fail(context, US_ERR_ARGUMENT, "theta has %zu elements, the problem %zu parameters", us_vec_size(theta),
                        us_problem_dimension(problem));
    minimizer s;
    us_status status = minimizer_open(&s, problem, options);
    if (status == US_OK) {
        us_vec_read_f64(theta, s.theta);
        status = minimizer_run_both(&s, result);
    }
    if (status >= 0) us_vec_write_f64(theta, s.theta);
    result->value = s.value;
    result->gradient_norm = s.theta ? cblas_dnrm2((int)s.n, s.gradient, 1) : 0;
    result->values = s.local.values;
    result->gradients = s.local.gradients;
    result->products = s.local.products;
    minimizer_close(&s);
    return status;
}
