/* The density of eigenvalues by stochastic Lanczos quadrature. For v of random signs, of length 1,
 *     E[v'f(A)v] = tr f(A)/n,   v'f(A)v = Σₖ wₖ f(θₖ)  up to degree 2·steps − 1,
 * where θ are the Ritz values of Lanczos' method from v, and wₖ the squares of the first components of T's eigenvectors.
 * With f a bell of the given width around x, the mean over the probes is the density at x, drawn with that width.
 *
 * Nothing is orthogonalised anew: as rounding makes copies of Ritz values that have converged, the copies share the weight
 * that the one would have, and the quadrature stays what it was (Knizhnerman 1996; Chen, Trogdon & Ubaru 2022, section 4).
 * So a probe needs three vectors however many its steps, and several go side by side on block products. */
#include "curvature/lanczos.h"
#include <cblas.h>
#include <lapacke.h>
#include <limits.h>
#include <math.h>
#include <string.h>
#include <unstuck/density.h>

/* Probes that go side by side. */
typedef struct density_block {
    double *x, *y, *before;      /* [n×block] vectors of this step, their products, vectors of the last */
    double *alpha, *beta;        /* [steps×block] each; beta[j] joins steps j and j+1 */
    double *eigenvectors, *work; /* [steps×steps], [2·steps] for LAPACK */
    size_t *steps;               /* [block] that were made: fewer where the space was used up */
    size_t count;                /* of probes */
} density_block;

void us_density_options_init(us_density_options *options) { *options = (us_density_options)US_DENSITY_OPTIONS_INIT; }

void us_density_destroy(us_density *d) {
    if (!d) return;
    us__release(d->context, d->nodes);
    us__release(d->context, d);
}

static void density_start(density_block *b, const us_density *d, uint64_t seed, size_t probe) {
    int n = (int)d->n;
    for (size_t q = 0; q < b->count; q++) {
        us_rng rng = us_rng_init(seed, 0xde45 + ((uint64_t)(probe + q) << 32));
        double *x = b->x + q * d->n;
        us_rng_fill_signs(&rng, x, d->n);
        cblas_dscal(n, 1 / cblas_dnrm2(n, x, 1), x, 1);
        b->steps[q] = d->steps;
    }
    memset(b->before, 0, b->count * d->n * sizeof *b->before);
}

/* βⱼx ← y − αⱼx − βⱼ₋₁x₋. Paige 1972, variant (1,6). */
static us_status density_step(density_block *b, us_density *d, const us_operator *a, size_t j, double *scale) {
    int n = (int)d->n;
    us_status status = a->apply(a->user, b->x, b->y, b->count);
    if (status) return status;
    for (size_t q = 0; q < b->count; q++) {
        double *x = b->x + q * d->n, *y = b->y + q * d->n, *before = b->before + q * d->n;
        double *alpha = b->alpha + q * d->steps, *beta = b->beta + q * d->steps, length = us__lanczos_length(y, d->n);
        d->products++;
        if (!isfinite(length))
            return us__fail(d->context, US_ERR_NONFINITE, "density: product %zu is not finite", d->products);
        if (j >= b->steps[q]) continue;
        *scale = fmax(*scale, length);
        if (j > 0) cblas_daxpy(n, -beta[j - 1], before, 1, y, 1);
        alpha[j] = cblas_ddot(n, x, 1, y, 1);
        cblas_daxpy(n, -alpha[j], x, 1, y, 1);
        beta[j] = us__lanczos_length(y, d->n);
        if (beta[j] <= 10 * a->epsilon * *scale) {
            b->steps[q] = j + 1;
            continue;
        }
        memcpy(before, x, d->n * sizeof *x);
        for (size_t i = 0; i < d->n; i++) x[i] = y[i] / beta[j];
    }
    return US_OK;
}

/* Nodes and weights from T; those that were not made weigh nothing. */
static us_status density_finish(density_block *b, us_density *d, size_t probe) {
    for (size_t q = 0; q < b->count; q++) {
        size_t made = b->steps[q];
        double *nodes = d->nodes + (probe + q) * d->steps, *weights = d->weights + (probe + q) * d->steps;
        memcpy(nodes, b->alpha + q * d->steps, made * sizeof *nodes);
        double last = b->beta[q * d->steps + made - 1], *residuals = d->residuals + (probe + q) * d->steps;
        lapack_int info = LAPACKE_dstev_work(LAPACK_COL_MAJOR, 'V', (lapack_int)made, nodes, b->beta + q * d->steps,
                                             b->eigenvectors, (lapack_int)made, b->work);
        if (info)
            return us__fail(d->context, US_ERR_NUMERIC, "LAPACK's dstev failed on %zu Lanczos steps (info %d)", made,
                            (int)info);
        for (size_t i = 0; i < d->steps; i++) {
            double first = i < made ? b->eigenvectors[i * made] : 0;
            weights[i] = first * first;
            residuals[i] = i < made ? last * fabs(b->eigenvectors[(i + 1) * made - 1]) : 0;
            if (i >= made) nodes[i] = nodes[made - 1];
        }
        d->lowest = fmin(d->lowest, nodes[0]);
        d->highest = fmax(d->highest, nodes[made - 1]);
    }
    return US_OK;
}

static us_status density_probes(density_block *b, us_density *d, const us_operator *a, const us_density_options *o) {
    double scale = 0;
    us_status status = US_OK;
    for (size_t probe = 0; probe < d->probes && !status; probe += b->count) {
        if (b->count > d->probes - probe) b->count = d->probes - probe;
        density_start(b, d, o->seed, probe);
        for (size_t j = 0, going = b->count; j < d->steps && going && !status; j++) {
            if (us_context_cancelled(d->context))
                return us__fail(d->context, US_INTERRUPTED, "interrupted after %zu products", d->products);
            status = density_step(b, d, a, j, &scale);
            going = 0;
            for (size_t q = 0; q < b->count; q++) going += b->steps[q] > j + 1;
            if (!status && o->progress) o->progress(o->progress_user, d->products, d->probes * d->steps);
        }
        if (!status) status = density_finish(b, d, probe);
    }
    return status;
}

/* Mean over the probes of Σₖ wₖ f(θₖ), and its standard error. */
static double density_mean(const us_density *d, double (*f)(double theta, double x, double width), double x, double *error) {
    double mean = 0, squares = 0;
    for (size_t p = 0; p < d->probes; p++) {
        double sum = 0;
        for (size_t i = p * d->steps; i < (p + 1) * d->steps; i++) sum += d->weights[i] * f(d->nodes[i], x, d->width);
        double delta = sum - mean;
        mean += delta / (double)(p + 1);
        squares += delta * (sum - mean);
    }
    if (error) *error = sqrt(squares / (double)(d->probes - 1) / (double)d->probes);
    return mean;
}

static double density_bell(double theta, double x, double width) {
    double z = (x - theta) / width;
    return exp(-0.5 * z * z) / (width * sqrt(2 * M_PI));
}

static double density_heaviside(double theta, double x, double width) {
    (void)width;
    return theta < x;
}

/* How much of a probe's weight may lie on the other side of x. Only the nodes next to x can be there (Chebyshev, Markov and
 * Stieltjes: Szegő 1939, section 3.41), and each only as far as its residual reaches. */
static double density_straddling(const us_density *d, size_t probe, double x) {
    const double *nodes = d->nodes + probe * d->steps, *weights = d->weights + probe * d->steps;
    const double *residuals = d->residuals + probe * d->steps;
    size_t above = 0;
    double sum = 0;
    while (above < d->steps && nodes[above] < x) above++;
    for (size_t i = above > 0 ? above - 1 : 0; i <= above && i < d->steps; i++) {
        double distance = fabs(nodes[i] - x);
        sum += residuals[i] < distance ? weights[i] * residuals[i] / distance : weights[i];
    }
    return 0.5 * sum;
}

double us_density_below(const us_density *d, double x, double *error) {
    double share = density_mean(d, density_heaviside, x, error), straddling = 0;
    for (size_t p = 0; p < d->probes; p++) straddling += density_straddling(d, p, x) / (double)d->probes;
    if (error) *error = hypot(*error, straddling);
    return share;
}

us_status us_density_create(us_density **out, us_context *context, const us_operator *a, const us_density_options *options) {
    *out = NULL;
    us_density_options o = US_DENSITY_OPTIONS_INIT;
    if (options) o = *options;
    if (o.version != 1 || a->version != 1) return us__fail(context, US_ERR_ARGUMENT, "density: version must be 1");
    if (o.probes < 2 || o.steps < 2 || o.points < 2 || o.block == 0 || !(o.width > 0))
        return us__fail(context, US_ERR_ARGUMENT,
                        "us_density_options: probes %zu, steps %zu and points %zu must be at least 2, block %zu at least 1, "
                        "width %g above 0",
                        o.probes, o.steps, o.points, o.block, o.width);
    if (a->n == 0 || a->n > INT_MAX)
        return us__fail(context, US_ERR_ARGUMENT, "density: dimension %zu; it must be 1 to %d", a->n, INT_MAX);
    us_status status = US_ERR_NOMEM;
    density_block b = {.count = o.block < o.probes ? o.block : o.probes};
    us_density *d = us__new(context, 1, sizeof *d);
    if (!d) return US_ERR_NOMEM;
    d->context = context;
    d->n = a->n, d->probes = o.probes, d->points = o.points;
    d->steps = o.steps < a->n ? o.steps : a->n;
    size_t count = d->probes * d->steps;
    if (!(d->nodes = us__alloc(context, 3 * count + 3 * d->points, sizeof *d->nodes))) goto done;
    d->weights = d->nodes + count, d->residuals = d->weights + count;
    d->at = d->residuals + count, d->density = d->at + d->points, d->standard_error = d->density + d->points;
    size_t small = 2 * b.count * d->steps + d->steps * d->steps + 2 * d->steps;
    if (!(b.x = us__alloc(context, 3 * b.count, d->n * sizeof *b.x))) goto done;
    if (!(b.alpha = us__alloc(context, small, sizeof *b.alpha))) goto done;
    if (!(b.steps = us__alloc(context, b.count, sizeof *b.steps))) goto done;
    b.y = b.x + b.count * d->n, b.before = b.y + b.count * d->n;
    b.beta = b.alpha + b.count * d->steps, b.eigenvectors = b.beta + b.count * d->steps;
    b.work = b.eigenvectors + d->steps * d->steps;
    d->lowest = HUGE_VAL, d->highest = -HUGE_VAL;
    if ((status = density_probes(&b, d, a, &o))) goto done;
    double range = d->highest - d->lowest, size = fmax(fabs(d->highest), fabs(d->lowest));
    d->width = o.width * (range > 1e-6 * size ? range : size > 0 ? size : 1); /* a single point has no width of its own */
    for (size_t i = 0; i < d->points; i++) {
        d->at[i] = d->lowest - 3 * d->width + (range + 6 * d->width) * (double)i / (double)(d->points - 1);
        d->density[i] = density_mean(d, density_bell, d->at[i], &d->standard_error[i]);
    }
    status = US_OK;
done:
    us__release(context, b.steps);
    us__release(context, b.alpha);
    us__release(context, b.x);
    if (status)
        us_density_destroy(d);
    else
        *out = d;
    return status;
}
