#include "train/order.h"

/* Streams of the seed: initial weights and splits use small numbers. */
static const uint64_t ORDER_STREAM = (uint64_t)1 << 32;

enum {
    ORDER_DRAWS = 1024, /* with replacement, so many rows are drawn at a time (or one batch) */
    ORDER_AHEAD = 8,    /* rows between those in use and those hinted at, when a batch is smaller */
};

static size_t order_count(const us__order *order) {
    if (order->batch == 0) return 0;
    if (order->sampling == US_SAMPLING_SHUFFLE) return order->samples;
    return order->batch >= ORDER_DRAWS ? order->batch : ORDER_DRAWS / order->batch * order->batch;
}

us_status us__order_init(us__order *out, us_context *context, size_t samples, size_t batch, us_sampling sampling,
                         uint64_t seed) {
    *out = (us__order){.sampling = sampling, .seed = seed, .samples = samples};
    if (sampling != US_SAMPLING_SHUFFLE && sampling != US_SAMPLING_REPLACEMENT)
        return us__fail(context, US_ERR_ARGUMENT, "--sampling: it must be shuffle or replacement");
    return us__order_set_batch(out, context, batch);
}

void us__order_release(us__order *order, us_context *context) {
    us__release(context, order->rows);
    order->rows = NULL;
}

us_status us__order_set_batch(us__order *order, us_context *context, size_t batch) {
    if (batch > order->samples)
        return us__fail(context, US_ERR_ARGUMENT, "--batch %zu: there are only %zu samples to train on", batch,
                        order->samples);
    if (batch && order->samples > UINT32_MAX)
        return us__fail(context, US_ERR_ARGUMENT, "--batch %zu: with more than %u samples it must be full", batch,
                        UINT32_MAX);
    us__order next = *order;
    next.batch = batch == order->samples && order->sampling == US_SAMPLING_SHUFFLE ? 0 : batch;
    next.count = order_count(&next);
    if (next.count != order->count || (next.batch != order->batch && order->sampling == US_SAMPLING_REPLACEMENT)) {
        next.rows = NULL;
        if (next.count && !(next.rows = us__alloc(context, next.count, sizeof *next.rows))) return US_ERR_NOMEM;
        us__release(context, order->rows);
        next.drawn = false;
        next.position = 0;
        next.epoch += order->position > 0; /* what was drawn is not used again */
    }
    *order = next;
    return US_OK;
}

static void order_draw(us__order *order) {
    us_rng rng = us_rng_init(order->seed, ORDER_STREAM + order->epoch);
    if (order->sampling == US_SAMPLING_SHUFFLE)
        us_rng_permutation(&rng, order->rows, order->count);
    else
        us_rng_fill_below(&rng, (uint32_t)order->samples, order->rows, order->count);
    order->drawn = true;
}

us_batch us__order_next(us__order *order) {
    if (order->batch == 0) return US_BATCH_ALL;
    if (order->position == order->count) {
        order->position = 0;
        order->epoch++;
        order->drawn = false;
    }
    if (!order->drawn) order_draw(order);
    size_t left = order->count - order->position;
    return (us_batch){order->rows + order->position, left < order->batch ? left : order->batch};
}

void us__order_advance(us__order *order, size_t rows) { order->position += rows; }

void us__order_return(us__order *order, const us__order *before) {
    if (order->epoch != before->epoch) order->drawn = false;
    order->epoch = before->epoch;
    order->position = before->position;
}

us_batch us__order_ahead(const us__order *order) {
    size_t from = order->position + (order->batch < ORDER_AHEAD ? ORDER_AHEAD : 0);
    if (from >= order->count) return (us_batch){order->rows, 0};
    size_t left = order->count - from;
    return (us_batch){order->rows + from, left < order->batch ? left : order->batch};
}
