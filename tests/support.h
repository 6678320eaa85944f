/* What the tests share: an allocator that counts blocks and can fail, and the place of optional data. */
#ifndef US_TESTS_SUPPORT_H
#define US_TESTS_SUPPORT_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unstuck/context.h>

typedef struct support_memory {
    long alive;   /* blocks not released */
    long calls;   /* allocations asked for so far */
    long fail_at; /* the call (from 1) that fails; 0: none */
} support_memory;

/* A context whose allocations are counted in `memory`. */
us_context *support_context(support_memory *memory);
/* A plain context. */
us_context *support_plain_context(void);

/* Runs `body` with the k-th allocation failing, for k = 1, 2, ..., until it succeeds; asserts that every failure is
 * US_ERR_NOMEM and that nothing stays alive. `body` must release all it made. */
void support_fail_each_allocation(us_status (*body)(us_context *context, void *user), void *user);

/* Path of a file under ../shared beside the project, or NULL (and a word on why the test skips) when it is absent.
 * The text is valid until the fourth next call. */
const char *support_shared(const char *path);

/* A fresh temporary folder, removed at exit. The text is valid until the fourth next call. */
const char *support_temporary_folder(void);

/* |a − b| ≤ relative·max(|a|,|b|) + absolute, or the test fails showing both. */
#define assert_near(a, b, relative, absolute) support_near((a), (b), (relative), (absolute), #a, #b, __FILE__, __LINE__)
void support_near(double a, double b, double relative, double absolute, const char *a_text, const char *b_text,
                  const char *file, int line);

#endif
