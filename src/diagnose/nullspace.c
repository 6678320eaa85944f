/* The degenerate case: where eigenvalues are zero, the second order says nothing, and the loss itself is measured.
 *
 * Let N be the null space of H and R the space of its clearly positive eigenvalues. Near the point the loss is
 *     f(θ + u + w),  u ∈ N,  w ∈ R,
 * and by the splitting lemma (Gromoll & Meyer 1969) what decides is the reduced function
 *     φ(u) = min over w of f(θ + u + w).
 * Along a straight ray w is 0: that misses Peano's surface (y − x²)(y − 2x²), which rises on every straight line and falls
 * on y = 1.5·x². So wherever the straight ray rises, w is found by a few Newton steps, w ← w − H_R⁻¹ ∇_R f.
 *
 * Rays go both ways along eigenvectors of N and along random directions in it, at lengths from 10⁻⁶ to 1 times
 * max(1, ‖θ‖∞). A ray ends where the reduced function first leaves f(θ) by more than rounding: below, it is a way down;
 * above, it rises. One that never leaves is flat. A way down beyond a rise does not count. */
#include "diagnose/point.h"
#include <cblas.h>
#include <float.h>
#include <math.h>
#include <string.h>

enum { NULL_SPACE_LENGTHS = 21, NULL_SPACE_NEWTON_STEPS = 3 };

typedef enum { RAY_FLAT, RAY_RISES, RAY_FALLS } ray;

typedef struct probe {
    us__place *place;
    const us_spectrum *spectrum;
    size_t first, count; /* eigenvectors first .. first+count−1 span N; those above span R */
    double *u, *d, *best, *gradient,
        *parts; /* [n] each: direction, displacement, the lowest one, gradient, its parts along R */
} probe;

/* d ← t·u + w with w from Newton's method in R; false when it wanders off further than t. */
static us_status probe_relax(probe *p, double t, double *loss) {
    size_t n = p->place->n, from = p->first + p->count, r = n - from;
    const double *vectors = p->spectrum->vectors + from * n;
    us_status status = US_OK;
    for (size_t i = 0; i < n; i++) p->d[i] = t * p->u[i];
    for (int step = 0; step < NULL_SPACE_NEWTON_STEPS && !status; step++) {
        status = us__place_gradient(p->place, p->d, 1, loss, p->gradient);
        if (status) break;
        cblas_dgemv(CblasRowMajor, CblasNoTrans, (int)r, (int)n, 1, vectors, (int)n, p->gradient, 1, 0, p->parts, 1);
        for (size_t i = 0; i < r; i++) p->parts[i] /= p->spectrum->values[from + i];
        cblas_dgemv(CblasRowMajor, CblasTrans, (int)r, (int)n, -1, vectors, (int)n, p->parts, 1, 1, p->d, 1);
    }
    if (!status) status = us__place_value(p->place, p->d, 1, loss);
    if (cblas_dnrm2((int)n, p->d, 1) > 2 * fabs(t)) *loss = HUGE_VAL; /* left the surroundings */
    return status;
}

/* Follows one ray; when it falls, on to where it falls no more: `best` is that displacement. */
static us_status probe_ray(probe *p, int sign, ray *found) {
    double here = p->place->loss, lowest = here;
    bool can_relax = p->first + p->count < p->place->n;
    *found = RAY_FLAT;
    for (int k = 0; k < NULL_SPACE_LENGTHS; k++) {
        double t = sign * p->place->size * pow(10, -6 + 6.0 * k / (NULL_SPACE_LENGTHS - 1)), loss;
        us_status status = us__place_value(p->place, p->u, t, &loss);
        if (status) return status;
        /* Rounding of the two losses; what the straight ray rises by is the size that a relaxed one is computed from. */
        double noise = p->place->rounding + 64 * DBL_EPSILON * fabs(loss);
        for (size_t i = 0; i < p->place->n; i++) p->d[i] = t * p->u[i];
        if (!(loss <= here + noise) && can_relax && isfinite(loss) && (status = probe_relax(p, t, &loss))) return status;
        if (*found == RAY_FALLS && !(loss < lowest)) return US_OK;
        if (loss < here - noise) {
            *found = RAY_FALLS;
            lowest = loss;
            memcpy(p->best, p->d, p->place->n * sizeof *p->d);
        } else if (!(loss <= here + noise)) {
            *found = RAY_RISES;
            return US_OK;
        }
    }
    return US_OK;
}

/* u ← the k-th direction: eigenvectors of N first, then random unit vectors in it. */
static void probe_direction(probe *p, size_t k, size_t eigenvectors, us_rng *rng) {
    size_t n = p->place->n;
    if (k < eigenvectors) {
        memcpy(p->u, p->spectrum->vectors + (p->first + k) * n, n * sizeof *p->u);
        return;
    }
    memset(p->u, 0, n * sizeof *p->u);
    for (size_t i = 0; i < p->count; i++)
        cblas_daxpy((int)n, us_rng_normal(rng), p->spectrum->vectors + (p->first + i) * n, 1, p->u, 1);
    cblas_dscal((int)n, 1 / cblas_dnrm2((int)n, p->u, 1), p->u, 1);
}

us_status us__null_space_probe(us_point *point, us__place *place, const us_point_options *options) {
    us_context *context = point->context;
    const us_spectrum *s = point->spectrum;
    size_t n = place->n, flat = 0;
    probe p = {.place = place, .spectrum = s, .first = s->negative, .count = s->zero};
    if (p.count == 0 || options->probes == 0) return US_OK;
    us_status status = US_OK;
    us_rng rng = us_rng_init(options->seed, 0x9a11);
    double *memory = us__alloc(context, 5 * n, sizeof *memory);
    if (!memory) return US_ERR_NOMEM;
    p.u = memory, p.d = memory + n, p.gradient = memory + 2 * n, p.parts = memory + 3 * n, p.best = memory + 4 * n;
    size_t eigenvectors = p.count < options->probes ? p.count : options->probes;
    size_t directions = p.count == 1 ? 1 : eigenvectors + options->probes;
    point->null_space = US_NULL_RISES;
    for (size_t k = 0; k < directions; k++) {
        probe_direction(&p, k, eigenvectors, &rng);
        for (int sign = 1; sign >= -1; sign -= 2) {
            ray found;
            if ((status = probe_ray(&p, sign, &found))) goto done;
            if (us_context_cancelled(context)) {
                status = us__fail(context, US_INTERRUPTED, "interrupted while probing the null space");
                goto done;
            }
            flat += found == RAY_FLAT;
            if (found != RAY_FALLS) continue;
            point->null_space = US_NULL_WAY_DOWN;
            if (point->escape) goto done;
            if (!(point->escape = us__alloc(context, n, sizeof *point->escape))) {
                status = US_ERR_NOMEM;
                goto done;
            }
            double length = cblas_dnrm2((int)n, p.best, 1);
            for (size_t i = 0; i < n; i++) point->escape[i] = p.best[i] / length;
            goto done;
        }
    }
    if (flat) point->null_space = US_NULL_FLAT;
done:
    us__release(context, memory);
    return status;
}
