#include "diagnose/starts.h"
#include <math.h>
#include <string.h>

void us__draw_weights(us_rng *rng, double *weights, size_t count, size_t fan_in, double scale) {
    double deviation = scale * sqrt(2 / (double)fan_in);
    for (size_t i = 0; i < count; i++) weights[i] = deviation * us_rng_normal(rng);
}

void us__draw_start(const us_group *groups, size_t count, uint64_t draw, us_rng *rng, double *theta) {
    static const double SCALES[] = {1, 0.5, 2};
    for (size_t i = 0; i < count; i++) {
        const us_group *g = &groups[i];
        double *at = theta + g->offset;
        if (g->state) continue;
        if (g->rank >= 2) {
            us__draw_weights(rng, at, g->count, g->count / g->shape[0], SCALES[draw % 3]);
        } else if (g->rank == 1 && strchr(g->name, '.')) {
            double start = strstr(g->name, ".gain") ? 1 : 0;
            for (size_t k = 0; k < g->count; k++) at[k] = start;
        } else {
            for (size_t k = 0; k < g->count; k++) at[k] = at[k] != 0 ? at[k] * exp(us_rng_normal(rng)) : us_rng_normal(rng);
        }
    }
}
