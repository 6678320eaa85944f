#include "data/table.h"
#include "data/csv.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void us_csv_options_init(us_csv_options *options) { *options = (us_csv_options)US_CSV_OPTIONS_INIT; }

us_status us_table_read_csv(us_table **out, us_context *context, const char *path, const us_csv_options *options) {
    return us__table_read(out, context, path, options, NULL);
}

void us__table_release_below(us_table *table, size_t row) {
    size_t whole = row >> table->block_shift;
    for (size_t b = whole; b-- > 0 && table->blocks[b];) {
        us__release(table->context, table->blocks[b]);
        table->blocks[b] = NULL;
    }
}

void us__table_release_cells(us_table *table) {
    for (size_t b = 0; b < table->block_count; b++) us__release(table->context, table->blocks[b]);
    table->block_count = 0;
    for (size_t c = 0; table->levels && c < table->columns; c++) us__levels_clear(&table->levels[c]);
}

void us_table_destroy(us_table *table) {
    if (!table) return;
    us__table_release_cells(table);
    us__release(table->context, table->blocks);
    us__release(table->context, table->steps);
    us__arena_destroy(table->arena);
    us__release(table->context, table);
}

/* ------------------------------------------------------------------ names */

/* Takes blanks and line ends off both ends, and single quotes where all names stand in them. */
static void table_trim_name(char *name, bool quotes) {
    size_t first = strspn(name, " \t\r\n\v\f"), length = strlen(name);
    while (length > first && strchr(" \t\r\n\v\f", name[length - 1])) length--;
    if (quotes) first++, length--;
    memmove(name, name + first, length - first);
    name[length - first] = '\0';
}

us_status us__table_name_columns(us_table *table, char *const *cells) {
    us__levels taken = {.context = table->context};
    us_status status = US_ERR_NOMEM;
    size_t *next = NULL; /* [columns] for each distinct name as given, the number that its next copy tries */
    bool quotes = cells != NULL;
    for (size_t c = 0; cells && c < table->columns; c++) {
        table_trim_name(cells[c], false);
        size_t length = strlen(cells[c]);
        quotes = quotes && length >= 2 && cells[c][0] == '\'' && cells[c][length - 1] == '\'';
    }
    for (size_t c = 0; c < table->columns; c++) {
        char *name = cells ? cells[c] : NULL;
        if (name) table_trim_name(name, quotes);
        size_t room = (name ? strlen(name) : 0) + 32;
        char *text = us__arena_alloc(table->arena, room, 1);
        if (!text) goto done;
        if (name && *name)
            snprintf(text, room, "%s", name);
        else
            snprintf(text, room, "column%zu", c + 1);
        table->names[c] = text;
    }
    /* All names as given come before those that are made, so that a given "x.2" keeps its name. */
    for (size_t c = 0; c < table->columns; c++) {
        bool added;
        if (us__levels_add(&taken, table->names[c], strlen(table->names[c]), &added) == UINT32_MAX) goto done;
        if (!added) table->missing[c] = 1; /* marks a repeated name until the counts are needed */
    }
    next = us__new(table->context, table->columns, sizeof *next);
    if (!next) goto done;
    for (size_t c = 0; c < table->columns; c++) {
        if (!table->missing[c]) continue;
        table->missing[c] = 0;
        size_t length = strlen(table->names[c]), *k = &next[us__levels_find(&taken, table->names[c], length)];
        bool added = false;
        while (!added) {
            int more = snprintf(table->names[c] + length, 24, ".%zu", 2 + (*k)++);
            if (us__levels_add(&taken, table->names[c], length + (size_t)more, &added) == UINT32_MAX) goto done;
        }
    }
    status = US_OK;
done:
    us__release(table->context, next);
    us__levels_clear(&taken);
    return status;
}

/* ------------------------------------------------------------------ looking in */

size_t us_table_rows(const us_table *table) { return table->rows; }
size_t us_table_columns(const us_table *table) { return table->columns; }
bool us_table_has_header(const us_table *table) { return table->header; }
const char *us_table_column_name(const us_table *table, size_t column) { return table->names[column]; }
us_column_kind us_table_column_kind(const us_table *table, size_t column) { return (us_column_kind)table->kinds[column]; }
size_t us_table_missing(const us_table *table, size_t column) { return table->missing[column]; }

size_t us_table_find_column(const us_table *table, const char *name) {
    for (size_t c = 0; c < table->columns; c++)
        if (strcmp(table->names[c], name) == 0) return c;
    if (*name < '0' || *name > '9') return SIZE_MAX;
    char *end;
    unsigned long long number = strtoull(name, &end, 10);
    return *end == '\0' && number >= 1 && number <= table->columns ? (size_t)number - 1 : SIZE_MAX;
}

void us__table_cells(const us_table *table, size_t column, size_t first, size_t count, double *out) {
    size_t block_rows = (size_t)1 << table->block_shift;
    while (count > 0) {
        size_t within = first & (block_rows - 1), n = block_rows - within < count ? block_rows - within : count;
        us__block_read(table->blocks[first >> table->block_shift], column, within, n, out);
        first += n, out += n, count -= n;
    }
}

double us_table_number(const us_table *table, size_t column, size_t row) {
    double value;
    us__table_cells(table, column, row, 1, &value);
    return value;
}

const char *const *us_table_levels(const us_table *table, size_t column, size_t *count) {
    *count = table->levels[column].count;
    return table->texts[column];
}

uint32_t us_table_level(const us_table *table, size_t column, size_t row) {
    double value = us_table_number(table, column, row);
    return isnan(value) ? UINT32_MAX : (uint32_t)value;
}

uint64_t us_table_line(const us_table *table, size_t row) {
    size_t low = 0, high = table->step_count; /* the last step at or below row is in [low, high) */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (table->steps[middle].row <= row)
            low = middle;
        else
            high = middle;
    }
    return row + table->steps[low].offset;
}

us__place us__table_place(const us_table *table, size_t column, size_t row) {
    us__place place;
    snprintf(place.text, sizeof place.text, "%.440s:%llu:%zu", table->path, (unsigned long long)us_table_line(table, row),
             column + 1);
    return place;
}
