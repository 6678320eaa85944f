/* Lanczos' method: the basis, a step, a restart. What is read off T and when to stop: lanczos_look.c.
 *
 * A step orthogonalises w = A·v against all columns, twice, which is enough (Giraud, Langou & Rozložník 2005). Where w
 * vanishes the columns span an invariant subspace; a fresh random vector goes on in the rest. When the basis is full, it is
 * replaced by the Ritz vectors at both ends (Wu & Simon 2000, algorithm 3). */
#include "curvature/lanczos.h"
#include <cblas.h>
#include <limits.h>
#include <math.h>
#include <string.h>

void us_lanczos_options_init(us_lanczos_options *options) { *options = (us_lanczos_options)US_LANCZOS_OPTIONS_INIT; }

static us_status lanczos_check(us_context *context, size_t n, const us_lanczos_options *o) {
    const char *const what = "us_lanczos_options";
    if (o->version != 1) return us__fail(context, US_ERR_ARGUMENT, "%s: version is %u; it must be 1", what, o->version);
    if (n == 0 || n > INT_MAX)
        return us__fail(context, US_ERR_ARGUMENT, "Lanczos: dimension %zu; it must be 1 to %d", n, INT_MAX);
    if (o->bottom == 0 && o->top == 0)
        return us__fail(context, US_ERR_ARGUMENT, "%s: bottom and top are 0; ask for one pair", what);
    if (o->bottom > 10000 || o->top > 10000)
        return us__fail(context, US_ERR_ARGUMENT, "%s: more than 10000 pairs at an end", what);
    if (o->basis > 20000)
        return us__fail(context, US_ERR_ARGUMENT, "%s: basis is %zu; it must be at most 20000", what, o->basis);
    if (o->basis && o->basis < n && o->basis < 2 * (o->bottom + o->top) + 8)
        return us__fail(context, US_ERR_ARGUMENT, "%s: basis is %zu; it must be at least 2*(bottom + top) + 8", what,
                        o->basis);
    if (o->products == 0) return us__fail(context, US_ERR_ARGUMENT, "%s: products is 0; it must be at least 1", what);
    if (!(o->tolerance > 0))
        return us__fail(context, US_ERR_ARGUMENT, "%s: tolerance is %g; it must be above 0", what, o->tolerance);
    if (!(o->below >= 0 || o->below == -1) || o->below > 1e300)
        return us__fail(context, US_ERR_ARGUMENT, "%s: below is %g; it must be 0 or more, or -1", what, o->below);
    if (o->below >= 0 && o->bottom == 0)
        return us__fail(context, US_ERR_ARGUMENT, "%s: below is asked, but bottom is 0", what);
    if (!(o->accuracy > 0) || !(o->seconds >= 0))
        return us__fail(context, US_ERR_ARGUMENT, "%s: accuracy is %g and seconds %g; above 0, and 0 or more", what,
                        o->accuracy, o->seconds);
    if (!(o->confidence > 0 && o->confidence < 1))
        return us__fail(context, US_ERR_ARGUMENT, "%s: confidence is %g; it must be above 0 and below 1", what,
                        o->confidence);
    if (!(o->sampling_error >= 0) || !(o->epsilon >= 0 && o->epsilon < 1))
        return us__fail(context, US_ERR_ARGUMENT, "%s: sampling_error is %g and epsilon %g; they must be 0 or more", what,
                        o->sampling_error, o->epsilon);
    return US_OK;
}

static us_status lanczos_create(us_lanczos **out, us_context *context, size_t n, const us_lanczos_options *options,
                                bool plain) {
    *out = NULL;
    us_lanczos_options o = US_LANCZOS_OPTIONS_INIT;
    if (options) o = *options;
    us_status status = plain ? US_OK : lanczos_check(context, n, &o);
    if (status) return status;
    if (o.epsilon == 0) o.epsilon = 0x1p-52;
    size_t most = o.basis ? o.basis : 2 * (o.bottom + o.top) + 40;
    if (most > n) most = n;
    if (o.bottom > n) o.bottom = n;
    if (o.top > n) o.top = n;
    us_lanczos *l = us__new(context, 1, sizeof *l);
    if (!l) return US_ERR_NOMEM;
    l->context = context;
    l->o = o;
    l->rng = us_rng_init(o.seed, 0x1a2c05);
    l->n = n, l->most = most;
    l->chain_open = true;
    l->plain = plain;
    l->rounds_most = o.bottom + o.top + 3;
    l->lowest = HUGE_VAL, l->highest = -HUGE_VAL;
    l->below = o.below >= 0 ? US_BELOW_UNDECIDED : US_BELOW_NOT_ASKED;
    /* dsyevd's documented sizes for jobz = V */
    l->lapack_size = (lapack_int)(1 + 6 * most + 2 * most * most), l->integer_size = (lapack_int)(3 + 5 * most);
    double *small = NULL;
    status = US_ERR_NOMEM;
    size_t numbers = 2 * most * most + (5 + l->rounds_most) * most + 3 + US__LANCZOS_CHUNK * most + (size_t)l->lapack_size;
    if (!(l->basis = us__alloc(context, most + 2, n * sizeof *l->basis))) goto done;
    if (!(small = l->t = us__new(context, numbers, sizeof *l->t))) goto done;
    if (!(l->integers = us__alloc(context, (size_t)l->integer_size, sizeof *l->integers))) goto done;
    l->work = l->basis + (most + 1) * n;
    l->vectors = (small += most * most);
    l->couple = (small += most * most);
    l->dropped = (small += most + 1);
    l->coefficients = (small += l->rounds_most * most);
    l->ritz = (small += 2 * (most + 1));
    l->residuals = (small += most);
    l->rows = (small += most);
    l->lapack = small + US__LANCZOS_CHUNK * most;
    us__lanczos_fresh(l, 0);
    status = US_OK;
done:
    if (status)
        us_lanczos_destroy(l);
    else
        *out = l;
    return status;
}

us_status us_lanczos_create(us_lanczos **out, us_context *context, size_t n, const us_lanczos_options *options) {
    return lanczos_create(out, context, n, options, false);
}

us_status us__lanczos_create_plain(us_lanczos **out, us_context *context, size_t n, const us_lanczos_options *options) {
    return lanczos_create(out, context, n, options, true);
}

void us_lanczos_destroy(us_lanczos *l) {
    if (!l) return;
    us__release(l->context, l->integers);
    us__release(l->context, l->t);
    us__release(l->context, l->basis);
    us__release(l->context, l);
}

/* w ← w − V·(V'w) over the first `count` columns. @param c [count] V'w */
static void lanczos_orthogonalise(const us_lanczos *l, double *w, size_t count, double *c) {
    if (count == 0) return;
    cblas_dgemv(CblasColMajor, CblasTrans, (int)l->n, (int)count, 1, l->basis, (int)l->n, w, 1, 0, c, 1);
    cblas_dgemv(CblasColMajor, CblasNoTrans, (int)l->n, (int)count, -1, l->basis, (int)l->n, c, 1, 1, w, 1);
}

void us__lanczos_fresh(us_lanczos *l, size_t against) {
    double length;
    do {
        for (size_t i = 0; i < l->n; i++) l->work[i] = us_rng_normal(&l->rng);
        double before = cblas_dnrm2((int)l->n, l->work, 1);
        cblas_dscal((int)l->n, 1 / before, l->work, 1);
        for (int pass = 0; pass < 2; pass++) lanczos_orthogonalise(l, l->work, against, l->coefficients);
        length = cblas_dnrm2((int)l->n, l->work, 1);
        cblas_dscal((int)l->n, 1 / length, l->work, 1);
        lanczos_orthogonalise(l, l->work, against, l->coefficients); /* what the scaling brought back up */
    } while (!(length > 1e-8));
    cblas_dscal((int)l->n, 1 / cblas_dnrm2((int)l->n, l->work, 1), l->work, 1);
    memcpy(l->basis + l->size * l->n, l->work, l->n * sizeof *l->work);
}

/* row [size] ← row'·y, the coefficients of new columns. */
static void lanczos_turn(const us_lanczos *l, double *row, size_t kept) {
    cblas_dgemv(CblasColMajor, CblasTrans, (int)l->size, (int)kept, 1, l->vectors, (int)l->size, row, 1, 0, l->coefficients,
                1);
    memset(row, 0, l->most * sizeof *row);
    memcpy(row, l->coefficients, kept * sizeof *row);
}

void us__lanczos_restart(us_lanczos *l, size_t low, size_t high) {
    size_t n = l->n, size = l->size, kept = low + high, m = l->most;
    double *y = l->vectors;
    memmove(y + low * size, y + (size - high) * size, high * size * sizeof *y);
    memmove(l->ritz + low, l->ritz + size - high, high * sizeof *l->ritz);
    for (size_t first = 0; first < n; first += US__LANCZOS_CHUNK) { /* in place, some rows at a time */
        size_t rows = n - first < US__LANCZOS_CHUNK ? n - first : US__LANCZOS_CHUNK;
        for (size_t j = 0; j < size; j++) memcpy(l->rows + j * rows, l->basis + j * n + first, rows * sizeof *l->rows);
        cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, (int)rows, (int)kept, (int)size, 1, l->rows, (int)rows, y,
                    (int)size, 0, l->basis + first, (int)n);
    }
    memmove(l->basis + kept * n, l->basis + size * n, n * sizeof *l->basis);
    lanczos_turn(l, l->couple, kept);
    for (size_t e = 0; e < l->rounds; e++) lanczos_turn(l, l->dropped + e * m, kept);
    memset(l->t, 0, m * m * sizeof *l->t);
    for (size_t i = 0; i < kept; i++) l->t[i + i * m] = l->ritz[i];
    l->size = kept;
    l->looked = false;
    l->chain_open = false;
}

const double *us_lanczos_next(us_lanczos *l) {
    if (l->done) return NULL;
    if (l->size == l->most) { /* full, and looked at: keeps what is wanted, and half of the rest */
        size_t bottom = l->o.bottom, top = l->o.top, spare = (l->most - bottom - top) / (bottom && top ? 4 : 2);
        us__lanczos_restart(l, bottom ? bottom + spare : 0, top ? top + spare : 0);
    }
    return l->basis + l->size * l->n;
}

us_status us_lanczos_give(us_lanczos *l, const double *product) {
    if (l->done || l->size == l->most)
        return us__fail(l->context, US_ERR_ARGUMENT, "Lanczos: a product was given that was not asked for");
    size_t n = l->n, j = l->size, m = l->most;
    double *c = l->coefficients, *again = c + m + 1, *w = l->work;
    double length = cblas_dnrm2((int)n, product, 1);
    if (!isfinite(length))
        return us__fail(l->context, US_ERR_NONFINITE, "Lanczos: product %zu is not finite", l->products + 1);
    memcpy(w, product, n * sizeof *w);
    lanczos_orthogonalise(l, w, j + 1, c);
    lanczos_orthogonalise(l, w, j + 1, again);
    for (size_t i = 0; i < j; i++) { /* by symmetry vᵢ'Avⱼ is known already, as far as nothing was dropped */
        double difference = c[i] - l->couple[i];
        if (l->rounds == 0) l->noise = hypot(l->noise, M_SQRT2 * difference);
        l->t[i + j * m] = l->t[j + i * m] = l->rounds == 0 ? l->couple[i] : c[i];
        l->couple[i] = 0;
    }
    l->t[j + j * m] = c[j] + again[j];
    l->scale = fmax(l->scale, length);
    l->size++;
    l->products++;
    l->looked = false;
    if (l->chain_open) l->chain++;
    if (l->chain_open && l->rounds == 0) l->first_chain = l->chain;

    double beta = cblas_dnrm2((int)n, w, 1);
    if (l->size == n) { /* V spans the whole space */
        l->noise = hypot(l->noise, beta);
    } else if (beta <= 10 * l->o.epsilon * l->scale) { /* an invariant subspace: go on outside of it */
        l->noise = hypot(l->noise, beta);
        us__lanczos_fresh(l, l->size);
    } else {
        l->couple[j] = beta;
        double *next = l->basis + l->size * n;
        for (size_t i = 0; i < n; i++) next[i] = w[i] / beta;
    }
    return us__lanczos_decide(l);
}
