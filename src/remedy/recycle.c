/* recycle: new weights for hidden units that do nothing: dead, saturated, zero, or the equals of another one; where there
 * are none, for those whose weights are the smallest, ‖in‖·‖out‖.
 *
 * Which units, at which scale and with or without outgoing weights is drawn too, for nothing tells beforehand what helps:
 * all useless units or some of them, some others, a layer. A draw without outgoing weights leaves the function as it is
 * where the unit was dead. The draws race (draws.h says what that costs), and the best is kept.
 *
 * Layers are found by the groups: a weight [out×...] followed by a weight [next×...] whose rows split into `out` blocks,
 * which is so for dense and for convolutional layers.
 * Source of the idea: Sokar et al. 2023, "The dormant neuron phenomenon", algorithm 1. */
#include "diagnose/starts.h"
#include "remedy/draws.h"
#include "remedy/remedy.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unstuck/units.h>

enum { RECYCLE_PART = 8 };                 /* draws renew all, or one in so many, but at least one */
static const double RECYCLE_PASSED = 0.01; /* a unit that lets less of the gradient through is saturated */

typedef struct recycle_layer {
    const us_group *in, *bias, *out; /* bias may be NULL */
    size_t units, fan_in, block;     /* outgoing weights stand in blocks of so many */
} recycle_layer;

typedef struct recycle_unit {
    size_t layer, unit;
    bool useless;
    double size; /* ‖in‖·‖out‖ */
} recycle_unit;

typedef struct recycle_plan {
    recycle_layer *layers; /* [layer_count] */
    recycle_unit *units;   /* [count], the useless first, then by size */
    size_t layer_count, count, useless;
} recycle_plan;

static bool recycle_is_weight(const us_group *g) {
    size_t length = strlen(g->name);
    return !g->state && g->rank >= 2 && length > 7 && strcmp(g->name + length - 7, ".weight") == 0;
}

static const us_group *recycle_bias(const us_group *groups, size_t count, const us_group *weight) {
    size_t stem = strlen(weight->name) - strlen("weight");
    for (size_t i = 0; i < count; i++)
        if (strncmp(groups[i].name, weight->name, stem) == 0 && strcmp(groups[i].name + stem, "bias") == 0 &&
            groups[i].count == weight->shape[0])
            return &groups[i];
    return NULL;
}

/* Hidden layers among the groups; into `layers` where it is not NULL. */
static size_t recycle_layers(const us_group *groups, size_t count, recycle_layer *layers) {
    const us_group *last = NULL;
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (!recycle_is_weight(&groups[i])) continue;
        size_t row = groups[i].count / groups[i].shape[0];
        if (last && row % last->shape[0] == 0) {
            if (layers)
                layers[found] = (recycle_layer){.in = last,
                                                .bias = recycle_bias(groups, count, last),
                                                .out = &groups[i],
                                                .units = last->shape[0],
                                                .fan_in = last->count / last->shape[0],
                                                .block = row / last->shape[0]};
            found++;
        }
        last = &groups[i];
    }
    return found;
}

/* Outgoing weights of a unit: from this index in θ, `block` of them for each row of the next layer. */
static size_t recycle_out(const recycle_layer *l, size_t row, size_t unit) {
    return l->out->offset + row * (l->out->count / l->out->shape[0]) + unit * l->block;
}

static double recycle_size(const recycle_layer *l, const double *theta, size_t unit) {
    double in = 0, out = 0;
    for (size_t i = 0; i < l->fan_in; i++) in += pow(theta[l->in->offset + unit * l->fan_in + i], 2);
    for (size_t row = 0; row < l->out->shape[0]; row++)
        for (size_t i = 0; i < l->block; i++) out += pow(theta[recycle_out(l, row, unit) + i], 2);
    return sqrt(in) * sqrt(out);
}

/* Incoming weights and bias alike, up to a millionth. */
static bool recycle_equal(const recycle_layer *l, const double *theta, size_t a, size_t b) {
    const double *wa = theta + l->in->offset + a * l->fan_in, *wb = theta + l->in->offset + b * l->fan_in;
    for (size_t i = 0; i < l->fan_in; i++)
        if (!(fabs(wa[i] - wb[i]) <= 1e-6 * fmax(fabs(wa[i]), fabs(wb[i])))) return false;
    if (!l->bias) return true;
    double ba = theta[l->bias->offset + a], bb = theta[l->bias->offset + b];
    return fabs(ba - bb) <= 1e-6 * fmax(1, fmax(fabs(ba), fabs(bb)));
}

/* What the units do on the data; a layer of the plan and one of the problem are the same when one name begins the other's.
 */
static bool recycle_is_dull(const us_units *units, const recycle_layer *l, size_t unit) {
    for (size_t k = 0; units && k < units->layer_count; k++) {
        const us_unit_layer *layer = &units->layers[k];
        size_t length = strlen(layer->name);
        if (strncmp(l->in->name, layer->name, length) != 0 || l->in->name[length] != '.' || unit >= layer->count) continue;
        const us_unit *u = &units->units[layer->first + unit];
        return u->active == 0 || (layer->bounded && !(u->passed >= RECYCLE_PASSED));
    }
    return false;
}

static int recycle_compare(const void *a, const void *b) {
    const recycle_unit *x = a, *y = b;
    if (x->useless != y->useless) return x->useless ? -1 : 1;
    if (x->size != y->size) return x->size < y->size ? -1 : 1;
    if (x->layer != y->layer) return x->layer < y->layer ? -1 : 1;
    return x->unit < y->unit ? -1 : 1;
}

static void recycle_renew(const recycle_layer *l, size_t unit, us_rng *rng, double scale, bool quiet, double *theta) {
    us__draw_weights(rng, theta + l->in->offset + unit * l->fan_in, l->fan_in, l->fan_in, scale);
    if (l->bias) theta[l->bias->offset + unit] = 0.5 * scale * us_rng_normal(rng);
    for (size_t row = 0; row < l->out->shape[0]; row++)
        us__draw_weights(rng, theta + recycle_out(l, row, unit), l->block, l->units * l->block, quiet ? 0 : scale);
}

static void recycle_draw(void *user, uint64_t draw, us_rng *rng, double *theta) {
    const recycle_plan *p = user;
    double scale = us_rng_below(rng, 2) ? 1 : 3;
    bool quiet = us_rng_below(rng, 2);
    size_t pool = p->useless ? p->useless : p->count;
    size_t part = pool / RECYCLE_PART ? pool / RECYCLE_PART : 1, from = draw * part % pool;
    bool all_useless = p->useless && draw % 2 == 0, a_layer = !p->useless && draw % 3 == 2;
    for (size_t i = 0; i < p->count; i++) {
        const recycle_unit *u = &p->units[i];
        bool renew = all_useless ? u->useless
                     : a_layer   ? u->layer == draw / 3 % p->layer_count
                                 : i >= from && i < from + part;
        if (renew) recycle_renew(&p->layers[u->layer], u->unit, rng, scale, quiet, theta);
    }
}

static us_status recycle_plan_make(recycle_plan *p, us_problem *problem, const us_vec *theta, const double *values) {
    us_context *context = us_problem_context(problem);
    size_t group_count;
    const us_group *groups = us_problem_groups(problem, &group_count);
    us_units *units = NULL;
    p->layer_count = recycle_layers(groups, group_count, NULL);
    if (!p->layer_count)
        return us__fail(context, US_ERR_UNSUPPORTED, "recycle: no hidden layers are known here (groups layerK.weight)");
    if (!(p->layers = us__new(context, p->layer_count, sizeof *p->layers))) return US_ERR_NOMEM;
    recycle_layers(groups, group_count, p->layers);
    for (size_t k = 0; k < p->layer_count; k++) p->count += p->layers[k].units;
    if (!(p->units = us__new(context, p->count, sizeof *p->units))) return US_ERR_NOMEM;
    us_status status = us_problem_units(&units, problem, theta, US_BATCH_ALL);
    if (status) return status;
    size_t at = 0;
    for (size_t k = 0; k < p->layer_count; k++) {
        const recycle_layer *l = &p->layers[k];
        for (size_t unit = 0; unit < l->units; unit++) {
            recycle_unit *u = &p->units[at++];
            *u = (recycle_unit){.layer = k, .unit = unit, .size = recycle_size(l, values, unit)};
            u->useless = u->size == 0 || recycle_is_dull(units, l, unit);
            for (size_t other = 0; other < unit && !u->useless; other++) u->useless = recycle_equal(l, values, unit, other);
            p->useless += u->useless;
        }
    }
    qsort(p->units, p->count, sizeof *p->units, recycle_compare);
    us_units_destroy(units);
    return US_OK;
}

static bool recycle_applies(const us_diagnosis *d, char *why, size_t why_size) {
    const us_evidence *e = &d->evidence;
    static const char *const CAUSES[] = {
        "dead-units", "saturated-units", "vanishing-gradient", "constant-predictor", "flat", "symmetric-units", "local"};
    if (!e->hidden_units) return false;
    for (size_t i = 0; d->verdict.cause && i < sizeof CAUSES / sizeof *CAUSES; i++)
        if (strcmp(d->verdict.cause, CAUSES[i]) == 0) {
            if (e->symmetric_units)
                snprintf(why, why_size,
                         "hidden units with equal or zero weights learn the same; new weights tell them apart");
            else
                snprintf(why, why_size, "hidden units do not do their part: dead %.0f %%, saturated %.0f %% of a layer",
                         100 * fmax(e->dead_share, 0), 100 * fmax(e->saturated_share, 0));
            return true;
        }
    if (!us__remedy_above_floor(d)) return false;
    snprintf(why, why_size, "the loss %.4g is above %.4g, the least that the data allow: other units may do better", e->loss,
             e->floor);
    return true;
}

static us_status recycle_apply(us_training *training, const us_diagnosis *d, uint64_t steps) {
    (void)d;
    us_problem *own = us_training_problem(training), *problem = NULL;
    us_context *context = us_problem_context(own);
    size_t n = us_problem_dimension(own);
    recycle_plan plan = {0};
    us_vec *theta = NULL;
    double *values = us__alloc(context, n, sizeof *values);
    us_status status = values ? US_OK : US_ERR_NOMEM;
    if (!status) status = us_problem_recast(&problem, own, US_F64);
    if (!status) status = us_vec_create(&theta, context, US_F64, n);
    if (!status) {
        us_vec_copy(theta, us_training_theta(training));
        us_vec_read_f64(theta, values);
        status = recycle_plan_make(&plan, problem, theta, values);
    }
    if (!status) status = us__draws_race(training, steps, recycle_draw, &plan);
    us__release(context, plan.units);
    us__release(context, plan.layers);
    us__release(context, values);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    return status;
}

const us_remedy us__remedy_recycle = {
    .name = "recycle",
    .does = "gives dead, saturated or duplicate units new weights, or the least of them: the best of twelve draws",
    .applies = recycle_applies,
    .apply = recycle_apply,
    .draws = true,
};
