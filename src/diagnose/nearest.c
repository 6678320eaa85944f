/* The critical point nearest to a place: least residuals of g + Hp over Krylov spaces, in a trust region on ‖g‖²/2.
 *
 * The gradient of the merit is Hg: where that vanishes and g does not, ‖g‖ is stationary, no step shortens it, and the place
 * is no critical point, however slowly ‖g‖ still falls. That is told, not taken for convergence. */
#include "diagnose/krylov.h"
#include <cblas.h>
#include <math.h>
#include <string.h>
#include <unstuck/critical.h>

enum {
    NEAREST_IDLE = 40,   /* steps in a row that hardly shorten g end the search */
    NEAREST_RECENT = 5,  /* places that a step is held against: the longest of their gradients */
    NEAREST_PROMISE = 8, /* products between looks at what the radius leaves of them */
    NEAREST_TENTHS = 7   /* that the last step is looked along at */
};
static const double HARDLY = 1e-3;     /* of ‖g‖ */
static const double HARDLY_MORE = 0.1; /* of what is promised */
static const double FLAT = 1e-2;       /* a flatness below this is called so */
static const double SMALLEST = 1e-15;  /* radius, beside θ */
static const double NOISE = 1e-9;      /* of ‖g‖: departures below this may be rounding, which has no power */

typedef struct descent {
    us_nearest *found;
    const us_nearest_options *options;
    us_problem *problem;
    us__krylov *krylov;
    us_vec *theta, *trial, *gradient;        /* gradient: of the trial, as the problem gives it */
    us_vec *best;                            /* where ‖g‖ was shortest */
    double shortest, recent[NEAREST_RECENT]; /* ‖g‖ there; at the last places, 0 before there are any */
    double flatness;                         /* there */
    double *start, *g, *step;                /* [n] θ₀; the gradient at θ; p */
    double length;                           /* ‖g‖ */
    double largest;                          /* ‖H‖ on the way */
    double radius;
    double begin; /* when */
} descent;

void us_nearest_options_init(us_nearest_options *options) { *options = (us_nearest_options)US_NEAREST_OPTIONS_INIT; }

const char *us_nearest_end_name(us_nearest_end end) {
    static const char *const NAMES[] = {"critical", "gradient-flat", "stalled", "limit"};
    return (unsigned)end < sizeof NAMES / sizeof *NAMES ? NAMES[end] : "limit";
}

void us_nearest_destroy(us_nearest *nearest) {
    if (!nearest) return;
    us_point_destroy(nearest->point);
    us__release(nearest->context, nearest);
}

static bool nearest_spent(const descent *d) {
    const us_nearest_options *o = d->options;
    return d->found->products >= o->products || d->found->distance > o->reach ||
           (o->seconds > 0 && us_clock_now() > d->begin + o->seconds);
}

/* What the space promises within the radius, as the part of ‖g‖² that it takes off. *bound: the radius is what limits it. */
static us_status nearest_promise(descent *d, double *promise, bool *bound) {
    double length, residual;
    us_status status = us__krylov_decompose(d->krylov);
    if (status) return status;
    us__krylov_step(d->krylov, d->radius, NULL, &length, &residual);
    *promise = 1 - residual * residual / (d->length * d->length);
    *bound = length > 0.99 * d->radius;
    return US_OK;
}

/* The space grows until it can make the gradient much shorter, more so the nearer the end is; or until the radius, not the
 * space, is what keeps it from that; or is as large as may be. */
static us_status nearest_look(descent *d) {
    us__krylov *s = d->krylov;
    double aim = fmin(0.1, 10 * d->length / (d->largest > 0 ? d->largest : d->length)) * d->length, last = 0, promise;
    bool bound = false;
    us__krylov_begin(s, d->g);
    do {
        us_status status = us__krylov_grow(s, d->theta);
        if (status) return status;
        d->found->products++;
        if (d->options->progress)
            d->options->progress(d->options->progress_user, d->found->products, d->options->products, d->length,
                                 d->found->distance);
        if (s->k % NEAREST_PROMISE) continue;
        if ((status = nearest_promise(d, &promise, &bound))) return status;
        bound = bound && promise < (1 + HARDLY_MORE) * last;
        last = promise;
    } while (s->k < s->most && !s->whole && s->residual > aim && !bound && !nearest_spent(d));
    d->largest = fmax(d->largest, us__krylov_norm(s));
    d->found->flatness = us__krylov_slope(s) / d->largest;
    return us__krylov_decompose(s);
}

static double nearest_distance(const descent *d, const us_vec *theta) {
    double square = 0;
    for (size_t i = 0; i < d->krylov->n; i++) square += pow(us_vec_get(theta, i) - d->start[i], 2);
    return sqrt(square);
}

/* One accepted step, the radius shrinking until there is one. *moved: false when there is none. ‖g‖ need not fall in every
 * step: where relu's kinks make it jump, a search that keeps to one side of each ends at the first. */
static us_status nearest_step(descent *d, bool *moved) {
    size_t n = d->krylov->n;
    double scale = SMALLEST * fmax(1, us_vec_norm2(d->theta)), length, residual, loss;
    *moved = false;
    while (!*moved) {
        us__krylov_step(d->krylov, d->radius, d->step, &length, &residual);
        double foretold = d->length * d->length - residual * residual;
        if (!(length > scale) || !(foretold > 0)) return US_OK;
        us_vec_copy(d->trial, d->theta);
        for (size_t i = 0; i < n; i++) us_vec_set(d->trial, i, us_vec_get(d->trial, i) + d->step[i]);
        us_status status = us_problem_gradient(d->problem, d->trial, d->options->batch, &loss, d->gradient);
        if (status) return status;
        double shorter = us_vec_norm2(d->gradient);
        double longest = d->length, square = d->length * d->length;
        for (int i = 0; i < NEAREST_RECENT; i++) longest = fmax(longest, d->recent[i]);
        double ratio = (square - shorter * shorter) / foretold;
        double lenient = (longest * longest - shorter * shorter) / (longest * longest - square + foretold);
        if (!isfinite(loss) || !isfinite(shorter)) ratio = lenient = -1;
        *moved = lenient > 0.1 || ratio > 1e-4;
        if (!(ratio > 0.25)) d->radius = (*moved ? 0.5 : 0.25) * length;
        if (ratio > 0.75) d->radius = fmax(d->radius, 2 * length);
        if (!*moved) continue;
        d->recent[d->found->steps % NEAREST_RECENT] = d->length;
        us_vec_copy(d->theta, d->trial);
        us_vec_read_f64(d->gradient, d->g);
        d->length = shorter;
        d->found->steps++;
        d->found->distance = nearest_distance(d, d->theta);
    }
    return US_OK;
}

static void nearest_keep(descent *d) {
    if (!(d->length < d->shortest)) return;
    us_vec_copy(d->best, d->theta);
    d->shortest = d->length;
}

static us_status nearest_descend(descent *d) {
    int idle = 0;
    nearest_keep(d);
    d->radius = 0.1 * fmax(1, us_vec_norm2(d->theta));
    for (;;) {
        if (d->length == 0) {
            d->found->end = US_NEAREST_CRITICAL;
            return US_OK;
        }
        us_status status = nearest_look(d);
        if (status) return status;
        if (d->length == d->shortest) d->flatness = d->found->flatness;
        bool there = d->length <= d->options->tolerance * d->largest * fmax(1, us_vec_norm2(d->theta)), moved;
        if ((status = nearest_step(d, &moved))) return status;
        idle = d->length > (1 - HARDLY) * d->shortest ? idle + 1 : 0;
        nearest_keep(d);
        bool flat = d->flatness < FLAT;
        if (there || !moved || idle >= NEAREST_IDLE) { /* where it is there, the last step has sharpened it */
            d->found->end = there ? US_NEAREST_CRITICAL : flat ? US_NEAREST_GRADIENT_FLAT : US_NEAREST_STALLED;
            return US_OK;
        }
        if (nearest_spent(d)) {
            d->found->end = US_NEAREST_LIMIT;
            return US_OK;
        }
    }
}

static us_status nearest_check(us_context *context, const us_nearest_options *o) {
    if (o->version != 1 || o->point.version != 1)
        return us__fail(context, US_ERR_ARGUMENT, "us_nearest_options: version is %u; it must be 1", o->version);
    if (!(o->tolerance > 0) || !(o->reach > 0) || !(o->seconds >= 0) || o->basis < 2 || o->products == 0)
        return us__fail(
            context, US_ERR_ARGUMENT,
            "us_nearest_options: tolerance %g and reach %g must be above 0, basis %zu at least 2, products %zu at "
            "least 1, seconds %g not negative",
            o->tolerance, o->reach, o->basis, o->products, o->seconds);
    return US_OK;
}

/* ‖g(θ + tu) − g − tHu‖, u of length 1. @param hu [n] */
static us_status nearest_departure(descent *d, const double *u, const double *hu, double t, double *departure) {
    double loss, square = 0;
    us_vec_copy(d->trial, d->theta);
    for (size_t i = 0; i < d->krylov->n; i++) us_vec_set(d->trial, i, us_vec_get(d->trial, i) + t * u[i]);
    us_status status = us_problem_gradient(d->problem, d->trial, d->options->batch, &loss, d->gradient);
    for (size_t i = 0; i < d->krylov->n; i++) square += pow(us_vec_get(d->gradient, i) - d->g[i] - t * hu[i], 2);
    *departure = sqrt(square);
    return status;
}

/* By which power of the distance does the gradient depart from its linear model where the search ended? By its square where
 * it is smooth. Where it jumps, at kinks, by the first or less. Measured both ways along the last step, over a hundredth of
 * θ's size and tenths of that, the least is told. */
static us_status nearest_bend(descent *d) {
    size_t n = d->krylov->n;
    double *u = d->step, *hu = d->krylov->basis, length = cblas_dnrm2((int)n, u, 1), least = HUGE_VAL;
    if (!(length > 0)) return US_OK;
    cblas_dscal((int)n, 1 / length, u, 1);
    us_vec_write_f64(d->trial, u);
    const us_vec *v = d->trial;
    us_status status = us_problem_hvp(d->problem, d->theta, d->options->batch, &v, &d->gradient, 1);
    us_vec_read_f64(d->gradient, hu);
    d->found->products++;
    for (int side = -1; side <= 1; side += 2) {
        double t = side * 0.01 * fmax(1, us_vec_norm2(d->theta)), far = 0, near = 0;
        for (int tenth = 0; tenth <= NEAREST_TENTHS && !status; tenth++, t *= 0.1, far = near) {
            status = nearest_departure(d, u, hu, t, &near);
            if (!(near > NOISE * d->length)) break; /* it may be rounding, which has no power */
            if (tenth > 0 && isfinite(far)) least = fmin(least, log10(far / near));
        }
    }
    if (isfinite(least)) d->found->bend = least;
    return status;
}

/* Names the place. A point whose gradient is rounding is critical, though the merit could not be brought to the tolerance.
 */
static us_status nearest_name(descent *d) {
    us_nearest *f = d->found;
    us_status status = US_OK;
    bool ended = f->end == US_NEAREST_GRADIENT_FLAT || f->end == US_NEAREST_STALLED;
    if (ended && (status = nearest_bend(d))) return status;
    if (f->end == US_NEAREST_GRADIENT_FLAT && f->bend < US_NEAREST_KINKED) f->end = US_NEAREST_STALLED;
    if (d->shortest < d->length) {
        us_vec_copy(d->theta, d->best);
        f->flatness = d->flatness, f->distance = nearest_distance(d, d->theta);
    }
    us_point_options o = d->options->point;
    o.spectrum.batch = d->options->batch;
    status = us_point_classify(&f->point, d->problem, d->theta, &o);
    if (status) return status;
    if (f->end != US_NEAREST_LIMIT && f->point->kind != US_KIND_NOT_CRITICAL) f->end = US_NEAREST_CRITICAL;
    return f->end == US_NEAREST_CRITICAL ? US_OK : US_NOT_CONVERGED;
}

us_status us_critical_nearest(us_nearest **out, us_problem *problem, const us_vec *theta,
                              const us_nearest_options *options) {
    *out = NULL;
    us_context *context = us_problem_context(problem);
    us_precision precision = us_problem_precision(problem);
    size_t n = us_problem_dimension(problem);
    us_nearest_options o = US_NEAREST_OPTIONS_INIT;
    if (options) o = *options;
    us_status status = nearest_check(context, &o);
    if (status) return status;
    descent d = {.options = &o, .problem = problem};
    d.begin = us_clock_now();
    if (!(d.found = us__new(context, 1, sizeof *d.found))) return US_ERR_NOMEM;
    d.found->context = context;
    d.found->bend = (double)NAN;
    if ((status = us_vec_create(&d.theta, context, precision, n))) goto done;
    if ((status = us_vec_create(&d.trial, context, precision, n))) goto done;
    if ((status = us_vec_create(&d.gradient, context, precision, n))) goto done;
    if ((status = us_vec_create(&d.best, context, precision, n))) goto done;
    if ((status = us__krylov_create(&d.krylov, problem, o.batch, o.basis))) goto done;
    if (!(d.start = us__alloc(context, n, 3 * sizeof *d.start))) {
        status = US_ERR_NOMEM;
        goto done;
    }
    d.g = d.start + n, d.step = d.g + n;
    us_vec_copy(d.theta, theta);
    us_vec_read_f64(d.theta, d.start);
    if ((status = us_problem_gradient(problem, d.theta, o.batch, &d.found->start_value, d.gradient))) goto done;
    us_vec_read_f64(d.gradient, d.g);
    d.shortest = HUGE_VAL;
    d.length = d.found->start_gradient = us_vec_norm2(d.gradient);
    if (!isfinite(d.length) || !isfinite(d.found->start_value)) {
        status = us__fail(context, US_ERR_NONFINITE, "loss or gradient is not finite at the start");
        goto done;
    }
    status = nearest_descend(&d);
    if (!status) status = nearest_name(&d);
done:
    us__krylov_destroy(d.krylov);
    us_vec_destroy(d.theta);
    us_vec_destroy(d.trial);
    us_vec_destroy(d.gradient);
    us_vec_destroy(d.best);
    us__release(context, d.start);
    if (status < 0 || !d.found->point)
        us_nearest_destroy(d.found);
    else
        *out = d.found;
    return status;
}
