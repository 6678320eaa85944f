/* Which rows train, which test, which are left out. */
#ifndef US_DATA_ROWS_H
#define US_DATA_ROWS_H

#include "base/base.h"

enum { US__ROW_OUT = 0, US__ROW_TRAIN = 1, US__ROW_TEST = 2 };

/* Of the rows whose role is not US__ROW_OUT, round(fraction·rows) become test rows: the first of a random order of them
 * that depends on the seed alone. Counts both. Errors: US_ERR_NOMEM. */
us_status us__rows_split(us_context *context, uint8_t *role, size_t rows, double fraction, uint64_t seed, size_t *train,
                         size_t *test);

#endif
