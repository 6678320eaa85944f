#include "base/context.h"
#include <stdio.h>
#include <string.h>

void *us__alloc(us_context *context, size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 2) {
        us__fail_memory(context, SIZE_MAX);
        return NULL;
    }
    if (bytes == 0) bytes = 1;
    void *memory = context->options.allocate(context->options.allocator_user, bytes, 64);
    if (!memory) us__fail_memory(context, bytes);
    return memory;
}

void *us__new(us_context *context, size_t count, size_t size) {
    void *memory = us__alloc(context, count, size);
    if (memory) memset(memory, 0, count * size);
    return memory;
}

void *us__grow(us_context *context, void *old, size_t old_count, size_t new_count, size_t size) {
    void *memory = us__alloc(context, new_count, size);
    if (!memory) return NULL;
    if (old) {
        memcpy(memory, old, (old_count < new_count ? old_count : new_count) * size);
        us__release(context, old);
    }
    return memory;
}

void us__release(us_context *context, void *memory) {
    if (memory) context->options.release(context->options.allocator_user, memory);
}

char *us__text_copy(us_context *context, const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = us__alloc(context, size, 1);
    if (copy) memcpy(copy, text, size);
    return copy;
}

char *us__text_format(us_context *context, const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int n = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = n < 0 ? NULL : us__alloc(context, (size_t)n + 1, 1);
    if (text) vsnprintf(text, (size_t)n + 1, format, again);
    va_end(again);
    return text;
}
