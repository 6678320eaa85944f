/* Large problems: what is measured many times is measured on a sample of the rows.
 *
 * Loss and gradient at θ are those of all rows; what follows them to the second order is the sample's. The sample is tilted
 * so that it agrees with all rows at θ (problem/tilted.c): whether the point is critical, what the gradient offers and where
 * its line search leads depend on the sample by its curvature alone. The end of a line search is measured again on all rows (not that
 * the line has no lower point for them), and so are the signs of the smallest eigenvalue and, where the kind rests on it, of the largest, by their vectors; that no
 * eigenvalue has the other sign, by the spread over groups of the sample's rows, too. Where a sign does not hold, the kind
 * of point is undecided. */
#include "diagnose/evidence.h"
#include <cblas.h>
#include <math.h>

enum {
    SAMPLED_ROWS = 4096,  /* at most, ... */
    SAMPLED_LEAST = 1024, /* at least, ... */
    SAMPLED_SHARE = 15,   /* between them a fifteenth of all rows: 300 products are 40 gradients */
    SAMPLED_GROUPS = 16,  /* of rows, for the spread of an eigenvalue */
};
static const double SAMPLED_SIZE = 1e6; /* parameters × rows from which on a sample is taken */
static const double SAMPLED_ERRORS = 4; /* standard errors that the smallest eigenvalue must stand clear of zero */

us_status us__gathering_sample(us__gathering *g, double loss, const us_vec *gradient) {
    us_context *context = us_problem_context(g->full);
    size_t samples = us_problem_samples(g->full), n = us_problem_dimension(g->full);
    us_evidence *e = &g->diagnosis->evidence;
    us_problem *sample = NULL;
    us_vec *slope = NULL;
    double there;
    size_t rows = samples / SAMPLED_SHARE;
    rows = rows < SAMPLED_LEAST ? SAMPLED_LEAST : rows > SAMPLED_ROWS ? SAMPLED_ROWS : rows;
    g->problem = g->full, g->looks = g->whole;
    e->curvature_samples = samples;
    if (g->options->all_rows || samples <= SAMPLED_ROWS || (double)samples * (double)n < SAMPLED_SIZE) return US_OK;
    us_status status = us_problem_create_sample(&sample, g->full, rows, false);
    if (!status) status = us_vec_create(&slope, context, US_F64, n);
    if (!status) status = us_problem_gradient(sample, g->theta, US_BATCH_ALL, &there, slope);
    if (!status && us_vec_is_finite(slope) && isfinite(there)) {
        us_vec_scale(slope, -1);
        us_vec_axpy(slope, 1, gradient);
        status = us_problem_create_tilted(&g->problem, sample, g->theta, loss - there, slope, true);
        sample = NULL;
        if (!status) status = us_problem_create_sample(&g->looks, g->whole, rows, false);
        if (status && g->problem == NULL) g->problem = g->full;
        g->look_shift = loss - there;
        e->curvature_samples = rows;
    }
    us_problem_destroy(sample);
    us_vec_destroy(slope);
    return status;
}

uint64_t us__gathering_steps(const us__gathering *g, uint64_t steps, double gradients) {
    size_t each = us_training_batch(g->training) * us_training_accumulate(g->training);
    double most = fmax(US__SAMPLED_STEPS, gradients * (double)us_problem_samples(g->own) / (double)each);
    return us__gathering_is_sampled(g) && (double)steps > most ? (uint64_t)most : steps;
}

void us__gathering_close(us__gathering *g) {
    if (g->looks != g->whole) us_problem_destroy(g->looks);
    if (g->problem != g->full) us_problem_destroy(g->problem);
    us_problem_destroy(g->full);
    us_problem_destroy(g->whole);
    if (g->seen != g->own) us_problem_destroy(g->seen);
    us_problem_destroy(g->own);
}

us_status us__gathering_loss(us__gathering *g, const us_training *copy, double *loss) {
    us_vec_copy(g->after, us_training_theta(copy));
    return us_problem_value(g->whole, g->after, US_BATCH_ALL, loss);
}

us_status us__gathering_look(us__gathering *g, const us_training *copy, double *loss) {
    us_vec_copy(g->after, us_training_theta(copy));
    us_status status = us_problem_value(g->looks, g->after, US_BATCH_ALL, loss);
    *loss += g->look_shift;
    return status;
}

us_status us__gathering_confirm(us__gathering *g, const double *direction, us__line *line) {
    if (!us__gathering_is_sampled(g) || line->step == 0) return US_OK;
    us_vec_copy(g->place.at, g->theta);
    for (size_t i = 0; i < g->place.n; i++)
        us_vec_set(g->place.at, i, us_vec_get(g->place.at, i) + line->step * direction[i]);
    us_status status = us_problem_value(g->full, g->place.at, US_BATCH_ALL, &line->loss);
    line->decrease = g->place.loss - line->loss;
    if (!(line->decrease > g->place.rounding)) *line = (us__line){.loss = g->place.loss};
    return status;
}

/* v'Hv on some rows. */
static us_status sampled_curvature(us__gathering *g, us_problem *problem, us_batch batch, const us_vec *v, us_vec *hv,
                                   double *value) {
    us_status status = us_problem_hvp(problem, g->theta, batch, &v, &hv, 1);
    *value = us_vec_dot(v, hv);
    return status;
}

/* The standard error of v'Hv over rows, from groups of every sixteenth row. */
static us_status sampled_spread(us__gathering *g, const us_vec *v, us_vec *hv, double *error) {
    size_t rows = us_problem_samples(g->problem), each = rows / SAMPLED_GROUPS;
    double mean = 0, square = 0, value;
    uint32_t batch[SAMPLED_ROWS / SAMPLED_GROUPS];
    for (size_t k = 0; k < SAMPLED_GROUPS; k++) {
        for (size_t i = 0; i < each; i++) batch[i] = (uint32_t)(i * SAMPLED_GROUPS + k);
        us_status status = sampled_curvature(g, g->problem, (us_batch){batch, each, 0}, v, hv, &value);
        if (status) return status;
        double off = value - mean; /* Welford 1962 */
        mean += off / (double)(k + 1);
        square += off * (value - mean);
    }
    *error = sqrt(square / (SAMPLED_GROUPS * (SAMPLED_GROUPS - 1)));
    return US_OK;
}

/* One end of the spectrum, by the sample's vector: its v'Hv on all rows, and how far from zero rows that were not asked may
 * move it. */
static us_status sampled_end(us__gathering *g, const double *vector, us_vec *v, us_vec *hv, double *value, double *reach) {
    us_vec_write_f64(v, vector);
    us_status status = sampled_curvature(g, g->full, US_BATCH_ALL, v, hv, value);
    if (!status) status = sampled_spread(g, v, hv, reach);
    *reach *= SAMPLED_ERRORS;
    return status;
}

/* That some curvature has a sign is proven by one vector on all rows; that all curvature has it is not, and must stand clear
 * of the spread as well, on the sample and on all rows. */
static us_status sampled_holds(us__gathering *g, us_vec *v, us_vec *hv, bool *holds) {
    us_evidence *e = &g->diagnosis->evidence;
    const us_point *p = g->diagnosis->point;
    size_t n = g->place.n;
    const double *low = p->spectrum ? p->spectrum->vectors : p->ends->vectors;
    const double *high = low + n * (p->spectrum ? n - 1 : p->ends->bottom + p->ends->top - 1);
    double value, reach, least = e->lambda_min;
    us_status status = sampled_end(g, low, v, hv, &value, &reach);
    if (status) return status;
    e->lambda_min = value;
    if (!e->negative) {
        e->resolution = fmax(e->resolution, reach);
        *holds = fmin(least, value) > e->resolution;
        return US_OK;
    }
    *holds = value < -e->resolution;
    if (!*holds || (e->kind != US_KIND_SADDLE && e->kind != US_KIND_MAXIMUM)) return US_OK;
    if ((status = sampled_end(g, high, v, hv, &value, &reach))) return status;
    if (e->kind == US_KIND_SADDLE)
        *holds = value > e->resolution;
    else
        *holds = fmax(e->lambda_max, value) < -fmax(e->resolution, reach);
    return US_OK;
}

us_status us__gathering_curvature(us__gathering *g, const us_vec *theta, const double *direction, double *value) {
    us_context *context = us_problem_context(g->problem);
    us_vec *v = NULL, *hv = NULL;
    us_status status = us_vec_create(&v, context, US_F64, g->place.n);
    if (!status) status = us_vec_create(&hv, context, US_F64, g->place.n);
    if (!status) us_vec_write_f64(v, direction);
    if (!status) status = us_problem_hvp(g->full, theta, US_BATCH_ALL, (const us_vec *const *)&v, &hv, 1);
    if (!status) *value = us_vec_dot(v, hv);
    us_vec_destroy(v);
    us_vec_destroy(hv);
    return status;
}

us_status us__gathering_settle(us__gathering *g) {
    us_evidence *e = &g->diagnosis->evidence;
    if (!us__gathering_is_sampled(g) || e->kind == US_KIND_NOT_CRITICAL || !e->spectrum_known) return US_OK;
    us_context *context = us_problem_context(g->problem);
    us_vec *v = NULL, *hv = NULL;
    bool holds = false;
    us_status status = us_vec_create(&v, context, US_F64, g->place.n);
    if (!status) status = us_vec_create(&hv, context, US_F64, g->place.n);
    if (!status) status = sampled_holds(g, v, hv, &holds);
    if (!status && !holds) e->kind = US_KIND_UNDECIDED, e->counted = false, e->negative = e->zero = e->positive = 0;
    us_vec_destroy(v);
    us_vec_destroy(hv);
    return status;
}
