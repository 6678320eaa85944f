/* Distinct texts, numbered in the order in which they came. */
#ifndef US_DATA_LEVELS_H
#define US_DATA_LEVELS_H

#include "base/base.h"

typedef struct us__levels {
    us_context *context;
    char *pool; /* the texts one behind the other, each ended by NUL */
    size_t pool_used, pool_size;
    size_t *offsets; /* [count + 1] where each begins */
    uint32_t count, room;
    uint32_t *slots; /* [mask + 1] hash table: number of a text + 1, or 0 */
    uint32_t mask;
} us__levels;

/* `levels` begins as zeros with a context. */
void us__levels_clear(us__levels *levels);
/* The number of a text, which is taken in if it is new (*added). UINT32_MAX: out of memory. */
uint32_t us__levels_add(us__levels *levels, const char *text, size_t length, bool *added);
/* The number of a text, or UINT32_MAX when it is not there. */
uint32_t us__levels_find(const us__levels *levels, const char *text, size_t length);

static inline const char *us__levels_text(const us__levels *levels, uint32_t level) {
    return levels->pool + levels->offsets[level];
}
static inline size_t us__levels_length(const us__levels *levels, uint32_t level) {
    return levels->offsets[level + 1] - levels->offsets[level] - 1;
}

#endif
