/* A race as a table: live while it goes on, and its ranking at the end. */
#ifndef US_CLI_RACE_TABLE_H
#define US_CLI_RACE_TABLE_H

#include "cli.h"

typedef struct race_table {
    bool quiet, terminal;
    size_t lines; /* that stand on the terminal */
    bool *ended;  /* [arms] */
} race_table;

race_table race_table_start(bool quiet);
/* For us_race_run; user is a race_table. On a terminal a table that is written over, else a line for each arm that ends. */
void race_table_show(void *user, const us_race *race);
void race_table_end(race_table *table);
/* The rankings, on standard output; after halving there is one. */
void race_table_print(const us_race *race, bool halving);

#endif
