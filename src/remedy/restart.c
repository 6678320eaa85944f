/* restart: other weights from the beginning; twelve starts race for a while, and the best goes on. Weights of layers are
 * drawn by their fan-in at half, the same and twice He's scale; gains begin at 1, other vectors at 0; a number (of a
 * formula) is multiplied by e^z with z normal. Running statistics stay. draws.h says what the race costs. */
#include "remedy/draws.h"
#include "remedy/remedy.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static bool restart_applies(const us_diagnosis *d, char *why, size_t why_size) {
    const us_evidence *e = &d->evidence;
    static const char *const CAUSES[] = {"dead-units", "saturated-units", "vanishing-gradient", "constant-predictor", "flat",
                                         "local"};
    for (size_t i = 0; d->verdict.cause && i < sizeof CAUSES / sizeof *CAUSES; i++)
        if (strcmp(d->verdict.cause, CAUSES[i]) == 0) {
            snprintf(why, why_size, "from here nothing leads on; another start may lead elsewhere");
            return true;
        }
    if (!us__remedy_above_floor(d)) return false;
    snprintf(why, why_size, "the loss %.4g is above %.4g, the least that the data allow: another start may end lower",
             e->loss, e->floor);
    return true;
}

static void restart_draw(void *user, uint64_t draw, us_rng *rng, double *theta) {
    static const double SCALES[] = {1, 0.5, 2};
    size_t count;
    const us_group *groups = us_problem_groups(user, &count);
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

static us_status restart_apply(us_training *training, const us_diagnosis *d, uint64_t steps) {
    (void)d;
    return us__draws_race(training, steps, restart_draw, us_training_problem(training));
}

const us_remedy us__remedy_restart = {
    .name = "restart",
    .does = "begins anew from other weights: the best of twelve starts",
    .applies = restart_applies,
    .apply = restart_apply,
};
