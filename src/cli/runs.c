/* unstuck runs: lists, shows, compares and removes runs. */
#include "cli.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void runs_row(const us_run_entry *r) {
    char when[32] = "", loss[32] = "-";
    time_t started = (time_t)r->started;
    struct tm local;
    if (localtime_r(&started, &local)) strftime(when, sizeof when, "%Y-%m-%d %H:%M", &local);
    if (isfinite(r->loss)) snprintf(loss, sizeof loss, "%.6g", r->loss);
    printf("%-28s %-16s %-12s %10llu  %-12s %-10s %-16s %s\n", r->folder, when, r->status, (unsigned long long)r->steps,
           loss, r->optimizer, r->model, r->data);
}

static json_t *runs_json(const us_run_entry *r) {
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:o,s:I}", "run", r->folder, "status", r->status, "data", r->data, "model",
                     r->model, "optimizer", r->optimizer, "steps", (json_int_t)r->steps, "loss", cli_real(r->loss),
                     "started", (json_int_t)r->started);
}

static int runs_show(const cli_command *command, us_context *context, const char *folder) {
    us_run *run = NULL;
    char *text = NULL;
    us_status status = us_run_open(&run, context, folder);
    if (status == US_OK) status = us_run_summary(run, NULL, &text);
    int code = status == US_OK ? CLI_DONE : cli_error(command, context, status);
    if (text) puts(text);
    us_text_release(context, text);
    us_run_destroy(run);
    return code;
}

static int runs_run(const cli_command *command, int argc, char **argv) {
    const char *folder = "runs", *remove = NULL, *show = NULL;
    bool json = false;
    const cli_option table[] = {
        {CLI_TEXT, "--show", "RUN", &show, "shows one run as JSON: losses, events, the last verdict"},
        {CLI_TEXT, "--remove", "RUN", &remove, "removes a run's folder (only if it is a run)"},
        {CLI_FLAG, "--json", NULL, &json, "one JSON object on standard output"},
    };
    size_t given;
    int code = cli_parse(command, table, sizeof table / sizeof *table, argc, argv, &folder, 0, 1, &given);
    if (code != CLI_GO_ON) return code;
    us_context *context = cli_context(!show, 1);
    if (!context) return CLI_FAILED;
    if (show) {
        code = runs_show(command, context, show);
    } else if (remove) {
        us_status status = us_run_remove(context, remove);
        code = status == US_OK ? CLI_DONE : cli_error(command, context, status);
        if (status == US_OK && json) code = cli_print_json(json_pack("{s:s}", "removed", remove));
    } else {
        us_run_entry *entries = NULL;
        size_t count = 0;
        us_status status = us_runs_list(context, folder, &entries, &count);
        if (status < 0) {
            code = cli_error(command, context, status);
        } else if (json) {
            json_t *list = json_array();
            for (size_t i = 0; i < count; i++) json_array_append_new(list, runs_json(&entries[i]));
            code = cli_print_json(json_pack("{s:o}", "runs", list));
        } else {
            if (count)
                printf("%-28s %-16s %-12s %10s  %-12s %-10s %-16s %s\n", "run", "started", "status", "steps", "loss",
                       "optimizer", "model", "data");
            for (size_t i = 0; i < count; i++) runs_row(&entries[i]);
            if (!count) printf("no runs in %s; `unstuck train DATA` makes one\n", folder);
            code = CLI_DONE;
        }
        us_bytes_release(context, entries);
    }
    cli_context_destroy(context);
    return code;
}

const cli_command cli_runs = {
    "runs", "[FOLDER]", "lists, shows and removes runs",
    "Lists the runs in a folder (runs/ unless another is named), newest first: their losses side by side.", runs_run};
