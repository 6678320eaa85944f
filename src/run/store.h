/* The inside of run.db, shared by the files that read and write its tables. */
#ifndef US_RUN_STORE_H
#define US_RUN_STORE_H

#include "run/run.h"
#include <sqlite3.h>

enum { US__STORE_ROWS = 8192, US__STORE_SIGNS = 16384 }; /* that are noted before a flush */

typedef struct us__noted_sign {
    uint64_t step;
    const char *name, *part;
    double value;
} us__noted_sign;

struct us__store {
    us_context *context;
    sqlite3 *db;
    sqlite3_stmt *insert, *insert_sign;
    char *path;
    us__metric *rows;      /* [US__STORE_ROWS], NULL when read-only */
    us__noted_sign *signs; /* [US__STORE_SIGNS], likewise */
    size_t count, sign_count;
    double row_seconds;
};

/* The error of the database, with its path. */
us_status us__store_fail(us__store *store);
us_status us__store_execute(us__store *store, const char *sql);
/* Runs a statement that gives no rows, bound by `types`: i sqlite3_int64, d double (NaN is NULL), t text. */
us_status us__store_run(us__store *store, const char *sql, const char *types, ...);
/* Hands each row of a query to `row`, which returns false when it ran out of memory. */
us_status us__store_query(us__store *store, bool (*row)(void *user, sqlite3_stmt *), void *user, const char *sql,
                          const char *types, ...);
/* A number of a row; NULL is NaN. */
double us__store_column(sqlite3_stmt *statement, int column);

/* store_computed.c: the signs that are noted, within the transaction of a flush. */
us_status us__store_flush_signs(us__store *store);

#endif
