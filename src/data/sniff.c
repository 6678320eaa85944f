/* Finds out what a CSV file does not say: its delimiter, and whether its first row names the columns. */
#include "data/csv.h"
#include "data/number.h"
#include <math.h>
#include <string.h>

enum { SNIFF_ROWS = 100 };

/* Cells of up to SNIFF_ROWS whole rows of the window, were `delimiter` the delimiter. Returns the number of rows;
 * *numbers is the share of cells that are numbers or missing. */
static size_t sniff_rows(us__csv *csv, char delimiter, size_t *cells, double *numbers) {
    char before = csv->delimiter;
    csv->delimiter = delimiter;
    const char *p = csv->begin;
    size_t rows = 0, all = 0, good = 0;
    uint64_t line = 1;
    while (rows < SNIFF_ROWS) {
        p = us__csv_skip_empty(csv, p, &line);
        if (!p || p == csv->end) break;
        us__cell cell;
        us__cell_end end;
        size_t count = 0;
        do {
            end = us__csv_cell(csv, p, &cell);
            if (end == US__CELL_AFTER_QUOTE) { /* not ours to judge: go on behind it */
                const char *q = cell.next;
                while (q < csv->end && *q != delimiter && *q != '\n' && *q != '\r') q++;
                cell.next = q + (q < csv->end);
                end = q < csv->end && *q == delimiter ? US__CELL_DELIMITER : US__CELL_ROW;
            } else if (end <= US__CELL_ROW) {
                double value;
                good += us__cell_read(&cell, &value) != US__CELL_TEXT;
            }
            p = cell.next;
            count++;
        } while (end == US__CELL_DELIMITER);
        if (end != US__CELL_ROW) break; /* the window ends here */
        all += count;
        cells[rows++] = count;
    }
    csv->delimiter = before;
    *numbers = all ? (double)good / (double)all : 0;
    return rows;
}

/* The delimiter that gives most rows the same number of cells, at least two. Those that text and numbers seldom
 * contain come first. ':' (times) and blanks (prose) must cut all rows alike, and blanks must leave mostly numbers.
 * NUL when none does. */
static char sniff_delimiter(us__csv *csv) {
    static const char candidates[] = "\t;|,: ";
    char best = '\0';
    double best_share = 0;
    for (const char *d = candidates; *d; d++) {
        size_t cells[SNIFF_ROWS], most = 0;
        double numbers;
        size_t rows = sniff_rows(csv, *d, cells, &numbers);
        for (size_t i = 0; i < rows; i++) {
            size_t same = 0;
            for (size_t j = 0; j < rows; j++) same += cells[j] == cells[i];
            if (cells[i] > 1 && same > most) most = same;
        }
        double share = rows ? (double)most / (double)rows : 0;
        bool shy = *d == ':' || *d == ' ';
        if (shy && (most < rows || rows < 2 || best_share > 0)) continue;
        if (*d == ' ' && numbers < 0.5) continue;
        if (share > best_share && 2 * most > rows) best = *d, best_share = share;
    }
    return best;
}

/* Reads on until two whole rows are in the window, or all there is. */
static us_status sniff_fill(us__csv *csv) {
    for (;;) {
        size_t cells[SNIFF_ROWS];
        double numbers;
        size_t rows = sniff_rows(csv, csv->delimiter, cells, &numbers);
        if (csv->no_memory) return US_ERR_NOMEM;
        if (csv->at_end || rows > 1) return US_OK;
        us_status status = us__csv_fill(csv, 1);
        if (status != US_OK) return status;
    }
}

us_status us__csv_find_delimiter(us__csv *csv) {
    us_status status = sniff_fill(csv);
    char found = status == US_OK ? sniff_delimiter(csv) : '\0';
    if (found) csv->delimiter = found;
    return csv->no_memory ? US_ERR_NOMEM : status;
}

us_status us__csv_is_prose(us__csv *csv, bool *is) {
    size_t cells[SNIFF_ROWS];
    double numbers = 0;
    us_status status = sniff_fill(csv);
    *is = status == US_OK && !sniff_delimiter(csv) && (sniff_rows(csv, ',', cells, &numbers), numbers < 0.5);
    return csv->no_memory ? US_ERR_NOMEM : status;
}

/* ------------------------------------------------------------------ the first row */

/* The texts of the first row. Below it nothing was looked at yet. */
static us_status sniff_first_row(us__csv *csv, us__csv_head *head, us__arena *arena, const char **below) {
    head->line = 1;
    const char *first = us__csv_skip_empty(csv, csv->begin, &head->line);
    if (!first || first == csv->end)
        return us__fail(csv->context, US_ERR_INPUT, "%s: the file is empty", us__source_path(csv->source));
    for (int copying = 0; copying < 2; copying++) {
        us__cell cell;
        us__cell_end end;
        const char *p = first;
        uint64_t line = head->line;
        size_t column = 0;
        do {
            end = us__csv_cell(csv, p, &cell);
            if (end > US__CELL_ROW) return us__csv_cell_error(csv, end, line, column);
            if (copying && !(head->cells[column] = us__arena_text(arena, cell.text, cell.length))) return US_ERR_NOMEM;
            if (copying) head->lengths[column] = cell.length;
            line += cell.newlines;
            p = cell.next;
            column++;
        } while (end == US__CELL_DELIMITER);
        head->columns = column;
        *below = p;
        if (copying) break;
        head->cells = us__arena_alloc(arena, column, sizeof *head->cells);
        head->lengths = us__arena_alloc(arena, column, sizeof *head->lengths);
        head->number_below = us__arena_alloc(arena, column, sizeof *head->number_below);
        head->text_below = us__arena_alloc(arena, column, sizeof *head->text_below);
        head->repeated = us__arena_alloc(arena, column, sizeof *head->repeated);
        if (!head->cells || !head->lengths || !head->number_below || !head->text_below || !head->repeated)
            return US_ERR_NOMEM;
    }
    return US_OK;
}

/* What the rest of the window holds. Stops at whatever is wrong: the reader will come to it and say so. */
static void sniff_below(us__csv *csv, us__csv_head *head, const char *p) {
    uint64_t line = 0;
    while ((p = us__csv_skip_empty(csv, p, &line)) && p < csv->end) {
        us__cell cell;
        us__cell_end end;
        size_t column = 0;
        do {
            end = us__csv_cell(csv, p, &cell);
            if (end > US__CELL_ROW || column == head->columns) return;
            double value;
            us__cell_kind kind = us__cell_read(&cell, &value);
            if (kind == US__CELL_NUMBER) head->number_below[column] = true;
            if (kind == US__CELL_TEXT) head->text_below[column] = true;
            if (cell.length == head->lengths[column] && memcmp(cell.text, head->cells[column], cell.length) == 0)
                head->repeated[column] = true;
            p = cell.next;
            column++;
        } while (end == US__CELL_DELIMITER);
        head->below = true;
    }
}

/* A first row names the columns when none of its cells is a number, and either a name stands above numbers, or all are
 * text, distinct, and come back nowhere in their columns. Numbers are names where they count up by one: 0, 1, 2 (as pandas
 * writes for columns without names), or behind text, as in "name,2019,2020". */
static bool sniff_is_header(us__csv_head *head) {
    size_t numbers = 0, texts = 0, above_numbers = 0;
    bool counting = true, from_zero = false, doubtful = false;
    double last = 0;
    for (size_t c = 0; c < head->columns; c++) {
        us__cell cell = {.text = head->cells[c], .length = head->lengths[c], .quoted = true};
        double value;
        us__cell_kind kind = us__cell_read(&cell, &value);
        if (kind == US__CELL_NUMBER) {
            if (numbers == 0) from_zero = value == 0;
            if (value != floor(value) || (numbers > 0 && value != last + 1)) counting = false;
            last = value;
            numbers++;
        } else if (kind == US__CELL_TEXT) {
            texts++;
            above_numbers += head->number_below[c] && !head->text_below[c];
            doubtful = doubtful || head->repeated[c];
        } else if (cell.length > 0) {
            doubtful = true; /* "NA" or "?" is no name */
        }
        for (size_t k = 0; k < c && k < SNIFF_ROWS && kind == US__CELL_TEXT; k++)
            doubtful = doubtful ||
                       (head->lengths[k] == head->lengths[c] && memcmp(head->cells[k], head->cells[c], cell.length) == 0);
    }
    if (numbers > 0) return head->below && counting && ((from_zero && numbers >= 3) || (numbers >= 2 && above_numbers > 0));
    return above_numbers > 0 || (texts > 0 && !doubtful);
}

us_status us__csv_find_header(us__csv *csv, us__csv_head *head, us__arena *arena) {
    *head = (us__csv_head){0};
    const char *below = NULL;
    us_status status = sniff_fill(csv);
    if (status == US_OK) status = sniff_first_row(csv, head, arena, &below);
    if (status != US_OK) return status;
    sniff_below(csv, head, below);
    head->header = sniff_is_header(head);
    return csv->no_memory ? US_ERR_NOMEM : US_OK;
}
