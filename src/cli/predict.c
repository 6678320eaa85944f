/* unstuck predict RUN DATA: predictions as CSV. */
#include "cli.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static int predict_write(void *user, const char *text, size_t length) {
    return fwrite(text, 1, length, user) == length ? 0 : 1;
}

static int predict_run(const cli_command *command, int argc, char **argv) {
    const char *place[2] = {NULL, NULL};
    bool quiet = false;
    uint64_t threads = 1;
    const cli_option table[] = {
        {CLI_COUNT, "--threads", "N", &threads, "threads (1)", 1, 1024},
        {CLI_FLAG, "--quiet", NULL, &quiet, "no messages"},
    };
    size_t given;
    int code = cli_parse(command, table, sizeof table / sizeof *table, argc, argv, place, 2, 2, &given);
    if (code != CLI_GO_ON) return code;
    us_context *context = cli_context(quiet, threads);
    if (!context) return CLI_FAILED;
    us_status status = us_run_predict(context, place[0], place[1], predict_write, stdout);
    code = status == US_OK ? CLI_DONE : cli_error(command, context, status);
    cli_context_destroy(context);
    return code;
}

const cli_command cli_predict = {
    "predict", "RUN DATA", "predictions as CSV",
    "Predicts every row of a file with the columns that the run was trained on (the target need not be there), and writes\n"
    "CSV to standard output: the target in its own unit, or the class and the probability of each class.\n"
    "\n"
    "  unstuck predict runs/housing-1 new.csv > out.csv",
    predict_run};
