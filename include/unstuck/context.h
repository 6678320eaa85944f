/** Statuses, and the context that every object is created in. */
#ifndef UNSTUCK_CONTEXT_H
#define UNSTUCK_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define US_API __attribute__((visibility("default")))
#define US_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define US_API
#define US_PRINTF(text, first)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** Every status: name, number, meaning. Zero is good, negative an error, positive good with a reason. */
#define US_STATUS_LIST(X)                                                         \
    X(US_OK, 0, "done")                                                           \
    X(US_NOT_CONVERGED, 1, "the iterations ran out before the tolerance was met") \
    X(US_INTERRUPTED, 2, "interrupted by the caller")                             \
    X(US_STOPPED, 3, "an observer asked to stop")                                 \
    X(US_NOT_FOUND, 4, "there is nothing of that name")                           \
    X(US_STALLED, 5, "the loss has stopped falling")                              \
    X(US_ERR_NOMEM, -1, "out of memory")                                          \
    X(US_ERR_ARGUMENT, -2, "an argument is out of its range")                     \
    X(US_ERR_INPUT, -3, "the input is not as it should be")                       \
    X(US_ERR_IO, -4, "reading or writing failed")                                 \
    X(US_ERR_NONFINITE, -5, "a value is not finite")                              \
    X(US_ERR_SHAPE, -6, "shapes do not fit together")                             \
    X(US_ERR_CALLBACK, -7, "a function of the caller failed")                     \
    X(US_ERR_EXISTS, -8, "it is there already")                                   \
    X(US_ERR_UNSUPPORTED, -9, "that is not supported")                            \
    X(US_ERR_NUMERIC, -10, "a numerical routine failed")

typedef enum us_status {
#define US_STATUS_ENUM(name, number, meaning) name = number,
    US_STATUS_LIST(US_STATUS_ENUM)
#undef US_STATUS_ENUM
} us_status;

/** The name of a status, such as "US_ERR_NOMEM"; "unknown status" for a number that is none. */
US_API const char *us_status_name(us_status status);

/** The meaning of a status in words. */
US_API const char *us_status_meaning(us_status status);

/** Allocator, log callback, error text and cancel flag of everything created in it.
 * Distinct contexts may be used from distinct threads; one context by one thread at a time,
 * us_context_cancel aside. A context must outlive what was created in it. */
typedef struct us_context us_context;

typedef enum us_log_level { US_LOG_INFO = 0, US_LOG_WARNING = 1 } us_log_level;

typedef struct us_context_options {
    uint32_t version; /* 1 */
    /* Returns `bytes` (> 0) aligned to `alignment` (a power of two, at most 64), or NULL. NULL: aligned_alloc. */
    void *(*allocate)(void *user, size_t bytes, size_t alignment);
    /* Releases what allocate returned; never called with NULL. NULL exactly when allocate is NULL. */
    void (*release)(void *user, void *memory);
    void *allocator_user;
    /* Hears what may interest a person, such as "207 missing values take the mean". NULL: nobody. */
    void (*log)(void *user, us_log_level level, const char *text);
    void *log_user;
    int threads; /* 1 to 1024: how many threads parallel work may use (64 at most are); with more than one, allocate and
                    release may be called by several at once; default 1 */
} us_context_options;

#define US_CONTEXT_OPTIONS_INIT \
    { .version = 1, .threads = 1 }
US_API void us_context_options_init(us_context_options *options);

/** Creates a context. Asks a threaded OpenBLAS to run on one thread (openblas_set_num_threads(1)): the library's threads
 * call it. With an OpenBLAS built for one thread (Debian's openblas-serial), which several threads must not call at once, a
 * context uses one thread whatever is asked for, and contexts must not be used from distinct threads. @param out [caller
 * destroys] @param options NULL for defaults. Errors: US_ERR_NOMEM, US_ERR_ARGUMENT; *out is then NULL. */
US_API us_status us_context_create(us_context **out, const us_context_options *options);
US_API void us_context_destroy(us_context *context);

/** One line on the last error in this context: what, where, what to do. "" when there was none.
 * Borrowed; valid until the next error. */
US_API const char *us_context_error(const us_context *context);

/** Forgets the last error. */
US_API void us_context_error_clear(us_context *context);

US_API int us_context_threads(const us_context *context);
US_API us_status us_context_set_threads(us_context *context, int threads);

/** Asks long work in this context to end soon with US_INTERRUPTED. Async-signal-safe; from any thread. */
US_API void us_context_cancel(us_context *context);
US_API bool us_context_cancelled(const us_context *context);
/** Takes a cancel back. */
US_API void us_context_resume(us_context *context);

/** Seconds on a clock that only goes forward; the origin is arbitrary. */
US_API double us_clock_now(void);

#ifdef __cplusplus
}
#endif
#endif
