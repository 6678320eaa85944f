/* unstuck unstick RUN: takes the remedy that measurably helps, and goes on. */
#include "cli.h"
#include <stdio.h>
#include <string.h>

static json_t *unstick_json(const cli_rounds *r) {
    const us_diagnosis *diagnosis = r->first.diagnosis;
    const cli_action *best = cli_rounds_best(r);
    json_t *rounds = json_array();
    for (size_t i = 0; i < r->count; i++)
        json_array_append_new(rounds,
                              json_pack("{s:s,s:o,s:o,s:I}", "remedy", r->actions[i].remedy, "loss_before",
                                        cli_real(r->actions[i].loss_before), "loss_after",
                                        cli_real(r->actions[i].loss_after), "steps", (json_int_t)r->actions[i].steps));
    return json_pack("{s:o,s:o,s:o,s:I,s:o,s:o}", "remedy", cli_text(best ? best->remedy : NULL), "loss_before",
                     cli_real(diagnosis->evidence.loss), "loss_after", cli_real(r->loss_after), "steps",
                     (json_int_t)r->steps, "rounds", rounds, "verdict", json_incref(r->first.json));
}

static void unstick_tell(const cli_rounds *r) {
    cli_style style = cli_style_of(1);
    const us_verdict *verdict = &r->first.diagnosis->verdict;
    const us_trials *trials = r->first.trials;
    printf("%s%s%s%s%s: %s\n", style.bold, us_verdict_text(verdict->name), verdict->cause ? " / " : "",
           verdict->cause ? verdict->cause : "", style.reset, verdict->sentence ? verdict->sentence : "");
    for (size_t i = 0; trials && i < trials->count; i++) {
        const us_trial *t = &trials->trials[i];
        if (t->steps)
            printf("  tried %-14s loss %.6g -> %.6g in %llu steps (carrying on: %.6g)%s\n", t->remedy->name, t->loss_before,
                   t->loss_with_remedy, (unsigned long long)t->steps, t->loss_carrying_on, t->helps ? "" : ", no help");
        else
            printf("  %s: %s\n", t->remedy->name, t->why);
    }
    for (size_t i = 0; i < r->count; i++)
        printf("%s%s%s%s: loss %.6g -> %s%.6g%s; the run goes on from there\n", style.bold, style.green,
               r->actions[i].remedy, style.reset, r->actions[i].loss_before, style.bold, r->actions[i].loss_after,
               style.reset);
    if (r->count == 0) printf("nothing that was tried helps; the run is as it was\n");
}

static int unstick_run(const cli_command *command, int argc, char **argv) {
    const char *folder = NULL, *remedy = NULL, *data = NULL;
    bool json = false, quiet = false;
    uint64_t threads = cli_processors(), steps = 0, rounds = 3;
    us_trial_options trying = US_TRIAL_OPTIONS_INIT;
    trying.seconds = 60;
    const cli_option table[] = {
        {CLI_TEXT, "--remedy", "NAME", &remedy, "take this one, if it does not make things worse"},
        {CLI_COUNT, "--steps", "N", &steps, "steps that each remedy may go on for (20 times those of the run)", 1},
        {CLI_NUMBER, "--seconds", "S", &trying.seconds, "time for all remedies together (60)", 0, 0, true},
        {CLI_COUNT, "--rounds", "N", &rounds, "so many remedies may be taken one after the other, while they help (3)", 1,
         CLI_ROUNDS},
        {CLI_TEXT, "--data", "FILE", &data, CLI_DATA_HELP},
        {CLI_COUNT, "--threads", "N", &threads, "threads; remedies are tried side by side (all processors)", 1, 1024},
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
    cli_rounds taken = {.first = {NULL, NULL, NULL}};
    trying.steps = steps;
    trying.only = remedy;
    us_run_open_options opening = US_RUN_OPEN_OPTIONS_INIT;
    opening.data = data;
    us_status status = us_run_open_with(&run, context, folder, &opening);
    code = status == US_OK ? cli_rounds_run(&taken, command, run, &trying, CLI_TRY_ALWAYS, remedy ? 1 : rounds, quiet)
                           : cli_error(command, context, status);
    if (code != CLI_DONE) goto done;
    if (json)
        code = cli_print_json(unstick_json(&taken));
    else
        unstick_tell(&taken);
done:
    cli_rounds_release(&taken);
    us_run_destroy(run);
    cli_context_destroy(context);
    return code;
}

const cli_command cli_unstick = {
    "unstick", "RUN", "takes the remedy that measurably helps, and goes on",
    "Diagnoses the run, tries every remedy that answers the verdict on a copy, beside carrying on, and takes the best one\n"
    "if it gets lower than carrying on by more than the noise; then again, while something helps. A run that nothing helps\n"
    "stays as it was. `standardize` also changes the run's columns (made with --no-standardize): predictions keep the\n"
    "file's unit, and logged losses become those of the standardised target. `lift` also changes its model, mlp:2 to\n"
    "mlp:3: it splits hidden units, and is taken where it gains more than so many parameters fit noise.\n"
    "\n"
    "  unstuck unstick runs/net-1\n"
    "  unstuck unstick runs/net-1 --remedy escape",
    unstick_run};
