/* Diagnosing a run and trying remedies: what diagnose, unstick and train share. */
#include "cli.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JUDGE_REPLAY = 100000 }; /* steps that a replay takes at most */
static const double JUDGE_WORTH = 1e-3;

/* Keeps the verdict in the run; that it can't be kept is no reason not to tell it. */
static void judge_keep(cli_judgement *j, const cli_command *command, us_run *run, bool quiet) {
    j->json = cli_verdict_json(j->diagnosis, us_run_training(run), j->trials, us_run_folder(run));
    json_object_set_new(j->json, "columns", cli_columns_json(run));
    char *text = json_dumps(j->json, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(17));
    if (text && us_run_log_verdict(run, text) != US_OK && !quiet)
        fprintf(stderr, "unstuck %s: the verdict is not kept in the run: %s\n", command->name,
                us_context_error(us_run_context(run)));
    free(text);
    cli_results_keep(command, run, j->diagnosis, quiet);
}

double cli_worth(const us_diagnosis *diagnosis, double loss_first) {
    const us_evidence *e = &diagnosis->evidence;
    double floor = isfinite(e->floor) ? e->floor : 0, top = isfinite(e->constant_loss) ? e->constant_loss : loss_first;
    return isfinite(top) && top > floor ? JUDGE_WORTH * (top - floor) : 0;
}

static bool judge_tries(const us_diagnosis *d, cli_trying try, const char *only, double loss_first) {
    const us_verdict *verdict = &d->verdict;
    double floor = isfinite(d->evidence.floor) ? d->evidence.floor : 0;
    if (only || (try == CLI_TRY_ALWAYS && verdict->name != US_VERDICT_DESCENDING)) return true;
    if (try == CLI_TRY_WORTH) /* a loss that is not finite is worth it */
        return verdict->name != US_VERDICT_DESCENDING && !(d->evidence.loss - floor <= cli_worth(d, loss_first));
    return try != CLI_TRY_NOTHING && verdict->stuck;
}

static us_status judge_remake(void *user, const char *remedy, us_remade *out) { return us_run_remake(user, remedy, out); }

int cli_judge(cli_judgement *out, const cli_command *command, us_run *run, const us_diagnose_options *options,
              const us_trial_options *trying, cli_trying try, bool quiet) {
    us_diagnose_options diagnosing = US_DIAGNOSE_OPTIONS_INIT;
    us_trial_options trials = US_TRIAL_OPTIONS_INIT;
    cli_progress progress = cli_progress_start(quiet);
    if (options) diagnosing = *options;
    if (trying) trials = *trying;
    diagnosing.point.seed = us_run_seed(run);
    /* A run that diverged is replayed from its checkpoint, as far as it was to go: there it ends the same way again. */
    if (diagnosing.steps == 0 && strcmp(us_run_status(run), "diverged") == 0) {
        uint64_t left = us_run_steps_planned(run) - us_training_steps(us_run_training(run));
        diagnosing.steps = left < JUDGE_REPLAY ? left : JUDGE_REPLAY;
    }
    if (diagnosing.rows == 0) diagnosing.rows = cli_rows_bound(run);
    diagnosing.progress = trials.progress = cli_what_progress;
    diagnosing.progress_user = trials.progress_user = &progress;
    trials.remake = judge_remake;
    trials.remake_user = run;
    *out = (cli_judgement){NULL, NULL, NULL};
    us_status status = us_diagnose(&out->diagnosis, us_run_training(run), &diagnosing);
    if (status == US_OK && judge_tries(out->diagnosis, try, trials.only, us_run_first_loss(run)))
        status = us_remedy_try(&out->trials, us_run_training(run), out->diagnosis, &trials);
    cli_progress_end(&progress);
    if (status != US_OK) return cli_error(command, us_run_context(run), status);
    judge_keep(out, command, run, quiet);
    return CLI_DONE;
}

void cli_judgement_release(cli_judgement *judgement) {
    us_trials_destroy(judgement->trials);
    us_diagnosis_destroy(judgement->diagnosis);
    json_decref(judgement->json);
}
