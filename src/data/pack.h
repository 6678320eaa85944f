/* Columns of numbers in half the memory, to the last bit. */
#ifndef US_DATA_PACK_H
#define US_DATA_PACK_H

#include "base/base.h"

/* A run of rows of all columns. What people write into files are mostly decimals of a few digits: where each value of a
 * column is m/10^d for whole m of 32 bits and one d, the m are kept. Both m and 10^d are exact in double, so the quotient
 * is the correctly rounded value, which is what was read. Other columns are kept as doubles. Missing is NaN. */
typedef struct us__block us__block;

/* values: column c is values[c·stride ... + rows). hint [columns]: the decimals that served last time, to be tried first.
 * scratch: columns·rows doubles. NULL: out of memory. */
us__block *us__block_create(us_context *context, const double *values, size_t stride, size_t rows, size_t columns,
                            uint8_t *hint, void *scratch);
/* rows first ... first + count of a column into out [count]. */
void us__block_read(const us__block *block, size_t column, size_t first, size_t count, double *out);

#endif
