/* What a watch measures between two steps, for it allocates: the loss's trend, the units that pass no gradient, and the ends
 * of the Hessian's spectrum on some rows. */
#include "diagnose/watch.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unstuck/lanczos.h>
#include <unstuck/units.h>

enum { BETWEEN_SPACE = 32, BETWEEN_LOSSES = 32 /* of which the later half makes a trend */ };
static const double BETWEEN_TOLERANCE = 0.02; /* of eigenvalues: the error is its square at most times the gap's inverse */
static const double BETWEEN_NEAR = 0.8;       /* economy measures eigenvalues at this part of the limit of stability */

void us__watch_forget(us_watch *w) {
    w->trend_next = w->units_next = w->eigen_next = 0;
    us_vec_destroy(w->sharpest);
    w->sharpest = NULL;
}

/* Is a kind due at this step? Then it is next due after a share of the steps more. */
static bool between_due(us_watch *w, us_watch_kind probe, uint64_t *next) {
    uint64_t steps = us_training_steps(w->training);
    if (steps < *next || !us__watch_affords(w, probe)) return false;
    *next = steps + 1 + steps / BETWEEN_SPACE;
    return true;
}

us_status us_watch_trend(const us_watch *w, us_trend *out) {
    return us_series_trend(&w->losses, w->context, 0.5, 0.95, out);
}

static us_status between_trend(us_watch *w) {
    us_trend trend;
    us_status status = us_watch_trend(w, &trend);
    if (status == US_ERR_ARGUMENT) { /* too few steps as yet */
        us_context_error_clear(w->context);
        return US_OK;
    }
    if (status != US_OK) return status;
    us__watch_sign(w, US_WATCH_TREND, "loss_slope", "", trend.slope);
    if (isfinite(trend.low)) us__watch_sign(w, US_WATCH_TREND, "loss_slope_low", "", trend.low);
    if (isfinite(trend.high)) us__watch_sign(w, US_WATCH_TREND, "loss_slope_high", "", trend.high);
    return US_OK;
}

/* The group that a layer of units is made by: its weights. The texts of groups live as long as the problem. */
static const char *between_group(const us_watch *w, const char *layer) {
    size_t count, length = strlen(layer);
    const us_group *groups = us_problem_groups(w->problem, &count);
    for (size_t k = 0; k < count; k++)
        if (strncmp(groups[k].name, layer, length) == 0 && strcmp(groups[k].name + length, ".weight") == 0)
            return groups[k].name;
    return NULL;
}

/* `count` rows, evenly spread. */
static us_batch between_rows(const us_watch *w, uint32_t *rows, size_t most) {
    size_t samples = us_problem_samples(w->problem), count = samples < most ? samples : most;
    for (size_t i = 0; i < count; i++) rows[i] = (uint32_t)(i * samples / count);
    return (us_batch){rows, count, 0};
}

static us_status between_units(us_watch *w) {
    uint32_t rows[US__WATCH_UNIT_ROWS];
    us_batch batch = between_rows(w, rows, US__WATCH_UNIT_ROWS);
    us_units *units = NULL;
    us_status status = us_problem_units(&units, w->problem, us_training_theta(w->training), batch);
    size_t dead = 0;
    if (status == US_OK && (!units || units->count == 0)) w->no_units = true;
    for (size_t k = 0; status == US_OK && units && k < units->layer_count; k++) {
        const us_unit_layer *layer = &units->layers[k];
        size_t in_layer = 0;
        for (size_t i = 0; i < layer->count; i++) in_layer += units->units[layer->first + i].active == 0;
        const char *group = between_group(w, layer->name);
        if (group) us__watch_sign(w, US_WATCH_UNITS, "dead_share", group, (double)in_layer / (double)layer->count);
        dead += in_layer;
    }
    if (status == US_OK && !w->no_units)
        us__watch_sign(w, US_WATCH_UNITS, "dead_share", "", (double)dead / (double)units->count);
    if (status == US_OK && !w->no_units) us__watch_sign(w, US_WATCH_UNITS, "dead_share_rows", "", (double)batch.count);
    us_units_destroy(units);
    return status;
}

/* Both ends, on rows evenly spread; the vector of the larger one is kept for the projection of steps on it. */
static us_status between_eigen(us_watch *w) {
    uint32_t rows[US__WATCH_ROWS];
    us_batch batch = between_rows(w, rows, US__WATCH_ROWS);
    us_hessian_operator *h = NULL;
    us_eigenpairs *p = NULL;
    us_lanczos_options o = US_LANCZOS_OPTIONS_INIT;
    o.products = US__WATCH_PRODUCTS, o.tolerance = BETWEEN_TOLERANCE, o.verify = false;
    us_status status = us_hessian_operator_create(&h, w->problem, us_training_theta(w->training), batch, 1);
    if (status == US_OK) status = us_lanczos_solve(&p, w->context, us_hessian_operator_get(h), &o);
    if (status == US_NOT_CONVERGED) status = US_OK;
    if (status == US_OK && p && p->top == 1 && p->bottom == 1) {
        /* what is not known to a tenth of the larger one is not told */
        if (p->residuals[0] <= 0.1 * p->norm) us__watch_sign(w, US_WATCH_EIGENVALUES, "lambda_min", "", p->values[0]);
        if (p->residuals[1] <= 0.1 * p->norm) us__watch_sign(w, US_WATCH_EIGENVALUES, "lambda_max", "", p->values[1]);
        if (!w->sharpest) status = us_vec_create(&w->sharpest, w->context, us_problem_precision(w->problem), p->n);
        if (status == US_OK) us_vec_write_f64(w->sharpest, p->vectors + p->n);
    }
    us_eigenpairs_destroy(p);
    us_hessian_operator_destroy(h);
    return status;
}

/* Running statistics are no parameters to have curvature in. */
static bool between_has_state(const us_watch *w) {
    size_t count;
    const us_group *groups = us_problem_groups(w->problem, &count);
    for (size_t k = 0; k < count; k++)
        if (groups[k].state) return true;
    return false;
}

static us_status between_take(us_watch *w, us_watch_kind probe, us_status (*measure)(us_watch *)) {
    double began = us__watch_clock(w);
    us_status status = measure(w);
    us__watch_charge(w, probe, began, true);
    /* a number that cannot be had is no reason to end a training */
    if (status == US_OK || status == US_ERR_NOMEM || status == US_INTERRUPTED) return status;
    us_context_error_clear(w->context);
    return US_OK;
}

us_status us_watch_between(us_watch *w) {
    us_status status = US_OK;
    if (w->share == 0) return US_OK;
    if (w->losses.count >= BETWEEN_LOSSES && between_due(w, US_WATCH_TREND, &w->trend_next))
        status = between_take(w, US_WATCH_TREND, between_trend);
    if (status == US_OK && !w->no_units && w->layers > 1 && between_due(w, US_WATCH_UNITS, &w->units_next))
        status = between_take(w, US_WATCH_UNITS, between_units);
    bool asked = w->options.mode == US_WATCH_FULL || w->sharpness > BETWEEN_NEAR * w->limit;
    if (status == US_OK && asked && !between_has_state(w) && us_problem_dimension(w->problem) > 2 &&
        between_due(w, US_WATCH_EIGENVALUES, &w->eigen_next))
        status = between_take(w, US_WATCH_EIGENVALUES, between_eigen);
    return status;
}
