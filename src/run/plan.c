#include "run/run.h"
#include <math.h>
#include <stdlib.h>

enum { PLAN_ITERATIONS = 10000 }; /* of a solver, unless told otherwise */

/* What --epochs, --steps and --seconds come to: whichever is reached first. Without any of them, 10 epochs. */
us_status us__run_plan(us_run *run) {
    const us_run_config *c = &run->config;
    if (us__run_is_solved(run) && c->epochs == 0 && c->steps == 0) { /* a step is an iteration over all rows */
        run->steps_planned = PLAN_ITERATIONS;
        run->seconds_limit = c->seconds;
        return US_OK;
    }
    double epochs = c->epochs == 0 && c->steps == 0 && c->seconds == 0 ? 10 : c->epochs;
    double steps = epochs * (double)us_training_steps_per_epoch(run->training);
    if (steps >= 0x1p62)
        return us__fail(run->context, US_ERR_ARGUMENT, "--epochs is %g; that many steps can't be counted", epochs);
    if (epochs > 0) run->steps_planned = (uint64_t)ceil(steps);
    if (c->steps > 0 && c->steps < run->steps_planned) run->steps_planned = c->steps;
    run->seconds_limit = c->seconds;
    return US_OK;
}

us_status us__run_save_plan(us_run *run) {
    char steps[32], seconds[32];
    snprintf(steps, sizeof steps, "%llu", (unsigned long long)run->steps_planned);
    snprintf(seconds, sizeof seconds, "%.17g", run->seconds_limit);
    us_status status = us__store_set(run->store, "steps_planned", steps);
    return status == US_OK ? us__store_set(run->store, "seconds_limit", seconds) : status;
}

us_status us__run_load_plan(us_run *run) {
    char *steps = NULL, *seconds = NULL;
    us_status status = us__store_get(run->store, "steps_planned", &steps);
    if (status == US_OK) status = us__store_get(run->store, "seconds_limit", &seconds);
    if (status == US_OK) {
        run->steps_planned = strtoull(steps, NULL, 10);
        run->seconds_limit = strtod(seconds, NULL);
    }
    us__release(run->context, steps);
    us__release(run->context, seconds);
    return status;
}

us_status us_run_extend(us_run *run, uint64_t steps) {
    us_status status = us__run_may_change(run);
    if (status != US_OK) return status;
    uint64_t done = us_training_steps(run->training);
    if (steps == 0 || steps > (uint64_t)INT64_MAX - done)
        return us__fail(run->context, US_ERR_ARGUMENT, "steps to go on for is %llu; it must be 1 or more, and below 2^63",
                        (unsigned long long)steps);
    run->steps_planned = done + steps;
    run->seconds_limit = 0;
    char text[96];
    snprintf(text, sizeof text, "%llu more steps, to %llu", (unsigned long long)steps,
             (unsigned long long)run->steps_planned);
    status = us__run_save_plan(run);
    return status == US_OK ? us_run_log_event(run, "extended", text) : status;
}
