#include "base/base.h"
#include <string.h>

/* A list of blocks, newest first. A request larger than a block gets a block of its own. */
typedef struct arena_block {
    struct arena_block *next;
    size_t used, size; /* of the bytes that follow the header, which is 64 bytes */
} arena_block;

struct us__arena {
    us_context *context;
    arena_block *blocks;
    size_t block_bytes;
    size_t bytes;
};

enum { ARENA_HEADER = 64 };

us_status us__arena_create(us__arena **out, us_context *context, size_t block_bytes) {
    *out = us__new(context, 1, sizeof **out);
    if (!*out) return US_ERR_NOMEM;
    (*out)->context = context;
    (*out)->block_bytes = block_bytes ? block_bytes : 65536;
    return US_OK;
}

void us__arena_destroy(us__arena *arena) {
    if (!arena) return;
    for (arena_block *b = arena->blocks, *next; b; b = next) {
        next = b->next;
        us__release(arena->context, b);
    }
    us__release(arena->context, arena);
}

void *us__arena_alloc(us__arena *arena, size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 4) {
        us__fail_memory(arena->context, SIZE_MAX);
        return NULL;
    }
    bytes = (bytes + 63) / 64 * 64;
    arena_block *b = arena->blocks;
    if (!b || b->size - b->used < bytes) {
        size_t room = bytes > arena->block_bytes ? bytes : arena->block_bytes;
        b = us__alloc(arena->context, room + ARENA_HEADER, 1);
        if (!b) return NULL;
        *b = (arena_block){.next = arena->blocks, .used = 0, .size = room};
        arena->blocks = b;
    }
    void *memory = (char *)b + ARENA_HEADER + b->used;
    b->used += bytes;
    arena->bytes += bytes;
    memset(memory, 0, bytes);
    return memory;
}

char *us__arena_text(us__arena *arena, const char *text, size_t length) {
    char *copy = us__arena_alloc(arena, length + 1, 1);
    if (copy) memcpy(copy, text, length);
    return copy;
}

size_t us__arena_bytes(const us__arena *arena) { return arena->bytes; }
