/* From a table and what the user wants to an encoding, and from an encoding to datasets. */
#ifndef US_DATA_PLAN_H
#define US_DATA_PLAN_H

#include "data/encoding.h"
#include "data/rows.h"
#include "data/table.h"

/* Decides what each column of the table becomes, which rows are used, and measures the training rows.
 * role [rows], counts: see us__rows_split. */
us_status us__plan_make(us__encoding *encoding, const us_table *table, const us_data_options *options, uint8_t *role,
                        size_t *train, size_t *test);
/* The roles of the rows as an encoding says. */
us_status us__plan_rows(const us__encoding *encoding, const us_table *table, uint8_t *role, size_t *train, size_t *test);

/* Fills datasets from a table, and forgets the table's cells on the way. columns [feature_count]: where each feature is in
 * the table; target: likewise, or SIZE_MAX for none. out[0] takes the rows with US__ROW_TRAIN, out[1] those with
 * US__ROW_TEST (NULL where there are none); role NULL: all rows train. */
us_status us__encode(const us__encoding *encoding, us_table *table, const size_t *columns, size_t target,
                     const uint8_t *role, us_precision precision, size_t train, size_t test, us_dataset *out[2]);

/* The class of a number, when classes are numbers; UINT32_MAX if it is none of them. values [count] ascending. */
uint32_t us__class_of_number(const double *values, size_t count, double value);
/* Classes as numbers, ascending; NULL with *numbers false when some class is not a number, or with memory run out. */
us_status us__class_numbers(const us__encoding *encoding, double **values);

/* Values of a column for rows with `role` (all when role is NULL) that are not missing, into out; returns how many.
 * A value that is not finite: returns SIZE_MAX with its row in *bad. */
size_t us__column_gather(const us_table *table, size_t column, const uint8_t *role, uint8_t wanted, double *out,
                         size_t *bad);

/* Says which cell keeps a column from being numeric: "a.csv:3:2: \"1,5\" is not a number". */
us_status us__plan_not_numeric(const us_table *table, size_t column, const char *what_to_do);
/* The index of a column that the user named with `option`. Errors: US_ERR_INPUT, with the nearest name. */
us_status us__plan_find(const us_table *table, const char *name, const char *option, size_t *column);

#endif
