/* Put before a program by LD_PRELOAD: the UNSTUCK_FAIL_AT-th block that the program's own code asks for can't be had (from
 * 1); what libraries ask for always can. At its end the program tells on standard error how many there were, as "blocks: N".
 */
#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static uintptr_t begin, end; /* of the program's code */
static long fail_at;
static atomic_long count;

static int failing_find(struct dl_phdr_info *info, size_t size, void *user) {
    (void)size, (void)user;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD && (info->dlpi_phdr[i].p_flags & PF_X)) {
            begin = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
            end = begin + info->dlpi_phdr[i].p_memsz;
        }
    return 1; /* the first is the program */
}

__attribute__((constructor)) static void failing_start(void) {
    const char *text = getenv("UNSTUCK_FAIL_AT");
    fail_at = text ? atol(text) : 0;
    dl_iterate_phdr(failing_find, NULL);
}

__attribute__((destructor)) static void failing_end(void) { fprintf(stderr, "blocks: %ld\n", atomic_load(&count)); }

static bool failing(const void *caller) {
    return (uintptr_t)caller >= begin && (uintptr_t)caller < end && atomic_fetch_add(&count, 1) + 1 == fail_at;
}

void *malloc(size_t size) { return failing(__builtin_return_address(0)) ? NULL : __libc_malloc(size); }
void *calloc(size_t n, size_t size) { return failing(__builtin_return_address(0)) ? NULL : __libc_calloc(n, size); }
void *realloc(void *block, size_t size) { return failing(__builtin_return_address(0)) ? NULL : __libc_realloc(block, size); }

int posix_memalign(void **block, size_t alignment, size_t size) {
    *block = failing(__builtin_return_address(0)) ? NULL : __libc_memalign(alignment, size);
    return *block ? 0 : ENOMEM;
}

char *strdup(const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = failing(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}
