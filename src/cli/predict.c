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
    uint64_t threads = cli_processors(), length = 500, seed = 1;
    us_generate_options generate = US_GENERATE_OPTIONS_INIT;
    const char *prompt = NULL;
    const cli_option table[] = {
        {CLI_TEXT, "--prompt", "TEXT", &prompt, "a run of a text goes on with TEXT, instead of DATA"},
        {CLI_COUNT, "--length", "N", &length, "characters to add to the prompt (500)", 0, 1e9},
        {CLI_NUMBER, "--temperature", "X", &generate.temperature, "1: as the model says; below: safer; 0: the likeliest (1)",
         0, 1e6},
        {CLI_COUNT, "--seed", "N", &seed, "of the characters that are drawn (1)"},
        {CLI_COUNT, "--threads", "N", &threads, "threads (all processors)", 1, 1024},
        {CLI_FLAG, "--quiet", NULL, &quiet, "no messages"},
    };
    size_t given;
    int code = cli_parse(command, table, sizeof table / sizeof *table, argc, argv, place, 1, 2, &given);
    if (code != CLI_GO_ON) return code;
    if (given == 2 && prompt) return cli_usage(command, "DATA and --prompt: one of them is to be predicted");
    if (given == 1 && !prompt)
        return cli_usage(command, "DATA is missing, or a --prompt for a run of a text; --help tells more");
    us_context *context = cli_context(quiet, threads);
    if (!context) return CLI_FAILED;
    generate.prompt = prompt;
    generate.length = length;
    generate.seed = seed;
    us_status status = prompt ? us_run_generate(context, place[0], &generate, predict_write, stdout)
                              : us_run_predict(context, place[0], place[1], predict_write, stdout);
    if (prompt && status == US_OK) putchar('\n');
    code = status == US_OK ? CLI_DONE : cli_error(command, context, status);
    cli_context_destroy(context);
    return code;
}

const cli_command cli_predict = {
    "predict", "RUN DATA", "predictions as CSV, or a text that goes on",
    "Predicts every row of a file with the columns that the run was trained on (the target need not be there), and writes\n"
    "CSV to standard output: the target in its own unit, or the class and the probability of each class.\n"
    "\n"
    "  unstuck predict runs/housing-1 new.csv > out.csv\n"
    "\n"
    "A run of a text tells the character that follows each of the file's, or goes on with a prompt.\n"
    "\n"
    "  unstuck predict runs/input-1 --prompt 'ROMEO:' --length 500 --temperature 0.8",
    predict_run};
