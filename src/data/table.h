/* The inside of a table. */
#ifndef US_DATA_TABLE_H
#define US_DATA_TABLE_H

#include "data/levels.h"
#include "data/pack.h"
#include <unstuck/data.h>

/* From `row` on, a row begins on line row + offset (until the next step). */
typedef struct us__line_step {
    size_t row;
    uint64_t offset;
} us__line_step;

struct us_table {
    us_context *context;
    us__arena *arena;
    const char *path;
    uint64_t size; /* of the file, and the CRC-32 of its bytes */
    uint32_t crc32;
    char delimiter;
    bool header;
    size_t rows, columns;
    char **names;        /* [columns] */
    uint8_t *kinds;      /* [columns] us_column_kind */
    size_t *missing;     /* [columns] */
    us__levels *levels;  /* [columns]; empty where numeric */
    const char ***texts; /* [columns]: pointers to the levels' texts, or NULL */
    /* Cells in blocks of 2^block_shift rows: numbers, or numbers of levels; NaN when missing. */
    unsigned block_shift;
    us__block **blocks;
    size_t block_count, block_room;
    us__line_step *steps;
    size_t step_count, step_room;
};

/* What the caller knows about the file already. */
typedef struct us__expect {
    const char *const *names; /* [count] a first row with one of these in it is a header */
    size_t count;
    /* May set kinds to US_COLUMN_TEXT once the names are there, so that numbers are kept as they are spelt. */
    void (*kinds)(void *user, us_table *table);
    void *user;
} us__expect;

us_status us__table_read(us_table **out, us_context *context, const char *path, const us_csv_options *options,
                         const us__expect *expect);
/* Gives names to unnamed columns and makes all distinct. cells [columns] may be NULL (no header). */
us_status us__table_name_columns(us_table *table, char *const *cells);
/* Cells first ... first + count of a column as numbers (or levels); NaN when missing. */
void us__table_cells(const us_table *table, size_t column, size_t first, size_t count, double *out);
/* Forgets the blocks that lie wholly below `row`. */
void us__table_release_below(us_table *table, size_t row);
void us__table_release_cells(us_table *table);
/* "file:line:column" of a cell, for messages. */
typedef struct us__place {
    char text[512];
} us__place;
us__place us__table_place(const us_table *table, size_t column, size_t row);

#endif
