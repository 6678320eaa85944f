/* Levenberg-Marquardt in a trust region. With residuals r, their Jacobian J and F = ½‖r‖²:
 *
 *   (J'J + μD²)·p = −J'r,  ‖Dp‖ ≤ Δ,  μ ≥ 0,  μ(Δ − ‖Dp‖) = 0
 *
 * D holds the largest length that each column of J has had (Moré's scaling: the way does not depend on the units of the
 * parameters). With the singular values JD⁻¹ = UΣV' the step is that of subproblem.c for Λ = Σ², g = ΣU'r, and J'J is never
 * formed. Where the loss can no longer tell, full Gauss-Newton steps go on for as long as they get shorter.
 * Source: Moré 1978, "The Levenberg-Marquardt algorithm: implementation and theory", Lecture Notes in Mathematics 630. */
#include "descend/solvers/local.h"
#include "descend/solvers/solver.h"
#include "descend/solvers/subproblem.h"
#include <cblas.h>
#include <float.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>

static const double LM_FACTOR = 100;   /* first radius: this times ‖Dθ‖ */
static const double LM_BURIED = 1e-10; /* part of F below which its differences may be rounding */
static const double LM_SETTLED = 1e-7; /* part of ‖Dθ‖ that the last full step may have at an end that counts */
static const double LM_SPENT = 1e-9;   /* part of Σr² that a full step may still offer at an end that counts */
static const double LM_SHRINKS = 0.9;  /* full steps go on while each is this much shorter */

typedef struct lm_state {
    size_t m, n, k; /* k = min(m, n) singular values */
    bool begun, polishing;
    double *memory, *jacobians;                /* the blocks of the next two lines */
    double *r, *there;                         /* [m] residuals here and there */
    double *jacobian, *spare;                  /* [m×n] here, and there */
    double *scale, *before;                    /* [n] D; θ before a full step */
    double *v;                                 /* [k×n] right singular vectors of JD⁻¹, ascending */
    double *values, *slopes, *p;               /* [k] */
    double *matrix, *u, *sigma, *basis, *work; /* of LAPACK */
    size_t work_size;
    double radius, full_length, last_full;
    double predicted;
    us__subproblem step;
} lm_state;

static us_status lm_open(us_solver *s) {
    us_context *context = s->context;
    lm_state *lm = s->state = us__new(context, 1, sizeof *lm);
    if (!lm) return US_ERR_NOMEM;
    size_t m = lm->m = s->sizes.m, n = lm->n = s->n, k = lm->k = m < n ? m : n;
    lm->work_size = 8 * (m + n) + 64 * (m > n ? m : n) + 5 * k;
    lm->memory = us__alloc(context, 2 * m + 2 * n + 4 * k, sizeof *lm->memory);
    lm->jacobians = us__alloc(context, 3 * m, n * sizeof *lm->jacobians);
    lm->u = us__alloc(context, k, (m + 2 * n) * sizeof *lm->u);
    lm->work = us__alloc(context, lm->work_size, sizeof *lm->work);
    if (!lm->memory || !lm->jacobians || !lm->u || !lm->work) return US_ERR_NOMEM;
    lm->r = lm->memory;
    lm->jacobian = lm->jacobians;
    lm->there = lm->r + m;
    lm->scale = lm->there + m;
    lm->before = lm->scale + n;
    lm->values = lm->before + n;
    lm->slopes = lm->values + k;
    lm->p = lm->slopes + k;
    lm->sigma = lm->p + k;
    lm->spare = lm->jacobian + m * n;
    lm->matrix = lm->spare + m * n;
    lm->v = lm->u + k * m;
    lm->basis = lm->v + k * n;
    memset(lm->scale, 0, n * sizeof *lm->scale);
    s->request.residuals = lm->there;
    s->request.jacobian = lm->spare;
    us__solver_ask(s, US_ASK_JACOBIAN, false);
    return US_OK;
}

static void lm_close(us_solver *s) {
    lm_state *lm = s->state;
    us__release(s->context, lm->memory);
    us__release(s->context, lm->jacobians);
    us__release(s->context, lm->u);
    us__release(s->context, lm->work);
}

/* What was asked of the trial becomes here. */
static void lm_accept(us_solver *s) {
    lm_state *lm = s->state;
    size_t m = lm->m, n = lm->n;
    US__SWAP(double *, lm->r, lm->there);
    US__SWAP(double *, lm->jacobian, lm->spare);
    s->request.residuals = lm->there;
    s->request.jacobian = lm->spare;
    double norm = cblas_dnrm2((int)m, lm->r, 1);
    s->trial_value = 0.5 * norm * norm / (double)s->sizes.samples;
    us__solver_accept(s);
    cblas_dgemv(CblasRowMajor, CblasTrans, (int)m, (int)n, 1 / (double)s->sizes.samples, lm->jacobian, (int)n, lm->r, 1, 0,
                s->gradient, 1);
}

/* Singular values and vectors of JD⁻¹ here. */
static us_status lm_factor(us_solver *s) {
    lm_state *lm = s->state;
    size_t m = lm->m, n = lm->n, k = lm->k;
    for (size_t j = 0; j < n; j++) {
        lm->scale[j] = fmax(lm->scale[j], cblas_dnrm2((int)m, lm->jacobian + j, (int)n));
        double d = lm->scale[j] > 0 ? lm->scale[j] : 1;
        for (size_t i = 0; i < m; i++) lm->matrix[i * n + j] = lm->jacobian[i * n + j] / d;
    }
    /* Row-major JD⁻¹ is column-major D⁻¹J' = V Σ U'. */
    lapack_int failed =
        LAPACKE_dgesvd_work(LAPACK_COL_MAJOR, 'S', 'S', (lapack_int)n, (lapack_int)m, lm->matrix, (lapack_int)n, lm->sigma,
                            lm->basis, (lapack_int)n, lm->u, (lapack_int)k, lm->work, (lapack_int)lm->work_size);
    if (failed != 0) return us__fail(s->context, US_ERR_NUMERIC, "LAPACK's dgesvd failed on the Jacobian");
    double full = 0;
    for (size_t i = 0; i < k; i++) {
        size_t from = k - 1 - i; /* ascending */
        double sigma = lm->sigma[from], along = cblas_ddot((int)m, lm->u + from, (int)k, lm->r, 1);
        lm->values[i] = sigma * sigma;
        lm->slopes[i] = sigma * along;
        full = hypot(full, along / fmax(sigma, DBL_MIN));
        cblas_dcopy((int)n, lm->basis + from * n, 1, lm->v + i * n, 1);
    }
    lm->last_full = lm->full_length;
    lm->full_length = full;
    return US_OK;
}

/* ‖Dθ‖ */
static double lm_size(const us_solver *s) {
    const lm_state *lm = s->state;
    double size = 0;
    for (size_t j = 0; j < lm->n; j++) size = hypot(size, s->theta[j] * lm->scale[j]);
    return size;
}

static us_status lm_end(us_solver *s) {
    const lm_state *lm = s->state;
    double size = lm_size(s);
    s->result.lowest = lm->values[0], s->result.highest = lm->values[lm->k - 1];
    if (us__solver_is_small(s, s->gradient) && lm->full_length <= LM_SETTLED * size)
        return us__solver_end(s, US_OK, "the gradient is zero within the tolerance");
    double offer = 0; /* of a full step, however short the last one was */
    for (size_t i = 0; i < lm->k; i++)
        if (lm->slopes[i] != 0) offer += 0.5 * lm->slopes[i] * lm->slopes[i] / lm->values[i];
    if (lm->full_length <= LM_SETTLED * size || offer <= LM_SPENT * cblas_ddot((int)lm->m, lm->r, 1, lm->r, 1))
        return us__solver_end(s, US_OK, "what is left to gain is below this precision");
    return us__solver_end(s, US_NOT_CONVERGED, "no step lowers the squares, though their gradient is not zero");
}

/* Asks for the place where the step within the radius leads; or ends, where it leads nowhere. */
static us_status lm_try(us_solver *s) {
    lm_state *lm = s->state;
    double size = lm_size(s), F = 0.5 * cblas_ddot((int)lm->m, lm->r, 1, lm->r, 1);
    lm->step = us__subproblem_solve(lm->k, lm->values, lm->slopes, lm->polishing ? HUGE_VAL : lm->radius, lm->p);
    lm->predicted = lm->step.predicted;
    if (!lm->polishing && lm->predicted <= LM_BURIED * F && !lm->step.on_boundary && lm->values[0] > 0) lm->polishing = true;
    if (lm->predicted == 0 || lm->step.length <= s->options.step_tolerance * size) return lm_end(s);
    memcpy(s->trial, s->theta, lm->n * sizeof *s->trial);
    for (size_t j = 0; j < lm->n; j++) {
        double along = cblas_ddot((int)lm->k, lm->p, 1, lm->v + j, (int)lm->n);
        s->trial[j] += along / (lm->scale[j] > 0 ? lm->scale[j] : 1);
    }
    us__solver_ask(s, lm->polishing ? US_ASK_JACOBIAN : US_ASK_RESIDUALS, false);
    return US_OK;
}

static us_status lm_arrive(us_solver *s) {
    lm_state *lm = s->state;
    lm_accept(s);
    us_status status = lm_factor(s);
    if (status != US_OK) return status;
    if (!lm->begun) {
        lm->begun = true;
        s->first_value = s->value;
        double size = lm_size(s);
        lm->radius = s->options.initial_radius > 0 ? s->options.initial_radius : LM_FACTOR * (size > 0 ? size : 1);
    }
    double largest = 0;
    for (size_t j = 0; j < lm->n; j++) largest = fmax(largest, fabs(s->gradient[j]));
    if (!us__solver_iterate(s, largest)) return s->ended;
    return lm_try(s);
}

static us_status lm_next(us_solver *s) {
    lm_state *lm = s->state;
    size_t m = lm->m, n = lm->n;
    bool finite = us__all_finite(lm->there, m);
    if (s->request.ask == US_ASK_JACOBIAN) {
        finite = finite && us__all_finite(lm->spare, m * n);
        if (!lm->begun && !finite)
            return us__fail(s->context, US_ERR_NONFINITE,
                            "the residuals or their derivatives are not finite at the start; start elsewhere");
        if (!lm->polishing && finite) return lm_arrive(s);
        if (!lm->polishing) { /* taken by its value, but it has no derivatives */
            lm->radius = 0.25 * fmin(lm->radius, lm->step.length);
            return lm_try(s);
        }
        /* A full step counts when the next one is shorter. */
        if (!finite) return lm_end(s);
        double before = lm->full_length;
        memcpy(lm->before, s->theta, n * sizeof *s->theta);
        double value = s->value;
        lm_accept(s);
        us_status status = lm_factor(s);
        if (status != US_OK) return status;
        if (lm->full_length <= LM_SHRINKS * before && s->value <= value * (1 + LM_BURIED)) {
            if (!us__solver_iterate(s, 0)) return s->ended;
            return lm_try(s);
        }
        if (s->value > value * (1 + LM_BURIED) || lm->full_length > 2 * before) {
            US__SWAP(double *, lm->r, lm->there);
            US__SWAP(double *, lm->jacobian, lm->spare);
            US__SWAP(double *, s->gradient, s->trial_gradient);
            memcpy(s->theta, lm->before, n * sizeof *s->theta);
            s->value = value;
            lm->full_length = before;
        }
        return lm_end(s);
    }
    /* ‖r‖² − ‖there‖² without cancellation */
    double gain = -1, ratio = -1;
    if (finite) {
        gain = 0;
        for (size_t i = 0; i < m; i++) gain += 0.5 * (lm->r[i] - lm->there[i]) * (lm->r[i] + lm->there[i]);
        ratio = gain / lm->predicted;
    }
    if (!(ratio >= 0.25))
        lm->radius = (ratio < -1 ? 0.1 : 0.25) * fmin(lm->radius, lm->step.length);
    else if (ratio >= 0.75 || !lm->step.on_boundary)
        lm->radius = fmax(lm->radius, 2 * lm->step.length);
    if (!(ratio >= 1e-4)) return lm_try(s);
    us__solver_ask(s, US_ASK_JACOBIAN, false);
    return US_OK;
}

const us__method us__method_levenberg_marquardt = {
    .about = {.name = "levenberg-marquardt",
              .title = "Levenberg-Marquardt in a trust region",
              .formula = "(J'J + mu D^2) p = -J'r,  |Dp| <= radius\ntheta <- theta + p",
              .latex = "(J^\\top J + \\mu D^2)\\, p = -J^\\top r,\\quad |D p| \\le \\Delta \\\\ "
                       "\\theta \\leftarrow \\theta + p",
              .settings = "first radius 100 |D theta|; D is the largest length that each column of J has had",
              .source =
                  "Moré 1978, The Levenberg-Marquardt algorithm: implementation and theory, Lecture Notes in Mathematics "
                  "630",
              .advice = "Curve fitting: sums of squares with up to some hundred parameters.",
              .squares = true},
    .open = lm_open,
    .next = lm_next,
    .close = lm_close,
};
