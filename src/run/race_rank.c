/* Who is lowest in equal steps, samples and time. */
#include "run/race.h"
#include <math.h>
#include <stdlib.h>

static int rank_ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double us__race_median(double *losses, size_t count) {
    qsort(losses, count, sizeof *losses, rank_ascending);
    return count % 2 ? losses[count / 2] : 0.5 * (losses[count / 2 - 1] + losses[count / 2]);
}

static double rank_along(const us_race_look *look, us_race_by by) {
    return by == US_RACE_BY_STEPS ? (double)look->step : by == US_RACE_BY_SAMPLES ? (double)look->samples : look->seconds;
}

/* The furthest point that all arms were measured at which are still in. */
static double rank_point(const us_race *race, us_race_by by) {
    double reached = HUGE_VAL;
    for (size_t i = 0; i < race->arm_count; i++) {
        const us_race_arm *arm = &race->arms[i].is;
        if (arm->state == US_ARM_DIVERGED || arm->state == US_ARM_STOPPED) continue;
        reached = fmin(reached, arm->look_count ? rank_along(&arm->looks[arm->look_count - 1], by) : 0);
    }
    if (!isfinite(reached)) return 0;
    if (by == US_RACE_BY_TIME) return reached;
    const us__race_points *points = by == US_RACE_BY_STEPS ? &race->steps : &race->samples;
    double at = 0;
    for (size_t i = 0; i < points->count && (double)points->at[i] <= reached; i++) at = (double)points->at[i];
    return at;
}

/* The loss of an arm there; inf where it diverged, the last one where it was stopped or has not come as far. */
static double rank_loss(const us_race_arm *arm, us_race_by by, double at) {
    if (arm->state == US_ARM_DIVERGED || arm->look_count == 0) return HUGE_VAL;
    size_t i = 0;
    while (i < arm->look_count && rank_along(&arm->looks[i], by) < at) i++;
    if (i == arm->look_count || arm->state == US_ARM_STOPPED) return arm->looks[arm->look_count - 1].loss;
    if (by != US_RACE_BY_TIME || i == 0) return arm->looks[i].loss;
    const us_race_look *a = &arm->looks[i - 1], *b = &arm->looks[i];
    return a->loss + (b->loss - a->loss) * (at - a->seconds) / (b->seconds - a->seconds);
}

static int rank_order(const void *a, const void *b) {
    const us_race_place *x = a, *y = b;
    bool x_lost = !isfinite(x->median), y_lost = !isfinite(y->median);
    if (x_lost != y_lost) return x_lost ? 1 : -1;
    if (x->stopped != y->stopped) return x->stopped ? 1 : -1;
    if (x->stopped && x->round != y->round) return x->round > y->round ? -1 : 1;
    if (x->median != y->median && !x_lost) return x->median < y->median ? -1 : 1;
    return (x->entry > y->entry) - (x->entry < y->entry);
}

/* Median, least and most of an entry, from its seeds' losses in order: no memory is wanted, there being few seeds. */
static void rank_entry(const us_race *race, us_race_by by, double at, us_race_place *place) {
    double losses[RACE_ARMS_MOST];
    const us__race_arm *arms = &race->arms[place->entry * race->seeds];
    for (size_t s = 0; s < race->seeds; s++) {
        losses[s] = rank_loss(&arms[s].is, by, at);
        place->diverged += arms[s].is.state == US_ARM_DIVERGED;
        place->stopped |= arms[s].is.state == US_ARM_STOPPED;
        if (arms[s].is.round > place->round) place->round = arms[s].is.round;
    }
    place->median = us__race_median(losses, race->seeds);
    place->least = losses[0];
    place->most = losses[race->seeds - 1];
}

void us_race_rank(const us_race *race, us_race_by by, us_race_place *places, double *at) {
    *at = rank_point(race, by);
    for (size_t e = 0; e < race->entries; e++) {
        places[e] = (us_race_place){.entry = e};
        rank_entry(race, by, *at, &places[e]);
    }
    qsort(places, race->entries, sizeof *places, rank_order);
}
