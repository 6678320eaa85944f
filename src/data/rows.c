#include "data/rows.h"
#include <math.h>
#include <unstuck/rng.h>

enum { ROWS_STREAM = 0x73706C74 }; /* "splt": the split's own random numbers */

us_status us__rows_split(us_context *context, uint8_t *role, size_t rows, double fraction, uint64_t seed, size_t *train,
                         size_t *test) {
    size_t kept = 0;
    for (size_t i = 0; i < rows; i++) kept += role[i] != US__ROW_OUT;
    *test = (size_t)llround(fraction * (double)kept);
    *train = kept - *test;
    uint32_t *order = us__alloc(context, 2 * kept, sizeof *order), *row = order + kept;
    if (!order) return US_ERR_NOMEM;
    kept = 0;
    for (size_t i = 0; i < rows; i++)
        if (role[i] != US__ROW_OUT) {
            role[i] = US__ROW_TRAIN;
            row[kept++] = (uint32_t)i;
        }
    us_rng rng = us_rng_init(seed, ROWS_STREAM);
    us_rng_permutation(&rng, order, kept);
    for (size_t i = 0; i < *test; i++) role[row[order[i]]] = US__ROW_TEST;
    us__release(context, order);
    return US_OK;
}
