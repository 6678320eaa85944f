/* At a saddle, or near one? The nearest critical point is looked for; where the training stands beside it, at some distance,
 * its part aᵢ = vᵢ'(θ − θ*) along each negative eigenvector grows by a factor a step, and it is out, at the distance r where
 * the loss along the way out is lowest, after the least of ln(r/|aᵢ|)/ln(growthᵢ) steps. Where it stands on the point to
 * rounding, what the gradient says of a (us__evidence_escape) holds. */
#include "diagnose/evidence.h"
#include "diagnose/verdict.h"
#include <cblas.h>
#include <float.h>
#include <math.h>
#include <unstuck/critical.h>

enum { NEAR_PRODUCTS = 200, NEAR_BASIS = 60, NEAR_DENSE = 300 };

/* @param d [n] θ − θ* */
static us_status near_leaving(us__gathering *g, const us_nearest *f, const double *d) {
    us_evidence *e = &g->diagnosis->evidence;
    const us_point *p = f->point;
    const double *vectors = p->spectrum ? p->spectrum->vectors : p->ends->vectors;
    const double *values = p->spectrum ? p->spectrum->values : p->ends->values;
    size_t n = g->place.n, count = p->spectrum ? p->spectrum->negative : values[0] < -p->ends->resolution;
    us__place there = {0};
    double steps, decrease;
    us_vec *theta = NULL;
    us_status status = us_vec_create(&theta, us_problem_context(g->problem), US_F64, n);
    if (!status) {
        us_vec_write_f64(theta, p->theta);
        status = us__place_open(&there, g->problem, theta, US_BATCH_ALL);
    }
    bool adaptive = us_training_rule(g->training)->preconditioner != NULL;
    if (!status && adaptive && count > 0)
        status = us__leave_adaptive(g, &there, NULL, d, &e->steps_to_leave, &e->escape_component);
    for (size_t i = 0; i < count && !status && !adaptive; i++) {
        const double *v = vectors + i * n;
        double part = fabs(cblas_ddot((int)n, v, 1, d, 1));
        if ((status = us__leave_along(g, &there, v, values[i], part, &steps, &decrease))) break;
        if (steps < e->steps_to_leave || (isnan(e->steps_to_leave) && !isnan(steps)))
            e->steps_to_leave = steps, e->escape_component = part;
    }
    us__place_close(&there);
    us_vec_destroy(theta);
    return status;
}

/* A saddle that was found on a sample: does its way out curve downwards on all rows, too? */
static us_status near_confirm(us__gathering *g, const us_point *p, bool *saddle) {
    double value = 0;
    us_vec *theta = NULL;
    us_status status = us_vec_create(&theta, us_problem_context(g->problem), US_F64, g->place.n);
    if (!status) us_vec_write_f64(theta, p->theta);
    if (!status) status = us__gathering_curvature(g, theta, p->spectrum ? p->spectrum->vectors : p->ends->vectors, &value);
    us_vec_destroy(theta);
    *saddle = value < -(p->spectrum ? p->spectrum->resolution : p->ends->resolution);
    return status;
}

us_status us__evidence_near(us__gathering *g) {
    us_evidence *e = &g->diagnosis->evidence;
    bool critical = e->kind != US_KIND_NOT_CRITICAL;
    if (!e->carrying_on_finite || !us_problem_hvp_is_exact(g->problem) || g->options->point.products == 0) return US_OK;
    if (critical ? !e->negative : us__ask_improving(e, &g->options->verdict) || !(e->gradient_norm > 0)) return US_OK;
    us_nearest_options o = US_NEAREST_OPTIONS_INIT;
    o.products = us__gathering_is_sampled(g) ? US__SAMPLED_PRODUCTS : NEAR_PRODUCTS, o.basis = NEAR_BASIS;
    o.reach = fmax(1, us_vec_norm2(g->theta));
    o.point = g->options->point;
    o.seconds = o.point.seconds /= 4;
    o.point.decrease_tolerance = fmax(o.point.decrease_tolerance, 0.1 * g->options->verdict.decrease_tolerance);
    if (o.point.spectrum.limit > NEAR_DENSE) o.point.spectrum.limit = NEAR_DENSE;
    us_nearest *f = NULL;
    us_status status = us_critical_nearest(&f, g->problem, g->theta, &o);
    if (status == US_ERR_NONFINITE || status == US_ERR_NUMERIC) {
        us_context_error_clear(us_problem_context(g->problem));
        return US_OK;
    }
    if (status == US_NOT_CONVERGED) status = US_OK;
    if (status || f->end != US_NEAREST_CRITICAL) goto done;
    e->near_kind = f->point->kind;
    e->near_distance = f->distance;
    bool saddle = f->point->kind == US_KIND_SADDLE && (f->point->spectrum || f->point->ends);
    if (saddle && us__gathering_is_sampled(g)) {
        if ((status = near_confirm(g, f->point, &saddle))) goto done;
        if (!saddle) e->near_kind = US_KIND_UNDECIDED;
    }
    if (!saddle || f->distance <= sqrt(DBL_EPSILON) * g->place.size) goto done;
    for (size_t i = 0; i < g->place.n; i++) g->direction[i] = us_vec_get(g->theta, i) - f->point->theta[i];
    e->steps_to_leave = (double)NAN;
    status = near_leaving(g, f, g->direction);
done:
    us_nearest_destroy(f);
    return status;
}
