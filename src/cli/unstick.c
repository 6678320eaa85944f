/* unstuck unstick RUN: takes the remedy that measurably helps, and goes on. */
#include "cli.h"
#include <stdio.h>
#include <string.h>

static json_t *unstick_json(const us_trial *taken, const us_diagnosis *diagnosis, const us_training *training,
                            const us_trials *trials, const char *folder) {
    return json_pack("{s:o,s:o,s:o,s:I,s:o}", "remedy", cli_text(taken ? taken->remedy->name : NULL), "loss_before",
                     cli_real(diagnosis->evidence.loss), "loss_after",
                     cli_real(taken ? taken->loss_with_remedy : diagnosis->evidence.loss), "steps",
                     (json_int_t)(taken ? taken->steps : 0), "verdict",
                     cli_verdict_json(diagnosis, training, trials, folder));
}

static void unstick_tell(const us_trial *taken, const us_diagnosis *diagnosis, const us_trials *trials) {
    cli_style style = cli_style_of(1);
    printf("%s%s%s%s%s: %s\n", style.bold, us_verdict_text(diagnosis->verdict.name), diagnosis->verdict.cause ? " / " : "",
           diagnosis->verdict.cause ? diagnosis->verdict.cause : "", style.reset,
           diagnosis->verdict.sentence ? diagnosis->verdict.sentence : "");
    for (size_t i = 0; trials && i < trials->count; i++)
        printf("  tried %-14s loss %.6g -> %.6g in %llu steps (carrying on: %.6g)%s\n", trials->trials[i].remedy->name,
               trials->trials[i].loss_before, trials->trials[i].loss_with_remedy,
               (unsigned long long)trials->trials[i].steps, trials->trials[i].loss_carrying_on,
               trials->trials[i].helps ? "" : ", no help");
    if (taken)
        printf("%s%s%s%s: loss %.6g -> %s%.6g%s; the run goes on from there\n", style.bold, style.green, taken->remedy->name,
               style.reset, taken->loss_before, style.bold, taken->loss_with_remedy, style.reset);
    else
        printf("nothing that was tried helps; the run is as it was\n");
}

static int unstick_run(const cli_command *command, int argc, char **argv) {
    const char *folder = NULL, *remedy = NULL;
    bool json = false, quiet = false;
    uint64_t threads = 1, steps = 0;
    us_trial_options trying = US_TRIAL_OPTIONS_INIT;
    trying.seconds = 60;
    const cli_option table[] = {
        {CLI_TEXT, "--remedy", "NAME", &remedy, "take this one, if it does not make things worse"},
        {CLI_COUNT, "--steps", "N", &steps, "steps that each remedy may go on for (20 times those of the run)", 1},
        {CLI_NUMBER, "--seconds", "S", &trying.seconds, "time for all remedies together (60)", 0, 0, true},
        {CLI_COUNT, "--threads", "N", &threads, "threads (1)", 1, 1024},
        {CLI_FLAG, "--json", NULL, &json, "one JSON object on standard output"},
        {CLI_FLAG, "--quiet", NULL, &quiet, "no progress and no messages"},
    };
    size_t given;
    int code = cli_parse(command, table, sizeof table / sizeof *table, argc, argv, &folder, 1, 1, &given);
    if (code != CLI_GO_ON) return code;
    if (remedy && !us_remedy_find(remedy)) {
        size_t count;
        const us_remedy *const *all = us_remedies(&count);
        char names[512] = "";
        for (size_t i = 0; i < count; i++) {
            size_t used = strlen(names);
            snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", all[i]->name);
        }
        return cli_usage(command, "there is no remedy '%s'; there are %s", remedy, names);
    }
    us_context *context = cli_context(quiet, threads);
    if (!context) return CLI_FAILED;
    us_run *run = NULL;
    cli_judgement judgement = {NULL, NULL};
    trying.steps = steps;
    trying.only = remedy;
    us_status status = us_run_open(&run, context, folder);
    code = status == US_OK ? cli_judge(&judgement, command, run, NULL, &trying, CLI_TRY_ALWAYS, quiet)
                           : cli_error(command, context, status);
    if (code != CLI_DONE) goto done;
    const us_diagnosis *diagnosis = judgement.diagnosis;
    const us_trials *trials = judgement.trials;
    const us_trial *taken = trials && trials->best < trials->count ? &trials->trials[trials->best] : NULL;
    if (taken) {
        char text[512];
        snprintf(text, sizeof text, "%s: loss %.9g -> %.9g in %llu steps", taken->remedy->name, taken->loss_before,
                 taken->loss_with_remedy, (unsigned long long)taken->steps);
        status = us_run_adopt(run, taken->training, "remedy", text);
        if (status != US_OK) {
            code = cli_error(command, context, status);
            goto done;
        }
    }
    if (json) {
        code = cli_print_json(unstick_json(taken, diagnosis, us_run_training(run), trials, folder));
    } else {
        unstick_tell(taken, diagnosis, trials);
        code = CLI_DONE;
    }
done:
    cli_judgement_release(&judgement);
    us_run_destroy(run);
    cli_context_destroy(context);
    return code;
}

const cli_command cli_unstick = {
    "unstick", "RUN", "takes the remedy that measurably helps, and goes on",
    "Diagnoses the run, tries every remedy that answers the verdict on a copy, beside carrying on, and takes the best one\n"
    "if it gets lower than carrying on by more than the noise. A run that nothing helps stays as it was.\n"
    "\n"
    "  unstuck unstick runs/net-1\n"
    "  unstuck unstick runs/net-1 --remedy escape",
    unstick_run};
