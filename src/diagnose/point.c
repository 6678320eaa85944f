/* What kind of point is this? The gradient decides whether it is critical, the eigenvalues what it is called, and where
 * they are silent the loss is measured along the null space (nullspace.c). The names are in kind.c.
 *
 * Critical means that the gradient has nothing more to offer. With the eigenpairs (λᵢ, vᵢ) of H, the parts gᵢ = vᵢᵀg and
 * the resolution r, the quadratic model |H| of the surroundings offers
 *     D = ½ Σ gᵢ² / max(|λᵢ|, r),   by the step   p = Σ vᵢ gᵢ / max(|λᵢ|, r).
 * The point is critical when any of these holds:
 *   worthless  D ≤ decrease_tolerance·|f|: not worth having. For the part of g in the null space, where the model can say
 *              nothing, the decrease that is measured along it counts where it is the smaller.
 *   rounding   every element of g is at most four times what nudging θ by a unit in the last place makes of it: θ
 *              cannot be written down any nearer, or the gradient cannot be computed any better.
 *   there      every element of p is at most 10⁻²·√ε·max(1, |θⱼ|), and D ≤ ε·max(1, |f|): the critical point is nearer
 *              than matters. Both are needed: a short step alone is a matter of units, a small decrease alone is what a
 *              plateau far out in exp(−x²) looks like.
 *
 * A point that is near a critical one is not at it, and its small eigenvalues are not those of the critical one: for x⁴ at
 * 10⁻⁵ they are positive; for x + cos x beside π/2 they have either sign, while the gradient 1 − sin x is exactly 0 as
 * computed. So H is measured again after the Newton step, and as far on either side of it as rounding in the gradient may
 * hide; an eigenvalue that this changes by more than a quarter counts as zero. At a root of order k Newton changes it by
 * 1 − ((k−2)/(k−1))^(k−2), a half or more. */
#include "diagnose/point.h"
#include "curvature/curvature.h"
#include "diagnose/krylov.h"
#include <cblas.h>
#include <float.h>
#include <math.h>
#include <string.h>

enum { POINT_NOISE_DRAWS = 8, POINT_SETTLED = 8, POINT_KRYLOV = 30 };

void us_point_options_init(us_point_options *options) { *options = (us_point_options)US_POINT_OPTIONS_INIT; }

void us_point_destroy(us_point *point) {
    if (!point) return;
    us_spectrum_destroy(point->spectrum);
    us_eigenpairs_destroy(point->ends);
    us__release(point->context, point->theta);
    us__release(point->context, point->escape);
    us__release(point->context, point);
}

/* Everything that is measured on the way. */
typedef struct sight {
    us__place place;
    const us_point_options *options;
    double *gradient, *parts, *step, *noise, *scratch; /* [n] each; parts: gᵢ along the eigenvectors; step: p */
    bool critical;
} sight;

static us_status point_copy_options(us_context *context, us_point_options *to, const us_point_options *from) {
    *to = (us_point_options)US_POINT_OPTIONS_INIT;
    if (from) *to = *from;
    if (to->version != 1)
        return us__fail(context, US_ERR_ARGUMENT, "us_point_options: version is %u; it must be 1", to->version);
    if (!(to->decrease_tolerance >= 0))
        return us__fail(context, US_ERR_ARGUMENT, "us_point_options: decrease_tolerance is %g; it must be 0 or more",
                        to->decrease_tolerance);
    if (!(to->seconds >= 0))
        return us__fail(context, US_ERR_ARGUMENT, "us_point_options: seconds is %g; it must be 0 or more", to->seconds);
    return US_OK;
}

/* The decrease measured along a direction (not of length 1), to ten times the size of θ, rounding taken off. */
static us_status point_measure(sight *s, const double *direction, double *decrease) {
    double length = cblas_dnrm2((int)s->place.n, direction, 1);
    us__line line;
    us_status status =
        us__place_search(&s->place, direction, 1e-12 * s->place.size / length, 10 * s->place.size / length, false, &line);
    *decrease = status ? 0 : line.decrease;
    return status;
}

/* D, and the Newton step p. */
static us_status point_offer(sight *s, us_point *point) {
    const us_spectrum *spectrum = point->spectrum;
    size_t n = s->place.n;
    double r = spectrum->resolution, offer = 0, silent = 0;
    cblas_dgemv(CblasRowMajor, CblasNoTrans, (int)n, (int)n, 1, spectrum->vectors, (int)n, s->gradient, 1, 0, s->parts, 1);
    for (size_t i = 0; i < n; i++) {
        double size = fmax(fabs(spectrum->values[i]), r), part = s->parts[i];
        double gain = part == 0 ? 0 : 0.5 * part * (part / size);
        if (fabs(spectrum->values[i]) > r)
            offer += gain;
        else
            silent += gain;
        s->noise[i] = part == 0 ? 0 : part / size;
    }
    cblas_dgemv(CblasRowMajor, CblasTrans, (int)n, (int)n, 1, spectrum->vectors, (int)n, s->noise, 1, 0, s->step, 1);
    if (silent > s->options->decrease_tolerance * fabs(s->place.loss)) {
        for (size_t i = 0; i < n; i++) s->noise[i] = fabs(spectrum->values[i]) > r ? 0 : -s->parts[i];
        cblas_dgemv(CblasRowMajor, CblasTrans, (int)n, (int)n, 1, spectrum->vectors, (int)n, s->noise, 1, 0, s->scratch, 1);
        double measured;
        us_status status = point_measure(s, s->scratch, &measured);
        if (status) return status;
        silent = fmin(silent, measured);
    }
    point->offered_decrease = offer + silent;
    return US_OK;
}

/* Is the gradient at θ no larger than rounding makes it? */
static bool point_is_rounding(const sight *s) {
    for (size_t i = 0; i < s->place.n; i++)
        if (!(fabs(s->gradient[i]) <= 4 * s->noise[i])) return false;
    return true;
}

/* Is the critical point nearer than matters? */
static bool point_is_there(const sight *s, double offer) {
    if (!(offer <= DBL_EPSILON * fmax(1, fabs(s->place.loss)))) return false;
    for (size_t i = 0; i < s->place.n; i++)
        if (!(fabs(s->step[i]) <= 1e-2 * sqrt(DBL_EPSILON) * fmax(1, fabs(us_vec_get(s->place.theta, i))))) return false;
    return true;
}

/* vᵀH(θ + step + t·v)v; NaN where that is not finite. */
static us_status point_curvature(sight *s, const double *step, const double *v, double t, double *curvature) {
    us_spectrum_options quiet = s->options->spectrum;
    quiet.progress = NULL;
    us_vec_copy(s->place.at, s->place.theta);
    for (size_t j = 0; j < s->place.n; j++) us_vec_set(s->place.at, j, us_vec_get(s->place.at, j) + step[j] + t * v[j]);
    us_status status = us__hessian_products(s->place.problem, s->place.at, &quiet, v, s->scratch, 1, 0, 1);
    *curvature = status ? (double)NAN : cblas_ddot((int)s->place.n, v, 1, s->scratch, 1);
    if (status != US_ERR_NONFINITE) return status;
    us_context_error_clear(us_problem_context(s->place.problem));
    return US_OK;
}

/* Measures the smallest resolved eigenvalues again where the critical point may be, too; those that do not hold count as
 * zero. */
static us_status point_settle(sight *s, us_point *point) {
    us_spectrum *spectrum = point->spectrum;
    size_t n = s->place.n, low = spectrum->negative, high = spectrum->negative + spectrum->zero;
    double r = spectrum->resolution, unsettled = r, *step = s->step;
    for (size_t i = 0; i < n; i++) { /* the Newton step towards it: the true sign of λ, resolved directions only */
        bool resolved = i < spectrum->negative || i >= high;
        s->noise[i] = resolved && s->parts[i] != 0 ? -s->parts[i] / spectrum->values[i] : 0;
    }
    cblas_dgemv(CblasRowMajor, CblasTrans, (int)n, (int)n, 1, spectrum->vectors, (int)n, s->noise, 1, 0, step, 1);
    for (size_t count = 0; count < POINT_SETTLED && (low > 0 || high < n); count++) {
        /* next smaller in size of the two sides */
        bool down = high == n || (low > 0 && -spectrum->values[low - 1] < spectrum->values[high]);
        size_t i = down ? --low : high++;
        const double *v = spectrum->vectors + i * n, size = fabs(spectrum->values[i]);
        double noise;
        us_status status = us__place_slope_noise(&s->place, v, s->scratch, &noise);
        double reach = 2 * noise / size; /* as far off as rounding in the gradient may hide */
        for (int side = -1; side <= 1 && !status; side++) {
            double value;
            if (side != 0 && reach == 0) continue;
            status = point_curvature(s, step, v, side * reach, &value);
            spectrum->products++;
            if (!(fabs(value - spectrum->values[i]) <= 0.25 * size)) unsettled = fmax(unsettled, size);
        }
        if (status) return status;
    }
    if (unsettled > r) {
        spectrum->resolution = unsettled;
        us__spectrum_count(spectrum);
    }
    return US_OK;
}

/* A unit vector in the eigenspace of the most negative eigenvalue. Where that is a cluster, no member of it is special, and
 * a random combination is the one that keeps no symmetry by accident. */
static us_status point_escape(us_point *point, const us_point_options *options) {
    const us_spectrum *s = point->spectrum;
    size_t n = s->n, cluster = 1;
    if (s->negative == 0) return US_OK;
    if (!(point->escape = us__alloc(point->context, n, sizeof *point->escape))) return US_ERR_NOMEM;
    memcpy(point->escape, s->vectors, n * sizeof *s->vectors);
    double width = fmax(s->resolution, 1e-9 * fabs(s->values[0]));
    while (cluster < s->negative && s->values[cluster] - s->values[0] <= width) cluster++;
    if (cluster == 1) return US_OK;
    us_rng rng = us_rng_init(options->seed, 0xe5c);
    memset(point->escape, 0, n * sizeof *point->escape);
    for (size_t i = 0; i < cluster; i++) cblas_daxpy((int)n, us_rng_normal(&rng), s->vectors + i * n, 1, point->escape, 1);
    cblas_dscal((int)n, 1 / cblas_dnrm2((int)n, point->escape, 1), point->escape, 1);
    return US_OK;
}

/* Beside a saddle a line along −g finds the way out, and a decrease that is the saddle's, not the gradient's. The quadratic
 * model of the Krylov space of (H, g) tells: where that space has negative curvature, its D counts, as with a spectrum. A D
 * that is worth having after a few products ends the matter. */
static us_status point_model(sight *s, us_point *point, double worth) {
    us__krylov *k;
    double r, offer = 0, silent, lowest = 0, epsilon = us_precision_epsilon(us_problem_precision(s->place.problem));
    us_status status = us__krylov_create(&k, s->place.problem, s->options->spectrum.batch, POINT_KRYLOV);
    if (status) return status;
    us__krylov_begin(k, s->gradient);
    do {
        status = us__krylov_grow(k, s->place.theta);
        r = (4 * epsilon + sqrt((double)s->place.n) * DBL_EPSILON) * us__krylov_norm(k);
        if (!status) status = us__krylov_offer(k, r, &offer, &silent, &lowest);
    } while (!status && k->k < k->most && !k->whole && k->k < s->options->products && !(k->k > 2 && offer > 2 * worth));
    if (!status && lowest < -r && offer < point->offered_decrease) point->offered_decrease = offer;
    us__krylov_destroy(k);
    if (status == US_ERR_NONFINITE) {
        us_context_error_clear(us_problem_context(s->place.problem));
        status = US_OK;
    }
    return status;
}

/* Without a dense Hessian, the gradient and the loss along it tell whether the point is critical. */
static us_status point_without_spectrum(sight *s, us_point *point, const char *because, bool products) {
    us_status status = US_OK;
    double worth = s->options->decrease_tolerance * fabs(s->place.loss);
    for (size_t i = 0; i < s->place.n; i++) s->scratch[i] = -s->gradient[i];
    if (point->gradient_norm > 0) status = point_measure(s, s->scratch, &point->offered_decrease);
    if (!status && products && s->options->products && point->offered_decrease > worth)
        status = point_model(s, point, worth);
    s->critical = point->offered_decrease <= worth || point_is_rounding(s);
    point->kind = s->critical ? US_KIND_UNDECIDED : US_KIND_NOT_CRITICAL;
    point->undecided_because = s->critical ? because : NULL;
    return status;
}

static us_status point_with_spectrum(sight *s, us_point *point) {
    us_spectrum *spectrum = point->spectrum;
    double tolerance = s->options->decrease_tolerance;
    bool rounding = point_is_rounding(s);
    us_status status = point_offer(s, point);
    if (status) return status;
    s->critical =
        rounding || point->offered_decrease <= tolerance * fabs(s->place.loss) || point_is_there(s, point->offered_decrease);
    if (s->critical && (status = point_settle(s, point))) return status;
    point->kind = us_kind_from_counts(s->critical, spectrum->negative, spectrum->zero, spectrum->positive);
    if ((status = point_escape(point, s->options))) return status;
    /* A hundredth of H's size in its antisymmetric part is no rounding: these products are nobody's Hessian. */
    double norm = fmax(fabs(spectrum->values[0]), fabs(spectrum->values[spectrum->n - 1]));
    if (s->critical && spectrum->asymmetry > 1e-2 * norm) {
        point->kind = US_KIND_UNDECIDED;
        point->undecided_because =
            "the Hessian-vector products are not those of a symmetric matrix: correct them, or leave them out";
        return US_OK;
    }
    return point->kind == US_KIND_DEGENERATE ? us__null_space_probe(point, &s->place, s->options) : US_OK;
}

/* By both ends of the spectrum. *told: that names the point, and nothing is left that the whole spectrum would add but the
 * number of eigenvalues of a sign. */
static us_status point_by_ends(sight *s, us_point *point, bool *told) {
    us_status status = point_without_spectrum(
        s, point, "the Hessian is too large to be made whole: its smallest eigenvalue would decide", true);
    if (!status) status = us__point_ends(point, &s->place, s->options, s->gradient, s->scratch);
    *told = point->kind != US_KIND_UNDECIDED && point->kind != US_KIND_DEGENERATE;
    return status;
}

static void point_forget_ends(sight *s, us_point *point) {
    us_eigenpairs_destroy(point->ends);
    us__release(point->context, point->escape);
    point->ends = NULL, point->escape = NULL, point->undecided_because = NULL;
    point->kind = US_KIND_UNDECIDED, point->null_space = US_NULL_NOT_PROBED;
    s->critical = false;
}

us_status us_point_classify(us_point **out, us_problem *problem, const us_vec *theta, const us_point_options *options) {
    *out = NULL;
    us_context *context = us_problem_context(problem);
    size_t n = us_problem_dimension(problem);
    us_point_options o;
    us_status status = point_copy_options(context, &o, options);
    if (status) return status;
    sight s = {.options = &o};
    bool told;
    double loss, *memory = NULL;
    us_point *point = us__new(context, 1, sizeof *point);
    if (!point) return US_ERR_NOMEM;
    point->context = context;
    point->kind = US_KIND_UNDECIDED;
    if ((status = us__place_open(&s.place, problem, theta, o.spectrum.batch))) goto done;
    status = US_ERR_NOMEM;
    if (!(memory = us__new(context, 5 * n, sizeof *memory))) goto done;
    if (!(point->theta = us__alloc(context, n, sizeof *point->theta))) goto done;
    s.gradient = memory, s.parts = memory + n, s.step = memory + 2 * n, s.noise = memory + 3 * n, s.scratch = memory + 4 * n;
    us_vec_read_f64(theta, point->theta);
    point->value = s.place.loss;
    if ((status = us__place_gradient(&s.place, NULL, 0, &loss, s.gradient))) goto done;
    point->gradient_norm = us_vec_norm2(s.place.work);
    if (!isfinite(point->gradient_norm)) {
        status = us__fail(context, US_ERR_NONFINITE, "the gradient is not finite at this point");
        goto done;
    }
    if ((status = us__place_noise(&s.place, s.gradient, POINT_NOISE_DRAWS, s.noise))) goto done;
    if (n > o.spectrum.limit || (n > o.ends_first && o.products > 0)) {
        status = point_by_ends(&s, point, &told);
        if (status || told || n > o.spectrum.limit) goto done;
        point_forget_ends(&s, point);
    }
    status = us_spectrum_dense(&point->spectrum, problem, theta, &o.spectrum);
    if (!status)
        status = point_with_spectrum(&s, point);
    else if (status == US_ERR_NONFINITE) {
        us_context_error_clear(context);
        status = point_without_spectrum(&s, point, "the Hessian is not finite at this point", false);
    }
done:
    us__release(context, memory);
    us__place_close(&s.place);
    if (status)
        us_point_destroy(point);
    else
        *out = point;
    return status;
}
