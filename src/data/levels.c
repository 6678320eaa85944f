#include "data/levels.h"
#include <string.h>

void us__levels_clear(us__levels *levels) {
    us__release(levels->context, levels->pool);
    us__release(levels->context, levels->offsets);
    us__release(levels->context, levels->slots);
    *levels = (us__levels){.context = levels->context};
}

static uint64_t levels_hash(const char *text, size_t length) {
    uint64_t h = length * 0x9E3779B97F4A7C15u, w;
    for (; length >= 8; text += 8, length -= 8) {
        memcpy(&w, text, 8);
        h = (h ^ w) * 0xD6E8FEB86659FD93u;
        h ^= h >> 32;
    }
    w = 0;
    memcpy(&w, text, length);
    h = (h ^ w) * 0xD6E8FEB86659FD93u;
    return h ^ h >> 32;
}

/* The slot in which the text is, or the empty one where it belongs. */
static uint32_t *levels_slot(const us__levels *levels, const char *text, size_t length) {
    for (uint32_t i = (uint32_t)levels_hash(text, length) & levels->mask;; i = (i + 1) & levels->mask) {
        uint32_t *slot = &levels->slots[i];
        if (*slot == 0) return slot;
        if (us__levels_length(levels, *slot - 1) == length && memcmp(us__levels_text(levels, *slot - 1), text, length) == 0)
            return slot;
    }
}

uint32_t us__levels_find(const us__levels *levels, const char *text, size_t length) {
    return levels->count ? *levels_slot(levels, text, length) - 1 : UINT32_MAX;
}

/* Makes room for one more text of `length`. */
static bool levels_reserve(us__levels *l, size_t length) {
    if (l->count == l->room) {
        uint32_t room = l->room ? 2 * l->room : 8;
        size_t *offsets =
            us__grow(l->context, l->offsets, l->room ? (size_t)l->room + 1 : 0, (size_t)room + 1, sizeof *offsets);
        if (!offsets) return false;
        offsets[l->count] = l->pool_used;
        l->offsets = offsets;
        uint32_t *slots = us__new(l->context, 2 * (size_t)room, sizeof *slots);
        if (!slots) return false;
        us__release(l->context, l->slots);
        l->slots = slots;
        l->mask = 2 * room - 1;
        l->room = room;
        for (uint32_t i = 0; i < l->count; i++) *levels_slot(l, us__levels_text(l, i), us__levels_length(l, i)) = i + 1;
    }
    if (l->pool_size - l->pool_used <= length) {
        size_t size = 2 * l->pool_size + length + 64;
        char *pool = us__grow(l->context, l->pool, l->pool_used, size, 1);
        if (!pool) return false;
        l->pool = pool;
        l->pool_size = size;
    }
    return true;
}

uint32_t us__levels_add(us__levels *levels, const char *text, size_t length, bool *added) {
    us__levels *l = levels;
    *added = false;
    if (l->count > 0) {
        uint32_t slot = *levels_slot(l, text, length);
        if (slot) return slot - 1;
    }
    if (l->count >= UINT32_MAX / 4) {
        us__fail_memory(l->context, SIZE_MAX);
        return UINT32_MAX;
    }
    if (!levels_reserve(l, length)) return UINT32_MAX;
    memcpy(l->pool + l->pool_used, text, length);
    l->pool_used += length;
    l->pool[l->pool_used++] = '\0';
    l->offsets[l->count + 1] = l->pool_used;
    *levels_slot(l, text, length) = l->count + 1;
    *added = true;
    return l->count++;
}
