/* Lanczos' method, a block of columns at a time (one by default): the basis, a step, a restart. What is read off T and when
 * to stop: lanczos_look.c; how far the spectrum may reach: lanczos_bounds.c.
 *
 * From W = A·N first goes what symmetry says of it, V·C, and its part along N itself; what is left along the basis is
 * rounding, and one classical Gram-Schmidt against all columns takes it off: two passes over the basis a product. Where that
 * cancels, it is done again ("twice is enough": Giraud, Langou & Rozložník 2005). What the pass finds says how far the
 * products are from symmetric. Where a column of W vanishes, the columns span an invariant subspace; a fresh random vector
 * goes on in the rest. When the basis is full, it is replaced by the Ritz vectors at both ends (Wu & Simon 2000, alg. 3). */
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
    if (o->block == 0 || o->block > 64)
        return us__fail(context, US_ERR_ARGUMENT, "%s: block is %zu; it must be 1 to 64", what, o->block);
    if (o->basis > 20000)
        return us__fail(context, US_ERR_ARGUMENT, "%s: basis is %zu; it must be at most 20000", what, o->basis);
    if (o->basis && o->basis < n && o->basis < 2 * (o->bottom + o->top + o->block) + 6)
        return us__fail(context, US_ERR_ARGUMENT, "%s: basis is %zu; it must be at least 2*(bottom + top + block) + 6", what,
                        o->basis);
    if (o->products == 0) return us__fail(context, US_ERR_ARGUMENT, "%s: products is 0; it must be at least 1", what);
    if (!(o->tolerance > 0))
        return us__fail(context, US_ERR_ARGUMENT, "%s: tolerance is %g; it must be above 0", what, o->tolerance);
    if (!(o->below >= 0 || o->below == -1) || o->below > 1e300)
        return us__fail(context, US_ERR_ARGUMENT, "%s: below is %g; it must be 0 or more, or -1", what, o->below);
    if (o->below >= 0 && o->bottom == 0)
        return us__fail(context, US_ERR_ARGUMENT, "%s: below is asked, but bottom is 0", what);
    if (!(o->accuracy > 0) || !(o->slack >= 1) || !(o->seconds >= 0))
        return us__fail(context, US_ERR_ARGUMENT,
                        "%s: accuracy is %g, slack %g and seconds %g; above 0, 1 or more, 0 or more", what, o->accuracy,
                        o->slack, o->seconds);
    if (!(o->confidence > 0 && o->confidence < 1))
        return us__fail(context, US_ERR_ARGUMENT, "%s: confidence is %g; it must be above 0 and below 1", what,
                        o->confidence);
    if (!(o->sampling_error >= 0) || !(o->epsilon >= 0 && o->epsilon < 1))
        return us__fail(context, US_ERR_ARGUMENT, "%s: sampling_error is %g and epsilon %g; they must be 0 or more", what,
                        o->sampling_error, o->epsilon);
    return US_OK;
}

void us_lanczos_destroy(us_lanczos *l) {
    if (!l) return;
    us__release(l->context, l->integers);
    us__release(l->context, l->t);
    us__release(l->context, l->basis);
    us__release(l->context, l);
}

/* w ← random, of length 1, orthogonal to the first `count` columns of the basis. @param c [count] scratch */
static void lanczos_random(us_lanczos *l, double *w, size_t count, double *c) {
    double length;
    int n = (int)l->n;
    do {
        us_rng_fill_normal(&l->rng, w, l->n);
        cblas_dscal(n, 1 / cblas_dnrm2(n, w, 1), w, 1);
        for (int pass = 0; pass < 2; pass++) us__lanczos_orthogonalise(l, w, count, c);
        length = cblas_dnrm2(n, w, 1);
        cblas_dscal(n, 1 / length, w, 1);
        us__lanczos_orthogonalise(l, w, count, c); /* what the scaling brought back up */
    } while (!(length > 1e-8));
    cblas_dscal(n, 1 / cblas_dnrm2(n, w, 1), w, 1);
}

void us__lanczos_fresh(us_lanczos *l) {
    size_t n = l->n, size = l->size, ahead = l->block < n - size ? l->block : n - size;
    size_t against = size + l->ahead + ahead <= n ? size + l->ahead : size;
    for (size_t p = 0; p < ahead; p++) { /* one after the other behind N, and then into its place */
        double *w = l->work + p * n;
        lanczos_random(l, w, against, l->parts);
        for (int pass = 0; pass < 3; pass++)
            for (size_t q = 0; q < p; q++)
                cblas_daxpy((int)n, -cblas_ddot((int)n, l->work + q * n, 1, w, 1), l->work + q * n, 1, w, 1);
        cblas_dscal((int)n, 1 / cblas_dnrm2((int)n, w, 1), w, 1);
    }
    memcpy(l->basis + size * n, l->work, ahead * n * sizeof *l->work);
    l->ahead = ahead;
}

/* The first column: start + τ·random. */
static us_status lanczos_guess(us_lanczos *l, const double *start) {
    double length = cblas_dnrm2((int)l->n, start, 1);
    if (!(fabs(length - 1) <= 1e-3))
        return us__fail(l->context, US_ERR_ARGUMENT, "us_lanczos_options: start has length %g; it must be 1", length);
    cblas_dscal((int)l->n, US__LANCZOS_START, l->basis, 1);
    cblas_daxpy((int)l->n, 1, start, 1, l->basis, 1);
    for (size_t q = 0; q < l->ahead; q++) { /* orthonormal again */
        double *x = l->basis + q * l->n;
        for (int pass = 0; pass < 2; pass++) us__lanczos_orthogonalise(l, x, q, l->parts);
        cblas_dscal((int)l->n, 1 / cblas_dnrm2((int)l->n, x, 1), x, 1);
    }
    return US_OK;
}

us_status us_lanczos_create(us_lanczos **out, us_context *context, size_t n, const us_lanczos_options *options) {
    *out = NULL;
    us_lanczos_options o = US_LANCZOS_OPTIONS_INIT;
    if (options) o = *options;
    us_status status = lanczos_check(context, n, &o);
    if (status) return status;
    if (o.epsilon == 0) o.epsilon = 0x1p-52;
    size_t block = o.block < n ? o.block : n, most = o.basis ? o.basis : 2 * (o.bottom + o.top) + 40 + 4 * (block - 1);
    if (block > o.products) block = o.products;
    if (most > n) most = n;
    if (o.bottom > n) o.bottom = n;
    if (o.top > n) o.top = n;
    us_lanczos *l = us__new(context, 1, sizeof *l);
    if (!l) return US_ERR_NOMEM;
    l->context = context;
    l->o = o;
    l->rng = us_rng_init(o.seed, 0x1a2c05);
    l->n = n, l->most = most, l->block = block;
    l->chain_open = true;
    l->rounds_most = o.bottom + o.top + 3;
    l->lowest = HUGE_VAL, l->highest = -HUGE_VAL;
    l->below = o.below >= 0 ? US_BELOW_UNDECIDED : US_BELOW_NOT_ASKED;
    /* dsyevd's documented sizes for jobz = V */
    l->lapack_size = (lapack_int)(1 + 6 * most + 2 * most * most), l->integer_size = (lapack_int)(3 + 5 * most);
    double *small = NULL;
    status = US_ERR_NOMEM;
    size_t numbers = 2 * most * most + (4 + 2 * block + l->rounds_most * block + US__LANCZOS_CHUNK) * most +
                     2 * block * block + (size_t)l->lapack_size;
    if (!(l->basis = us__alloc(context, most + 2 * block, n * sizeof *l->basis))) goto done;
    if (!(small = l->t = us__new(context, numbers, sizeof *l->t))) goto done;
    if (!(l->integers = us__alloc(context, (size_t)l->integer_size, sizeof *l->integers))) goto done;
    l->work = l->basis + (most + block) * n;
    l->vectors = (small += most * most);
    l->couple = (small += most * most);
    l->dropped = (small += block * most);
    l->parts = (small += l->rounds_most * block * most);
    l->ritz = (small += block * (most + 2 * block));
    l->residuals = (small += most);
    l->alpha = (small += most);
    l->beta = (small += most);
    l->rows = (small += most);
    l->lapack = small + US__LANCZOS_CHUNK * most;
    us__lanczos_fresh(l);
    status = o.start ? lanczos_guess(l, o.start) : US_OK;
done:
    if (status)
        us_lanczos_destroy(l);
    else
        *out = l;
    return status;
}

/* row [size] ← row'·y, the coefficients of new columns. */
static void lanczos_turn(const us_lanczos *l, double *row, size_t kept) {
    cblas_dgemv(CblasColMajor, CblasTrans, (int)l->size, (int)kept, 1, l->vectors, (int)l->size, row, 1, 0, l->parts, 1);
    memset(row, 0, l->most * sizeof *row);
    memcpy(row, l->parts, kept * sizeof *row);
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
    memmove(l->basis + kept * n, l->basis + size * n, l->ahead * n * sizeof *l->basis);
    for (size_t q = 0; q < l->ahead; q++) lanczos_turn(l, l->couple + q * m, kept);
    for (size_t e = 0; e < l->rounds * l->block; e++) lanczos_turn(l, l->dropped + e * m, kept);
    memset(l->t, 0, m * m * sizeof *l->t);
    for (size_t i = 0; i < kept; i++) l->t[i + i * m] = l->ritz[i];
    l->size = kept;
    l->restarts++;
    l->looked = false;
    l->chain_open = false;
}

const double *us_lanczos_next(us_lanczos *l) {
    if (l->done) return NULL;
    if (l->size + l->ahead > l->most) { /* full, and looked at: keeps what is wanted, and half of the rest */
        size_t bottom = l->o.bottom, top = l->o.top, spare = (l->most - bottom - top) / (bottom && top ? 4 : 2);
        us__lanczos_restart(l, bottom ? bottom + spare : 0, top ? top + spare : 0);
    }
    return l->basis + l->size * l->n;
}

size_t us_lanczos_block(const us_lanczos *l) { return l->done ? 0 : l->ahead; }

/* W ← W − V·C − N·S with S = N'W, which symmetry makes the whole of it along V and N; S goes into T. D ← (V, N)'W.
 * @param s [k×k] */
static void lanczos_take_known(us_lanczos *l, double *s, double *d) {
    size_t m = l->most, size = l->size, k = l->ahead, first = 0;
    for (size_t q = 0; q < k; q++)
        for (size_t i = 0; i < k; i++)
            s[i + q * k] = cblas_ddot((int)l->n, l->basis + (size + i) * l->n, 1, l->work + q * l->n, 1);
    for (bool zero = true; first < size && zero; first += zero) /* a plain step has C zero but for the last block */
        for (size_t q = 0; q < k; q++) zero = zero && l->couple[first + q * m] == 0;
    us__lanczos_subtract_and_measure(l, first, k, s, d);
    for (size_t q = 0; q < k; q++) {
        for (size_t i = 0; i < size; i++) l->t[i + (size + q) * m] = l->couple[i + q * m];
        for (size_t i = 0; i < k; i++) {
            l->t[size + i + (size + q) * m] = 0.5 * (s[i + q * k] + s[q + i * k]);
            if (i != q) l->noise = hypot(l->noise, 0.5 * (s[i + q * k] - s[q + i * k]));
        }
    }
}

/* W ← W − (V, N)·D. Before any round D is rounding, and asymmetry; afterwards it also holds what the basis knows of the
 * directions that were dropped, which belongs to T. */
static void lanczos_take_rest(us_lanczos *l, const double *d) {
    size_t m = l->most, size = l->size, k = l->ahead, all = size + k;
    us__lanczos_subtract(l, 0, all, k, d, all);
    for (size_t q = 0; q < k; q++)
        for (size_t i = 0; i < all; i++) {
            double part = d[i + q * all], *at = l->t + i + (size + q) * m;
            if (i >= size)
                *at += i == size + q ? part : 0.5 * (part + d[size + q + (i - size) * all]);
            else if (l->rounds)
                *at += part;
            else
                l->noise = hypot(l->noise, M_SQRT2 * part);
        }
    for (size_t q = 0; q < k; q++)
        for (size_t i = 0; i < size; i++) l->t[size + q + i * m] = l->t[i + (size + q) * m];
}

/* Column p of W, orthogonal to V so far, becomes column `size + p` of the basis, if there is room for one in the space.
 * @param before its length before the pass over V */
static void lanczos_take_column(us_lanczos *l, size_t p, double before) {
    size_t n = l->n, m = l->most, size = l->size, old = size - l->ahead, rest = n - size, others = p < rest ? p : rest;
    double *w = l->work + p * n, *c = l->parts, *next = l->basis + size * n, length = 0, factor = 1;
    for (size_t q = 0; q < others; q++) {
        double part = cblas_ddot((int)n, next + q * n, 1, w, 1);
        cblas_daxpy((int)n, -part, next + q * n, 1, w, 1);
        l->couple[old + p + q * m] += part;
    }
    for (int pass = 0; pass < 3; pass++, before = length) {
        length = us__lanczos_length(w, n);
        if (!(length < 0.5 * before) || length <= 10 * l->o.epsilon * l->scale) break;
        us__lanczos_orthogonalise(l, w, size + others, c);
        for (size_t q = 0; q < others; q++) l->couple[old + p + q * m] += c[size + q];
    }
    if (p >= rest) { /* the basis spans the whole space */
        l->noise = hypot(l->noise, length);
        return;
    }
    if (length <= 10 * l->o.epsilon * l->scale) {
        l->noise = hypot(l->noise, length);
        lanczos_random(l, w, size + p, c);
    } else {
        l->couple[old + p + p * m] = length;
        factor = 1 / length;
    }
    for (size_t i = 0; i < n; i++) next[p * n + i] = factor * w[i];
}

us_status us_lanczos_give(us_lanczos *l, const double *products) {
    if (l->done || l->size + l->ahead > l->most)
        return us__fail(l->context, US_ERR_ARGUMENT, "Lanczos: a product was given that was not asked for");
    size_t n = l->n, k = l->ahead;
    double before[64];
    for (size_t q = 0; q < k; q++) {
        double length = us__lanczos_length(products + q * n, n);
        if (!isfinite(length))
            return us__fail(l->context, US_ERR_NONFINITE, "Lanczos: product %zu is not finite", l->products + q + 1);
        l->scale = fmax(l->scale, length);
    }
    memcpy(l->work, products, k * n * sizeof *l->work);
    double *s = l->parts, *d = s + k * k;
    lanczos_take_known(l, s, d);
    for (size_t q = 0; q < k; q++) before[q] = us__lanczos_length(l->work + q * n, n);
    lanczos_take_rest(l, d);
    memset(l->couple, 0, l->most * l->block * sizeof *l->couple);
    l->size += k;
    l->products += k;
    l->looked = false;
    if (l->chain_open) l->chain++;
    size_t rest = n - l->size, last = l->size - 1;
    for (size_t p = 0; p < k; p++) lanczos_take_column(l, p, before[p]);
    l->ahead = k < rest ? k : rest;
    if (l->chain_open && l->rounds == 0) {
        l->first_chain = l->chain;
        l->alpha[last] = l->t[last + last * l->most], l->beta[last] = l->couple[last];
    }
    return us__lanczos_decide(l);
}
