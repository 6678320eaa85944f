/* Which rows the batches hold: a value that depends on (seed, epoch, position) only. */
#ifndef US_TRAIN_ORDER_H
#define US_TRAIN_ORDER_H

#include "base/base.h"
#include <unstuck/train.h>

typedef struct us__order {
    us_sampling sampling;
    uint64_t seed;
    size_t samples;
    size_t batch;    /* rows a step; 0: all of them, and then there are no rows to order */
    uint64_t epoch;  /* from 0; with replacement: blocks of `count` draws */
    size_t position; /* rows of this epoch that were used */
    uint32_t *rows;  /* [count] the epoch's rows; NULL when batch is 0 */
    size_t count;    /* shuffle: samples; replacement: a multiple of batch */
    bool drawn;      /* rows are those of this epoch */
} us__order;

/* US_ERR_ARGUMENT (--batch too large), US_ERR_NOMEM. @param out release with us__order_release, also after an error */
us_status us__order_init(us__order *out, us_context *context, size_t samples, size_t batch, us_sampling sampling,
                         uint64_t seed);
void us__order_release(us__order *order, us_context *context);
/* Another batch size from the next step on; unchanged after an error. */
us_status us__order_set_batch(us__order *order, us_context *context, size_t batch);

/* The rows of the next step: the same until us__order_advance. Draws an epoch's rows when one begins. */
us_batch us__order_next(us__order *order);
void us__order_advance(us__order *order, size_t rows);
/* Back to where it was: the rows after `before` are asked for again. */
void us__order_return(us__order *order, const us__order *before);
/* Rows that will be asked for soon; each row is named once. An empty batch with rows != NULL when there are none. */
us_batch us__order_ahead(const us__order *order);

#endif
