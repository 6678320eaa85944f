/* restart: other weights from the beginning; twelve starts race for a while, and the best goes on. The first of them is the
 * lower point that the diagnosis found, where it found one; diagnose/starts.h says how the others are drawn, draws.h what
 * the race costs. */
#include "diagnose/starts.h"
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
            if (d->lower)
                snprintf(why, why_size, "a point of loss %.4g is known, and other starts may be lower", e->lower_loss);
            return true;
        }
    if (!us__remedy_above_floor(d)) return false;
    snprintf(why, why_size, "the loss %.4g is above %.4g, the least that the data allow: another start may end lower",
             e->loss, e->floor);
    return true;
}

typedef struct restart_plan {
    us_problem *problem;
    const double *lower; /* [n] a lower point that the diagnosis found, or NULL: the first start */
} restart_plan;

static void restart_draw(void *user, uint64_t draw, us_rng *rng, double *theta) {
    const restart_plan *plan = user;
    size_t count;
    const us_group *groups = us_problem_groups(plan->problem, &count);
    if (plan->lower && draw == 0)
        memcpy(theta, plan->lower, us_problem_dimension(plan->problem) * sizeof *theta);
    else
        us__draw_start(groups, count, draw, rng, theta);
}

static us_status restart_apply(us_training *training, const us_diagnosis *d, uint64_t steps) {
    restart_plan plan = {us_training_problem(training), d->lower};
    if (us_problem_dimension(plan.problem) != d->evidence.parameters) plan.lower = NULL; /* it lacks running statistics */
    return us__draws_race(training, steps, restart_draw, &plan);
}

const us_remedy us__remedy_restart = {
    .name = "restart",
    .does = "begins anew from other weights: the best of twelve starts",
    .applies = restart_applies,
    .apply = restart_apply,
    .draws = true,
};
