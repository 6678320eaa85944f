#include "base/context.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { CONTEXT_HUGE_PAGE = 1 << 21, CONTEXT_HUGE = 8 << 21 }; /* blocks of so many bytes ask for large pages */

const char *us_status_name(us_status status) {
    switch (status) {
#define CASE(name, number, meaning) \
    case name:                      \
        return #name;
        US_STATUS_LIST(CASE)
#undef CASE
    }
    return "unknown status";
}

const char *us_status_meaning(us_status status) {
    switch (status) {
#define CASE(name, number, meaning) \
    case name:                      \
        return meaning;
        US_STATUS_LIST(CASE)
#undef CASE
    }
    return "unknown status";
}

void us_context_options_init(us_context_options *options) { *options = (us_context_options)US_CONTEXT_OPTIONS_INIT; }

static void *context_default_allocate(void *user, size_t bytes, size_t alignment) {
    (void)user;
    void *memory = NULL;
#ifdef MADV_HUGEPAGE
    /* Rows in random order miss the address cache less on large pages. */
    if (bytes >= CONTEXT_HUGE) {
        if (posix_memalign(&memory, CONTEXT_HUGE_PAGE, bytes)) return NULL;
        madvise(memory, bytes / CONTEXT_HUGE_PAGE * CONTEXT_HUGE_PAGE, MADV_HUGEPAGE);
        return memory;
    }
#endif
    if (alignment < sizeof(void *)) alignment = sizeof(void *);
    return posix_memalign(&memory, alignment, bytes) ? NULL : memory;
}

static void context_default_release(void *user, void *memory) {
    (void)user;
    free(memory);
}

us_status us_context_create(us_context **out, const us_context_options *options) {
    *out = NULL;
    us_context_options o = US_CONTEXT_OPTIONS_INIT;
    if (options) o = *options;
    if (o.version != 1 || (o.allocate == NULL) != (o.release == NULL) || o.threads < 1 || o.threads > 1024)
        return US_ERR_ARGUMENT;
    if (!o.allocate) {
        o.allocate = context_default_allocate;
        o.release = context_default_release;
    }
    us_context *c = o.allocate(o.allocator_user, sizeof *c, 64);
    if (!c) return US_ERR_NOMEM;
    memset(c, 0, sizeof *c);
    c->options = o;
    atomic_init(&c->cancelled, false);
    us__pool_init(&c->pool);
    *out = c;
    return US_OK;
}

us_status us__context_branch(us_context **out, us_context *parent, int threads) {
    us_context_options options = parent->options;
    options.log = NULL; /* heard by one thread at a time */
    options.threads = threads;
    us_status status = us_context_create(out, &options);
    if (status != US_OK) return us__fail_memory(parent, sizeof **out);
    (*out)->parent = parent;
    return US_OK;
}

void us_context_destroy(us_context *context) {
    if (!context) return;
    us__pool_destroy(&context->pool);
    context->options.release(context->options.allocator_user, context);
}

const char *us_context_error(const us_context *context) { return context->error; }

void us_context_error_clear(us_context *context) { context->error[0] = '\0'; }

int us_context_threads(const us_context *context) { return context->options.threads; }

us_status us_context_set_threads(us_context *context, int threads) {
    if (threads < 1 || threads > 1024)
        return us__fail(context, US_ERR_ARGUMENT, "threads is %d; it must be 1 to 1024", threads);
    context->options.threads = threads;
    return US_OK;
}

void us_context_cancel(us_context *context) { atomic_store_explicit(&context->cancelled, true, memory_order_relaxed); }

bool us_context_cancelled(const us_context *context) {
    for (const us_context *c = context; c; c = c->parent)
        if (atomic_load_explicit(&((us_context *)(uintptr_t)c)->cancelled, memory_order_relaxed)) return true;
    return false;
}

void us_context_resume(us_context *context) { atomic_store_explicit(&context->cancelled, false, memory_order_relaxed); }

us_status us__fail(us_context *context, us_status status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(context->error, sizeof context->error, format, arguments);
    va_end(arguments);
    return status;
}

us_status us__fail_memory(us_context *context, size_t bytes) {
    if (bytes == SIZE_MAX) return us__fail(context, US_ERR_NOMEM, "out of memory: the size asked for overflows");
    return us__fail(context, US_ERR_NOMEM, "out of memory: %.1f MB were asked for", (double)bytes / 1e6);
}

void us__error_prefix(us_context *context, const char *prefix) {
    char text[US__ERROR_TEXT];
    memcpy(text, context->error, sizeof text);
    int n = snprintf(context->error, sizeof context->error, "%s: ", prefix);
    if (n < 0 || (size_t)n >= sizeof context->error) return;
    size_t room = sizeof context->error - (size_t)n - 1, length = strlen(text);
    if (length > room) length = room;
    memcpy(context->error + n, text, length);
    context->error[(size_t)n + length] = '\0';
}

void us__log(us_context *context, us_log_level level, const char *format, ...) {
    if (!context->options.log) return;
    char text[US__ERROR_TEXT];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    context->options.log(context->options.log_user, level, text);
}
