/* A CSV file to a table, row by row. */
#include "data/csv.h"
#include "data/number.h"
#include "data/table.h"
#include <math.h>
#include <string.h>

enum {
    READ_BLOCK_CELLS = 1 << 16, /* doubles in the block that is being filled: stays in the second cache */
    READ_LEAST_SHIFT = 4,
    READ_STRIDE_PADDING = 8 /* doubles; keeps columns off the same cache set */
};

typedef struct reader {
    us__csv csv;
    us_table *table;
    const us_csv_options *options;
    double *staging; /* [columns × stride]: the rows of the block being filled */
    size_t stride, staged;
    void *scratch;     /* the same in packed form */
    uint8_t *decimals; /* [columns] */
    uint64_t line;     /* on which the row begins */
    bool again;        /* a column of numbers turned out to be text: the file must be read once more */
    us_status status;
} reader;

typedef enum row_result { ROW_DONE, ROW_MORE, ROW_FAILED } row_result;

static row_result reader_fail(reader *r, us_status status) {
    r->status = status;
    return ROW_FAILED;
}

/* Takes a row back that the window cut off: only the counts of missing cells were touched. */
static row_result reader_undo(reader *r, size_t columns) {
    for (size_t c = 0; c < columns; c++) r->table->missing[c] -= isnan(r->staging[c * r->stride + r->staged]) ? 1 : 0;
    return ROW_MORE;
}

static row_result reader_ragged(reader *r, uint64_t line, size_t cells, bool more) {
    us_table *t = r->table;
    const char *first = t->header ? "the header" : "the first row";
    unsigned long long at = line;
    if (more)
        return reader_fail(
            r, us__fail(t->context, US_ERR_INPUT,
                        "%s:%llu:%zu: this row has more cells than %s, which has %zu; put cells that contain '%c' in quotes",
                        t->path, at, cells + 1, first, t->columns, r->csv.delimiter));
    return reader_fail(r, us__fail(t->context, US_ERR_INPUT,
                                   "%s:%llu:%zu: this row ends after %zu cell%s, %s has %zu; complete the row", t->path, at,
                                   cells, cells, cells == 1 ? "" : "s", first, t->columns));
}

/* A cell's value: the number, the number of its level, or NaN when it is missing. */
static us_status reader_cell(reader *r, const us__cell *cell, size_t c, uint64_t line, double *value) {
    us_table *t = r->table;
    us__cell_kind kind = us__cell_read(cell, value);
    if (kind == US__CELL_MISSING) {
        *value = (double)NAN;
        t->missing[c]++;
        return US_OK;
    }
    if (t->kinds[c] == US_COLUMN_NUMERIC) {
        if (kind == US__CELL_NUMBER) return US_OK;
        r->again = true;
        t->kinds[c] = US_COLUMN_TEXT;
        us__levels_clear(&t->levels[c]);
    }
    bool added;
    uint32_t level = us__levels_add(&t->levels[c], cell->text, cell->length, &added);
    if (level == UINT32_MAX) return US_ERR_NOMEM;
    *value = level;
    return added ? us__csv_check_text(&r->csv, cell->text, cell->length, line, c) : US_OK;
}

/* One row at p. The first lines of the loop are all that happens to a number in a clean file. */
static row_result reader_row(reader *r, const char **row) {
    us_table *t = r->table;
    const char *p = *row;
    size_t columns = t->columns, stride = r->stride;
    double *to = r->staging + r->staged;
    char delimiter = r->csv.delimiter;
    bool runs = delimiter == ' '; /* runs of blanks need the long way */
    uint64_t line = r->line;
    for (size_t c = 0; c < columns; c++, to += stride) {
        bool last = c + 1 == columns;
        if (t->kinds[c] == US_COLUMN_NUMERIC && !runs) {
            const char *q = us__number_read(p, to);
            if (q && *q == (last ? '\n' : delimiter)) {
                p = q + 1;
                continue;
            }
        }
        us__cell cell;
        us__cell_end end = us__csv_cell(&r->csv, p, &cell);
        if (end == US__CELL_MORE) return reader_undo(r, c);
        if (end > US__CELL_ROW) return reader_fail(r, us__csv_cell_error(&r->csv, end, line, c));
        us_status status = reader_cell(r, &cell, c, line, to);
        if (status != US_OK) return reader_fail(r, status);
        if (last != (end == US__CELL_ROW)) return reader_ragged(r, line, c + 1, last);
        line += cell.newlines;
        p = cell.next;
    }
    *row = p;
    r->line = line + 1;
    return ROW_DONE;
}

static us_status reader_seal(reader *r) {
    us_table *t = r->table;
    if (r->staged == 0) return US_OK;
    if (t->block_count == t->block_room) {
        size_t room = t->block_room ? 2 * t->block_room : 16;
        us__block **blocks = us__grow(t->context, t->blocks, t->block_room, room, sizeof *blocks);
        if (!blocks) return US_ERR_NOMEM;
        t->blocks = blocks;
        t->block_room = room;
    }
    us__block *block = us__block_create(t->context, r->staging, r->stride, r->staged, t->columns, r->decimals, r->scratch);
    if (!block) return US_ERR_NOMEM;
    t->blocks[t->block_count++] = block;
    r->staged = 0;
    return US_OK;
}

/* Notes on which line a row begins, when that does not follow from the row before it. */
static us_status reader_note_line(reader *r, uint64_t line) {
    us_table *t = r->table;
    uint64_t offset = line - t->rows;
    if (t->step_count > 0 && t->steps[t->step_count - 1].offset == offset) return US_OK;
    if (t->step_count == t->step_room) {
        size_t room = t->step_room ? 2 * t->step_room : 4;
        us__line_step *steps = us__grow(t->context, t->steps, t->step_room, room, sizeof *steps);
        if (!steps) return US_ERR_NOMEM;
        t->steps = steps;
        t->step_room = room;
    }
    t->steps[t->step_count++] = (us__line_step){.row = t->rows, .offset = offset};
    return US_OK;
}

static us_status reader_fill(reader *r) {
    us_status status = us__csv_fill(&r->csv, r->line);
    const us_csv_options *o = r->options;
    if (status == US_OK && o->progress)
        o->progress(o->progress_user, us__source_done(r->csv.source), us__source_size(r->csv.source));
    return status;
}

/* Skips the header. It was read once already, so it is sound and lies in the window. */
static void reader_skip_header(reader *r) {
    us__cell cell;
    const char *p = us__csv_skip_empty(&r->csv, r->csv.begin, &r->line);
    us__cell_end end;
    do {
        end = us__csv_cell(&r->csv, p, &cell);
        r->line += cell.newlines;
        p = cell.next;
    } while (end == US__CELL_DELIMITER);
    r->line++;
    r->csv.begin += p - r->csv.begin;
}

/* From the window's first row to the end of the file. */
static us_status reader_pass(reader *r) {
    us_table *t = r->table;
    size_t block_rows = (size_t)1 << t->block_shift;
    us_status status = US_OK;
    r->line = 1;
    if (t->header) reader_skip_header(r);
    for (;;) {
        uint64_t line = r->line;
        const char *p = us__csv_skip_empty(&r->csv, r->csv.begin, &line);
        row_result result = ROW_MORE;
        if (p) {
            r->csv.begin += p - r->csv.begin;
            r->line = line;
            if (p == r->csv.end) break;
            result = reader_row(r, &p);
        }
        if (result == ROW_FAILED) return r->status;
        if (result == ROW_MORE) {
            status = reader_fill(r);
            if (status != US_OK) return status;
            continue;
        }
        r->csv.begin += p - r->csv.begin;
        status = reader_note_line(r, line);
        if (status != US_OK) return status;
        if (++t->rows >= UINT32_MAX) return us__fail(t->context, US_ERR_UNSUPPORTED, "%s: more than 2^32 rows", t->path);
        if (++r->staged == block_rows && (status = reader_seal(r)) != US_OK) return status;
    }
    return reader_seal(r);
}

static us_status reader_check_options(us_context *context, const us_csv_options *o) {
    bool bad = o->delimiter &&
               (strchr("\"\n\r.+-eE", o->delimiter) || (o->delimiter >= '0' && o->delimiter <= '9') || o->delimiter < 0);
    if (o->version != 1 || o->header < -1 || o->header > 1)
        return us__fail(context, US_ERR_ARGUMENT, "CSV options: version must be 1 and header -1, 0 or 1");
    if (bad)
        return us__fail(context, US_ERR_ARGUMENT, "'%c' cannot separate the cells of a CSV file; take one of , ; | : or tab",
                        o->delimiter);
    return US_OK;
}

/* Finds out the delimiter and the header, and makes the table ready to be filled. */
static us_status reader_prepare(reader *r, const us__expect *expect) {
    us_table *t = r->table;
    us__csv_head head;
    us_status status = US_OK;
    if (r->options->delimiter)
        r->csv.delimiter = r->options->delimiter;
    else
        status = us__csv_find_delimiter(&r->csv);
    if (status == US_OK) status = us__csv_find_header(&r->csv, &head, t->arena);
    if (status != US_OK) return status;
    t->delimiter = r->csv.delimiter;
    t->header = r->options->header >= 0 ? r->options->header == 1 : head.header;
    t->columns = head.columns;
    for (size_t k = 0; expect && k < expect->count && r->options->header < 0; k++)
        for (size_t c = 0; c < head.columns; c++) t->header = t->header || strcmp(expect->names[k], head.cells[c]) == 0;
    for (size_t c = 0; t->header && c < head.columns; c++) {
        status = us__csv_check_text(&r->csv, head.cells[c], head.lengths[c], head.line, c);
        if (status != US_OK) return status;
    }

    size_t n = t->columns;
    while (n << (t->block_shift + 1) <= READ_BLOCK_CELLS) t->block_shift++;
    if (t->block_shift < READ_LEAST_SHIFT) t->block_shift = READ_LEAST_SHIFT;
    r->stride = ((size_t)1 << t->block_shift) + READ_STRIDE_PADDING;
    t->names = us__arena_alloc(t->arena, n, sizeof *t->names);
    t->kinds = us__arena_alloc(t->arena, n, sizeof *t->kinds);
    t->missing = us__arena_alloc(t->arena, n, sizeof *t->missing);
    t->levels = us__arena_alloc(t->arena, n, sizeof *t->levels);
    t->texts = us__arena_alloc(t->arena, n, sizeof *t->texts);
    r->decimals = us__arena_alloc(t->arena, n, sizeof *r->decimals);
    if (!t->names || !t->kinds || !t->missing || !t->levels || !t->texts || !r->decimals) return US_ERR_NOMEM;
    r->staging = us__alloc(t->context, n * r->stride, sizeof *r->staging);
    r->scratch = us__alloc(t->context, n * r->stride, sizeof *r->staging);
    if (!r->staging || !r->scratch) return US_ERR_NOMEM;
    for (size_t c = 0; c < n; c++) {
        double value;
        us__cell first = {.text = head.cells[c], .length = head.lengths[c], .quoted = true};
        t->levels[c].context = t->context;
        bool text = head.text_below[c] || (!t->header && us__cell_read(&first, &value) == US__CELL_TEXT);
        t->kinds[c] = text ? US_COLUMN_TEXT : US_COLUMN_NUMERIC;
    }
    status = us__table_name_columns(t, t->header ? head.cells : NULL);
    if (status == US_OK && expect && expect->kinds) expect->kinds(expect->user, t);
    return status;
}

static us_status reader_start_again(reader *r) {
    us_table *t = r->table;
    us__table_release_cells(t);
    t->rows = t->step_count = r->staged = 0;
    for (size_t c = 0; c < t->columns; c++) t->missing[c] = 0;
    r->again = false;
    return us__csv_rewind(&r->csv);
}

static us_status reader_finish(reader *r) {
    us_table *t = r->table;
    if (t->rows == 0)
        return us__fail(t->context, US_ERR_INPUT, "%s:%llu:1: there is a header and no row below it", t->path,
                        (unsigned long long)r->line);
    for (size_t c = 0; c < t->columns; c++) {
        us__levels *l = &t->levels[c];
        if (t->kinds[c] != US_COLUMN_TEXT) continue;
        t->texts[c] = us__arena_alloc(t->arena, l->count + 1, sizeof **t->texts);
        if (!t->texts[c]) return US_ERR_NOMEM;
        for (uint32_t k = 0; k < l->count; k++) t->texts[c][k] = us__levels_text(l, k);
    }
    t->size = us__source_size(r->csv.source);
    t->crc32 = us__source_crc32(r->csv.source);
    return US_OK;
}

us_status us__table_read(us_table **out, us_context *context, const char *path, const us_csv_options *options,
                         const us__expect *expect) {
    us_csv_options defaults = US_CSV_OPTIONS_INIT;
    reader r = {.csv.context = context, .options = options ? options : &defaults};
    us_table *t = NULL;
    *out = NULL;
    us_status status = reader_check_options(context, r.options);
    if (status != US_OK) return status;
    t = r.table = us__new(context, 1, sizeof *t);
    if (!t) return US_ERR_NOMEM;
    t->context = context;
    status = us__arena_create(&t->arena, context, 0);
    if (status != US_OK) goto done;
    t->path = us__arena_text(t->arena, path, strlen(path));
    status = t->path ? us__csv_open(&r.csv, context, path) : US_ERR_NOMEM;
    if (status == US_OK) status = reader_prepare(&r, expect);
    if (status == US_OK) status = reader_pass(&r);
    while (status == US_OK && r.again) {
        status = reader_start_again(&r);
        if (status == US_OK) status = reader_pass(&r);
    }
    if (status == US_OK) status = reader_finish(&r);
done:
    us__csv_close(&r.csv);
    us__release(context, r.staging);
    us__release(context, r.scratch);
    if (status == US_OK)
        *out = t;
    else
        us_table_destroy(t);
    return status;
}
