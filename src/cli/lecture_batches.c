/* The scenes on batches: a line fitted to noisy points, where the paths can be seen; and a network, where time is measured.
 * Both are races in a folder, as `unstuck race` makes them. */
#include "lecture.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BATCHES_LINE = 200, BATCHES_WAVES = 4000 };

/* y = 2x + 1/2 and noise; y = sin(2a)·b + c²/2 and noise. */
static us_status batches_write(us_context *context, const char *folder, const char *name, bool line) {
    char path[4096], *text = NULL;
    size_t size = 0;
    us_rng rng = us_rng_init(1, 0x1ec7);
    FILE *file = open_memstream(&text, &size);
    if (!file) return US_ERR_NOMEM;
    fprintf(file, line ? "x,y\n" : "a,b,c,y\n");
    for (size_t i = 0; i < (line ? BATCHES_LINE : BATCHES_WAVES); i++) {
        double a = line ? 2 * us_rng_uniform(&rng) - 1 : us_rng_normal(&rng), noise = us_rng_normal(&rng);
        if (line) {
            fprintf(file, "%.5f,%.5f\n", a, 2 * a + 0.5 + 0.5 * noise);
            continue;
        }
        double b = us_rng_normal(&rng), c = us_rng_normal(&rng);
        fprintf(file, "%.5f,%.5f,%.5f,%.5f\n", a, b, c, sin(2 * a) * b + c * c / 2 + 0.1 * noise);
    }
    us_status status = fclose(file) == 0 ? US_OK : US_ERR_NOMEM;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (status == US_OK) status = us_file_replace(context, path, text, size);
    free(text);
    return status;
}

static us_run_config batches_config(const char *data, const char *model, double rate, double epochs) {
    us_run_config c = US_RUN_CONFIG_INIT;
    c.data = data, c.model = model, c.optimizer = "sgd", c.learning_rate = rate, c.epochs = epochs;
    return c;
}

static us_status batches_race(us_context *context, const char *folder, const us_run_config *config, const size_t *batches,
                              size_t count, json_t **summary) {
    us_race *race = NULL;
    char *text = NULL;
    us_race_options o = US_RACE_OPTIONS_INIT;
    o.batches = batches, o.batch_count = count;
    us_status status = us_race_create(&race, context, folder, config, &o);
    if (status == US_OK) status = us_race_run(race, NULL, NULL);
    if (status == US_OK && summary) status = us_race_summary(race, &text);
    if (text && !(*summary = json_loads(text, 0, NULL))) status = US_ERR_NOMEM;
    us_text_release(context, text);
    us_race_destroy(race);
    return status;
}

/* What is left of a race that was made for the page alone. */
static void batches_remove(us_context *context, const char *folder) {
    us_run_entry *entries = NULL;
    size_t count = 0;
    char path[4096];
    if (us_runs_list(context, folder, &entries, &count) == US_OK)
        for (size_t i = 0; i < count; i++) {
            snprintf(path, sizeof path, "%s/%s", folder, entries[i].folder);
            us_run_remove(context, path);
        }
    us_bytes_release(context, entries);
    snprintf(path, sizeof path, "%s/race.json", folder);
    unlink(path);
    rmdir(folder);
}

static int batches_paths(const cli_command *command, us_context *context, const char *folder, json_t *item) {
    static const char *const NAMES[] = {"sgd-lr0.1-bfull", "sgd-lr0.1-b16", "sgd-lr0.1-b1"};
    char paths[3][4200];
    const char *folders[3];
    for (size_t i = 0; i < 3; i++) {
        snprintf(paths[i], sizeof paths[i], "%s/%s", folder, NAMES[i]);
        folders[i] = paths[i];
    }
    scape s = {.context = context, .progress = cli_progress_start(true)};
    scape_run ask = {.folders = folders, .count = 3, .seed = 1, .products = 200, .precision = 1, .points = 61};
    int code = scape_of_run(&s, command, &ask);
    if (code == CLI_GO_ON) {
        us_status status = scape_compute(&s, NULL, NULL);
        code = status == US_OK ? CLI_DONE : cli_error(command, context, status);
    }
    if (code == CLI_DONE) {
        json_object_set_new(s.about, "run", json_string("batches/sgd-lr0.1-bfull"));
        json_object_set_new(item, "landscape", scape_json(&s));
    }
    scape_release(&s);
    us_run_destroy(ask.run);
    free(ask.name);
    return code;
}

int lecture_batches(const cli_command *command, us_context *context, const char *data, const char *work, bool quiet,
                    json_t *items) {
    static const size_t LINE[] = {1, 16, 0}, WAVES[] = {1, 8, 64, 512, 0};
    char line[4096], waves[4096], folder[4096];
    json_t *summary = NULL, *item;
    (void)quiet;
    snprintf(line, sizeof line, "%s/line.csv", data);
    snprintf(waves, sizeof waves, "%s/waves.csv", data);
    us_status status = batches_write(context, data, "line.csv", true);
    if (status == US_OK) status = batches_write(context, data, "waves.csv", false);
    if (status != US_OK) return cli_error(command, context, status);

    us_run_config c = batches_config(line, "linear", 0.1, 10);
    c.data_options.standardize = false, c.data_options.test_fraction = 0, c.init = "zero", c.keep_path = 3000;
    snprintf(folder, sizeof folder, "%s/line", work);
    status = batches_race(context, folder, &c, LINE, sizeof LINE / sizeof *LINE, NULL);
    item = json_pack("{s:s,s:s,s:i,s:s}", "scene", "batches", "name", "line", "show", LECTURE_LANDSCAPE | LECTURE_LOSSES,
                     "command",
                     "unstuck race line.csv --no-standardize --test-fraction 0 --init zero --optimizer sgd --lr 0.1 --batch "
                     "1,16,full --epochs 10 --keep-path 3000 --run batches\nunstuck landscape batches/sgd-lr0.1-bfull "
                     "batches/sgd-lr0.1-b16 batches/sgd-lr0.1-b1 --points 61 -o batches.html");
    json_array_append_new(items, item);
    int code = status == US_OK ? batches_paths(command, context, folder, item) : cli_error(command, context, status);
    batches_remove(context, folder);
    if (code != CLI_DONE) return code;

    c = batches_config(waves, "mlp:16:tanh", 0.05, 8);
    snprintf(folder, sizeof folder, "%s/waves", work);
    status = batches_race(context, folder, &c, WAVES, sizeof WAVES / sizeof *WAVES, &summary);
    batches_remove(context, folder);
    if (status != US_OK) return cli_error(command, context, status);
    item = json_pack("{s:s,s:s,s:s}", "scene", "size", "name", "race", "command",
                     "unstuck race waves.csv --model mlp:16:tanh --optimizer sgd --lr 0.05 --batch 1,8,64,512,full "
                     "--epochs 8");
    json_t *arms = json_object_get(summary, "arms");
    for (size_t i = 0; i < json_array_size(arms); i++) json_object_del(json_array_get(arms, i), "run"); /* they are gone */
    json_object_del(summary, "race");
    json_object_set_new(summary, "data", json_string("waves.csv"));
    json_object_set_new(item, "race", summary);
    json_object_set_new(item, "epochs", json_integer(8));
    json_array_append_new(items, item);
    return CLI_DONE;
}
