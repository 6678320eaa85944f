/* train --unstick advise and auto. */
#include "train_unstick.h"
#include "run_progress.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const double TRAIN_UNSTICK_SECONDS = 10; /* that it may take where no share was asked for */
static const double TRAIN_UNSTICK_VALUES = 200; /* values over all rows that a diagnosis is likely to take, at least */

/* What was done so far. */
typedef struct train_unstick {
    const cli_command *command;
    const cli_unsticking *how;
    double spent;
    cli_action best;
    double loss_before, loss_after; /* in the unit of the run as it began */
    double unit[2];                 /* as cli_rounds' */
    size_t taken;
    bool looked, stuck; /* the run was diagnosed; by the last verdict it is stuck */
} train_unstick;

static double train_unstick_left(const train_unstick *u, const us_run *run) {
    double all = u->how->share * us_run_seconds(run);
    return (u->how->share_given ? all : fmax(TRAIN_UNSTICK_SECONDS, all)) - u->spent;
}

/* Is there time for a diagnosis? One value is timed, which counts, too. */
static bool train_unstick_has_time(train_unstick *u, us_run *run) {
    double began = us_clock_now(), loss;
    if (!(train_unstick_left(u, run) > 0)) return false;
    if (us_run_loss(run, false, &loss) != US_OK) us_context_error_clear(us_run_context(run));
    double took = us_clock_now() - began;
    u->spent += took;
    return TRAIN_UNSTICK_VALUES * took < train_unstick_left(u, run);
}

static void train_unstick_say(const train_unstick *u, const char *text) {
    if (!u->how->quiet) fprintf(u->how->json ? stderr : stdout, "%s\n", text);
}

/* That it is stuck on the way is an event of the run. */
static int train_unstick_note(const train_unstick *u, us_run *run, const us_verdict *v) {
    char text[512];
    if (!v->stuck) return CLI_DONE;
    snprintf(text, sizeof text, "%s%s%s: %s", us_verdict_text(v->name), v->cause ? " / " : "", v->cause ? v->cause : "",
             v->sentence ? v->sentence : "");
    us_status status = us_run_log_event(run, "stuck", text);
    return status == US_OK ? CLI_DONE : cli_error(u->command, us_run_context(run), status);
}

/* advise: the verdict and what was tried, of the run as it is now. `stalled`: only where it is stuck. */
static int train_unstick_advise(train_unstick *u, us_run *run, bool stalled) {
    cli_judgement judgement;
    us_trial_options trying = US_TRIAL_OPTIONS_INIT;
    char text[96];
    double began = us_clock_now();
    bool bounded = stalled || u->how->share_given; /* in the end it takes what it takes, unless told otherwise */
    if (bounded && !train_unstick_has_time(u, run)) {
        if (!stalled) train_unstick_say(u, "no time is left for a diagnosis at the end, by --unstick-share");
        return CLI_DONE;
    }
    if (bounded) trying.seconds = fmax(0.25 * train_unstick_left(u, run), 1e-3);
    if (bounded) cli_deadline_set(train_unstick_left(u, run));
    int code = cli_judge(&judgement, u->command, run, NULL, &trying, CLI_TRY_STUCK, u->how->quiet);
    bool late = bounded && cli_deadline_end(us_run_context(run));
    u->spent += us_clock_now() - began;
    if (late && code == CLI_INTERRUPTED) {
        cli_judgement_release(&judgement);
        if (!stalled) train_unstick_say(u, "the diagnosis at the end took longer than --unstick-share allows, and was left");
        return CLI_DONE;
    }
    if (code == CLI_DONE && stalled) code = train_unstick_note(u, run, &judgement.diagnosis->verdict);
    if (code == CLI_DONE && !u->how->quiet && !u->how->json && (!stalled || judgement.diagnosis->verdict.stuck)) {
        snprintf(text, sizeof text, stalled ? "stalled at step %llu:" : "at the end, step %llu:",
                 (unsigned long long)us_training_steps(us_run_training(run)));
        train_unstick_say(u, text);
        cli_verdict_print(judgement.diagnosis, run, judgement.trials, us_run_folder(run), false);
        fflush(stdout);
    }
    cli_judgement_release(&judgement);
    return code;
}

/* auto: rounds of remedies within the time that is left. */
static int train_unstick_act(train_unstick *u, us_run *run, uint64_t rounds) {
    us_trial_options trying = US_TRIAL_OPTIONS_INIT;
    cli_rounds r = {.first = {NULL, NULL, NULL}};
    double began = us_clock_now();
    if (!train_unstick_has_time(u, run)) return CLI_DONE;
    uint64_t done = us_training_steps(us_run_training(run)), planned = us_run_steps_planned(run);
    if (planned > done && (planned - done) / 20 <= done) trying.steps = planned - done; /* to the end, at most */
    trying.seconds = 0.5 * train_unstick_left(u, run); /* a remedy that draws takes twice the time of its trial */
    cli_deadline_set(train_unstick_left(u, run));
    int code = cli_rounds_run(&r, u->command, run, &trying, CLI_TRY_WORTH, rounds, u->how->quiet);
    if (cli_deadline_end(us_run_context(run)) && code == CLI_INTERRUPTED) code = CLI_DONE;
    u->spent += us_clock_now() - began;
    if (code == CLI_DONE && r.first.diagnosis) {
        const cli_action *best = cli_rounds_best(&r);
        if (!u->looked) u->loss_before = r.first.diagnosis->evidence.loss;
        u->looked = true;
        u->stuck = r.stuck;
        for (size_t i = 0; i < r.count; i++)
            r.actions[i].loss_before *= u->unit[0] * u->unit[1], r.actions[i].loss_after *= u->unit[0] * u->unit[1];
        u->loss_after = r.loss_after * u->unit[0] * u->unit[1];
        for (int k = 0; k < 2; k++) u->unit[k] *= r.unit[k];
        if (best && (!u->taken || !(best->loss_before - best->loss_after <= u->best.loss_before - u->best.loss_after)))
            u->best = *best;
        u->taken += r.count;
        for (size_t i = 0; i < r.count; i++) {
            char text[256];
            snprintf(text, sizeof text, "unstick, step %llu: %s / %s: %s, loss %.6g -> %.6g",
                     (unsigned long long)us_training_steps(us_run_training(run)),
                     us_verdict_text(r.first.diagnosis->verdict.name),
                     r.first.diagnosis->verdict.cause ? r.first.diagnosis->verdict.cause : "?", r.actions[i].remedy,
                     r.actions[i].loss_before, r.actions[i].loss_after);
            train_unstick_say(u, text);
        }
    }
    cli_rounds_release(&r);
    return code;
}

/* The run again, at its last good checkpoint; what is asked of an advance is asked again. */
static int train_unstick_reopen(const train_unstick *u, us_run **run) {
    char folder[1024];
    us_context *context = us_run_context(*run);
    us_watch_mode mode = us_run_watch_mode(*run);
    snprintf(folder, sizeof folder, "%s", us_run_folder(*run));
    us_run_destroy(*run);
    *run = NULL;
    us_status status = us_run_open(run, context, folder);
    if (status != US_OK) return cli_error(u->command, context, status);
    us_run_watch(*run, mode);
    us_run_stop_at_stalls(*run, true);
    return CLI_DONE;
}

/* Diverged: back to the last good checkpoint, and a remedy. *go_on: one helped, and there is more to train. */
static int train_unstick_diverged(train_unstick *u, us_run **run, bool *go_on, us_status *ended) {
    size_t before = u->taken;
    us_context *context = us_run_context(*run);
    us_context_resume(context);
    int code = train_unstick_reopen(u, run);
    if (code == CLI_DONE) code = train_unstick_act(u, *run, 1);
    *go_on = false;
    if (code != CLI_DONE || u->taken == before) return code;
    uint64_t planned = us_run_steps_planned(*run);
    *go_on = us_training_steps(us_run_training(*run)) < planned;
    if (*go_on) return CLI_DONE;
    *ended = US_OK;
    us_status status = us_run_set_status(*run, "finished");
    return status == US_OK ? CLI_DONE : cli_error(u->command, context, status);
}

/* The last word: what helped. */
static int train_unstick_conclude(const train_unstick *u, us_run *run, us_status ended) {
    char text[512];
    if (u->taken)
        snprintf(text, sizeof text, "%s helped%s; loss %.9g -> %.9g, %zu taken, in %.3g s", u->best.remedy,
                 u->taken > 1 ? " most" : "", u->loss_before, u->loss_after, u->taken, u->spent);
    else if (u->looked)
        snprintf(text, sizeof text, "%s; loss %.9g, in %.3g s", u->stuck ? "nothing helps" : "nothing to do", u->loss_after,
                 u->spent);
    else
        snprintf(text, sizeof text, "no time for a diagnosis by --unstick-share %g of %.3g s of training", u->how->share,
                 us_run_seconds(run));
    us_status status = us_run_log_event(run, "unstick", text);
    if (status == US_OK && ended == US_OK && u->looked && u->stuck) status = us_run_set_status(run, "stuck");
    if (status != US_OK) return cli_error(u->command, us_run_context(run), status);
    if (!u->how->json && !u->how->quiet) printf("unstick: %s\n", text);
    return CLI_DONE;
}

int cli_train_unstick(const cli_command *command, us_run **run, const cli_unsticking *how, us_status *ended) {
    train_unstick u = {
        .command = command, .how = how, .loss_before = (double)NAN, .loss_after = (double)NAN, .unit = {1, 1}};
    bool take = how->mode == CLI_UNSTICK_AUTO, go_on = true;
    int code = CLI_DONE;
    us_run_stop_at_stalls(*run, how->mode != CLI_UNSTICK_OFF);
    while (go_on && code == CLI_DONE) {
        go_on = false;
        *ended = cli_run_advance(*run, how->quiet);
        if (*ended == US_STALLED) {
            code = take ? train_unstick_act(&u, *run, 1) : train_unstick_advise(&u, *run, true);
            go_on = true;
        } else if (*ended == US_ERR_NONFINITE && take) {
            if (!how->quiet)
                fprintf(stderr, "unstuck %s: diverged: %s\n", command->name, us_context_error(us_run_context(*run)));
            code = train_unstick_diverged(&u, run, &go_on, ended);
        }
    }
    if (code != CLI_DONE || how->mode == CLI_UNSTICK_OFF || *ended == US_INTERRUPTED) return code;
    if (*ended != US_OK && *ended != US_ERR_NONFINITE) return code;
    us_context_resume(us_run_context(*run));
    if (!take) return *ended == US_OK ? train_unstick_advise(&u, *run, false) : code;
    if (*ended == US_OK) code = train_unstick_act(&u, *run, CLI_ROUNDS);
    return code == CLI_DONE ? train_unstick_conclude(&u, *run, *ended) : code;
}
