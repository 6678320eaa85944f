/* Newton's method on the gradient: H p = −g, from the eigenvectors of the scaled Hessian D⁻¹HD⁻¹ (us__local_scale), so that
 * neither the units of the parameters nor a singular Hessian matter much. Converges to saddles and maxima as well as to
 * minima. */
#include "diagnose/critical.h"
#include <cblas.h>
#include <float.h>
#include <math.h>
#include <string.h>

enum { NEWTON_DAMPED = 60, NEWTON_STEPS = 250, NEWTON_ASTRAY = 80, NEWTON_PATIENCE = 15, NEWTON_SHARPEN = 20 };

#define NEWTON_CAP 0.25        /* longest pure step */
#define NEWTON_NEAR 1e-2       /* a pure step this short ends the damped phase */
#define NEWTON_LOCAL 1e-4      /* a step must get this short for a place to be one */
#define NEWTON_CONVERGED 1e-10 /* and ends the iteration when it is this short */
#define NEWTON_SINGULAR 1e-13  /* eigenvalues below this part of the largest are taken for zero in a step */
#define NEWTON_NULL 1e-6       /* and below this part they make the place singular */

/* Gradient and Hessian at θ, in eigenvectors: values ascending, `hessian` row i the direction D⁻¹qᵢ, slopes gᵀD⁻¹qᵢ. */
static us_status newton_model(us__search *s, const double *theta, double *value, bool *finite) {
    size_t n = s->n;
    double *h = s->hessian;
    us_status status = us__local_gradient(&s->local, theta, value, s->gradient);
    *finite = status == US_OK && isfinite(*value) && us__all_finite(s->gradient, n);
    if (!*finite) return status;
    status = us__local_hessian(&s->local, theta, h);
    *finite = status == US_OK && us__all_finite(h, n * n);
    if (!*finite) return status;
    us__local_scale(h, n, s->scale);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) h[i * n + j] = h[i * n + j] / s->scale[i] / s->scale[j];
    status = us_symmetric_eigen(s->local.context, n, h, s->values);
    if (status != US_OK) return status;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) h[i * n + j] /= s->scale[j];
        s->slopes[i] = cblas_ddot((int)n, h + i * n, 1, s->gradient, 1);
    }
    return US_OK;
}

static double newton_largest(const us__search *s) { return fmax(fabs(s->values[0]), fabs(s->values[s->n - 1])); }

/* step ← −Σ slopeᵢ λᵢ/(λᵢ² + μ)·D⁻¹qᵢ; μ = 0 is Newton's. Returns its length in parts of the box. */
static double newton_step(us__search *s, double mu) {
    size_t n = s->n;
    double largest = newton_largest(s), length = 0;
    memset(s->step, 0, n * sizeof *s->step);
    for (size_t i = 0; i < n; i++) {
        double lambda = s->values[i];
        if (s->slopes[i] == 0 || fabs(lambda) <= NEWTON_SINGULAR * largest) continue;
        double factor = mu > 0 ? lambda / (lambda * lambda + mu) : 1 / lambda;
        cblas_daxpy((int)n, -s->slopes[i] * factor, s->hessian + i * n, 1, s->step, 1);
    }
    for (size_t j = 0; j < n; j++) length = fmax(length, fabs(s->step[j]) / s->width[j]);
    return length;
}

static bool newton_is_far(const us__search *s, const double *theta) {
    for (size_t j = 0; j < s->n; j++)
        if (!(theta[j] >= s->low[j] - 0.5 * s->width[j] && theta[j] <= s->high[j] + 0.5 * s->width[j])) return true;
    return false;
}

/* ‖D⁻¹g‖² with the D of the last model. */
static double newton_merit(const us__search *s, const double *gradient) {
    double sum = 0;
    for (size_t j = 0; j < s->n; j++) sum += gradient[j] / s->scale[j] * (gradient[j] / s->scale[j]);
    return sum;
}

/* Levenberg-Marquardt on ‖gradient‖ until Newton's own step is short. *going: false when it has got nowhere. */
static us_status newton_damped(us__search *s, double *theta, bool *going) {
    double mu = 1e-2;
    *going = true;
    for (int iteration = 0; iteration < NEWTON_DAMPED; iteration++) {
        double value, there;
        us_status status = newton_model(s, theta, &value, going);
        if (status != US_OK || !*going) return status;
        if (newton_step(s, 0) <= NEWTON_NEAR) return US_OK;
        double merit = newton_merit(s, s->gradient), largest = newton_largest(s);
        bool lower = false;
        for (int tries = 0; tries < 12 && !lower; tries++) {
            double length = newton_step(s, mu * largest * largest);
            double cut = length > NEWTON_CAP ? NEWTON_CAP / length : 1;
            for (size_t j = 0; j < s->n; j++) s->trial[j] = theta[j] + cut * s->step[j];
            status = us__local_gradient(&s->local, s->trial, &there, s->trial_gradient);
            if (status != US_OK) return status;
            lower = isfinite(there) && newton_merit(s, s->trial_gradient) < merit; /* false for NaN */
            mu = lower ? fmax(mu / 6, 1e-12) : mu * 5;
        }
        *going = lower && !newton_is_far(s, s->trial);
        if (!*going) return US_OK;
        memcpy(theta, s->trial, s->n * sizeof *theta);
    }
    return US_OK; /* Newton's method may still go on from here */
}

/* What the last model says of a place: is there a direction without curvature, beside the others or beside what is usual in
 * this box? */
static void newton_describe(const us__search *s, us__critical_place *place) {
    size_t n = s->n, least = 0;
    double smallest = HUGE_VAL;
    for (size_t i = 0; i < n; i++) {
        double length = 0; /* of D⁻¹qᵢ in parts of the box; λ/length² is the curvature in those units */
        for (size_t j = 0; j < n; j++) length = fmax(length, fabs(s->hessian[i * n + j]) / s->width[j]);
        double curvature = fabs(s->values[i]) / (length * length);
        if (curvature < smallest) smallest = curvature, least = i;
    }
    place->singular =
        fabs(s->values[least]) <= NEWTON_NULL * newton_largest(s) || smallest <= NEWTON_NULL * s->gradient_scale;
    for (size_t j = 0; j < n; j++) place->null[j] = place->singular ? s->hessian[least * n + j] : 0;
}

us_status us__newton_descend(us__search *s, double *theta, bool damped, us__critical_place *place, us__newton_end *end) {
    size_t n = s->n;
    bool going = true;
    *end = US__NEWTON_LOST;
    us_status status = damped ? newton_damped(s, theta, &going) : US_OK;
    /* The shortest step so far and where it began; s->probe keeps that place. */
    double shortest = HUGE_VAL, previous = HUGE_VAL;
    int since = 0;
    for (int iteration = 0; status == US_OK && going && iteration < NEWTON_STEPS; iteration++) {
        double value;
        status = newton_model(s, theta, &value, &going);
        if (status != US_OK || !going) break;
        double length = newton_step(s, 0);
        since++;
        if (length < shortest) {
            if (length < 0.999 * shortest) since = 0; /* a march over a plateau gets slowly shorter, too */
            shortest = length;
            memcpy(s->probe, theta, n * sizeof *theta);
            place->value = value;
            place->error = 4 * fmax(length, fmin(previous * previous, length));
            newton_describe(s, place);
        }
        bool slow = length >= 0.1 * previous,
             astray = iteration >= NEWTON_ASTRAY && shortest > NEWTON_LOCAL && length > 0.9 * previous;
        if (length == 0 || (shortest <= NEWTON_CONVERGED && slow) || since >= NEWTON_PATIENCE || astray) break;
        previous = length;
        double cut = length > NEWTON_CAP ? NEWTON_CAP / length : 1;
        for (size_t j = 0; j < n; j++) theta[j] += cut * s->step[j];
        going = !newton_is_far(s, theta);
    }
    if (status != US_OK || !(shortest <= NEWTON_LOCAL)) return status;
    /* Rounding may have kept it from converging, but then it stays where it is. */
    if (shortest > NEWTON_CONVERGED && (!going || us__search_distance(s, theta, s->probe) > 0.02)) return status;
    memcpy(theta, s->probe, n * sizeof *theta);
    *end = US__NEWTON_CRITICAL;
    return status;
}

/* vᵀH(θ + t·v)v, and |gᵀv| there. */
static us_status newton_curvature(us__search *s, const double *theta, const double *v, double t, double *curvature,
                                  double *slope) {
    size_t n = s->n;
    double value;
    for (size_t j = 0; j < n; j++) s->trial[j] = theta[j] + t * v[j];
    us_status status = us__local_product(&s->local, s->trial, v, s->step);
    if (status == US_OK) status = us__local_gradient(&s->local, s->trial, &value, s->trial_gradient);
    *curvature = cblas_ddot((int)n, v, 1, s->step, 1);
    *slope = fabs(cblas_ddot((int)n, v, 1, s->trial_gradient, 1));
    return status;
}

us_status us__newton_sharpen(us__search *s, us__critical_place *place) {
    size_t n = s->n;
    double *v = s->probe, length = 0, h = 1e-4, curvature, slope, beyond, before, unused;
    for (size_t j = 0; j < n; j++) length = fmax(length, fabs(place->null[j]) / s->width[j]);
    if (!place->singular || length == 0) return US_OK;
    for (size_t j = 0; j < n; j++) v[j] = place->null[j] / length; /* t in parts of the box */
    us_status status = newton_curvature(s, place->theta, v, 0, &curvature, &slope);
    for (int i = 0; i < NEWTON_SHARPEN && status == US_OK && curvature != 0; i++) {
        double there, slope_there;
        status = newton_curvature(s, place->theta, v, h, &beyond, &unused);
        if (status == US_OK) status = newton_curvature(s, place->theta, v, -h, &before, &unused);
        double t = -2 * h * curvature / (beyond - before);
        if (status != US_OK || !(fabs(t) <= 1e-3)) break;
        status = newton_curvature(s, place->theta, v, t, &there, &slope_there);
        bool as_flat = slope_there <= fmax(slope, 1e-14 * s->gradient_scale);
        if (status != US_OK || !as_flat || !(fabs(there) < 0.9 * fabs(curvature))) break;
        for (size_t j = 0; j < n; j++) place->theta[j] += t * v[j];
        curvature = there;
        slope = slope_there;
        h = fmin(h, 10 * fabs(t) + 1e-8);
    }
    return status;
}
