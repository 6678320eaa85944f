/* A run whose optimizer is a solver: it drives the problem itself; each of its iterations is a row of the log. */
#include "run/run.h"
#include "train/driven.h"
#include <math.h>
#include <unstuck/solve.h>

static const double SOLVE_SHOW = 0.2; /* seconds between two calls of progress */

typedef struct solve_state {
    us_run *run;
    bool (*progress)(void *user, const us_run_progress *);
    void *user;
    uint64_t step_before;
    double began, seconds_before, shown;
    bool out_of_time, asked_to_stop;
} solve_state;

bool us__run_is_solved(const us_run *run) { return us_solver_find(run->config.optimizer) != NULL; }

static void solve_progress(void *user, size_t iteration, double value, double gradient_norm) {
    solve_state *s = user;
    us_run *run = s->run;
    double now = us_clock_now();
    run->seconds = s->seconds_before + now - s->began;
    us__metric row = {.step = s->step_before + iteration + 1,
                      .epoch = (double)(s->step_before + iteration + 1),
                      .loss = value,
                      .mean_loss = value,
                      .gradient_norm = gradient_norm,
                      .seconds = run->seconds};
    us__store_metric(run->store, &row); /* full: then this row is not in the log */
    if (run->seconds_limit > 0 && run->seconds >= run->seconds_limit) {
        s->out_of_time = true;
        us_context_cancel(run->context);
    }
    if (!s->progress || now - s->shown < SOLVE_SHOW) return;
    s->shown = now;
    us_run_progress p = {.step = row.step,
                         .steps = run->steps_planned,
                         .epoch = row.epoch,
                         .loss = value,
                         .seconds = run->seconds,
                         .seconds_left = (double)NAN};
    if (!s->progress(s->user, &p)) {
        s->asked_to_stop = true;
        us_context_cancel(run->context);
    }
}

us_status us__run_solve(us_run *run, bool (*progress)(void *user, const us_run_progress *), void *user) {
    us_minimize_options options = US_MINIMIZE_OPTIONS_INIT;
    us_minimize_result result;
    us_vec *theta = NULL;
    uint64_t done = us_training_steps(run->training);
    if (done >= run->steps_planned) return US_OK;
    const us_vec *from = us_training_theta(run->training);
    us_status status = us_vec_create(&theta, run->context, us_vec_precision(from), us_vec_size(from));
    if (status != US_OK) return status;
    us_vec_copy(theta, from);
    double now = us_clock_now();
    solve_state s = {run, progress, user, done, now, run->seconds, now, false, false};
    options.iterations = run->steps_planned - done;
    options.progress = solve_progress;
    options.progress_user = &s;
    us_status ended = us_solve(run->problem, theta, run->config.optimizer, &options, &result);
    run->seconds = s.seconds_before + us_clock_now() - now;
    if (ended < 0) {
        status = ended;
        goto done;
    }
    if (ended == US_INTERRUPTED && (s.out_of_time || s.asked_to_stop)) us_context_resume(run->context);
    if (ended == US_INTERRUPTED && s.out_of_time) ended = US_NOT_CONVERGED, result.reason = "the time ran out";
    status = us__training_driven(run->training, theta, result.iterations > 0 ? result.iterations : 1);
    if (status == US_OK && ended != US_INTERRUPTED)
        status = us_run_log_event(run, ended == US_OK ? "converged" : "not-converged", result.reason);
    if (status == US_OK && ended == US_INTERRUPTED) status = US_INTERRUPTED;
done:
    us_vec_destroy(theta);
    return status;
}
