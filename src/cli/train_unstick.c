/* train --unstick auto. */
#include "train_unstick.h"
#include "run_progress.h"
#include <math.h>
#include <stdio.h>

static const double TRAIN_UNSTICK_SECONDS = 10; /* that it may always take */

static double train_unstick_seconds(us_run *run, double share) {
    char *text = NULL;
    double seconds = 0;
    if (us_run_summary(run, NULL, &text) == US_OK) {
        json_t *summary = json_loads(text, 0, NULL);
        seconds = json_number_value(json_object_get(summary, "seconds"));
        json_decref(summary);
    }
    us_text_release(us_run_context(run), text);
    return fmax(TRAIN_UNSTICK_SECONDS, share * seconds);
}

static us_status train_unstick_reopen(us_run **run) {
    char folder[1024];
    us_context *context = us_run_context(*run);
    snprintf(folder, sizeof folder, "%s", us_run_folder(*run));
    us_run_destroy(*run);
    *run = NULL;
    return us_run_open(run, context, folder);
}

static us_status train_unstick_conclude(us_run *run, const cli_rounds *r, const char *text, bool quiet, us_status *ended) {
    us_status status = us_run_log_event(run, "unstick", text);
    uint64_t planned = us_run_steps_planned(run);
    if (status != US_OK) return status;
    if (*ended != US_ERR_NONFINITE || r->count == 0)
        return r->stuck && *ended == US_OK ? us_run_set_status(run, "stuck") : US_OK;
    *ended = US_OK;
    if (planned == UINT64_MAX || us_training_steps(us_run_training(run)) >= planned)
        return us_run_set_status(run, "finished");
    *ended = cli_run_advance(run, quiet);
    return US_OK;
}

int cli_train_unstick(const cli_command *command, us_run **run, double share, bool quiet, bool json, us_status *ended) {
    us_context *context = us_run_context(*run);
    us_trial_options trying = US_TRIAL_OPTIONS_INIT;
    cli_rounds r = {.first = {NULL, NULL}};
    us_status status = *ended == US_ERR_NONFINITE ? train_unstick_reopen(run) : US_OK;
    if (status != US_OK) return cli_error(command, context, status);
    trying.seconds = 0.5 * train_unstick_seconds(*run, share); /* a remedy that draws takes twice the time of its trial */
    int code = cli_rounds_run(&r, command, *run, &trying, CLI_ROUNDS, quiet);
    if (code == CLI_DONE) {
        const cli_action *best = cli_rounds_best(&r);
        char text[512];
        snprintf(text, sizeof text, "%s%s%s; loss %.9g -> %.9g, %zu taken, in %.3g s", best ? best->remedy : "nothing",
                 best      ? " helped"
                 : r.stuck ? " helps"
                           : " to do",
                 r.count > 1 ? " most" : "", r.first.diagnosis->evidence.loss, r.loss_after, r.count, r.seconds);
        status = train_unstick_conclude(*run, &r, text, quiet, ended);
        if (status != US_OK) code = cli_error(command, context, status);
        if (!quiet && !json) printf("unstick: %s\n", text);
    }
    cli_rounds_release(&r);
    return code;
}
