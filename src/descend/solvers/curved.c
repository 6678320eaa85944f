/* One iteration: gradient here; products for the model; a step in the model's eigenvectors, scored by how much of the
 * foretold decrease came true; the radius follows that. Where the gradient is zero and an eigenvalue is negative it goes
 * along that eigenvector, whatever the method's own step would do. */
#include "descend/solvers/curved.h"
#include "descend/solvers/local.h"
#include <cblas.h>
#include <float.h>
#include <math.h>
#include <string.h>
#include <unstuck/curvature.h>

enum { CURVED_WHOLE = 400, CURVED_KRYLOV = 60, CURVED_REFUSED = 60 };
static const double CURVED_FIRST = 0.1;   /* radius: this times max(1, ‖θ‖) */
static const double CURVED_SPENT = 1e-12; /* part of the loss, and of what it has come down by, that no longer counts */

us_status us__curved_open(us_solver *s, double (*step)(us__curved *)) {
    us__curved *c = s->state = us__new(s->context, 1, sizeof *c);
    if (!c) return US_ERR_NOMEM;
    size_t n = s->n, k = c->capacity = n <= CURVED_WHOLE ? n : CURVED_KRYLOV;
    c->whole = n <= CURVED_WHOLE;
    c->step = step;
    c->rng = us_rng_init(1, 0x637276);
    c->memory = us__alloc(s->context, k, (3 * n + k + 6) * sizeof *c->memory);
    if (!c->memory) return US_ERR_NOMEM;
    c->values = c->memory, c->slopes = c->values + k, c->p = c->slopes + k;
    c->diagonal = c->p + k, c->beyond = c->diagonal + k, c->small = c->beyond + k + k;
    c->basis = c->small + k * k, c->v = c->basis + k * n, c->hv = c->v + k * n;
    us__solver_ask(s, US_ASK_GRADIENT, true);
    return US_OK;
}

void us__curved_close(us_solver *s) { us__release(s->context, ((us__curved *)s->state)->memory); }

static void curved_ask(us_solver *s, size_t first, size_t count) {
    us__curved *c = s->state;
    s->request.v = c->v + first * s->n;
    s->request.hv = c->hv + first * s->n;
    s->request.count = count;
    us__solver_ask(s, US_ASK_PRODUCTS, true);
}

/* Asks for the first products of a model here. */
static void curved_begin_model(us_solver *s) {
    us__curved *c = s->state;
    size_t n = s->n;
    c->m = 0;
    c->modelling = true;
    if (c->whole) {
        memset(c->v, 0, n * n * sizeof *c->v);
        for (size_t i = 0; i < n; i++) c->v[i * n + i] = 1;
        curved_ask(s, 0, n);
        return;
    }
    /* A little of everything beside the gradient, which may have nothing along the eigenvectors that matter. */
    double norm = cblas_dnrm2((int)n, s->gradient, 1), share = us__solver_is_small(s, s->gradient) ? 1 : 1e-3;
    for (size_t i = 0; i < n; i++)
        c->v[i] = (norm > 0 && share < 1 ? s->gradient[i] / norm : 0) + share * us_rng_normal(&c->rng) / sqrt((double)n);
    cblas_dscal((int)n, 1 / cblas_dnrm2((int)n, c->v, 1), c->v, 1);
    curved_ask(s, 0, 1);
}

/* Takes a product into the Lanczos basis; false when another is to be asked for. */
static bool curved_grow(us_solver *s) {
    us__curved *c = s->state;
    size_t n = s->n, m = c->m++;
    double *last = c->v + m * n, *next = c->hv + m * n;
    c->diagonal[m] = cblas_ddot((int)n, last, 1, next, 1);
    for (int twice = 0; twice < 2; twice++)
        for (size_t k = 0; k <= m; k++)
            cblas_daxpy((int)n, -cblas_ddot((int)n, c->v + k * n, 1, next, 1), c->v + k * n, 1, next, 1);
    c->beyond[m] = cblas_dnrm2((int)n, next, 1);
    if (c->m == c->capacity || !(c->beyond[m] > 1e-12 * fabs(c->diagonal[m]))) return true;
    for (size_t i = 0; i < n; i++) c->v[c->m * n + i] = next[i] / c->beyond[m];
    curved_ask(s, c->m, 1);
    return false;
}

/* Eigenvectors from the products. Where they are not finite, the model is that of steepest descent. */
static us_status curved_finish_model(us_solver *s) {
    us__curved *c = s->state;
    size_t n = s->n, m = c->whole ? n : c->m;
    us_status status;
    c->m = m;
    c->modelling = false;
    if (c->whole) {
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++) c->basis[i * n + j] = 0.5 * (c->hv[i * n + j] + c->hv[j * n + i]);
        if (!us__all_finite(c->basis, n * n)) {
            memset(c->basis, 0, n * n * sizeof *c->basis);
            for (size_t i = 0; i < n; i++) c->basis[i * n + i] = 1;
        }
        status = us_symmetric_eigen(s->context, n, c->basis, c->values);
    } else {
        memset(c->small, 0, m * m * sizeof *c->small);
        for (size_t i = 0; i < m; i++) {
            c->small[i * m + i] = c->diagonal[i];
            if (i + 1 < m) c->small[i * m + i + 1] = c->small[(i + 1) * m + i] = c->beyond[i];
        }
        if (!us__all_finite(c->small, m * m))
            return us__fail(s->context, US_ERR_NONFINITE, "a Hessian-vector product is not finite");
        status = us_symmetric_eigen(s->context, m, c->small, c->values);
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)m, (int)n, (int)m, 1, c->small, (int)m, c->v, (int)n, 0,
                    c->basis, (int)n);
    }
    cblas_dgemv(CblasRowMajor, CblasNoTrans, (int)m, (int)n, 1, c->basis, (int)n, s->gradient, 1, 0, c->slopes, 1);
    c->resolution = 8 * (double)n * s->epsilon * fmax(fabs(c->values[0]), fabs(c->values[m - 1]));
    return status;
}

/* What a full Newton step would bring: ½ Σ slopeᵢ²/|λᵢ|. */
static double curved_offer(const us__curved *c) {
    double offer = 0;
    for (size_t i = 0; i < c->m; i++)
        if (c->slopes[i] != 0) offer += 0.5 * c->slopes[i] * c->slopes[i] / fabs(c->values[i]);
    return offer;
}

/* No eigenvalue is negative here. */
static us_status curved_end(us_solver *s, const char *reason) {
    const us__curved *c = s->state;
    s->result.kind = !c->whole ? "undecided" : c->values[0] > c->resolution ? "minimum" : "degenerate";
    return us__solver_end(s, US_OK, reason);
}

/* Asks for the place where the step leads. */
static us_status curved_try(us_solver *s) {
    us__curved *c = s->state;
    size_t n = s->n, m = c->m;
    double predicted, size = cblas_dnrm2((int)n, s->theta, 1);
    bool small = us__solver_is_small(s, s->gradient), down = c->values[0] < -c->resolution;
    s->result.lowest = c->values[0], s->result.highest = c->values[m - 1], s->result.resolution = c->resolution;
    if (small && !down) return curved_end(s, "the gradient is zero within the tolerance");
    if (small) {
        memset(c->p, 0, m * sizeof *c->p);
        c->p[0] = (c->slopes[0] > 0) != (c->refused % 2 == 1) ? -c->radius : c->radius;
        predicted = -0.5 * c->values[0] * c->radius * c->radius;
    } else {
        predicted = c->step(c);
    }
    c->length = cblas_dnrm2((int)m, c->p, 1);
    if (!(predicted > 0) || c->length <= s->options.step_tolerance * size || c->refused > CURVED_REFUSED) {
        if (!down && curved_offer(c) <= CURVED_SPENT * (fabs(s->value) + s->first_value - s->value))
            return curved_end(s, "what is left to gain is below this precision");
        return us__solver_end(s, US_NOT_CONVERGED,
                              "no step lowers the loss, though the gradient is not zero: a kink, or a noisy loss");
    }
    s->trial_value = predicted; /* until the answer is in */
    cblas_dgemv(CblasRowMajor, CblasTrans, (int)m, (int)n, 1, c->basis, (int)n, c->p, 1, 0, s->trial, 1);
    cblas_daxpy((int)n, 1, s->theta, 1, s->trial, 1);
    c->beyond[0] = predicted; /* the tridiagonal matrix is done with */
    us__solver_ask(s, US_ASK_GRADIENT, false);
    return US_OK;
}

static us_status curved_here(us_solver *s) {
    double largest = 0;
    for (size_t i = 0; i < s->n; i++) largest = fmax(largest, fabs(s->gradient[i]));
    if (s->value < -1e50 * fmax(1, fabs(s->first_value)))
        return us__solver_end(s, US_NOT_CONVERGED, "the loss falls without bound");
    if (!us__solver_iterate(s, largest)) return s->ended;
    curved_begin_model(s);
    return US_OK;
}

us_status us__curved_next(us_solver *s) {
    us__curved *c = s->state;
    if (!c->begun) {
        c->begun = true;
        s->first_value = s->value;
        if (!isfinite(s->value) || !us__all_finite(s->gradient, s->n))
            return us__fail(s->context, US_ERR_NONFINITE,
                            "the loss or its gradient is not finite at the start; start elsewhere");
        c->radius = s->options.initial_radius > 0 ? s->options.initial_radius
                                                  : CURVED_FIRST * fmax(1, cblas_dnrm2((int)s->n, s->theta, 1));
        return curved_here(s);
    }
    if (c->modelling) {
        if (!c->whole && !curved_grow(s)) return US_OK;
        us_status status = curved_finish_model(s);
        c->refused = 0;
        return status == US_OK ? curved_try(s) : status;
    }
    double predicted = c->beyond[0], ratio = -1;
    if (isfinite(s->trial_value) && us__all_finite(s->trial_gradient, s->n)) ratio = (s->value - s->trial_value) / predicted;
    bool buried = predicted <= 16 * DBL_EPSILON * fabs(s->value) &&
                  cblas_dnrm2((int)s->n, s->trial_gradient, 1) < cblas_dnrm2((int)s->n, s->gradient, 1);
    if (buried && ratio > -1e3) ratio = 1; /* the loss can't tell any more; the gradient can */
    if (!(ratio >= 0.25))
        c->radius = 0.3 * fmin(c->radius, c->length);
    else if (ratio > 0.75)
        c->radius = fmax(c->radius, 2.5 * c->length);
    if (!(ratio >= 1e-4)) {
        c->refused++;
        return curved_try(s);
    }
    us__solver_accept(s);
    return curved_here(s);
}
