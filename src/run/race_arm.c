/* One arm on its way: an ordinary run that is looked at on all rows at points known beforehand. */
#include "run/race.h"
#include <math.h>
#include <string.h>
#include <time.h>

/* Seconds of steps between two looks at the clock, where time is the limit. */
static const double ARM_CHUNK = 0.02;

static double arm_cpu(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Where an arm is while it is at work. */
typedef struct arm_place {
    us_run *run;
    us__advance advance;
    uint64_t end;        /* step at which the round ends for it */
    double seconds_end;  /* CPU time at which it does; inf: no limit */
    double seconds_part; /* of time between two looks; inf: none */
    uint64_t rows;       /* a step */
} arm_place;

static us_status arm_open(us_race *race, us__race_arm *arm, us_run **run) {
    us_run_config config = race->config;
    char *folder = us__text_format(arm->context, "%s/%s", race->folder, arm->name);
    if (!folder) return US_ERR_NOMEM;
    config.optimizer = arm->is.optimizer;
    config.rule = arm->rule;
    config.learning_rate = arm->is.learning_rate;
    config.batch = arm->is.batch;
    config.seed = arm->is.seed;
    us_run_open_options opening = US_RUN_OPEN_OPTIONS_INIT;
    opening.rule = arm->rule;
    us_status status = arm->is.look_count ? us__run_open_on(run, arm->context, folder, &opening, race->data)
                                          : us__run_create_on(run, arm->context, folder, &config, race->data);
    us__release(arm->context, folder);
    if (status == US_OK) (*run)->seconds_limit = 0; /* CPU time is the limit here */
    return status;
}

/* Measures the loss over all rows and notes it. */
static us_status arm_look(us_race *race, us__race_arm *arm, us_run *run) {
    us_race_look look = {.step = us_training_steps(run->training),
                         .samples = us_training_samples_seen(run->training),
                         .seconds = arm->seconds};
    us_status status = us__run_evaluate(run, &look.loss);
    if (status != US_OK) return status;
    pthread_mutex_lock(&race->lock);
    if (arm->is.look_count < RACE_LOOKS) arm->looks[arm->is.look_count++] = look;
    pthread_mutex_unlock(&race->lock);
    if (!isfinite(look.loss))
        return us__fail(run->context, US_ERR_NONFINITE, "step %llu: the loss over all rows is %g; a lower --lr may help",
                        (unsigned long long)look.step, look.loss);
    return US_OK;
}

/* The k-th eighth of an arm's own length. */
static uint64_t arm_part(uint64_t length, uint64_t k) {
    return length / RACE_PARTS * k + length % RACE_PARTS * k / RACE_PARTS;
}

static uint64_t arm_nearer(uint64_t a, uint64_t point, uint64_t now) { return point > now && point < a ? point : a; }

/* The next step at which there may be something to look at. */
static uint64_t arm_next(const us_race *race, const us__race_arm *arm, const arm_place *p) {
    uint64_t now = us_training_steps(p->run->training), seen = us_training_samples_seen(p->run->training), next = p->end;
    for (size_t i = 0; i < race->steps.count; i++) next = arm_nearer(next, race->steps.at[i], now);
    for (uint64_t k = 1; arm->is.steps_planned != UINT64_MAX && k <= RACE_PARTS; k++)
        next = arm_nearer(next, arm_part(arm->is.steps_planned, k), now);
    for (size_t i = 0; i < race->samples.count; i++)
        if (race->samples.at[i] > seen) {
            next = arm_nearer(next, now + (race->samples.at[i] - seen - 1) / p->rows + 1, now);
            break;
        }
    if (isfinite(p->seconds_end)) { /* not past it */
        double rate = arm->seconds > 0 ? (double)now / arm->seconds : 0;
        double steps = floor(rate * fmin(ARM_CHUNK, p->seconds_end - arm->seconds));
        next = arm_nearer(next, now + (steps < 1 ? 1 : (uint64_t)steps), now);
    }
    return next;
}

/* Whether a point was reached since the step and the time before. */
static bool arm_at_point(const us_race *race, const us__race_arm *arm, const arm_place *p, uint64_t seen_before,
                         double seconds_before) {
    uint64_t now = us_training_steps(p->run->training), seen = us_training_samples_seen(p->run->training);
    if (now == p->end || arm->seconds >= p->seconds_end) return true;
    for (size_t i = 0; i < race->steps.count; i++)
        if (race->steps.at[i] == now) return true;
    for (uint64_t k = 1; arm->is.steps_planned != UINT64_MAX && k <= RACE_PARTS; k++)
        if (arm_part(arm->is.steps_planned, k) == now) return true;
    for (size_t i = 0; i < race->samples.count; i++)
        if (seen_before < race->samples.at[i] && race->samples.at[i] <= seen) return true;
    return floor(arm->seconds / p->seconds_part) > floor(seconds_before / p->seconds_part);
}

static us_status arm_train(us_race *race, us__race_arm *arm, arm_place *p) {
    us_status status = us__run_begin(p->run, &p->advance);
    p->advance.evaluated = HUGE_VAL; /* looks do that here */
    if (status == US_OK && arm->is.look_count == 0) status = arm_look(race, arm, p->run);
    while (status == US_OK && us_training_steps(p->run->training) < p->end && arm->seconds < p->seconds_end) {
        uint64_t seen = us_training_samples_seen(p->run->training);
        double before = arm->seconds, began = arm_cpu();
        status = us__run_steps(p->run, &p->advance, arm_next(race, arm, p));
        arm->seconds += arm_cpu() - began;
        if (status == US_OK && arm_at_point(race, arm, p, seen, before)) status = arm_look(race, arm, p->run);
    }
    return status;
}

static us_status arm_run(us_race *race, us__race_arm *arm) {
    arm_place p = {.end = arm->is.steps_planned, .seconds_end = HUGE_VAL, .seconds_part = HUGE_VAL};
    bool last = race->share >= 1;
    if (!last && p.end != UINT64_MAX) p.end = (uint64_t)ceil((double)p.end * race->share);
    if (race->config.seconds > 0) {
        p.seconds_end = race->config.seconds * race->share;
        p.seconds_part = race->config.seconds / RACE_PARTS;
    }
    p.rows = (arm->is.batch ? arm->is.batch : race->rows) * race->config.accumulate;
    us_status status = arm_open(race, arm, &p.run);
    if (status == US_OK) {
        status = arm_train(race, arm, &p);
        status = us__run_end(p.run, status == US_OK && !last ? US_STOPPED : status);
        if (status == US_STOPPED) status = US_OK;
    }
    us_run_destroy(p.run);
    return status;
}

us_status us__race_arm_run(us_race *race, us__race_arm *arm) {
    us_context *context = NULL;
    us_status status = us_context_create(&context, NULL);
    pthread_mutex_lock(&race->lock);
    if (race->cancelled && context) us_context_cancel(context);
    arm->context = context;
    arm->is.state = US_ARM_RUNNING;
    arm->is.round = race->round;
    pthread_mutex_unlock(&race->lock);
    if (status == US_OK) status = arm_run(race, arm);

    pthread_mutex_lock(&race->lock);
    arm->context = NULL;
    arm->is.state = status == US_OK              ? race->share >= 1 ? US_ARM_FINISHED : US_ARM_WAITING
                    : status == US_ERR_NONFINITE ? US_ARM_DIVERGED
                                                 : US_ARM_INTERRUPTED;
    if (status < 0 && status != US_ERR_NONFINITE && race->status == US_OK) {
        race->status = status;
        snprintf(race->error, sizeof race->error, "%s: %s", arm->name,
                 context ? us_context_error(context) : us_status_meaning(status));
    }
    pthread_mutex_unlock(&race->lock);
    us_context_destroy(context);
    return status;
}
