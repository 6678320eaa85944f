#include "report/log.h"
#include "report/series.h"
#include "run/run.h"
#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static double log_column(sqlite3_stmt *row, int column) {
    return sqlite3_column_type(row, column) == SQLITE_NULL ? (double)NAN : sqlite3_column_double(row, column);
}

/* ------------------------------------------------------------------ series */

static bool log_metric(void *user, sqlite3_stmt *row) {
    static const char *const NAMES[] = {"batch_loss", "mean_loss", "gradient_norm", "learning_rate", "seconds"};
    for (int i = 0; i < 5; i++)
        if (us__series_add(user, NAMES[i], "", log_column(row, 0), log_column(row, i + 1)) != US_OK) return false;
    return true;
}

static bool log_loss(void *user, sqlite3_stmt *row) {
    double step = log_column(row, 0), train = log_column(row, 1), test = log_column(row, 2);
    if (!isnan(train) && us__series_add(user, "train_loss", "", step, train) != US_OK) return false;
    return isnan(test) || us__series_add(user, "test_loss", "", step, test) == US_OK;
}

/* Signs of the watch go beside the log's own numbers; where both tell the gradient's length, the log's is there. */
static bool log_sign(void *user, uint64_t step, const char *name, const char *part, double value) {
    if (!strcmp(name, "gradient_norm") && !*part && us__series_find(user, name, "")) return true;
    return us__series_add(user, name, part, (double)step, value) == US_OK;
}

static us_status log_series(us__text *to, us__store *store, size_t points) {
    us__series_list list = {.context = to->context};
    us_status status = us__store_each(
        store, "SELECT step, loss, mean_loss, gradient_norm, learning_rate, seconds FROM metrics ORDER BY step", log_metric,
        &list);
    if (status == US_OK)
        status = us__store_each(store, "SELECT step, train, test FROM losses ORDER BY step", log_loss, &list);
    if (status == US_OK) status = us__store_signs(store, 0, log_sign, &list);
    if (status == US_STOPPED) status = US_ERR_NOMEM; /* log_sign stops for nothing else */
    us__text_add(to, ",\n\"series\":");
    if (status == US_OK) status = us__series_write(to, &list, points);
    us__series_release(&list);
    return status;
}

/* ------------------------------------------------------------------ texts */

/* What a text column holds that must be JSON already; null where it is not. */
static void log_json(us__text *to, const char *text) {
    json_t *object = text ? json_loads(text, 0, NULL) : NULL;
    char *dumped = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    us__text_add(to, dumped ? dumped : "null");
    free(dumped);
    json_decref(object);
}

typedef struct log_rows {
    us__text *to;
    bool some;
} log_rows;

static bool log_event(void *user, sqlite3_stmt *row) {
    log_rows *rows = user;
    us__text *to = rows->to;
    us__text_add(to, rows->some ? ",\n{\"step\":" : "\n{\"step\":");
    us__text_add_real(to, log_column(row, 0), 17);
    us__text_add(to, ",\"kind\":");
    us__text_add_string(to, (const char *)sqlite3_column_text(row, 1));
    us__text_add(to, ",\"text\":");
    us__text_add_string(to, (const char *)sqlite3_column_text(row, 2));
    us__text_add(to, ",\"time\":");
    us__text_add_real(to, log_column(row, 3), 17);
    us__text_add(to, "}");
    rows->some = true;
    return to->status == US_OK;
}

static bool log_verdict(void *user, sqlite3_stmt *row) {
    log_rows *rows = user;
    us__text_add(rows->to, rows->some ? ",\n{\"step\":" : "\n{\"step\":");
    us__text_add_real(rows->to, log_column(row, 0), 17);
    us__text_add(rows->to, ",\"verdict\":");
    log_json(rows->to, (const char *)sqlite3_column_text(row, 1));
    us__text_add(rows->to, "}");
    rows->some = true;
    return rows->to->status == US_OK;
}

/* The last result of each kind and name. */
static us_status log_results(us__text *to, us__store *store) {
    json_t *all = NULL, *last = json_array();
    us_status status = last ? us__store_results(store, NULL, &all) : US_ERR_NOMEM;
    for (size_t i = 0; status == US_OK && i < json_array_size(all); i++) {
        json_t *result = json_array_get(all, i);
        bool newest = true;
        for (size_t k = i + 1; newest && k < json_array_size(all); k++) {
            const json_t *later = json_array_get(all, k);
            newest = !json_equal(json_object_get(result, "kind"), json_object_get(later, "kind")) ||
                     !json_equal(json_object_get(result, "name"), json_object_get(later, "name"));
        }
        if (newest && json_array_append(last, result) != 0) status = US_ERR_NOMEM;
    }
    char *dumped = status == US_OK ? json_dumps(last, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    if (status == US_OK && !dumped) status = us__fail(to->context, US_ERR_NOMEM, "out of memory for JSON");
    us__text_add(to, ",\n\"results\":");
    if (dumped) us__text_add(to, dumped);
    free(dumped);
    json_decref(all);
    json_decref(last);
    return status;
}

static us_status log_lists(us__text *to, us__store *store) {
    log_rows events = {to, false}, verdicts = {to, false};
    us__text_add(to, ",\n\"events\":[");
    us_status status = us__store_each(store, "SELECT step, kind, text, time FROM events ORDER BY id", log_event, &events);
    us__text_add(to, "],\n\"verdicts\":[");
    if (status == US_OK)
        status = us__store_each(store, "SELECT step, json FROM verdicts ORDER BY id", log_verdict, &verdicts);
    us__text_add(to, "]");
    return status;
}

/* ------------------------------------------------------------------ the whole */

/* A number that the config table keeps as text; null for one that stands for "no end". */
static us_status log_count(us__text *to, us__store *store, const char *key) {
    char *text = NULL;
    us_status status = us__store_get(store, key, &text);
    double value = text ? strtod(text, NULL) : (double)NAN;
    us__text_add_real(to, value < 0x1p62 ? value : (double)NAN, 17);
    us__release(to->context, text);
    return status == US_NOT_FOUND ? US_OK : status;
}

static us_status log_head(us__text *to, us__store *store, const char *folder) {
    char *config = NULL, *state = NULL, path[4096];
    uint64_t step = 0;
    double loss = 0;
    us__losses losses = {0};
    us_status status = us__store_get(store, "config", &config);
    if (status == US_OK) status = us__store_get(store, "status", &state);
    if (status == US_OK) status = us__store_last(store, &step, &loss);
    if (status == US_OK) status = us__store_losses(store, step, &losses);
    if (status == US_NOT_FOUND)
        status = us__fail(to->context, US_ERR_INPUT, "%s: run.db lacks a part of its config", folder);
    if (status != US_OK) goto done;
    bool open = us_run_is_busy(folder);
    /* The name that the folder has, also where the path is "." */
    const char *full = realpath(folder, path), *slash = full ? strrchr(full, '/') : NULL;
    us__text_add(to, "{\"name\":");
    us__text_add_string(to, slash ? slash + 1 : folder);
    us__text_add(to, ",\"folder\":");
    us__text_add_string(to, folder);
    us__text_add(to, ",\"status\":");
    us__text_add_string(to, !strcmp(state, "running") && !open ? "interrupted" : state);
    us__text_add(to, open ? ",\"open\":true,\"started\":" : ",\"open\":false,\"started\":");
    if ((status = log_count(to, store, "started")) != US_OK) goto done;
    us__text_add(to, ",\"steps_planned\":");
    if ((status = log_count(to, store, "steps_planned")) != US_OK) goto done;
    const struct {
        const char *name;
        double value;
    } numbers[] = {{",\"steps\":", (double)step},
                   {",\"loss\":{\"first\":", losses.first},
                   {",\"last\":", loss},
                   {",\"best\":", losses.best},
                   {",\"best_step\":", isnan(losses.best) ? (double)NAN : (double)losses.best_step},
                   {",\"test\":", losses.test}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        us__text_add(to, numbers[i].name);
        us__text_add_real(to, numbers[i].value, 17);
    }
    us__text_add(to, "},\n\"config\":");
    log_json(to, config);
done:
    us__release(to->context, config);
    us__release(to->context, state);
    return status;
}

us_status us__log_write(us__text *to, us_context *context, const char *folder, size_t points) {
    us__store *store = NULL;
    us_status status = us__store_open_readonly(&store, context, folder);
    if (status == US_OK) status = log_head(to, store, folder);
    if (status == US_OK) status = log_lists(to, store);
    if (status == US_OK) status = log_results(to, store);
    if (status == US_OK) status = log_series(to, store, points);
    us__text_add(to, "}");
    us__store_close(store);
    return status == US_OK ? to->status : status;
}
