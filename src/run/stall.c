/* Watching a run: its signs into the log, and whether its loss still falls. */
#include "run/run.h"
#include <math.h>
#include <stdio.h>

static const double STALL_WORTH = 0.005; /* a fall over the window by less than this part of the loss is none */
enum { STALL_FIRST = 200 };              /* steps before the first look */

/* ------------------------------------------------------------------ the watch */

void us_run_watch(us_run *run, us_watch_mode mode) { run->watch_mode = mode; }

us_watch_mode us_run_watch_mode(const us_run *run) { return run->watch_mode; }

void us_run_stop_at_stalls(us_run *run, bool stop) { run->stalls = stop; }

bool us_run_watch_report(const us_run *run, us_watch_report *report) {
    if (!run->watch || run->watch_mode == US_WATCH_OFF) return false;
    *report = us_watch_tell(run->watch);
    return true;
}

static double stall_sign(void *user, uint64_t step, const char *name, const char *part, double value) {
    us__store *store = user;
    return us__store_sign(store, step, name, part, value) ? us__store_row_seconds(store)
                                                          : 0; /* full: it is not in the log */
}

us_status us__run_watch_begin(us_run *run) {
    us_watch_options o = US_WATCH_OPTIONS_INIT;
    if (us__run_is_solved(run) || (!run->stalls && run->watch_mode == US_WATCH_OFF)) return US_OK;
    if (run->watch) {
        us_watch_pause(run->watch, false);
        us_watch_plan(run->watch, run->steps_planned);
        return US_OK;
    }
    o.mode = run->watch_mode;
    o.steps_planned = run->steps_planned;
    o.sign = stall_sign;
    o.sign_user = run->store;
    run->stall_next = us_training_steps(run->training) + STALL_FIRST;
    return us_watch_create(&run->watch, run->training, &o);
}

us_status us__run_watch_move(us_run *run, us_training *training) {
    run->stall_next = us_training_steps(training) + STALL_FIRST;
    return run->watch ? us_watch_move(run->watch, training) : US_OK;
}

/* ------------------------------------------------------------------ stalls */

us_status us__run_stalled(us_run *run, bool *stalled) {
    uint64_t steps = us_training_steps(run->training);
    us_trend trend;
    char text[256];
    *stalled = false;
    if (!run->stalls || steps < run->stall_next || steps >= run->steps_planned) return US_OK;
    us_status status = us_watch_trend(run->watch, &trend);
    run->stall_next = steps + steps / 4 + 1;
    if (status == US_ERR_ARGUMENT) { /* too few steps as yet */
        us_context_error_clear(run->context);
        return US_OK;
    }
    if (status != US_OK) return status;
    double window = 0.5 * (double)us_watch_steps(run->watch), fall = -trend.slope * window;
    if (trend.high < 0 && fall > STALL_WORTH * fabs(trend.level)) return US_OK;
    run->stall_next = 2 * steps;
    *stalled = true;
    snprintf(text, sizeof text, "the loss does not fall over the last %.0f steps: %.3g a step (%.3g to %.3g, 95 %%) at %.6g",
             window, trend.slope, trend.low, trend.high, trend.level);
    return us_run_log_event(run, "stalled", text);
}
