/* The threads of a race, its rounds, and who goes on to the next one. */
#include "run/race.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unstuck/safetensors.h>

/* ------------------------------------------------------------------ a round */

/* The next arm that is to run in this round, or NULL. Holds the lock. */
static us__race_arm *race_take(us_race *race) {
    while (race->next < race->arm_count) {
        us__race_arm *arm = &race->arms[race->next++];
        if (race->alive[arm->is.entry] && arm->is.state == US_ARM_WAITING) return arm;
    }
    return NULL;
}

static void *race_work(void *user) {
    us_race *race = user;
    pthread_mutex_lock(&race->lock);
    for (us__race_arm *arm; !race->cancelled && race->status == US_OK && (arm = race_take(race));) {
        pthread_mutex_unlock(&race->lock);
        us__race_arm_run(race, arm);
        pthread_mutex_lock(&race->lock);
    }
    race->running--;
    pthread_mutex_unlock(&race->lock);
    return NULL;
}

/* Ends what runs, when the caller or an error asks for it. Holds the lock. */
static void race_cancel(us_race *race) {
    race->cancelled = true;
    for (size_t i = 0; i < race->arm_count; i++)
        if (race->arms[i].context) us_context_cancel(race->arms[i].context);
}

static us_status race_round(us_race *race, void (*progress)(void *user, const us_race *race), void *user) {
    const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
    pthread_t threads[US__THREADS_MOST];
    size_t wanted = us__blas_is_shareable() ? (size_t)us_context_threads(race->context) : 1, started = 0;
    if (wanted > US__THREADS_MOST) wanted = US__THREADS_MOST;
    if (wanted > race->arm_count) wanted = race->arm_count;
    race->next = 0;
    race->running = wanted;
    while (started < wanted && pthread_create(&threads[started], NULL, race_work, race) == 0) started++;
    pthread_mutex_lock(&race->lock);
    race->running -= wanted - started;
    pthread_mutex_unlock(&race->lock);
    if (started == 0) return us__fail(race->context, US_ERR_NOMEM, "no thread can be started");

    double shown = us_clock_now();
    for (bool over = false; !over;) {
        nanosleep(&pause, NULL);
        pthread_mutex_lock(&race->lock);
        if (!race->cancelled && (us_context_cancelled(race->context) || race->status != US_OK)) race_cancel(race);
        over = race->running == 0;
        if (progress && (over || us_clock_now() - shown >= 0.1)) {
            progress(user, race);
            shown = us_clock_now();
        }
        pthread_mutex_unlock(&race->lock);
    }
    for (size_t i = 0; i < started; i++) pthread_join(threads[i], NULL);
    return race->status == US_OK ? US_OK : us__fail(race->context, race->status, "%s", race->error);
}

/* ------------------------------------------------------------------ halving */

typedef struct race_score {
    size_t entry;
    double loss;
} race_score;

static int race_score_order(const void *a, const void *b) {
    const race_score *x = a, *y = b;
    if (x->loss != y->loss) return x->loss < y->loss ? -1 : 1;
    return (x->entry > y->entry) - (x->entry < y->entry);
}

/* The better half, by the median over seeds of the loss that the round ended with, goes on. */
static us_status race_halve(us_race *race) {
    race_score *scores = us__new(race->context, race->entries, sizeof *scores);
    double *losses = us__new(race->context, race->seeds, sizeof *losses);
    size_t count = 0;
    us_status status = scores && losses ? US_OK : US_ERR_NOMEM;
    for (size_t e = 0; status == US_OK && e < race->entries; e++) {
        if (!race->alive[e]) continue;
        for (size_t s = 0; s < race->seeds; s++) {
            const us__race_arm *arm = &race->arms[e * race->seeds + s];
            losses[s] = arm->is.state == US_ARM_DIVERGED ? HUGE_VAL : arm->looks[arm->is.look_count - 1].loss;
        }
        scores[count++] = (race_score){e, us__race_median(losses, race->seeds)};
    }
    if (status == US_OK) qsort(scores, count, sizeof *scores, race_score_order);
    for (size_t i = 0; status == US_OK && i < count; i++) {
        if (i < (count + 1) / 2 && isfinite(scores[i].loss)) continue;
        race->alive[scores[i].entry] = false;
        for (size_t s = 0; s < race->seeds; s++) {
            us__race_arm *arm = &race->arms[scores[i].entry * race->seeds + s];
            if (arm->is.state == US_ARM_WAITING) arm->is.state = US_ARM_STOPPED;
        }
    }
    us__release(race->context, scores);
    us__release(race->context, losses);
    return status;
}

static us_status race_write(us_race *race) {
    char *text = NULL, *path = us__text_format(race->context, "%s/race.json", race->folder);
    us_status status = path ? us_race_summary(race, &text) : US_ERR_NOMEM;
    if (status == US_OK) status = us_file_replace(race->context, path, text, strlen(text));
    us__release(race->context, text);
    us__release(race->context, path);
    return status;
}

us_status us_race_run(us_race *race, void (*progress)(void *user, const us_race *race), void *user) {
    size_t rounds = 0;
    us_status status = US_OK;
    if (race->halving)
        while ((size_t)1 << rounds < race->entries) rounds++;
    for (size_t e = 0; e < race->entries; e++) race->alive[e] = true;
    for (race->round = 0; status == US_OK && race->round <= rounds && !race->cancelled; race->round++) {
        race->share = ldexp(1, -(int)(rounds - race->round));
        status = race_round(race, progress, user);
        if (status == US_OK && !race->cancelled && race->round < rounds) status = race_halve(race);
    }
    race->interrupted = race->cancelled;
    for (size_t i = 0; i < race->arm_count; i++)
        if (race->arms[i].is.state == US_ARM_WAITING) race->arms[i].is.state = US_ARM_INTERRUPTED;
    if (status == US_OK) status = race_write(race);
    return status == US_OK && race->interrupted ? US_INTERRUPTED : status;
}
