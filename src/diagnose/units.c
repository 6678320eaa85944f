/* How much of the error of a row comes back to the first layer. Hidden units that do nothing: dead ones (no row activates
 * them), saturated ones (next to nothing of the gradient passes). Per layer, for one layer that is shut shuts all behind it;
 * the worst layer counts. */
#include "diagnose/evidence.h"
#include <math.h>
#include <unstuck/units.h>

/* A unit that lets less than this part of the gradient through is saturated. */
static const double UNITS_PASSED = 0.01;

/* What of a row's error arrives at a unit of a layer, on average. */
static double units_arriving(const us_units *u, const us_unit_layer *layer) {
    double sum = 0;
    for (size_t j = layer->first; j < layer->first + layer->count; j++) sum += u->units[j].arrives;
    return sum / (double)layer->count;
}

us_status us__evidence_units(us__gathering *g) {
    us_evidence *e = &g->diagnosis->evidence;
    us_units *u;
    us_status status = us_problem_units(&u, g->full, g->theta, US_BATCH_ALL);
    if (status || !u) return status;
    e->hidden_units = u->count;
    e->dead_share = e->saturated_share = 0;
    for (size_t k = 0; k < u->layer_count; k++) {
        const us_unit_layer *layer = &u->layers[k];
        double dead = 0, saturated = 0;
        for (size_t j = layer->first; j < layer->first + layer->count; j++) {
            bool dull = u->units[j].active == 0;
            dead += !layer->bounded && dull;
            saturated += layer->bounded && (dull || u->units[j].passed < UNITS_PASSED);
        }
        e->dead_share = fmax(e->dead_share, dead / (double)layer->count);
        e->saturated_share = fmax(e->saturated_share, saturated / (double)layer->count);
    }
    if (u->layer_count > 1)
        e->signal_fade = units_arriving(u, &u->layers[0]) / units_arriving(u, &u->layers[u->layer_count - 1]);
    us_units_destroy(u);
    return US_OK;
}
