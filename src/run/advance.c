#include "run/run.h"
#include <math.h>

/* What a run costs beside its steps. */
static const double ADVANCE_LOOK = 0.02;       /* seconds of steps between two looks at the clock */
static const double ADVANCE_FLUSH = 1.0;       /* seconds between two writes of the log */
static const double ADVANCE_SMOOTH = 0.5;      /* seconds, or an epoch if that is shorter, that a smoothed loss looks back */
static const double ADVANCE_PROGRESS = 0.2;    /* seconds between two calls of progress */
static const double ADVANCE_ROW_SHARE = 0.005; /* share of the time that rows of the log may cost */
static const double ADVANCE_LOSS_SHARE = 0.005; /* share of the time that losses over all rows may cost */
enum {
    ADVANCE_EVERY = 64, /* so many first steps are all logged, then ... */
    ADVANCE_DENSITY = 1000
}; /* ... so many a factor e of steps at most: some thousands of rows a run */

/* ------------------------------------------------------------------ the log, step by step */

/* Notes a row, or puts it off when the last one is too near for its cost. */
static void advance_record(us__recorder *r, const us_training *training, const us_step_info *info) {
    double seconds = us_clock_now() - r->began;
    uint64_t passed = info->step - r->row_step;
    if (info->step > ADVANCE_EVERY && info->step != r->must &&
        (seconds - r->row_seconds) * ADVANCE_ROW_SHARE < us__store_row_seconds(r->store)) {
        r->next = info->step + passed; /* looking at the clock gets rarer, too */
    } else {
        us__metric row = {.step = info->step,
                          .loss = info->loss,
                          .mean_loss = r->row_sum / (double)passed,
                          .seconds = seconds,
                          .learning_rate = info->learning_rate,
                          .gradient_norm = us_vec_norm2(info->gradient),
                          .epoch = (double)us_training_samples_seen(training) / r->samples};
        us__store_metric(r->store, &row); /* full: then this row is not in the log */
        r->row_sum = 0;
        r->row_step = info->step;
        r->row_seconds = seconds;
        r->next = info->step + 1 + info->step / ADVANCE_DENSITY;
    }
    if (r->must > info->step && r->next > r->must) r->next = r->must;
}

static bool advance_observe(void *user, const us_training *training, const us_step_info *info) {
    us__recorder *r = user;
    r->row_sum += info->loss;
    r->chunk_sum += info->loss;
    if (r->whole && !info->batch.rows && info->loss < r->best) {
        r->best = info->loss;
        r->best_step = info->step - 1; /* the loss is that before the update */
        r->best_new = true;
    }
    if (info->step >= r->next) advance_record(r, training, info);
    return true;
}

/* Are the steps' losses those of the run's answer over all rows? Not those of batches or of the training form, nor where an
 * average is the answer. */
static bool advance_sees_whole(const us_run *run) {
    const us_training *t = run->training;
    return us_training_batch(t) >= us_problem_samples(run->problem) && !us_problem_has_training_form(run->problem) &&
           !run->config.average && !us_training_rule(t)->weights;
}

us_status us__run_observe(us_run *run) {
    uint64_t step = us_training_steps(run->training);
    run->recorder = (us__recorder){.store = run->store,
                                   .samples = (double)us_problem_samples(run->problem),
                                   .row_step = step,
                                   .next = step + 1,
                                   .must = run->steps_planned,
                                   .whole = advance_sees_whole(run),
                                   .best = (double)INFINITY};
    us_status status = us_training_observe(run->training, advance_observe, &run->recorder);
    return status == US_OK ? us__path_observe(run) : status;
}

/* ------------------------------------------------------------------ the loop */

/* Writes the log. */
static us_status advance_flush(us_run *run) {
    us__recorder *r = &run->recorder;
    us_status status = us__store_flush(run->store);
    if (status == US_OK && r->best_new) {
        status = us__store_loss(run->store, r->best_step, r->best, (double)NAN);
        r->best_new = false;
    }
    return status;
}

/* A checkpoint that can be gone on from; weights that are no longer finite are left for the next step to find. */
static us_status advance_save(us_run *run) {
    if (!us_vec_is_finite(us_training_theta(run->training))) return US_OK;
    return us__run_checkpoint_write(run, run->folder);
}

static bool advance_over(const us_run *run, uint64_t until) {
    uint64_t steps = us_training_steps(run->training);
    return steps >= until || steps >= run->steps_planned || (run->seconds_limit > 0 && run->seconds >= run->seconds_limit);
}

/* Steps until the next look at the clock. */
static uint64_t advance_chunk(const us_run *run, const us__advance *a, uint64_t until) {
    double wait = ADVANCE_LOOK, left = run->seconds_limit - run->seconds;
    if (run->seconds_limit > 0 && left < wait) wait = left;
    double steps = floor(a->rate * wait);
    uint64_t end = until < run->steps_planned ? until : run->steps_planned;
    uint64_t planned = end - us_training_steps(run->training);
    return steps < 1 ? 1 : steps >= (double)planned ? planned : (uint64_t)steps;
}

/* Time, rate and smoothed loss after a chunk. */
static void advance_look(us_run *run, us__advance *a) {
    us__recorder *r = &run->recorder;
    uint64_t steps = us_training_steps(run->training);
    double before = a->now, count = (double)(steps - r->chunk_step);
    a->now = us_clock_now();
    run->seconds = a->seconds_before + (a->now - a->start);
    if (count == 0) return;
    double took = a->now - before, loss = r->chunk_sum / count;
    double share = fmax(took / ADVANCE_SMOOTH, count / (double)us_training_steps_per_epoch(run->training));
    a->smoothed = isnan(a->smoothed) ? loss : loss + exp(-share) * (a->smoothed - loss);
    double rate = count / (took > 1e-9 ? took : 1e-9);
    a->rate = a->rate == 0 ? rate : rate > 2 * a->rate ? 2 * a->rate : 0.8 * a->rate + 0.2 * rate;
    r->chunk_sum = 0;
    r->chunk_step = steps;
}

static void advance_describe(const us_run *run, const us__advance *a, us_run_progress *p) {
    const us_training *t = run->training;
    double done = (double)(us_training_steps(t) - a->step_before), took = a->now - a->start, left = (double)NAN;
    double rate = took > 0 ? done / took : 0;
    if (run->steps_planned != UINT64_MAX && rate > 0) left = (double)(run->steps_planned - us_training_steps(t)) / rate;
    if (run->seconds_limit > 0) left = fmin(left, run->seconds_limit - run->seconds);
    *p = (us_run_progress){.step = us_training_steps(t),
                           .steps = run->steps_planned,
                           .epoch = (double)us_training_samples_seen(t) / run->recorder.samples,
                           .loss = a->smoothed,
                           .learning_rate = us_training_next_learning_rate(t),
                           .samples_per_second = rate * (double)us_training_batch(t),
                           .seconds = run->seconds,
                           .seconds_left = left < 0 ? 0 : left};
}

/* The steps themselves, with all that is done between them. */
us_status us__run_steps(us_run *run, us__advance *a, uint64_t until) {
    us_status status = US_OK;
    while (status == US_OK && !advance_over(run, until)) {
        status = us_training_advance(run->training, advance_chunk(run, a, until));
        advance_look(run, a);
        if (status == US_OK && run->watch) status = us_watch_between(run->watch);
        if (status == US_OK && a->progress && a->now - a->shown >= ADVANCE_PROGRESS) {
            us_run_progress p;
            advance_describe(run, a, &p);
            a->shown = a->now;
            if (!a->progress(a->user, &p)) status = US_INTERRUPTED;
        }
        if (status != US_OK) break;
        if (a->now - a->flushed >= ADVANCE_FLUSH) {
            status = advance_flush(run);
            a->flushed = a->now;
        }
        if (status == US_OK && a->now - a->saved >= run->config.checkpoint_seconds) {
            if ((status = advance_flush(run)) == US_OK) status = advance_save(run);
            a->saved = us_clock_now();
        }
        if (status == US_OK && !run->recorder.whole &&
            (a->now - a->evaluated) * ADVANCE_LOSS_SHARE > fmax(run->evaluation_seconds, 0.01)) {
            double loss;
            status = us__run_evaluate(run, &loss);
            a->evaluated = us_clock_now();
        }
        bool stalled = false;
        if (status == US_OK && run->watch) status = us__run_stalled(run, &stalled);
        if (status == US_OK && stalled) status = US_STALLED;
    }
    if (a->progress && (status == US_OK || status == US_INTERRUPTED || status == US_STALLED)) { /* where it ended */
        us_run_progress p;
        advance_describe(run, a, &p);
        a->progress(a->user, &p);
    }
    return status;
}

/* The losses at the end, the last checkpoint, and the word that it is finished. */
static us_status advance_finish(us_run *run) {
    double loss;
    us_status status = us__run_evaluate(run, &loss);
    if (status != US_OK) return status;
    if (!isfinite(loss) || !us_vec_is_finite(us_training_theta(run->training)))
        return us__fail(run->context, US_ERR_NONFINITE, "step %llu: the loss over all rows is %g; a lower --lr may help",
                        (unsigned long long)us_training_steps(run->training), loss);
    if ((status = advance_flush(run)) == US_OK) status = us__run_checkpoint_write(run, run->folder);
    return status == US_OK ? us__run_set_text(run, &run->status, "status", "finished") : status;
}

/* Asked to stop: all that was done is kept. */
static us_status advance_interrupted(us_run *run, us_status why) {
    us_status status = advance_flush(run);
    if (status == US_OK) status = advance_save(run);
    if (status == US_OK)
        status = us_run_log_event(
            run, "interrupted", why == US_STOPPED ? "an observer asked to stop" : "interrupted; the checkpoint is written");
    if (status == US_OK) status = us__run_set_text(run, &run->status, "status", "interrupted");
    return status == US_OK ? why : status;
}

/* Failed: the last checkpoint stays. What can still be written into the log is; the first error is the one to tell. */
static us_status advance_failed(us_run *run, us_status why) {
    bool diverged = why == US_ERR_NONFINITE;
    char *text = us__text_copy(run->context, us_context_error(run->context));
    us_status status = advance_flush(run);
    if (status == US_OK)
        status = us_run_log_event(run, diverged ? "diverged" : "failed", text ? text : us_status_meaning(why));
    if (status == US_OK) status = us__run_set_text(run, &run->status, "status", diverged ? "diverged" : "interrupted");
    if (text) us__fail(run->context, why, "%s", text);
    us__release(run->context, text);
    return why;
}

us_status us__run_begin(us_run *run, us__advance *a) {
    uint64_t step = us_training_steps(run->training);
    double now = us_clock_now();
    bool (*progress)(void *user, const us_run_progress *) = a->progress;
    *a = (us__advance){.start = now,
                       .seconds_before = run->seconds,
                       .step_before = step,
                       .now = now,
                       .flushed = now,
                       .shown = now,
                       .saved = now,
                       .evaluated = now,
                       .smoothed = (double)NAN,
                       .progress = progress,
                       .user = a->user};
    us__recorder *r = &run->recorder;
    r->began = now - run->seconds;
    r->row_seconds = run->seconds;
    r->row_step = r->chunk_step = step;
    r->row_sum = r->chunk_sum = 0;
    r->next = step + 1;
    r->must = run->steps_planned;

    us_status status = us__store_trim(run->store, step); /* the log of steps that a kill has undone */
    if (status == US_OK) status = us__run_watch_begin(run);
    if (status == US_OK && step > 0 && !run->stalled && !advance_over(run, UINT64_MAX))
        status = us_run_log_event(run, "resumed", "training goes on from the checkpoint");
    if (status == US_OK) status = us__run_set_text(run, &run->status, "status", "running");
    run->stalled = false;
    return status;
}

/* It is still running, for whoever asked for the stall: all that was done is kept. */
static us_status advance_stalled(us_run *run) {
    us_status status = advance_flush(run);
    if (status == US_OK) status = advance_save(run);
    run->stalled = status == US_OK;
    return status == US_OK ? US_STALLED : advance_failed(run, status);
}

us_status us__run_end(us_run *run, us_status why) {
    if (run->watch) us_watch_pause(run->watch, true);
    if (why == US_STALLED) return advance_stalled(run);
    us_status status = why == US_OK ? advance_finish(run) : why;
    if (status == US_INTERRUPTED || status == US_STOPPED) return advance_interrupted(run, status);
    return status == US_OK ? US_OK : advance_failed(run, status);
}

us_status us_run_advance(us_run *run, bool (*progress)(void *user, const us_run_progress *), void *user) {
    us__advance a = {.progress = progress, .user = user};
    us_status status = us__run_may_change(run);
    if (status != US_OK) return status;
    status = us__run_begin(run, &a);
    if (status == US_OK)
        status = us__run_is_solved(run) ? us__run_solve(run, progress, user) : us__run_steps(run, &a, UINT64_MAX);
    return us__run_end(run, status);
}
