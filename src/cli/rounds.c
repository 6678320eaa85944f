/* Taking remedies in turn: diagnose, try, take the best; again, as long as one helps and there is time. */
#include "cli.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ROUNDS_DENSE = 1000 }; /* parameters that all eigenvalues are computed for when there is little time */

/* Diagnosing has to fit into the time, too. */
static us_diagnose_options rounds_diagnosing(double left) {
    us_diagnose_options o = US_DIAGNOSE_OPTIONS_INIT;
    if (left >= o.point.seconds) return o;
    o.point.seconds = fmax(left / 4, 0.1);
    o.point.spectrum.limit = ROUNDS_DENSE;
    return o;
}

/* 20 times the steps that the run has done, or as many as it was to do where it diverged before it had done many. */
static uint64_t rounds_steps(const us_run *run) {
    uint64_t done = us_training_steps(us_run_training(run)), planned = us_run_steps_planned(run);
    uint64_t steps = 20 * (done > 10 ? done : 10), left = planned == UINT64_MAX || planned < done ? 0 : planned - done;
    return strcmp(us_run_status(run), "diverged") == 0 && left > steps ? left : steps;
}

/* Takes the best of the trials, if one helps, and notes it. */
static int rounds_take(cli_rounds *r, const cli_command *command, us_run *run, const us_trials *trials, double least,
                       bool *helped) {
    *helped = trials && trials->best < trials->count;
    if (!*helped) return CLI_DONE;
    const us_trial *t = &trials->trials[trials->best];
    if (t->loss_before - t->loss_with_remedy < least) { /* false where it was not finite before */
        *helped = false;
        return CLI_DONE;
    }
    cli_action *action = &r->actions[r->count];
    char text[512];
    int used = snprintf(text, sizeof text, "%s: loss %.9g -> %.9g in %llu steps", t->remedy->name, t->loss_before,
                        t->loss_with_remedy, (unsigned long long)t->steps);
    if (t->unit[0] != 1)
        snprintf(text + used, sizeof text - (size_t)used,
                 "; the run's losses are those of the standardised target from here on: %.9g times less",
                 t->unit[0] * t->unit[1]);
    if (*t->what) snprintf(text + used, sizeof text - (size_t)used, "; %s", t->what);
    us_status status = us_run_adopt(run, t->training, "remedy", text);
    if (status != US_OK) return cli_error(command, us_run_context(run), status);
    *action = (cli_action){t->remedy->name, t->loss_before * r->unit[0] * r->unit[1],
                           t->loss_with_remedy * r->unit[0] * r->unit[1], t->steps};
    r->loss_after = action->loss_after;
    for (int k = 0; k < 2; k++) r->unit[k] *= t->unit[k];
    r->steps += t->steps;
    r->count++;
    return CLI_DONE;
}

int cli_rounds_run(cli_rounds *r, const cli_command *command, us_run *run, const us_trial_options *trying, cli_trying try,
                   uint64_t rounds, bool quiet) {
    us_trial_options o = *trying;
    double began = us_clock_now();
    *r = (cli_rounds){.loss_after = (double)NAN, .unit = {1, 1}};
    if (!o.steps) o.steps = rounds_steps(run);
    for (uint64_t k = 0; k < rounds && k < CLI_ROUNDS; k++) {
        double left = trying->seconds - (us_clock_now() - began);
        if (k > 0 && left < 0.1 * trying->seconds) break;
        us_diagnose_options diagnosing = rounds_diagnosing(left);
        cli_judgement later = {NULL, NULL, NULL}, *judgement = k == 0 ? &r->first : &later;
        bool helped = false;
        o.seconds = k == 0 ? left : 0.5 * left; /* a remedy that draws takes twice the time of its trial */
        int code = cli_judge(judgement, command, run, &diagnosing, &o, try, quiet);
        if (code == CLI_DONE && k == 0) r->loss_after = judgement->diagnosis->evidence.loss;
        if (code == CLI_DONE) r->stuck = judgement->diagnosis->verdict.stuck && (judgement->trials || try != CLI_TRY_WORTH);
        double least =
            code == CLI_DONE && try == CLI_TRY_WORTH ? cli_worth(judgement->diagnosis, us_run_first_loss(run)) : 0;
        if (code == CLI_DONE) code = rounds_take(r, command, run, judgement->trials, least, &helped);
        cli_judgement_release(&later);
        r->seconds = us_clock_now() - began;
        if (code != CLI_DONE) return code;
        if (!helped) break;
        r->stuck = false;
    }
    return CLI_DONE;
}

const cli_action *cli_rounds_best(const cli_rounds *r) {
    const cli_action *best = NULL;
    for (size_t i = 0; i < r->count; i++)
        if (!best || !(r->actions[i].loss_before - r->actions[i].loss_after <= best->loss_before - best->loss_after))
            best = &r->actions[i];
    return best;
}

void cli_rounds_release(cli_rounds *r) { cli_judgement_release(&r->first); }
