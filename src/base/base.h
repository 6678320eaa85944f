/* What every module of the library may use: errors, memory, text. */
#ifndef US_BASE_BASE_H
#define US_BASE_BASE_H

#include <stdarg.h>
#include <unstuck/context.h>

/* Notes one line of text in the context and returns `status`, so that a failure reads
 * `return us__fail(context, US_ERR_INPUT, "%s:%zu: ...", path, line);`. */
us_status us__fail(us_context *context, us_status status, const char *format, ...) US_PRINTF(3, 4);
/* The same for out of memory: says how much was asked for. */
us_status us__fail_memory(us_context *context, size_t bytes);
/* Puts "prefix: " before the text of the last error. */
void us__error_prefix(us_context *context, const char *prefix);

void us__log(us_context *context, us_log_level level, const char *format, ...) US_PRINTF(3, 4);

/* count·size bytes aligned to 64, or NULL with the error noted (also when the product overflows). A count of 0 gives a
 * block that may be released. us__new zeroes. */
void *us__alloc(us_context *context, size_t count, size_t size);
void *us__new(us_context *context, size_t count, size_t size);
/* Moves to a block of new_count elements, keeping old_count; the old block stays valid when NULL comes back. */
void *us__grow(us_context *context, void *old, size_t old_count, size_t new_count, size_t size);
void us__release(us_context *context, void *memory); /* NULL does nothing */
char *us__text_copy(us_context *context, const char *text);
/* A formatted text on the heap, or NULL with the error noted. */
char *us__text_format(us_context *context, const char *format, ...) US_PRINTF(2, 3);

/* Memory that goes all at once. */
typedef struct us__arena us__arena;
us_status us__arena_create(us__arena **out, us_context *context, size_t block_bytes);
void us__arena_destroy(us__arena *arena);
void *us__arena_alloc(us__arena *arena, size_t count, size_t size); /* zeroed, aligned to 64; NULL with the error noted */
char *us__arena_text(us__arena *arena, const char *text, size_t length);
size_t us__arena_bytes(const us__arena *arena);

/* Exchanges two variables. */
#define US__SWAP(type, a, b) \
    do {                     \
        type swapped_ = (a); \
        (a) = (b);           \
        (b) = swapped_;      \
    } while (0)

/* task(user, i, thread) for each i < tasks, each once, by at most `threads` threads of the context, this one among them;
 * returns when all are done. thread < threads tells who does it, 0 being the caller. Within a task, or while another thread
 * of the caller's is at it in the same context, the caller does everything. */
enum { US__THREADS_MOST = 64 };
typedef void us__task(void *user, size_t i, size_t thread);
void us__parallel(us_context *context, size_t threads, size_t tasks, us__task *task, void *user);

/* A context for another thread: allocations as in `parent`, which must outlive it and whose cancel is its own, too; errors of
 * its own; nobody hears its log. Errors: US_ERR_NOMEM. @param threads  of work within it @param out [caller destroys] */
us_status us__context_branch(us_context **out, us_context *parent, int threads);

/* Whether several threads may call the BLAS at once. OpenBLAS built for one thread (Debian's openblas-serial) shares its
 * buffers between callers and then gives wrong products: with it, us__parallel and races use one thread. */
bool us__blas_is_shareable(void);

/* Nearest of `names` to a mistyped word by edit distance, or NULL when none is near. */
const char *us__nearest_name(const char *word, const char *const *names, size_t count);

/* Kernels that gain from wider registers are compiled once for each of several instruction sets and chosen at start.
 * Sanitizers cannot run the resolver, and other compilers lack it: there it means nothing. (A name such as "arch=haswell" is
 * a model of one maker for the resolver, which no AMD processor is; a level is not.) */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__clang__) && \
    !defined(US_NO_CLONES)
#if __GNUC__ >= 12
#define US_KERNEL __attribute__((target_clones("avx512f", "arch=x86-64-v3", "default")))
#else
#define US_KERNEL __attribute__((target_clones("avx512f", "avx2", "default")))
#endif
#else
#define US_KERNEL
#endif

#endif
