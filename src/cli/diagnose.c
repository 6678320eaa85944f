/* unstuck diagnose RUN: why does it not improve? */
#include "cli.h"
#include "diagnose_log.h"
#include <string.h>

static int diagnose_run(const cli_command *command, int argc, char **argv) {
    const char *folder = NULL, *rows = NULL, *log = NULL, *data = NULL;
    bool json = false, quiet = false, no_remedies = false, signs = false;
    uint64_t threads = cli_processors(), steps = 0, limit = 0;
    us_diagnose_options options = US_DIAGNOSE_OPTIONS_INIT;
    us_trial_options trying = US_TRIAL_OPTIONS_INIT;
    const cli_option table[] = {
        {CLI_TEXT, "--log", "FILE", &log,
         "judges the log of any program instead of a run: CSV or JSON lines with a\ncolumn loss and, where there are, step, "
         "gradient_norm, learning_rate, batch"},
        {CLI_COUNT, "--steps", "N", &steps,
         "how long a copy goes on to see whether it improves (a tenth of the\nsteps done, 10 to 1000)", 1},
        {CLI_NUMBER, "--tolerance", "X", &options.point.decrease_tolerance,
         "critical when the gradient still offers at most this part of the\nloss's scale (1e-9)", 0, 1, true},
        {CLI_COUNT, "--dense-limit", "N", &limit,
         "computes all eigenvalues up to so many parameters (up to 500, and up to\n4000 where both ends of the spectrum do "
         "not decide)",
         1},
        {CLI_TEXT, "--rows", "M|all", &rows,
         "measures on a sample of the training rows, evenly spread. Unless told, loss and\ngradient are of all rows, and "
         "beyond 4096 rows and 10^6 parameters x rows all else of a fifteenth, 1024 to 4096\n(of a text 4096 characters); "
         "all: everything of all"},
        {CLI_FLAG, "--no-remedies", NULL, &no_remedies, "name the cause only; try nothing"},
        {CLI_FLAG, "--signs", NULL, &signs, "show every number that was measured, with its meaning"},
        {CLI_NUMBER, "--seconds", "S", &trying.seconds, "time for trying remedies (30)", 0, 0, true},
        {CLI_TEXT, "--data", "FILE", &data, CLI_DATA_HELP},
        {CLI_COUNT, "--threads", "N", &threads, "threads; remedies are tried side by side (all processors)", 1, 1024},
        {CLI_FLAG, "--json", NULL, &json, "one JSON object on standard output"},
        {CLI_FLAG, "--quiet", NULL, &quiet, "no progress and no messages"},
    };
    size_t given;
    int code = cli_parse(command, table, sizeof table / sizeof *table, argc, argv, &folder, 0, 1, &given);
    if (code != CLI_GO_ON) return code;
    if (log && given) return cli_usage(command, "--log judges a log by itself; '%s' is one argument too many", folder);
    if (!log && !given) return cli_usage(command, "RUN is missing: a run's folder, or --log FILE; --help tells more");
    us_context *context = cli_context(quiet, threads);
    if (!context) return CLI_FAILED;
    if (log) {
        code = cli_diagnose_log(command, context, log, json);
        cli_context_destroy(context);
        return code;
    }
    us_run *run = NULL;
    cli_judgement judgement = {NULL, NULL, NULL};
    options.steps = steps;
    if (limit) options.point.spectrum.limit = options.point.ends_first = limit;
    us_status status = cli_run_look(&run, context, folder, data, quiet);
    options.all_rows = rows && strcmp(rows, "all") == 0;
    if (status == US_OK && (code = cli_rows(command, rows, run, &options.rows)) != CLI_GO_ON) goto done;
    code = status == US_OK
               ? cli_judge(&judgement, command, run, &options, &trying, no_remedies ? CLI_TRY_NOTHING : CLI_TRY_STUCK, quiet)
               : cli_error(command, context, status);
    if (code == CLI_DONE && json)
        code = cli_print_json(json_incref(judgement.json));
    else if (code == CLI_DONE)
        cli_verdict_print(judgement.diagnosis, run, judgement.trials, folder, signs);
done:
    cli_judgement_release(&judgement);
    us_run_destroy(run);
    cli_context_destroy(context);
    return code;
}

const cli_command cli_diagnose = {
    "diagnose", "RUN", "says why a run does not improve",
    "Measures, at the run's last checkpoint, in f64 on all training rows: the gradient (first checked against differences\n"
    "of the loss, on up to 1,024 of the rows), the eigenvalues of the Hessian, what following the gradient or a negative\n"
    "eigenvector would gain, and what carrying on would. Names the cause with that evidence, and tries remedies on\n"
    "copies. The run is not changed; it may be training meanwhile.\n"
    "\n"
    "  unstuck diagnose runs/housing-1\n"
    "\n"
    "With --log, the log of any other program is judged: what can be said from that alone, how surely, and which number\n"
    "to log next.\n"
    "\n"
    "  unstuck diagnose --log metrics.csv",
    diagnose_run};
