/* unstuck report RUN...: what there is to see of runs, on one page. */
#include "cli.h"
#include <stdio.h>
#include <string.h>

enum { REPORT_RUNS = 64 };
static const double REPORT_TRYING = 30; /* seconds for the remedies of one run, at most */

/* Does the last verdict stand for where the run is now, or is the run another process's? Then nothing is to be measured. */
static us_status report_is_judged(us_context *context, const char *folder, bool *judged, bool *open) {
    us_report_options o = US_REPORT_OPTIONS_INIT;
    char *text = NULL;
    o.points = 6;
    us_status status = us_report_json(context, &folder, 1, &o, &text);
    json_t *report = text ? json_loads(text, 0, NULL) : NULL;
    const json_t *run = json_array_get(json_object_get(report, "runs"), 0), *verdicts = json_object_get(run, "verdicts");
    const json_t *last = json_array_get(verdicts, json_array_size(verdicts) - 1);
    *open = json_is_true(json_object_get(run, "open"));
    *judged = last && json_number_value(json_object_get(last, "step")) == json_number_value(json_object_get(run, "steps"));
    json_decref(report);
    us_text_release(context, text);
    return status;
}

/* Makes the verdict that a run lacks. Only an interruption stops the report: it is told without the verdict otherwise. */
static int report_judge(const cli_command *command, us_context *context, const char *folder, double seconds, bool quiet) {
    us_trial_options trying = US_TRIAL_OPTIONS_INIT;
    cli_judgement judgement = {NULL, NULL, NULL};
    us_run *run = NULL;
    trying.seconds = seconds < REPORT_TRYING ? seconds : REPORT_TRYING;
    us_status status = us_run_open(&run, context, folder);
    int code = status == US_OK ? cli_judge(&judgement, command, run, NULL, &trying, CLI_TRY_STUCK, quiet)
                               : cli_error(command, context, status);
    if (code != CLI_DONE && code != CLI_INTERRUPTED) {
        if (!quiet) fprintf(stderr, "unstuck report: %s is shown without a verdict\n", folder);
        code = CLI_DONE;
    }
    cli_judgement_release(&judgement);
    us_run_destroy(run);
    return code;
}

/* Verdicts for the runs that lack one, while there is time. */
static int report_judge_all(const cli_command *command, us_context *context, const char *const *folders, size_t count,
                            double seconds, bool quiet) {
    double until = us_clock_now() + seconds;
    size_t late = 0;
    for (size_t i = 0; i < count; i++) {
        bool judged, open;
        us_status status = report_is_judged(context, folders[i], &judged, &open);
        if (status != US_OK) return cli_error(command, context, status);
        if (judged || open) continue;
        double left = until - us_clock_now();
        int code = left > 0 ? report_judge(command, context, folders[i], left, quiet) : (late++, CLI_DONE);
        if (code != CLI_DONE) return code;
    }
    if (late > 0 && !quiet) fprintf(stderr, "unstuck report: %zu runs have no verdict: the time is up (--seconds)\n", late);
    return CLI_DONE;
}

static int report_run(const cli_command *command, int argc, char **argv) {
    const char *folders[REPORT_RUNS], *path = "report.html";
    bool json = false, quiet = false, no_diagnose = false;
    uint64_t threads = cli_processors(), points = 0;
    double seconds = 60;
    const cli_option table[] = {
        {CLI_TEXT, "-o", "FILE", &path, "where the page goes (report.html); - is standard output"},
        {CLI_TEXT, "--output", "FILE", &path, "the same"},
        {CLI_UNFLAG, "--diagnose", NULL, &no_diagnose, "finds the cause where a run has no verdict yet (so it is)"},
        {CLI_FLAG, "--no-diagnose", NULL, &no_diagnose, "shows what is there; measures nothing and leaves the runs alone"},
        {CLI_NUMBER, "--seconds", "S", &seconds, "time for diagnosing all runs (60); one that has begun is ended", 0, 0,
         true},
        {CLI_COUNT, "--points", "N", &points, "of each line, at most (4000, fewer for many runs)", 6, 1e9},
        {CLI_COUNT, "--threads", "N", &threads, "threads of a diagnosis (all processors)", 1, 1024},
        {CLI_FLAG, "--json", NULL, &json, "the data of the page as one JSON object on standard output, and no page"},
        {CLI_FLAG, "--quiet", NULL, &quiet, "no progress and no messages"},
    };
    size_t count;
    int code = cli_parse(command, table, sizeof table / sizeof *table, argc, argv, folders, 1, REPORT_RUNS, &count);
    if (code == CLI_GO_ON && !json) code = cli_page_check(command);
    if (code != CLI_GO_ON) return code;
    us_context *context = cli_context(quiet, threads);
    if (!context) return CLI_FAILED;
    us_report_options options = US_REPORT_OPTIONS_INIT;
    options.points = points;
    char *text = NULL;
    code = no_diagnose ? CLI_DONE : report_judge_all(command, context, folders, count, seconds, quiet);
    us_status status = code == CLI_DONE ? us_report_json(context, folders, count, &options, &text) : US_OK;
    if (status != US_OK)
        code = cli_error(command, context, status);
    else if (code == CLI_DONE && json)
        fputs(text, stdout);
    else if (code == CLI_DONE)
        code = cli_page_save(command, context, path, text, quiet);
    us_text_release(context, text);
    cli_context_destroy(context);
    return code;
}

const cli_command cli_report = {
    "report", "RUN...", "shows runs on one page that opens in any browser",
    "Makes one HTML file with everything in it, which opens from disk and needs no network: what is wrong and what to do,\n"
    "with the evidence; losses, gradient, learning rate and all that was watched, over the same steps; the Hessian's\n"
    "eigenvalues; layers and units; several runs side by side; and the data as JSON for other programs. Where a run has no\n"
    "verdict yet it is diagnosed first, as by `unstuck diagnose`. A run that is being trained is shown as it is.\n"
    "\n"
    "  unstuck report runs/net-1\n"
    "  unstuck report runs/net-1 runs/net-2 -o both.html --no-diagnose\n"
    "  unstuck report runs/net-1 --json | python3 -m json.tool",
    report_run};
