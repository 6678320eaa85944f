/* The density of eigenvalues by stochastic Lanczos quadrature. For a random vector v of length 1,
 *     E[v'f(A)v] = tr f(A)/n,   v'f(A)v = Σₖ wₖ f(θₖ)  up to degree 2·steps − 1,
 * where θ are the Ritz values of Lanczos' method from v, and wₖ the squares of the first components of T's eigenvectors.
 * With f a bell of the given width around x, the mean over the probes is the density at x, drawn with that width. */
#include "curvature/lanczos.h"
#include <math.h>
#include <unstuck/density.h>

void us_density_options_init(us_density_options *options) { *options = (us_density_options)US_DENSITY_OPTIONS_INIT; }

void us_density_destroy(us_density *d) {
    if (!d) return;
    us__release(d->context, d->nodes);
    us__release(d->context, d);
}

/* One probe's nodes and weights. @param y [n] scratch */
static us_status density_probe(us_density *d, us_context *context, const us_operator *a, const us_density_options *o,
                               size_t probe, double *y) {
    us_lanczos_options lo = US_LANCZOS_OPTIONS_INIT;
    lo.basis = lo.products = d->steps;
    lo.epsilon = a->epsilon;
    lo.seed = o->seed + 0x9e3779b97f4a7c15ull * (probe + 1);
    us_lanczos *l;
    us_status status = us__lanczos_create_plain(&l, context, a->n, &lo);
    const double *x;
    while (!status && (x = us_lanczos_next(l))) {
        if (us_context_cancelled(context)) {
            status = us__fail(context, US_INTERRUPTED, "interrupted after %zu products", d->products);
            break;
        }
        if ((status = a->apply(a->user, x, y, 1)) || (status = us_lanczos_give(l, y))) break;
        d->products++;
        if (o->progress) o->progress(o->progress_user, d->products, d->probes * d->steps);
    }
    for (size_t i = 0; !status && i < d->steps; i++) {
        double first = l->vectors[i * l->size];
        d->nodes[probe * d->steps + i] = l->ritz[i];
        d->weights[probe * d->steps + i] = first * first;
    }
    us_lanczos_destroy(l);
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

static double density_step(double theta, double x, double width) {
    (void)width;
    return theta < x;
}

double us_density_below(const us_density *d, double x, double *standard_error) {
    return density_mean(d, density_step, x, standard_error);
}

us_status us_density_create(us_density **out, us_context *context, const us_operator *a, const us_density_options *options) {
    *out = NULL;
    us_density_options o = US_DENSITY_OPTIONS_INIT;
    if (options) o = *options;
    if (o.version != 1 || a->version != 1) return us__fail(context, US_ERR_ARGUMENT, "density: version must be 1");
    if (o.probes < 2 || o.steps < 2 || o.points < 2 || !(o.width > 0))
        return us__fail(context, US_ERR_ARGUMENT,
                        "us_density_options: probes %zu, steps %zu and points %zu must be at least 2, width %g above 0",
                        o.probes, o.steps, o.points, o.width);
    us_status status = US_ERR_NOMEM;
    double *y = NULL;
    us_density *d = us__new(context, 1, sizeof *d);
    if (!d) return US_ERR_NOMEM;
    d->context = context;
    d->n = a->n, d->probes = o.probes, d->points = o.points;
    d->steps = o.steps < a->n ? o.steps : a->n;
    size_t count = d->probes * d->steps;
    if (!(d->nodes = us__alloc(context, 2 * count + 3 * d->points, sizeof *d->nodes))) goto done;
    d->weights = d->nodes + count;
    d->at = d->weights + count, d->density = d->at + d->points, d->standard_error = d->density + d->points;
    if (!(y = us__alloc(context, a->n, sizeof *y))) goto done;
    d->lowest = HUGE_VAL, d->highest = -HUGE_VAL;
    for (size_t p = 0; p < d->probes; p++) {
        if ((status = density_probe(d, context, a, &o, p, y))) goto done;
        d->lowest = fmin(d->lowest, d->nodes[p * d->steps]);
        d->highest = fmax(d->highest, d->nodes[(p + 1) * d->steps - 1]);
    }
    double range = d->highest - d->lowest, size = fmax(fabs(d->highest), fabs(d->lowest));
    d->width = o.width * (range > 1e-6 * size ? range : size > 0 ? size : 1); /* a single point has no width of its own */
    for (size_t i = 0; i < d->points; i++) {
        d->at[i] = d->lowest - 3 * d->width + (range + 6 * d->width) * (double)i / (double)(d->points - 1);
        d->density[i] = density_mean(d, density_bell, d->at[i], &d->standard_error[i]);
    }
    status = US_OK;
done:
    us__release(context, y);
    if (status)
        us_density_destroy(d);
    else
        *out = d;
    return status;
}
