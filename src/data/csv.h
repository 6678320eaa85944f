/* A window on a CSV file, and the splitting of it into cells. */
#ifndef US_DATA_CSV_H
#define US_DATA_CSV_H

#include "data/source.h"

enum { US__CSV_PADDING = 64 }; /* zeros behind the window, so that a number or a word may be read past its end */

typedef struct us__csv {
    us_context *context;
    us__source *source;
    char *buffer; /* [capacity + US__CSV_PADDING] */
    size_t capacity;
    char *begin, *end; /* the window: bytes read and not yet consumed; *end is NUL */
    bool at_end;       /* nothing comes after the window */
    char delimiter;    /* ' ' stands for any run of blanks */
    char *scratch;     /* holds a quoted cell whose quotes were undoubled */
    size_t scratch_size;
    bool no_memory; /* stays, once there was none for the scratch */
} us__csv;

typedef enum us__cell_end {
    US__CELL_DELIMITER,   /* another cell of the row follows at next */
    US__CELL_ROW,         /* the row is over; the next one begins at next */
    US__CELL_MORE,        /* the window is too short: fill it and try again */
    US__CELL_AFTER_QUOTE, /* error: text behind a closing quote */
    US__CELL_UNCLOSED,    /* error: the file ends inside quotes */
    US__CELL_NOMEM        /* error: out of memory */
} us__cell_end;

typedef struct us__cell {
    const char *text; /* without quotes; blanks around it are gone unless they were quoted */
    size_t length;
    bool quoted;
    uint64_t newlines; /* within the quotes */
    const char *next;
} us__cell;

/* Opens a file and fills the window. US_ERR_INPUT when the first bytes are not a CSV file's. */
us_status us__csv_open(us__csv *csv, us_context *context, const char *path);
void us__csv_close(us__csv *csv);
/* Reads on, keeping [begin, end), which may move; the window grows when it is all one row. `line` is for the error. */
us_status us__csv_fill(us__csv *csv, uint64_t line);
us_status us__csv_rewind(us__csv *csv);
/* The cell at p, which lies in the window. */
us__cell_end us__csv_cell(us__csv *csv, const char *p, us__cell *cell);
/* Behind the lines at p that hold nothing but blanks; counts them in *line. NULL when the window must be filled first. */
const char *us__csv_skip_empty(const us__csv *csv, const char *p, uint64_t *line);

/* What a cell's text is. */
typedef enum us__cell_kind { US__CELL_MISSING, US__CELL_NUMBER, US__CELL_TEXT } us__cell_kind;
us__cell_kind us__cell_read(const us__cell *cell, double *value);

/* Notes what is wrong with a cell (US__CELL_AFTER_QUOTE and what follows it). column counts from 0. */
us_status us__csv_cell_error(us__csv *csv, us__cell_end end, uint64_t line, size_t column);

/* Sets the delimiter that fits the first rows. */
us_status us__csv_find_delimiter(us__csv *csv);
/* Do the first rows look like running text: no delimiter cuts them alike, and most of what stands there are no numbers? */
us_status us__csv_is_prose(us__csv *csv, bool *is);

/* The first row of the window, and what the rows below it in the window say about each column. */
typedef struct us__csv_head {
    size_t columns;
    uint64_t line;      /* on which the first row begins */
    bool header;        /* it names the columns */
    bool below;         /* there is a row below it */
    char **cells;       /* [columns]: its texts; all arrays are the arena's */
    size_t *lengths;    /* [columns] */
    bool *number_below; /* [columns]: some cell below is a number */
    bool *text_below;   /* [columns]: some cell below is neither number nor missing */
    bool *repeated;     /* [columns]: the first row's text comes again below */
} us__csv_head;
us_status us__csv_find_header(us__csv *csv, us__csv_head *head, us__arena *arena);

/* A text of the file made fit for a message: in quotes, control characters as \n or \x01, cut after 40 bytes. */
typedef struct us__quoted {
    char text[64];
} us__quoted;
us__quoted us__quote(const char *text, size_t length);

/* Notes that the text at line and column is not UTF-8, or has a NUL byte. US_OK when it is good. */
us_status us__csv_check_text(us__csv *csv, const char *text, size_t length, uint64_t line, size_t column);

#endif
