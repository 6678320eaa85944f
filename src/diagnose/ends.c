/* Beyond the size of a dense Hessian: what Lanczos' method at both ends of the spectrum tells about a critical point.
 *
 *   a negative v'Hv beyond its own error bar, and a positive one beyond the resolution    saddle: two proofs
 *   a lower bound on the spectrum above the resolution (probability `confidence`)         minimum
 *   an upper bound below it                                                               maximum
 *   the smallest within the resolution, and none below it; the loss along its vector falls,
 *   does not change, or rises faster than by the square of the distance                    degenerate
 *   none of these                                                                         undecided
 * The eigenvalues between are not counted. As in point.c, an eigenvalue must hold where the critical point may be, too.
 * Where the gradient still points downhill, only the ends are wanted, for the limit of stability.
 *
 * The resolution of a degenerate point is as large as the bound leaves room for, SILENT at most beside the largest
 * eigenvalue. A rise by the square of the distance may be that of a positive eigenvalue which rounding hides: it decides
 * nothing. */
#include "curvature/curvature.h"
#include "diagnose/krylov.h"
#include "diagnose/point.h"
#include <cblas.h>
#include <float.h>
#include <math.h>
#include <string.h>

enum { ENDS_BASIS_BYTES = 1 << 30, ENDS_NOT_CRITICAL = 24, ENDS_NEWTON = 30 /* products */, ENDS_LENGTHS = 21 };
static const double SILENT = 1e-10;
static const double SQUARE = 6; /* more than the square's 4, less than the cube's 8: a rise at twice the distance */

static void ends_progress(void *user, size_t done, size_t at_most, double lowest, double highest) {
    const us_spectrum_options *o = user;
    (void)lowest, (void)highest;
    if (o->progress) o->progress(o->progress_user, done, at_most);
}

/* Newton's step towards the critical point, as far as a Krylov space from the gradient shows it. @param step [n] */
static us_status ends_newton(us__place *place, const us_point_options *o, const double *gradient, double *step,
                             size_t *products) {
    us__krylov *krylov;
    double length, residual;
    memset(step, 0, place->n * sizeof *step);
    if (!(cblas_dnrm2((int)place->n, gradient, 1) > 0)) return US_OK;
    us_status status = us__krylov_create(&krylov, place->problem, o->spectrum.batch, ENDS_NEWTON);
    if (status) return status;
    us__krylov_begin(krylov, gradient);
    while (!status && !krylov->whole && krylov->k < krylov->most &&
           (krylov->k == 0 || krylov->residual > 1e-3 * krylov->length)) {
        status = us__krylov_grow(krylov, place->theta);
        ++*products;
    }
    if (!status && !(status = us__krylov_decompose(krylov))) us__krylov_step(krylov, place->size, step, &length, &residual);
    us__krylov_destroy(krylov);
    return status;
}

/* Does v'Hv, measured as `value`, hold along v where the critical point may be? */
static us_status ends_settled(us__place *place, const us_point_options *o, const double *v, double value,
                              const double *gradient, double *scratch, bool *settled, size_t *products) {
    us_spectrum_options quiet = o->spectrum;
    quiet.progress = NULL;
    double noise = 0, newton = -cblas_ddot((int)place->n, v, 1, gradient, 1) / value;
    *settled = false;
    double *step = us__alloc(us_problem_context(place->problem), place->n, sizeof *step);
    if (!step) return US_ERR_NOMEM;
    us_status status = ends_newton(place, o, gradient, step, products);
    cblas_daxpy((int)place->n, newton - cblas_ddot((int)place->n, v, 1, step, 1), v, 1, step, 1);
    if (!status) status = us__place_slope_noise(place, v, scratch, &noise);
    double reach = 2 * noise / fabs(value);
    for (int side = -1; side <= 1 && !status; side++) {
        us_vec_copy(place->at, place->theta);
        for (size_t i = 0; i < place->n; i++)
            us_vec_set(place->at, i, us_vec_get(place->at, i) + step[i] + side * reach * v[i]);
        ++*products;
        status = us__hessian_products(place->problem, place->at, &quiet, v, scratch, 1, 0, 1);
        if (status || !(fabs(cblas_ddot((int)place->n, v, 1, scratch, 1) - value) <= 0.25 * fabs(value))) goto done;
    }
    *settled = !status;
done:
    us__release(us_problem_context(place->problem), step);
    if (status != US_ERR_NONFINITE) return status;
    us_context_error_clear(us_problem_context(place->problem));
    return US_OK;
}

/* No eigenvalue is farther out than `bound`, on one side of zero: is that as good as none at all? */
static bool ends_none_beyond(const us_eigenpairs *p, double bound) {
    return bound <= fmax(2 * p->resolution, SILENT * p->norm + DBL_MIN);
}

/* The loss along one ray: where it first leaves that of the point by more than rounding. @param rises  how much more at
 * twice the distance, 4 for a square; 0: it does not rise */
static us_status ends_ray(us__place *place, const double *v, double side, bool *falls, double *rises) {
    double here = place->loss, loss, twice;
    *falls = false, *rises = 0;
    for (int k = 0; k < ENDS_LENGTHS; k++) {
        double t = side * place->size * pow(10, -6 + 6.0 * k / (ENDS_LENGTHS - 1));
        us_status status = us__place_value(place, v, t, &loss);
        if (status) return status;
        double noise = place->rounding + 64 * DBL_EPSILON * fabs(loss);
        if ((*falls = loss < here - noise)) return US_OK;
        if (loss <= here + 16 * noise) continue;
        status = us__place_value(place, v, 2 * t, &twice);
        *rises = (twice - here) / (loss - here);
        if (!isfinite(*rises) || *rises <= 0) *rises = 4;
        return status;
    }
    return US_OK;
}

/* The smallest eigenvalue is none that can be told from zero, and there is none below it: the loss along its vector. */
static us_status ends_silent(us_point *point, us__place *place) {
    us_eigenpairs *p = point->ends;
    double depth = fmax(-p->low_bound, fabs(p->values[0])), rises[2] = {0};
    bool falls = false;
    int side = -1;
    if (!ends_none_beyond(p, depth)) return US_OK;
    point->undecided_because = "the smallest eigenvalue cannot be told from zero";
    for (; side <= 1; side += 2) {
        us_status status = ends_ray(place, p->vectors, side, &falls, &rises[side > 0]);
        if (status) return status;
        if (falls) break;
    }
    bool flat = rises[0] == 0 && rises[1] == 0;
    if (!falls && !flat && fmin(rises[0], rises[1]) < SQUARE) return US_OK;
    if (falls) {
        if (!(point->escape = us__alloc(point->context, p->n, sizeof *point->escape))) return US_ERR_NOMEM;
        for (size_t i = 0; i < p->n; i++) point->escape[i] = side * p->vectors[i];
        point->null_space = US_NULL_WAY_DOWN;
    } else if (flat)
        point->null_space = US_NULL_FLAT;
    point->kind = US_KIND_DEGENERATE, point->undecided_because = NULL;
    p->resolution = fmax(p->resolution, depth);
    return US_OK;
}

/* −H */
static us_status ends_negated(void *user, const double *x, double *y, size_t k) {
    const us_operator *h = user;
    us_status status = h->apply(h->user, x, y, k);
    for (size_t i = 0; i < k * h->n; i++) y[i] = -y[i];
    return status;
}

/* Is there a positive eigenvalue? Asked as the negative one was. */
static us_status ends_top(us_point *point, us__place *place, const us_point_options *o) {
    us_eigenpairs *p = point->ends, *top = NULL;
    if (p->values[1] > p->resolution || p->high_bound < -p->resolution || p->confidence == 1 || p->products >= o->products)
        return US_OK;
    us_hessian_operator *h;
    us_status status = us_hessian_operator_create(&h, place->problem, place->theta, o->spectrum.batch, 1);
    if (status) return status;
    us_operator negated = *us_hessian_operator_get(h);
    negated.user = (void *)(uintptr_t)us_hessian_operator_get(h), negated.apply = ends_negated;
    us_lanczos_options l = US_LANCZOS_OPTIONS_INIT;
    size_t room = ENDS_BASIS_BYTES / (sizeof(double) * place->n);
    l.top = 0, l.below = 0, l.products = o->products - p->products, l.seconds = o->seconds, l.seed = o->seed;
    l.basis = room < 44 ? 44 : room < l.products ? room : l.products < 12 ? 12 : l.products;
    status = us_lanczos_solve(&top, point->context, &negated, &l);
    us_hessian_operator_destroy(h);
    if (status == US_NOT_CONVERGED) status = US_OK;
    if (status == US_ERR_NONFINITE) {
        us_context_error_clear(point->context);
        return US_OK;
    }
    if (top && !status) {
        p->products += top->products;
        p->resolution = fmax(p->resolution, top->resolution);
        p->high_bound = fmin(p->high_bound, -top->low_bound);
        if (-top->values[0] > p->values[1]) {
            p->values[1] = -top->values[0], p->residuals[1] = top->residuals[0];
            memcpy(p->vectors + p->n, top->vectors, p->n * sizeof *p->vectors);
        }
    }
    us_eigenpairs_destroy(top);
    return status;
}

static us_status ends_way_out(us_point *point) {
    size_t n = point->ends->n;
    if (!(point->escape = us__alloc(point->context, n, sizeof *point->escape))) return US_ERR_NOMEM;
    memcpy(point->escape, point->ends->vectors, n * sizeof *point->escape);
    return US_OK;
}

/* Turns what is known of both ends into a kind. */
static us_status ends_name(us_point *point, us__place *place, const us_point_options *o, const double *gradient,
                           double *scratch) {
    us_eigenpairs *p = point->ends;
    const double *lowest = p->vectors;
    us_quotient q;
    bool settled;
    point->undecided_because =
        p->confidence == 1
            ? "the smallest eigenvalue cannot be told from zero"
            : "no negative eigenvalue was found by the Hessian-vector products that were allowed; more of them may decide";
    bool negative = p->values[0] < 0;
    if (!negative && !(p->low_bound > p->resolution))
        return p->values[0] <= p->resolution ? ends_silent(point, place) : US_OK;
    us_status status = us_hessian_quotient(&q, place->problem, place->theta, o->spectrum.batch, lowest);
    if (status) return status;
    p->products += 4;
    p->values[0] = q.value;
    p->residuals[0] = q.residual + q.error;
    p->resolution = fmax(p->resolution, q.error);
    if (!(fabs(q.value) > p->resolution)) return ends_silent(point, place);
    if ((status = ends_settled(place, o, lowest, q.value, gradient, scratch, &settled, &p->products))) return status;
    if (!settled) {
        point->undecided_because =
            "the smallest eigenvalue found changes its size within the distance of the critical point";
        return US_OK;
    }
    if (!negative)
        point->kind = p->low_bound > p->resolution ? US_KIND_MINIMUM : US_KIND_UNDECIDED;
    else {
        if ((status = ends_way_out(point))) return status;
        if ((status = ends_top(point, place, o))) return status;
        if (p->values[1] > p->resolution)
            point->kind = US_KIND_SADDLE;
        else if (p->high_bound < -p->resolution)
            point->kind = US_KIND_MAXIMUM;
        else if (fabs(p->values[1]) <= p->resolution && ends_none_beyond(p, p->high_bound))
            point->kind = US_KIND_DEGENERATE;
        else
            point->undecided_because =
                "a negative eigenvalue was found, so this is no minimum; more Hessian-vector products "
                "would tell a saddle from a maximum";
    }
    if (point->kind != US_KIND_UNDECIDED) point->undecided_because = NULL;
    return US_OK;
}

us_status us__point_ends(us_point *point, us__place *place, const us_point_options *o, const double *gradient,
                         double *scratch) {
    us_context *context = point->context;
    bool critical = point->kind == US_KIND_UNDECIDED;
    size_t room = ENDS_BASIS_BYTES / (sizeof(double) * place->n), most = critical ? o->products : ENDS_NOT_CRITICAL;
    if (most > o->products) most = o->products;
    if (most == 0) return US_OK;
    us_hessian_operator *h;
    us_status status = us_hessian_operator_create(&h, place->problem, place->theta, o->spectrum.batch, 1);
    if (status) return status;
    us_lanczos_options l = US_LANCZOS_OPTIONS_INIT;
    l.products = most;
    l.basis = room < 44 ? 44 : room < most ? room : most < 12 ? 12 : most;
    l.seconds = critical ? o->seconds : o->seconds / 10;
    l.seed = o->seed;
    if (critical)
        l.below = 0, l.accuracy = 0.1;
    else
        l.tolerance = 1e-2;
    us_spectrum_options hear = o->spectrum;
    l.progress = ends_progress, l.progress_user = &hear;
    status = us_lanczos_solve(&point->ends, context, us_hessian_operator_get(h), &l);
    us_hessian_operator_destroy(h);
    if (status == US_ERR_NONFINITE) {
        us_context_error_clear(context);
        if (critical) point->undecided_because = "the Hessian is not finite at this point";
        return US_OK;
    }
    if (status == US_NOT_CONVERGED) status = US_OK;
    if (!status && point->ends->top == 0) { /* one product says nothing about two ends */
        us_eigenpairs_destroy(point->ends);
        point->ends = NULL;
        return US_OK;
    }
    if (status) return status;
    if (critical) return ends_name(point, place, o, gradient, scratch);
    return point->ends->values[0] < -point->ends->resolution ? ends_way_out(point) : US_OK;
}
