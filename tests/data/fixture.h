/* Small files for the tests of this folder, and what became of them. */
#ifndef US_TESTS_DATA_FIXTURE_H
#define US_TESTS_DATA_FIXTURE_H

#include "support.h"
#include <unstuck/data.h>

/* One folder for the whole program, as there may be only a few. */
static inline const char *fixture_folder(void) {
    static const char *folder;
    if (!folder) folder = support_temporary_folder();
    return folder;
}

static inline const char *fixture_path(const char *name) {
    static char texts[8][512];
    static int next;
    char *text = texts[next++ % 8];
    snprintf(text, sizeof texts[0], "%s/%s", fixture_folder(), name);
    return text;
}

static inline const char *fixture_bytes(const char *name, const void *bytes, size_t size) {
    const char *path = fixture_path(name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    return path;
}

static inline const char *fixture_text(const char *name, const char *text) {
    return fixture_bytes(name, text, strlen(text));
}

/* A table that must come out. */
static inline us_table *fixture_read(us_context *context, const char *path) {
    us_table *table = NULL;
    us_status status = us_table_read_csv(&table, context, path, NULL);
    if (status != US_OK) fail_msg("%s: %s", us_status_name(status), us_context_error(context));
    return table;
}

static inline us_table *fixture_table(us_context *context, const char *text) {
    return fixture_read(context, fixture_text("table.csv", text));
}

/* The text of a cell: its level, or the number as %.17g would give it shortest; "" when missing. */
static inline const char *fixture_cell(const us_table *table, size_t column, size_t row) {
    static char text[64];
    if (us_table_column_kind(table, column) == US_COLUMN_TEXT) {
        size_t count;
        uint32_t level = us_table_level(table, column, row);
        return level == UINT32_MAX ? "" : us_table_levels(table, column, &count)[level];
    }
    double value = us_table_number(table, column, row);
    if (isnan(value)) return "";
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    return text;
}

/* The whole table (the first 60 kB of it) as "name,name|cell,cell|cell,cell", so that one comparison says it all. */
static inline const char *fixture_dump(const us_table *table) {
    static char out[65536];
    char *to = out;
    for (size_t c = 0; c < us_table_columns(table); c++)
        to += sprintf(to, "%s%s", c ? "," : "", us_table_column_name(table, c));
    for (size_t row = 0; row < us_table_rows(table); row++)
        for (size_t c = 0; c < us_table_columns(table) && to < out + 60000; c++)
            to += sprintf(to, "%s%s", c ? "," : "|", fixture_cell(table, c, row));
    return out;
}

/* Reads `text` and compares its dump. */
static inline void fixture_expect(const char *text, const char *dump) {
    us_context *context = support_plain_context();
    us_table *table = fixture_table(context, text);
    assert_string_equal(fixture_dump(table), dump);
    us_table_destroy(table);
    us_context_destroy(context);
}

/* Reading fails with `status`, the file's name and `part` in the error, on one line. */
static inline void fixture_refuse(const char *path, us_status status, const char *part) {
    us_context *context = support_plain_context();
    us_table *table = (us_table *)1;
    us_status got = us_table_read_csv(&table, context, path, NULL);
    const char *error = us_context_error(context);
    if (got != status || !strstr(error, part) || !strstr(error, path) || strchr(error, '\n'))
        fail_msg("%s: expected %s with \"%s\", got %s: %s", path, us_status_name(status), part, us_status_name(got), error);
    assert_null(table);
    us_context_destroy(context);
}

#endif
