/* What Lanczos' method reads off its projected matrix T: Ritz values, residuals, and when to stop (bounds:
 * lanczos_bounds.c).
 *
 * A block of b random vectors finds b vectors of each eigenspace: a copy beyond that is invisible to it. So where two or
 * more pairs are wanted at an end, those that have converged are kept, and a fresh random vector orthogonal to them goes
 * through the rest, until nothing outside of what is known can be there: its own outermost pair has converged inside, or the
 * Kuczyński-Woźniakowski bound excludes a copy. A copy that does turn up joins the wanted, and the search begins anew. */
#include "curvature/lanczos.h"
#include <cblas.h>
#include <math.h>
#include <string.h>

/* ‖C'y‖ for a C of as many columns as a block has. */
static double look_length(const us_lanczos *l, const double *c, const double *y) {
    double length = 0;
    for (size_t q = 0; q < l->block; q++) length = hypot(length, cblas_ddot((int)l->size, c + q * l->most, 1, y, 1));
    return length;
}

const char *us_needs_text(us_needs needs) {
    static const char *const TEXTS[] = {"nothing", "more Hessian-vector products",
                                        "products in a higher precision: the eigenvalue is within their rounding",
                                        "products on more rows: the sampling error hides the sign"};
    return TEXTS[needs <= US_NEEDS_ROWS ? needs : 0];
}

us_status us__lanczos_look(us_lanczos *l) {
    if (l->looked) return US_OK;
    size_t size = l->size;
    for (size_t j = 0; j < size; j++) memcpy(l->vectors + j * size, l->t + j * l->most, size * sizeof *l->t);
    lapack_int info = LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, 'V', 'L', (lapack_int)size, l->vectors, (lapack_int)size,
                                          l->ritz, l->lapack, l->lapack_size, l->integers, l->integer_size);
    if (info)
        return us__fail(l->context, US_ERR_NUMERIC, "LAPACK's dsyevd failed on %zu Lanczos vectors (info %d)", size,
                        (int)info);
    for (size_t i = 0; i < size; i++) {
        const double *y = l->vectors + i * size;
        l->residuals[i] = look_length(l, l->couple, y);
        for (size_t e = 0; e < l->rounds; e++) l->residuals[i] += look_length(l, l->dropped + e * l->block * l->most, y);
    }
    l->lowest = fmin(l->lowest, l->ritz[0]), l->highest = fmax(l->highest, l->ritz[size - 1]);
    l->scale = fmax(l->scale, fmax(fabs(l->ritz[0]), fabs(l->ritz[size - 1])));
    l->looked = true;
    return US_OK;
}

/* All wanted pairs have converged, to this part of the tolerance? */
static bool look_converged(const us_lanczos *l, double part) {
    double tolerance = part * l->o.tolerance * l->scale;
    if (l->size < l->n && l->size < l->o.bottom + l->o.top) return false;
    for (size_t i = 0; i < l->o.bottom; i++)
        if (!(l->residuals[i] <= tolerance)) return false;
    for (size_t i = l->size - l->o.top; i < l->size; i++)
        if (!(l->residuals[i] <= tolerance)) return false;
    return true;
}

/* No copy can be missing beyond the innermost wanted value? @param next  the first Ritz pair inside of it */
static bool look_nothing_missing(const us_lanczos *l, size_t next, double boundary) {
    if (l->residuals[next] <= l->o.tolerance * l->scale) return true;
    double width = l->ritz[l->size - 1] - l->ritz[0];
    if (!l->chain_open || !(width > 0)) return false;
    return us__lanczos_failure(l, l->chain, fabs(l->ritz[next] - boundary) / width) <= 0.5 * (1 - l->o.confidence);
}

/* One more fresh random vector is needed to know that no copy is missing? */
static void look_verify(us_lanczos *l) {
    size_t bottom = l->o.bottom, top = l->o.top, size = l->size;
    double slack = 2 * l->o.tolerance * l->scale;
    double low = bottom ? l->ritz[bottom - 1] : 0, high = top ? l->ritz[size - top] : 0;
    if (size == l->n || !l->o.verify || (bottom < 2 && top < 2)) {
        l->done = true;
        l->verified = size == l->n;
        return;
    }
    bool same = l->rounds > 0 && fabs(low - l->boundary_low) <= slack && fabs(high - l->boundary_high) <= slack;
    if (same) {
        if (size <= bottom + top) return; /* nothing was looked at yet */
        l->done = (bottom < 2 || look_nothing_missing(l, bottom, low)) &&
                  (top < 2 || look_nothing_missing(l, size - top - 1, high));
        l->verified = l->done;
        return;
    }
    if (l->rounds == l->rounds_most) {
        l->done = true;
        return;
    }
    /* A round adds to the residuals of what it keeps: there must be room for that. */
    if (!look_converged(l, 0.5 + 0.5 * (double)l->rounds / (double)l->rounds_most)) return;
    l->boundary_low = low, l->boundary_high = high;
    us__lanczos_restart(l, bottom, top);
    memcpy(l->dropped + l->rounds * l->block * l->most, l->couple, l->block * l->most * sizeof *l->couple);
    us__lanczos_fresh(l);
    l->rounds++;
    memset(l->couple, 0, l->most * l->block * sizeof *l->couple);
    l->chain = 0;
    l->chain_open = true;
}

/* Is there an eigenvalue below −below? What is within the resolution of it stays undecided, however many the products. */
static void look_below(us_lanczos *l) {
    double low, high, edge = -l->o.below, resolution = us__lanczos_resolution(l);
    us__lanczos_bounds(l, &low, &high);
    l->needs = US_NEEDS_PRODUCTS;
    l->below = US_BELOW_UNDECIDED;
    if (l->ritz[0] < edge - resolution)
        l->below = US_BELOW_FOUND;
    else if (low >= edge)
        l->below = US_BELOW_NONE;
    else if (fabs(l->ritz[0] - edge) <= resolution && (low >= edge - 2 * resolution || look_converged(l, 1)))
        l->needs = US_NEEDS_PRECISION;
    else if (l->chain_open || !look_converged(l, 1))
        return; /* more products may tell */
    if (l->below != US_BELOW_UNDECIDED) l->needs = US_NEEDS_NOTHING;
    if (l->size < l->o.bottom + l->o.top && l->size < l->n) return; /* the other end was asked for, too */
    if (l->below == US_BELOW_FOUND && l->residuals[0] > l->o.accuracy * fabs(l->ritz[0])) return;
    if (l->below == US_BELOW_FOUND && low < l->o.slack * l->ritz[0] && l->chain_open) return;
    l->done = true;
}

us_status us__lanczos_decide(us_lanczos *l) {
    bool full = l->size + l->ahead > l->most, last = l->ahead == 0 || l->products + l->ahead > l->o.products;
    /* T's eigenvalues cost size³: beyond 64 columns they are looked at every 2nd, 3rd, ... step */
    if (!full && !last && l->size > 64 && l->size % (l->size / 32)) return US_OK;
    us_status status = us__lanczos_look(l);
    if (status) return status;
    if (l->o.below >= 0)
        look_below(l);
    else if (look_converged(l, 1))
        look_verify(l);
    if (last || l->size == l->n) l->done = true;
    return US_OK;
}
