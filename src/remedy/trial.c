/* The trial: every remedy on a copy, beside one copy that simply carries on, for the same number of steps.
 *
 * Both are looked at ten times on the way. A remedy helps when, each by more than the noise, it ends below where it began,
 * does not end above carrying on, and is below it on the average of the ten looks: to be sooner where carrying on comes in
 * the end is a help, too. Where it has a price, for more parameters, it must gain that in both, and competes with it. Losses
 * are on all rows, in f64. A remedy whose training counts its losses in another unit is
 * compared in that unit, in which it does not overflow, and told in the unit of the training as it was. */
#include "remedy/remedy.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TRIAL_CHUNKS = 10 };

void us_trial_options_init(us_trial_options *options) { *options = (us_trial_options)US_TRIAL_OPTIONS_INIT; }

void us_trials_destroy(us_trials *trials) {
    if (!trials) return;
    for (size_t i = 0; i < trials->count; i++) us_training_destroy(trials->trials[i].training);
    us__release(trials->context, trials->trials);
    us__release(trials->context, trials);
}

/* The full loss is measured with this. */
typedef struct trial_meter {
    us_problem *problem; /* in f64 */
    us_vec *theta;       /* [n] */
} trial_meter;

static us_status trial_loss(trial_meter *m, const us_training *training, double *loss) {
    us_vec_copy(m->theta, us_training_theta(training));
    return us_problem_value(m->problem, m->theta, US_BATCH_ALL, loss);
}

/* The losses of a training as it goes on: losses[k] after k tenths of the steps. */
typedef struct trial_path {
    double losses[TRIAL_CHUNKS + 1];
} trial_path;

/* Advances by `steps`. A training that is not finite any more has infinite losses from there on, which is no error. */
static us_status trial_advance(trial_meter *m, us_training *training, uint64_t steps, trial_path *path) {
    us_context *context = us_problem_context(m->problem);
    uint64_t begin = us_training_steps(training);
    us_status status = trial_loss(m, training, &path->losses[0]);
    for (uint64_t chunk = 1; chunk <= TRIAL_CHUNKS; chunk++) path->losses[chunk] = HUGE_VAL;
    for (uint64_t chunk = 1; chunk <= TRIAL_CHUNKS && !status; chunk++) {
        uint64_t target = steps / TRIAL_CHUNKS * chunk + steps % TRIAL_CHUNKS * chunk / TRIAL_CHUNKS;
        status = us_training_advance(training, begin + target - us_training_steps(training));
        if (!status) status = trial_loss(m, training, &path->losses[chunk]);
        if (!status && !isfinite(path->losses[chunk])) break;
    }
    if (status == US_ERR_NONFINITE) us_context_error_clear(context), status = US_OK;
    if (!isfinite(path->losses[TRIAL_CHUNKS])) path->losses[TRIAL_CHUNKS] = HUGE_VAL;
    return status;
}

/* As many of `steps` as are likely to be done in `seconds`: some are timed, on a copy. */
static us_status trial_afford(const us_training *training, double seconds, uint64_t *steps) {
    us_training *copy = NULL;
    us_status status = us_training_copy(&copy, training, NULL);
    if (status) return status;
    double begin = us_clock_now(), taken = 0;
    uint64_t count = 0;
    while (!status && count < *steps && taken < 0.05 * seconds) {
        status = us_training_advance(copy, 1);
        count++;
        taken = us_clock_now() - begin;
    }
    us_training_destroy(copy);
    if (status == US_ERR_NONFINITE) { /* then it is soon over, too */
        us_context_error_clear(us_problem_context(us_training_problem(training)));
        return US_OK;
    }
    double affordable = taken > 0 ? seconds / taken * (double)count : (double)*steps;
    if (!status && affordable < (double)*steps) *steps = affordable < 1 ? 1 : (uint64_t)affordable;
    return status;
}

static double trial_mean(const trial_path *path) {
    double sum = 0;
    for (int k = 1; k <= TRIAL_CHUNKS; k++) sum += path->losses[k] / TRIAL_CHUNKS;
    return sum;
}

/* A millionth of the loss, and what the path jitters by about its own trend: half the median of the second differences
 * over its second half. */
static double trial_noise(const trial_path *path) {
    double second[TRIAL_CHUNKS / 2], noise = 1e-6 * fabs(path->losses[0]);
    int count = 0;
    for (int k = TRIAL_CHUNKS / 2; k < TRIAL_CHUNKS; k++) {
        double d = fabs(path->losses[k - 1] - 2 * path->losses[k] + path->losses[k + 1]);
        int at = count++;
        for (; at > 0 && second[at - 1] > d; at--) second[at] = second[at - 1];
        second[at] = d;
    }
    double jitter = 0.5 * second[count / 2];
    return isfinite(jitter) ? noise + jitter : isfinite(noise) ? noise : 0;
}

/* Losses in units of unit[0]·unit[1]. */
static trial_path trial_in_unit(const trial_path *path, const double unit[2]) {
    trial_path out;
    for (int k = 0; k <= TRIAL_CHUNKS; k++) out.losses[k] = path->losses[k] / unit[0] / unit[1];
    return out;
}

/* A meter for the training's own problem, where that is not the one tried on. */
static us_status trial_meter_for(trial_meter *own, const trial_meter *m, us_training *training) {
    us_problem *problem = us_training_problem(training);
    us_status status = us_problem_recast(&own->problem, problem, US_F64);
    return status ? status
                  : us_vec_create(&own->theta, us_problem_context(m->problem), US_F64, us_problem_dimension(problem));
}

/* Both paths in the unit of the remedy's losses. */
static void trial_compare(us_trial *t, const trial_path *path, const trial_path *carrying_on) {
    double noise = trial_noise(carrying_on), end = path->losses[TRIAL_CHUNKS];
    double price = t->price / t->unit[0] / t->unit[1];
    t->loss_with_remedy = isinf(end) ? (double)NAN : end * t->unit[0] * t->unit[1];
    t->helps = end < carrying_on->losses[0] - trial_noise(path) - price &&
               end < carrying_on->losses[TRIAL_CHUNKS] + noise - price &&
               trial_mean(path) < trial_mean(carrying_on) - noise / 2; /* a mean of ten is surer than one */
}

/* One remedy: copy, change, advance, compare. A remedy that fails says so in `why`, and its loss is NaN. */
static us_status trial_remedy(us_trial *t, trial_meter *m, const us_training *training, const us_diagnosis *diagnosis,
                              const trial_path *carrying_on) {
    us_context *context = us_problem_context(m->problem);
    trial_path path, beside = trial_in_unit(carrying_on, t->unit);
    trial_meter own = {0};
    us_status status = US_OK;
    if (t->remedy->remakes) { /* changed already */
        status = trial_meter_for(&own, m, t->training);
        if (!status) status = trial_advance(&own, t->training, t->steps, &path);
        us_vec_destroy(own.theta);
        us_problem_destroy(own.problem);
        return status ? status : (trial_compare(t, &path, &beside), US_OK);
    }
    status = us_training_copy(&t->training, training, NULL);
    if (status) return status;
    status = t->remedy->apply(t->training, diagnosis, t->steps);
    if (status == US_ERR_NOMEM || status == US_INTERRUPTED) return status;
    if (status) {
        snprintf(t->why, sizeof t->why, "it failed: %.200s", us_context_error(context));
        us_context_error_clear(context);
        t->loss_with_remedy = (double)NAN;
        return US_OK;
    }
    if ((status = trial_advance(m, t->training, t->steps, &path))) return status;
    trial_compare(t, &path, &beside);
    return US_OK;
}

/* The remade training. That there is none says `why`; US_NOT_FOUND where the remedy then needs no mention. */
static us_status trial_remade(us_trial *t, us_context *context, const us_trial_options *o) {
    us_remade remade = {.unit = {1, 1}};
    us_status status = US_ERR_UNSUPPORTED;
    if (o->remake)
        status = o->remake(o->remake_user, t->remedy->name, &remade);
    else
        us__fail(context, status, "what this training was made from is not known");
    if (status == US_OK) {
        t->training = remade.training;
        t->unit[0] = remade.unit[0], t->unit[1] = remade.unit[1];
        t->price = remade.price * remade.unit[0] * remade.unit[1];
        snprintf(t->what, sizeof t->what, "%s", remade.what);
        size_t used = strlen(t->why);
        if (*t->what) snprintf(t->why + used, sizeof t->why - used, ": %s", t->what);
        used = strlen(t->why);
        if (t->price > 0) snprintf(t->why + used, sizeof t->why - used, ", which must gain %.3g", t->price);
    }
    if (status == US_OK || status == US_ERR_NOMEM || status == US_INTERRUPTED) return status;
    snprintf(t->why, sizeof t->why, "it failed: %.200s", us_context_error(context));
    us_context_error_clear(context);
    return status == US_ERR_UNSUPPORTED && !o->only ? US_NOT_FOUND : US_OK;
}

/* Is there something to try? */
static bool trial_moves(const us_trial *t) { return t->remedy->apply || t->training; }

/* The remedies to try, in the order of the table. */
static us_status trial_choose(us_trials *trials, const us_diagnosis *diagnosis, const us_trial_options *o) {
    const char *only = o->only;
    size_t count;
    const us_remedy *const *all = us_remedies(&count);
    if (!(trials->trials = us__new(trials->context, count, sizeof *trials->trials))) return US_ERR_NOMEM;
    if (only && !us_remedy_find(only)) return us__fail(trials->context, US_NOT_FOUND, "there is no remedy \"%s\"", only);
    for (size_t i = 0; i < count; i++) {
        us_trial *t = &trials->trials[trials->count];
        if (only && strcmp(only, all[i]->name) != 0) continue;
        bool applies = all[i]->applies(diagnosis, t->why, sizeof t->why);
        if (!applies && !only) continue;
        if (!applies) snprintf(t->why, sizeof t->why, "asked for by name");
        t->remedy = all[i];
        t->unit[0] = t->unit[1] = 1;
        us_status status = t->remedy->remakes ? trial_remade(t, trials->context, o) : US_OK;
        if (status == US_NOT_FOUND) continue;
        if (status) return status;
        trials->count++;
    }
    return US_OK;
}

static us_status trial_check(us_context *context, const us_trial_options *o) {
    if (o->version != 1)
        return us__fail(context, US_ERR_ARGUMENT, "us_trial_options: version is %u; it must be 1", o->version);
    if (!(o->seconds > 0))
        return us__fail(context, US_ERR_ARGUMENT, "us_trial_options: seconds is %g; it must be above 0", o->seconds);
    return US_OK;
}

us_status us_remedy_try(us_trials **out, const us_training *training, const us_diagnosis *diagnosis,
                        const us_trial_options *options) {
    *out = NULL;
    us_problem *own = us_training_problem(training);
    us_context *context = us_problem_context(own);
    us_trial_options o = US_TRIAL_OPTIONS_INIT;
    if (options) o = *options;
    us_status status = trial_check(context, &o);
    if (status) return status;
    uint64_t steps = o.steps ? o.steps : 20 * (us_training_steps(training) > 10 ? us_training_steps(training) : 10);
    trial_path carrying_on;
    trial_meter meter = {0};
    us_training *copy = NULL;
    us_trials *trials = us__new(context, 1, sizeof *trials);
    if (!trials) return US_ERR_NOMEM;
    *trials = (us_trials){.best = SIZE_MAX, .context = context};
    if ((status = trial_choose(trials, diagnosis, &o)) || trials->count == 0) goto done;
    size_t moving = 0; /* that there is something to try of */
    for (size_t i = 0; i < trials->count; i++) moving += trial_moves(&trials->trials[i]);
    if (moving == 0) {
        for (size_t i = 0; i < trials->count; i++) {
            us_trial *t = &trials->trials[i];
            t->loss_before = t->loss_carrying_on = t->loss_with_remedy = diagnosis->evidence.loss;
        }
        goto done;
    }
    if ((status = us_problem_recast(&meter.problem, own, US_F64))) goto done;
    if ((status = us_vec_create(&meter.theta, context, US_F64, us_problem_dimension(own)))) goto done;
    if ((status = trial_afford(training, o.seconds / (double)(trials->count + 1), &steps))) goto done;

    if (o.progress) o.progress(o.progress_user, "carrying on", 0);
    if ((status = us_training_copy(&copy, training, NULL))) goto done;
    if ((status = trial_advance(&meter, copy, steps, &carrying_on))) goto done;
    for (size_t i = 0; i < trials->count; i++) {
        us_trial *t = &trials->trials[i];
        if (o.progress) o.progress(o.progress_user, t->remedy->name, (double)(i + 1) / (double)(trials->count + 1));
        t->steps = steps;
        t->loss_before = carrying_on.losses[0];
        t->loss_carrying_on = carrying_on.losses[TRIAL_CHUNKS];
        if (!trial_moves(t))
            t->steps = 0, t->loss_with_remedy = t->loss_before;
        else if ((status = trial_remedy(t, &meter, training, diagnosis, &carrying_on)))
            goto done;
        const us_trial *best = trials->best == SIZE_MAX ? NULL : &trials->trials[trials->best];
        if (t->helps && (!best || t->loss_with_remedy + t->price < best->loss_with_remedy + best->price)) trials->best = i;
    }
done:
    us_training_destroy(copy);
    us_vec_destroy(meter.theta);
    us_problem_destroy(meter.problem);
    if (status)
        us_trials_destroy(trials);
    else
        *out = trials;
    return status;
}
