/* Reading the logs of other programs: CSV, and JSON lines. */
#include "base/base.h"
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unstuck/data.h>
#include <unstuck/log.h>

enum { READ_STEP, READ_LOSS, READ_GRADIENT, READ_RATE, READ_BATCH, READ_KINDS };

/* Names as they read once they are in lower case, with _ for what is no letter, and without "train_" before them, nor the
 * name of a run and " - "; the first that a log has is taken. */
static const char *const READ_NAMES[READ_KINDS][10] = {
    {"step", "steps", "global_step", "iter", "iteration", "iterations", "trainer_global_step", "t", "epoch", "epochs"},
    {"loss", "loss_step", "batch_loss", "mean_loss", "loss_epoch", "nll", "cost", "objective"},
    {"gradient_norm", "grad_norm", "gradnorm", "gnorm", "gradient", "grad_2_0_norm_total"},
    {"learning_rate", "lr"},
    {"batch", "batch_size", "rows"},
};

static void read_plain(const char *name, char *out, size_t size) {
    size_t n = 0;
    for (const char *run; (run = strstr(name, " - "));) name = run + 3;
    for (; *name && n + 1 < size; name++)
        out[n++] = isalnum((unsigned char)*name) ? (char)tolower((unsigned char)*name) : '_';
    out[n] = '\0';
    static const char *const BEFORE[] = {"train_", "training_", "tr_"};
    for (size_t k = 0; k < sizeof BEFORE / sizeof *BEFORE; k++) {
        size_t length = strlen(BEFORE[k]);
        if (strncmp(out, BEFORE[k], length) == 0 && out[length]) memmove(out, out + length, n - length + 1);
    }
}

/* How well a name fits a kind: 0 is best, SIZE_MAX not at all. */
static size_t read_fit(const char *name, int kind) {
    char plain[96];
    read_plain(name, plain, sizeof plain);
    for (size_t k = 0; k < 10 && READ_NAMES[kind][k]; k++)
        if (strcmp(plain, READ_NAMES[kind][k]) == 0) return k;
    return kind == READ_RATE && strncmp(plain, "lr_", 3) == 0 ? 10 : SIZE_MAX;
}

/* ------------------------------------------------------------------ rows, as they come */

typedef struct read_rows {
    us_context *context;
    const char *path;
    double *columns[READ_KINDS];
    bool has[READ_KINDS];
    size_t count, room, gaps;
    char loss_name[64];
} read_rows;

static us_status read_add(read_rows *r, const double values[READ_KINDS], bool gap) {
    if (gap) {
        r->gaps++;
        return US_OK;
    }
    if (r->count == r->room) {
        size_t room = r->room ? 2 * r->room : 1024;
        for (int k = 0; k < READ_KINDS; k++) {
            double *grown = us__grow(r->context, r->columns[k], r->count, room, sizeof *grown);
            if (!grown) return US_ERR_NOMEM;
            r->columns[k] = grown;
        }
        r->room = room;
    }
    for (int k = 0; k < READ_KINDS; k++) r->columns[k][r->count] = values[k];
    r->count++;
    return US_OK;
}

/* ------------------------------------------------------------------ CSV */

/* "inf" is a number to a table and "nan" is missing: whether a row's loss is the latter or no loss at all is in its line. */
typedef struct read_lines {
    FILE *file;
    char *line;
    size_t size;
    uint64_t at;
} read_lines;

static bool read_line_says_nan(read_lines *l, uint64_t number) {
    while (l->file && l->at < number && getline(&l->line, &l->size, l->file) >= 0) l->at++;
    for (const char *p = l->at == number && l->line ? l->line : ""; *p; p++)
        if (strncasecmp(p, "nan", 3) == 0) return true;
    return false;
}

static us_status read_no_loss(us_context *context, const char *path, const char *names) {
    return us__fail(context, US_ERR_INPUT, "%s: no column of losses; there are %s: name one of them loss", path, names);
}

static us_status read_csv(read_rows *r, us_table *table) {
    size_t columns = us_table_columns(table), at[READ_KINDS];
    char names[256] = "";
    for (int k = 0; k < READ_KINDS; k++) {
        size_t best = SIZE_MAX;
        at[k] = SIZE_MAX;
        for (size_t c = 0; us_table_has_header(table) && c < columns; c++) {
            size_t fit = read_fit(us_table_column_name(table, c), k);
            if (fit < best) best = fit, at[k] = c;
        }
    }
    if (!us_table_has_header(table) && columns <= 2)
        at[READ_LOSS] = columns - 1, at[READ_STEP] = columns == 2 ? 0 : SIZE_MAX;
    for (size_t c = 0; c < columns; c++) {
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", c ? ", " : "", us_table_column_name(table, c));
    }
    if (at[READ_LOSS] == SIZE_MAX) return read_no_loss(r->context, r->path, names);
    read_lines lines = {.file = us_table_missing(table, at[READ_LOSS]) ? fopen(r->path, "r") : NULL};
    us_status status = US_OK;
    for (int k = 0; k < READ_KINDS && status == US_OK; k++) {
        if (at[k] == SIZE_MAX) continue;
        const char *name = us_table_column_name(table, at[k]);
        r->has[k] = us_table_column_kind(table, at[k]) == US_COLUMN_NUMERIC;
        if (k == READ_LOSS) snprintf(r->loss_name, sizeof r->loss_name, "%s", name);
        if (r->has[k] || k != READ_LOSS) continue;
        size_t levels;
        const char *const *level = us_table_levels(table, at[k], &levels), *bad = NULL;
        for (size_t i = 0; i < levels && !bad; i++) {
            char *end;
            strtod(level[i], &end);
            if (*end || end == level[i]) bad = level[i];
        }
        uint64_t line = 0;
        for (size_t row = 0; bad && row < us_table_rows(table) && !line; row++) {
            uint32_t l = us_table_level(table, at[k], row);
            if (l < levels && level[l] == bad) line = us_table_line(table, row);
        }
        status = us__fail(r->context, US_ERR_INPUT, "%s:%llu: column %s has '%.40s', which is no number", r->path,
                          (unsigned long long)line, name, bad ? bad : "a text");
    }
    for (size_t row = 0; row < us_table_rows(table) && status == US_OK; row++) {
        double values[READ_KINDS];
        for (int k = 0; k < READ_KINDS; k++) values[k] = r->has[k] ? us_table_number(table, at[k], row) : (double)NAN;
        bool gap = isnan(values[READ_LOSS]) && !read_line_says_nan(&lines, us_table_line(table, row));
        status = read_add(r, values, gap);
    }
    if (lines.file) fclose(lines.file);
    free(lines.line);
    return status;
}

/* ------------------------------------------------------------------ JSON: lines, or a list of objects */

/* NaN and Infinity as Python writes them are no JSON: they become texts, outside of texts. Returns a copy for free. */
static char *read_quote_nan(const char *line) {
    static const char *const WORDS[] = {"NaN", "Infinity", "-Infinity"};
    char *out = malloc(3 * strlen(line) + 1), *to = out;
    bool text = false;
    while (out && *line) {
        size_t length = 0;
        for (size_t k = 0; !text && k < 3; k++)
            if (strncmp(line, WORDS[k], strlen(WORDS[k])) == 0) length = strlen(WORDS[k]);
        if (length) {
            to += sprintf(to, "\"%.*s\"", (int)length, line);
            line += length;
            continue;
        }
        if (*line == '"') text = !text;
        if (text && *line == '\\' && line[1]) *to++ = *line++;
        *to++ = *line++;
    }
    if (out) *to = '\0';
    return out;
}

static bool read_value(const json_t *value, double *out) {
    char *end;
    if (json_is_number(value)) return *out = json_number_value(value), true;
    if (!json_is_string(value)) return false;
    *out = strtod(json_string_value(value), &end);
    return end != json_string_value(value) && !*end;
}

static us_status read_object(read_rows *r, json_t *object, uint64_t line) {
    double values[READ_KINDS];
    size_t best[READ_KINDS];
    const char *key;
    json_t *value;
    for (int k = 0; k < READ_KINDS; k++) best[k] = SIZE_MAX, values[k] = (double)NAN;
    json_object_foreach(object, key, value) for (int k = 0; k < READ_KINDS; k++) {
        size_t fit = read_fit(key, k);
        double number;
        if (fit >= best[k] || json_is_null(value)) continue;
        if (!read_value(value, &number)) {
            if (k != READ_LOSS) continue;
            return us__fail(r->context, US_ERR_INPUT, "%s:%llu: %s is no number", r->path, (unsigned long long)line, key);
        }
        best[k] = fit, values[k] = number, r->has[k] = true;
        if (k == READ_LOSS) snprintf(r->loss_name, sizeof r->loss_name, "%s", key);
    }
    return read_add(r, values, best[READ_LOSS] == SIZE_MAX);
}

/* An object of columns, such as {"loss": [0.7, 0.6], "lr": [0.1, 0.1]}, as a list of rows. NULL: it is none. */
static json_t *read_columns(json_t *object) {
    const char *key;
    json_t *column, *list = json_array(), *row;
    size_t rows = 0;
    json_object_foreach(object, key, column) {
        if (read_fit(key, READ_LOSS) != SIZE_MAX && json_array_size(column) > 1) rows = json_array_size(column);
    }
    for (size_t i = 0; i < rows; i++) {
        row = json_object();
        json_object_foreach(object, key, column) {
            if (json_array_get(column, i)) json_object_set(row, key, json_array_get(column, i));
        }
        json_array_append_new(list, row);
    }
    if (rows > 0) return list;
    json_decref(list);
    return NULL;
}

/* The list of objects in a file of one JSON value: the value itself, a member of it ("log_history"), its columns, or
 * those of a member ("history"). NULL: there is none, or no memory for it. A new reference. */
static json_t *read_list(FILE *file) {
    char *text = NULL, *quoted;
    size_t size = 0;
    json_t *value, *member, *list = NULL;
    const char *key;
    ssize_t length = getdelim(&text, &size, '\0', file);
    quoted = length > 0 ? read_quote_nan(text) : NULL;
    value = quoted ? json_loads(quoted, 0, NULL) : NULL;
    if (json_is_array(value)) list = json_incref(value);
    json_object_foreach(value, key, member) if (!list && json_is_array(member) && json_is_object(json_array_get(member, 0)))
        list = json_incref(member);
    if (!list && json_is_object(value)) list = read_columns(value);
    json_object_foreach(value, key, member) if (!list && json_is_object(member)) list = read_columns(member);
    json_decref(value);
    free(quoted);
    free(text);
    return list;
}

/* The number of an object in its list stands for its line. */
static us_status read_objects(read_rows *r, const json_t *list) {
    us_status status = US_OK;
    for (size_t i = 0; i < json_array_size(list) && status == US_OK; i++) {
        json_t *object = json_array_get(list, i);
        if (json_is_object(object))
            status = read_object(r, object, i + 1);
        else
            status = us__fail(r->context, US_ERR_INPUT, "%s: value %zu of the list is no JSON object", r->path, i + 1);
    }
    return status;
}

static us_status read_json(read_rows *r, FILE *file) {
    char *line = NULL;
    size_t size = 0;
    uint64_t number = 0;
    json_t *list = read_list(file);
    us_status status = read_objects(r, list);
    rewind(file);
    while (!list && status == US_OK && getline(&line, &size, file) >= 0) {
        json_error_t error;
        number++;
        if (line[strspn(line, " \t\r\n")] == '\0') continue;
        char *quoted = read_quote_nan(line);
        json_t *object = quoted ? json_loads(quoted, 0, &error) : NULL;
        if (!quoted)
            status = US_ERR_NOMEM;
        else if (!json_is_object(object))
            status = us__fail(r->context, US_ERR_INPUT, "%s:%llu: no JSON object: %s", r->path, (unsigned long long)number,
                              object ? "another value" : error.text);
        else
            status = read_object(r, object, number);
        json_decref(object);
        free(quoted);
    }
    json_decref(list);
    free(line);
    if (status == US_OK && !r->has[READ_LOSS]) return read_no_loss(r->context, r->path, "objects without one");
    return status;
}

/* ------------------------------------------------------------------ */

us_status us_log_read(us_log **out, us_context *context, const char *path) {
    *out = NULL;
    read_rows r = {.context = context, .path = path};
    us_table *table = NULL;
    int c = ' ';
    FILE *file = fopen(path, "r");
    if (!file) return us__fail(context, US_ERR_INPUT, "%s: %s", path, strerror(errno));
    while (c != EOF && isspace(c)) c = fgetc(file);
    us_status status;
    if (c == '{' || c == '[') {
        rewind(file);
        status = read_json(&r, file);
    } else {
        status = us_table_read_csv(&table, context, path, NULL);
        if (status == US_OK) status = read_csv(&r, table);
    }
    fclose(file);
    us_table_destroy(table);
    if (status == US_OK && r.count == 0) status = us__fail(context, US_ERR_INPUT, "%s: there is no loss in it", path);
    if (status == US_OK)
        status =
            us_log_create(out, context, r.count, r.has[READ_STEP] ? r.columns[READ_STEP] : NULL, r.columns[READ_LOSS],
                          r.has[READ_GRADIENT] ? r.columns[READ_GRADIENT] : NULL,
                          r.has[READ_RATE] ? r.columns[READ_RATE] : NULL, r.has[READ_BATCH] ? r.columns[READ_BATCH] : NULL);
    if (status == US_OK) {
        (*out)->gaps = r.gaps;
        memcpy((*out)->loss_name, r.loss_name, sizeof r.loss_name);
    }
    for (int k = 0; k < READ_KINDS; k++) us__release(context, r.columns[k]);
    return status;
}
