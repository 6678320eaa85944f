#include "data/csv.h"
#include "data/charset.h"
#include "data/number.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    CSV_WINDOW = 1 << 18,
    CSV_LONGEST_ROW = 1 << 28 /* bytes; far longer rows come from a quote left open */
};

/* ------------------------------------------------------------------ the window */

us_status us__csv_open(us__csv *csv, us_context *context, const char *path) {
    *csv = (us__csv){.context = context, .delimiter = ','};
    us_status status = us__source_open(&csv->source, context, path);
    if (status != US_OK) return status;
    csv->capacity = CSV_WINDOW;
    csv->buffer = us__alloc(context, csv->capacity + US__CSV_PADDING, 1);
    if (!csv->buffer) return US_ERR_NOMEM;
    csv->begin = csv->end = csv->buffer;
    status = us__csv_fill(csv, 1);
    if (status != US_OK) return status;

    size_t length = (size_t)(csv->end - csv->begin);
    const char *wide = us__charset_wide(csv->begin, length), *archive = us__charset_archive(csv->begin, length);
    if (wide)
        return us__fail(context, US_ERR_INPUT,
                        "%s:1:1: this looks like %s; convert it: iconv -f %s -t UTF-8 '%s' > utf8.csv", path, wide, wide,
                        path);
    if (archive)
        return us__fail(context, US_ERR_INPUT, "%s:1:1: this looks like %s; unpack it, or save it as CSV", path, archive);
    return US_OK;
}

void us__csv_close(us__csv *csv) {
    us__source_close(csv->source);
    us__release(csv->context, csv->buffer);
    us__release(csv->context, csv->scratch);
}

us_status us__csv_fill(us__csv *csv, uint64_t line) {
    size_t kept = (size_t)(csv->end - csv->begin);
    if (kept == csv->capacity) {
        if (csv->capacity >= CSV_LONGEST_ROW)
            return us__fail(csv->context, US_ERR_INPUT,
                            "%s:%llu:1: a row of more than %d MB begins here; is a quote left open?",
                            us__source_path(csv->source), (unsigned long long)line, CSV_LONGEST_ROW >> 20);
        char *grown = us__grow(csv->context, csv->buffer, csv->capacity, 2 * csv->capacity + US__CSV_PADDING, 1);
        if (!grown) return US_ERR_NOMEM;
        csv->buffer = grown;
        csv->capacity *= 2;
    } else {
        memmove(csv->buffer, csv->begin, kept);
    }
    bool first = us__source_done(csv->source) == 0;
    size_t got;
    us_status status = us__source_read(csv->source, csv->buffer + kept, csv->capacity - kept, &got);
    csv->begin = csv->buffer;
    csv->end = csv->buffer + kept + got;
    csv->at_end = kept + got < csv->capacity;
    memset(csv->end, 0, US__CSV_PADDING);
    if (status == US_OK && first && got >= 3 && memcmp(csv->begin, "\xEF\xBB\xBF", 3) == 0) csv->begin += 3;
    return status;
}

us_status us__csv_rewind(us__csv *csv) {
    csv->begin = csv->end = csv->buffer;
    us_status status = us__source_rewind(csv->source);
    return status == US_OK ? us__csv_fill(csv, 1) : status;
}

/* ------------------------------------------------------------------ cells */

static bool csv_is_blank(char c, char delimiter) { return c == ' ' || (c == '\t' && delimiter != '\t'); }

/* What stands at p, behind a cell's text: a delimiter, the end of the row, or the end of the window. */
static us__cell_end csv_after(const us__csv *csv, const char *p, us__cell *cell) {
    if (csv->delimiter == ' ')
        while (csv_is_blank(*p, ' ')) p++;
    if (p == csv->end) {
        cell->next = p;
        return csv->at_end ? US__CELL_ROW : US__CELL_MORE;
    }
    if (*p == '\n' || *p == '\r') {
        if (*p == '\r' && p + 1 == csv->end && !csv->at_end) return US__CELL_MORE;
        cell->next = p + 1 + (p[0] == '\r' && p[1] == '\n');
        return US__CELL_ROW;
    }
    cell->next = p + (csv->delimiter != ' ');
    return US__CELL_DELIMITER;
}

/* Copies text to the scratch space with each pair of quotes made one. */
static bool csv_undouble(us__csv *csv, us__cell *cell) {
    if (csv->scratch_size < cell->length + US__CSV_PADDING) {
        size_t size = 2 * (cell->length + US__CSV_PADDING);
        char *grown = us__alloc(csv->context, size, 1);
        if (!grown) {
            csv->no_memory = true;
            return false;
        }
        us__release(csv->context, csv->scratch);
        csv->scratch = grown;
        csv->scratch_size = size;
    }
    size_t n = 0;
    for (size_t i = 0; i < cell->length; i++) {
        csv->scratch[n++] = cell->text[i];
        if (cell->text[i] == '"') i++;
    }
    memset(csv->scratch + n, 0, US__CSV_PADDING);
    cell->text = csv->scratch;
    cell->length = n;
    return true;
}

/* p is behind the opening quote. */
static us__cell_end csv_quoted(us__csv *csv, const char *p, us__cell *cell) {
    cell->quoted = true;
    cell->text = p;
    bool doubled = false;
    for (;;) {
        p = memchr(p, '"', (size_t)(csv->end - p));
        if (!p) return csv->at_end ? US__CELL_UNCLOSED : US__CELL_MORE;
        if (p + 1 == csv->end && !csv->at_end) return US__CELL_MORE;
        if (p[1] != '"') break;
        doubled = true;
        p += 2;
    }
    cell->length = (size_t)(p - cell->text);
    for (const char *q = cell->text; q < p; q++) cell->newlines += *q == '\n' || (*q == '\r' && q[1] != '\n');
    p++;
    const char *after = p;
    while (csv_is_blank(*p, csv->delimiter)) p++;
    if (p == csv->end && !csv->at_end) return US__CELL_MORE;
    bool separated =
        p == csv->end || *p == '\n' || *p == '\r' || *p == csv->delimiter || (csv->delimiter == ' ' && p > after);
    if (!separated) {
        cell->next = p;
        return US__CELL_AFTER_QUOTE;
    }
    if (doubled && !csv_undouble(csv, cell)) return US__CELL_NOMEM;
    return csv_after(csv, p, cell);
}

us__cell_end us__csv_cell(us__csv *csv, const char *p, us__cell *cell) {
    char delimiter = csv->delimiter, tab = delimiter == ' ' ? '\t' : delimiter;
    cell->quoted = false;
    cell->newlines = 0;
    while (csv_is_blank(*p, delimiter)) p++;
    if (*p == '"') return csv_quoted(csv, p + 1, cell);
    cell->text = p;
    while (*p != delimiter && *p != '\n' && *p != '\r' && *p != tab && (*p != '\0' || p < csv->end)) p++;
    const char *last = p;
    while (last > cell->text && csv_is_blank(last[-1], delimiter)) last--;
    cell->length = (size_t)(last - cell->text);
    return csv_after(csv, p, cell);
}

const char *us__csv_skip_empty(const us__csv *csv, const char *p, uint64_t *line) {
    for (;;) {
        const char *start = p;
        while (csv_is_blank(*p, csv->delimiter)) p++;
        if (p == csv->end) return csv->at_end ? p : NULL;
        if (*p != '\n' && *p != '\r') return start;
        if (*p == '\r' && p + 1 == csv->end && !csv->at_end) return NULL;
        p += 1 + (p[0] == '\r' && p[1] == '\n');
        (*line)++;
    }
}

us__cell_kind us__cell_read(const us__cell *cell, double *value) {
    static const char *const words[] = {"NA", "N/A", "NaN", "-NaN", "+NaN", "NULL", "NONE"};
    const char *text = cell->text;
    size_t length = cell->length;
    if (cell->quoted) {
        while (length > 0 && (*text == ' ' || *text == '\t')) text++, length--;
        while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t')) length--;
    }
    if (length == 0) return US__CELL_MISSING;
    if (length == 1 && (*text == '.' || *text == '?' || *text == '-')) return US__CELL_MISSING;
    if (us__number_read(text, value) == text + length) return US__CELL_NUMBER;
    for (size_t i = 0; i < sizeof words / sizeof *words && length <= 4; i++)
        if (strlen(words[i]) == length && strncasecmp(text, words[i], length) == 0) return US__CELL_MISSING;
    return US__CELL_TEXT;
}

/* ------------------------------------------------------------------ messages */

us__quoted us__quote(const char *text, size_t length) {
    us__quoted out;
    char *to = out.text, *room = to + 42;
    *to++ = '"';
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (to >= room && (c & 0xC0) != 0x80) {
            to = stpcpy(to, "...");
            break;
        }
        if (c == '\n')
            to = stpcpy(to, "\\n");
        else if (c == '\r')
            to = stpcpy(to, "\\r");
        else if (c == '\t')
            to = stpcpy(to, "\\t");
        else if (c < 0x20 || c == 0x7F)
            to += sprintf(to, "\\x%02X", c);
        else
            *to++ = (char)c;
    }
    strcpy(to, "\"");
    return out;
}

us_status us__csv_cell_error(us__csv *csv, us__cell_end end, uint64_t line, size_t column) {
    const char *path = us__source_path(csv->source);
    unsigned long long at = line;
    if (end == US__CELL_AFTER_QUOTE)
        return us__fail(
            csv->context, US_ERR_INPUT,
            "%s:%llu:%zu: text behind a closing quote; within quotes a quote is written twice (\"\"), not with a backslash",
            path, at, column + 1);
    if (end == US__CELL_UNCLOSED)
        return us__fail(csv->context, US_ERR_INPUT, "%s:%llu:%zu: this quote is never closed; close it or double it", path,
                        at, column + 1);
    return US_ERR_NOMEM;
}

us_status us__csv_check_text(us__csv *csv, const char *text, size_t length, uint64_t line, size_t column) {
    const char *path = us__source_path(csv->source);
    unsigned long long at = line;
    if (memchr(text, 0, length))
        return us__fail(csv->context, US_ERR_INPUT,
                        "%s:%llu:%zu: a NUL byte; a text file has none, so the file is damaged or not text", path, at,
                        column + 1);
    if (us__charset_is_utf8(text, length)) return US_OK;
    const char *guess = us__charset_guess(csv->begin, (size_t)(csv->end - csv->begin));
    return us__fail(csv->context, US_ERR_INPUT,
                    "%s:%llu:%zu: not UTF-8, it looks like %s; convert it: iconv -f %s -t UTF-8 '%s' > utf8.csv", path, at,
                    column + 1, guess, guess, path);
}
