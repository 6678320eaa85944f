/* unstuck race DATA: one problem, many ways to train on it, side by side. */
#include "race_table.h"
#include "train_options.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ lists of an option */

/* Splits at commas in place. NULL when out of memory; *count is 0 for no text. */
static char **race_split(char *text, size_t *count) {
    size_t most = 1;
    for (const char *c = text; c && *c; c++) most += *c == ',';
    char **parts = malloc(most * sizeof *parts), *rest = NULL;
    *count = 0;
    for (char *part = text ? strtok_r(text, ",", &rest) : NULL; parts && part; part = strtok_r(NULL, ",", &rest))
        parts[(*count)++] = part;
    return parts;
}

/* What the three lists come to. */
typedef struct race_grid {
    char *texts[3], **parts[3];
    double *rates;
    size_t *batches;
} race_grid;

static void race_grid_release(race_grid *g) {
    for (int i = 0; i < 3; i++) free(g->texts[i]), free(g->parts[i]);
    free(g->rates);
    free(g->batches);
}

static int race_grid_read(const cli_command *command, race_grid *g, const char *const lists[3], us_race_options *o) {
    static const char *const NAMES[] = {"--optimizer", "--lr", "--batch"};
    size_t counts[3];
    for (int i = 0; i < 3; i++) {
        if (lists[i] && !*lists[i]) return cli_usage(command, "%s is empty", NAMES[i]);
        if (lists[i] && !(g->texts[i] = strdup(lists[i]))) return cli_no_memory(command);
        if (!(g->parts[i] = race_split(g->texts[i], &counts[i]))) return cli_no_memory(command);
    }
    g->rates = malloc((counts[1] + 1) * sizeof *g->rates);
    g->batches = malloc((counts[2] + 1) * sizeof *g->batches);
    if (!g->rates || !g->batches) return cli_no_memory(command);
    for (size_t i = 0; i < counts[1]; i++) {
        char *end;
        g->rates[i] = strtod(g->parts[1][i], &end);
        if (end == g->parts[1][i] || *end || !(g->rates[i] > 0) || !isfinite(g->rates[i]))
            return cli_usage(command, "--lr has '%s'; each must be a number above 0", g->parts[1][i]);
    }
    for (size_t i = 0; i < counts[2]; i++) {
        char *end;
        double rows = strcmp(g->parts[2][i], "full") == 0 ? 0 : strtod(g->parts[2][i], &end);
        if (strcmp(g->parts[2][i], "full") != 0 &&
            (end == g->parts[2][i] || *end || !(rows >= 1) || rows > 0x1p53 || rows != floor(rows)))
            return cli_usage(command, "--batch has '%s'; each must be a whole number of at least 1, or full",
                             g->parts[2][i]);
        g->batches[i] = (size_t)rows;
    }
    o->optimizers = (const char *const *)g->parts[0], o->optimizer_count = counts[0];
    o->rates = g->rates, o->rate_count = counts[1];
    o->batches = g->batches, o->batch_count = counts[2];
    return CLI_GO_ON;
}

/* ------------------------------------------------------------------ the command */

static void race_list_option(cli_option *table, size_t count, const char *name, const char *argument, const char **target,
                             const char *help) {
    for (size_t i = 0; i < count; i++)
        if (table[i].kind != CLI_SECTION && strcmp(table[i].name, name) == 0)
            table[i] = (cli_option){CLI_TEXT, name, argument, target, help};
}

static int race_end(const cli_command *command, us_context *context, const us_race *race, bool halving, bool json) {
    if (!json) {
        race_table_print(race, halving);
        return CLI_DONE;
    }
    char *text = NULL;
    us_status status = us_race_summary(race, &text);
    if (status != US_OK) return cli_error(command, context, status);
    printf("%s\n", text);
    us_text_release(context, text);
    return CLI_DONE;
}

static int race_run(const cli_command *command, int argc, char **argv) {
    const char *data = NULL, *folder = NULL, *lists[3] = {NULL, NULL, NULL};
    cli_training training;
    us_race_options options = US_RACE_OPTIONS_INIT;
    uint64_t seeds = 1;
    bool json = false, quiet = false;
    cli_option table[CLI_TRAINING_OPTIONS + 8];
    size_t count = cli_training_options(&training, table), given;
    race_list_option(table, count, "--optimizer", "A,B,..", &lists[0],
                     "update rules (adam); `unstuck optimizers` lists them");
    race_list_option(table, count, "--lr", "X,Y,..", &lists[1], "learning rates (each rule's own)");
    race_list_option(table, count, "--batch", "N,M,full", &lists[2], "rows a step (32; full for formulas)");
    const cli_option own[] = {
        {CLI_SECTION, "race", .help = ""},
        {CLI_COUNT, "--seeds", "N", &seeds,
         "runs each entry with N seeds, from --seed on: other first weights, another\n"
         "order of rows, the same rows (1)",
         1, 1000},
        {CLI_FLAG, "--halving", NULL, &options.halving, "successive halving: the worse half stops early, again and again"},
        {CLI_TEXT, "--run", "DIR", &folder, "a new folder for the race (races/NAME-1); an arm is a run in it"},
        {CLI_FLAG, "--json", NULL, &json, "one JSON object on standard output; docs/race.md tells its fields"},
        {CLI_FLAG, "--quiet", NULL, &quiet, "no progress and no messages"},
    };
    memcpy(table + count, own, sizeof own);
    count += sizeof own / sizeof *own;
    for (size_t i = 0; i < count; i++)
        if (table[i].kind != CLI_SECTION && strcmp(table[i].name, "--threads") == 0)
            table[i].help = "arms at a time, each on one thread (all processors); losses in equal\nsteps and samples do not "
                            "depend on it";
    int code = cli_parse(command, table, count, argc, argv, &data, 0, 1, &given);
    if (code != CLI_GO_ON) return code;
    if ((code = cli_training_help(command, &training.config)) != CLI_GO_ON) return code;
    if (!given) return cli_usage(command, "DATA is missing: a CSV or IDX file; --help tells more");
    cli_training_take(&training, data);
    options.seeds = seeds;

    us_context *context = cli_context(quiet, training.threads);
    if (!context) return CLI_FAILED;
    race_grid grid = {0};
    us_race *race = NULL;
    char made[512];
    us_status status;
    if ((code = race_grid_read(command, &grid, lists, &options)) != CLI_GO_ON) goto done;
    if (!folder) {
        code = cli_training_folder(command, "races", data, "--run", made);
        if (code != CLI_GO_ON) goto done;
        folder = made;
    }
    if (options.optimizer_count > 0) training.config.optimizer = options.optimizers[0]; /* --set is checked against it */
    status = us_race_create(&race, context, folder, &training.config, &options);
    race_table live = race_table_start(quiet);
    if (status == US_OK) status = us_race_run(race, race_table_show, &live);
    race_table_end(&live);
    if (status != US_OK && status != US_INTERRUPTED) {
        code = cli_error(command, context, status);
        goto done;
    }
    us_context_resume(context);
    code = race_end(command, context, race, options.halving, json);
    if (code == CLI_DONE && status == US_INTERRUPTED) code = CLI_INTERRUPTED;
done:
    us_race_destroy(race);
    race_grid_release(&grid);
    cli_context_destroy(context);
    return code;
}

const cli_command cli_race = {
    "race", "DATA", "many ways to train on one problem, side by side",
    "Trains one model on one file in many ways at once: every optimizer with every rate and every batch, each with\n"
    "--seeds seeds. Ranks them by the loss over all training rows that they reach in equal steps, in equal samples and\n"
    "in equal time (CPU time of training). With --seconds each arm has so much CPU time. Every arm is an ordinary run\n"
    "in the race's folder: unstuck diagnose, predict and train --resume work on it.\n"
    "\n"
    "  unstuck race iris.csv --optimizer sgd --lr 0.1 --batch 1,32,full --epochs 50\n"
    "  unstuck race housing.csv --model mlp:64 --optimizer sgd,momentum,adam --lr 1e-3,1e-2,1e-1 --seeds 3 --halving",
    race_run};
