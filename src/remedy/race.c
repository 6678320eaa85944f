/* Trials side by side: each in a branch of the context, on its own copy of the problem's workspace, so that none knows of
 * the others. Only the book of what is done is shared. */
#include "remedy/race.h"
#include "problem/problem.h"
#include "remedy/loss_path.h"
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

typedef struct race_task {
    us_trial *trial;         /* NULL: carrying on */
    const us_training *from; /* changed already where the remedy remakes the problem */
    us__loss_path path;
    us_training *after; /* what came of it, until it is settled */
    us_status status;
    bool running, done, settled;
    char error[256];
} race_task;

typedef struct race {
    us_trials *trials;
    const us_diagnosis *diagnosis;
    const us_trial_options *options;
    us_context **contexts; /* [threads] */
    race_task *tasks;      /* [count], carrying on first */
    size_t threads, count;
    uint64_t steps;
    double began;
    pthread_mutex_t lock; /* of what follows, and of the book in the tasks */
    double done, total;   /* steps */
    bool stop;
} race;

/* ------------------------------------------------------------------ the book */

/* Tells what is running, and how much time is left. Holds the lock. */
static void race_tell(race *r) {
    char text[256] = "", left[32] = "";
    double share = fmin(r->done / r->total, 1), seconds = us_clock_now() - r->began;
    if (!r->options->progress) return;
    for (size_t i = 0; i < r->count; i++) {
        size_t used = strlen(text);
        if (r->tasks[i].running)
            snprintf(text + used, sizeof text - used, "%s%s", used ? ", " : "",
                     r->tasks[i].trial ? r->tasks[i].trial->remedy->name : "carrying on");
    }
    if (seconds > 1 && share > 0.02) snprintf(left, sizeof left, "; %.0f s left", seconds * (1 - share) / share);
    size_t used = strlen(text);
    snprintf(text + used, sizeof text - used, "%s", left);
    r->options->progress(r->options->progress_user, text, share);
}

static bool race_heard(void *user, uint64_t steps) {
    race *r = user;
    pthread_mutex_lock(&r->lock);
    r->done += (double)steps;
    race_tell(r);
    bool go_on = !r->stop;
    pthread_mutex_unlock(&r->lock);
    return go_on;
}

/* Compares those that are done with carrying on, and keeps the best. Holds the lock. */
static void race_settle(race *r) {
    if (!r->tasks[0].done || r->tasks[0].status) return;
    for (size_t i = 1; i < r->count; i++) {
        race_task *task = &r->tasks[i];
        us_trial *t = task->trial;
        if (!task->done || task->settled) continue;
        task->settled = true;
        t->loss_before = r->tasks[0].path.losses[0];
        t->loss_carrying_on = r->tasks[0].path.losses[US__LOSS_PATH_LOOKS];
        if (task->after) us__loss_path_compare(t, &task->path, &r->tasks[0].path);
        size_t at = (size_t)(t - r->trials->trials), *best = &r->trials->best;
        us_trial *lowest = *best == SIZE_MAX ? NULL : &r->trials->trials[*best];
        double less = lowest ? lowest->loss_with_remedy + lowest->price - t->loss_with_remedy - t->price : 1;
        if (t->helps && (less > 0 || (less == 0 && at < *best))) {
            if (lowest) us_training_destroy(lowest->training), lowest->training = NULL;
            t->training = task->after;
            *best = at;
        } else {
            us_training_destroy(task->after);
        }
        task->after = NULL;
    }
}

/* ------------------------------------------------------------------ one task */

/* A remedy that fails says so in `why`, and its loss is NaN. */
static us_status race_apply(const race *r, race_task *task, us_training *training, bool *failed) {
    us_trial *t = task->trial;
    us_context *context = us_problem_context(us_training_problem(training));
    *failed = false;
    if (!t || t->remedy->remakes) return US_OK;
    us_status status = t->remedy->apply(training, r->diagnosis, r->steps);
    if (!status || status == US_ERR_NOMEM || status == US_INTERRUPTED) return status;
    snprintf(t->why, sizeof t->why, "it failed: %.200s", us_context_error(context));
    us_context_error_clear(context);
    t->loss_with_remedy = (double)NAN;
    *failed = true;
    return US_OK;
}

static us_status race_go(race *r, race_task *task, us_context *context) {
    us_problem *from = us_training_problem(task->from), *own = NULL, *f64 = NULL;
    us_training *training = NULL;
    bool failed = false;
    us_status status = us__problem_recast(&own, from, us_problem_precision(from), context);
    if (!status) status = us__problem_recast(&f64, from, US_F64, context);
    if (!status) status = us_training_copy(&training, task->from, own);
    if (!status) status = race_apply(r, task, training, &failed);
    if (!status && task->trial && task->trial->remedy->draws) race_heard(r, r->steps);
    if (!status && !failed) status = us__loss_path_advance(f64, training, r->steps, race_heard, r, &task->path);
    if (!status && !failed && task->trial) {
        pthread_mutex_lock(&r->lock); /* the caller's context is one thread's at a time */
        status = us_training_copy(&task->after, training, from);
        pthread_mutex_unlock(&r->lock);
    }
    us_training_destroy(training);
    us_problem_destroy(f64);
    us_problem_destroy(own);
    return status;
}

static void race_task_run(void *user, size_t i, size_t thread) {
    race *r = user;
    race_task *task = &r->tasks[i];
    us_context *context = r->contexts[thread];
    pthread_mutex_lock(&r->lock);
    task->running = !r->stop;
    pthread_mutex_unlock(&r->lock);
    if (!task->running) return;
    task->status = race_go(r, task, context);
    if (task->status) snprintf(task->error, sizeof task->error, "%s", us_context_error(context));
    pthread_mutex_lock(&r->lock);
    task->running = false, task->done = true;
    r->stop = r->stop || task->status;
    race_settle(r);
    pthread_mutex_unlock(&r->lock);
}

/* ------------------------------------------------------------------ all of them */

/* As many of the steps as are likely to be done in `seconds`: some are timed, on a copy. */
static us_status race_afford(race *r, const us_training *training, double seconds) {
    us_training *copy = NULL;
    us_problem *own = NULL, *from = us_training_problem(training);
    us_status status = us__problem_recast(&own, from, us_problem_precision(from), r->contexts[0]);
    if (!status) status = us_training_copy(&copy, training, own);
    double begin = us_clock_now(), taken = 0;
    uint64_t count = 0;
    while (!status && count < r->steps && taken < 0.05 * seconds) {
        status = us_training_advance(copy, 1);
        count++;
        taken = us_clock_now() - begin;
    }
    us_training_destroy(copy);
    us_problem_destroy(own);
    if (status == US_ERR_NONFINITE) return US_OK; /* then it is soon over, too */
    if (status) return us__fail(r->trials->context, status, "%s", us_context_error(r->contexts[0]));
    double affordable = taken > 0 ? seconds / taken * (double)count : (double)r->steps;
    if (affordable < (double)r->steps) r->steps = affordable < 1 ? 1 : (uint64_t)affordable;
    return US_OK;
}

static us_status race_open(race *r, const us_training *training) {
    us_context *context = r->trials->context;
    size_t all = us__blas_is_shareable() ? (size_t)us_context_threads(context) : 1;
    if (!(r->tasks = us__new(context, r->trials->count + 1, sizeof *r->tasks))) return US_ERR_NOMEM;
    r->tasks[r->count++].from = training;
    for (size_t i = 0; i < r->trials->count; i++) {
        us_trial *t = &r->trials->trials[i];
        if (!us__trial_moves(t)) continue;
        race_task *task = &r->tasks[r->count++];
        *task = (race_task){.trial = t, .from = t->training ? t->training : training};
    }
    r->threads = all < r->count ? all : r->count;
    if (r->threads > US__THREADS_MOST) r->threads = US__THREADS_MOST;
    if (!(r->contexts = us__new(context, r->threads, sizeof *r->contexts))) return US_ERR_NOMEM;
    us_status status = US_OK;
    for (size_t k = 0; k < r->threads && !status; k++)
        status = us__context_branch(&r->contexts[k], context, (int)(all / r->threads));
    return status;
}

/* The first error in the order of the tasks; that others were asked to stop is none. */
static us_status race_status(const race *r) {
    const race_task *first = NULL;
    for (size_t i = 0; i < r->count; i++) {
        const race_task *task = &r->tasks[i];
        if (task->status && (!first || (first->status == US_INTERRUPTED && task->status != US_INTERRUPTED))) first = task;
    }
    return first ? us__fail(r->trials->context, first->status, "%s", first->error) : US_OK;
}

us_status us__race_trials(us_trials *trials, const us_training *training, const us_diagnosis *diagnosis,
                          const us_trial_options *options) {
    us_training *remade[US__THREADS_MOST] = {NULL}; /* what remedies made beforehand is tried on a copy, too */
    size_t remade_count = 0;
    race r = {.trials = trials, .diagnosis = diagnosis, .options = options, .steps = options->steps};
    us_status status = race_open(&r, training);
    size_t waves = r.threads ? (r.count + r.threads - 1) / r.threads : 1;
    if (!status) status = race_afford(&r, training, options->seconds / (double)waves);
    if (status) goto done;
    for (size_t i = 0; i < r.count; i++) {
        us_trial *t = r.tasks[i].trial;
        r.total += (double)r.steps * (t && t->remedy->draws ? 2 : 1);
        if (t) t->steps = r.steps;
        if (t && t->training) remade[remade_count++] = t->training, t->training = NULL;
    }
    pthread_mutex_init(&r.lock, NULL);
    r.began = us_clock_now();
    us__parallel(trials->context, r.threads, r.count, race_task_run, &r);
    pthread_mutex_destroy(&r.lock);
    status = race_status(&r);
    for (size_t i = 0; i < trials->count && !status; i++) {
        us_trial *t = &trials->trials[i];
        t->loss_before = r.tasks[0].path.losses[0];
        t->loss_carrying_on = r.tasks[0].path.losses[US__LOSS_PATH_LOOKS];
        if (!t->steps) t->loss_with_remedy = t->loss_before;
    }
done:
    for (size_t i = 0; i < remade_count; i++) us_training_destroy(remade[i]);
    for (size_t i = 0; i < r.count; i++) us_training_destroy(r.tasks[i].after);
    for (size_t k = 0; r.contexts && k < r.threads; k++) us_context_destroy(r.contexts[k]);
    us__release(trials->context, r.contexts);
    us__release(trials->context, r.tasks);
    return status;
}
