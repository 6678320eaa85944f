/* The trial: which remedies, each on a copy, beside one copy that simply carries on, for the same number of steps on the
 * same batches. The copies go on side by side (race.c); loss_path.c says when one is better than another. */
#include "remedy/race.h"
#include "remedy/remedy.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

void us_trial_options_init(us_trial_options *options) { *options = (us_trial_options)US_TRIAL_OPTIONS_INIT; }

void us_trials_destroy(us_trials *trials) {
    if (!trials) return;
    for (size_t i = 0; i < trials->count; i++) us_training_destroy(trials->trials[i].training);
    us__release(trials->context, trials->trials);
    us__release(trials->context, trials);
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
        if (o->progress && t->remedy->remakes) o->progress(o->progress_user, t->remedy->name, 0);
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
    us_context *context = us_problem_context(us_training_problem(training));
    us_trial_options o = US_TRIAL_OPTIONS_INIT;
    if (options) o = *options;
    us_status status = trial_check(context, &o);
    if (status) return status;
    if (!o.steps) o.steps = 20 * (us_training_steps(training) > 10 ? us_training_steps(training) : 10);
    us_trials *trials = us__new(context, 1, sizeof *trials);
    if (!trials) return US_ERR_NOMEM;
    *trials = (us_trials){.best = SIZE_MAX, .context = context};
    size_t moving = 0; /* that there is something to try of */
    status = trial_choose(trials, diagnosis, &o);
    for (size_t i = 0; i < trials->count; i++) {
        us_trial *t = &trials->trials[i];
        moving += us__trial_moves(t);
        t->loss_before = t->loss_carrying_on = t->loss_with_remedy = diagnosis->evidence.loss;
    }
    if (!status && moving > 0) status = us__race_trials(trials, training, diagnosis, &o);
    if (status)
        us_trials_destroy(trials);
    else
        *out = trials;
    return status;
}
