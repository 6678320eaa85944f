#include "support.h"
#include <ftw.h>
#include <unistd.h>

static void *support_allocate(void *user, size_t bytes, size_t alignment) {
    support_memory *memory = user;
    memory->calls++;
    if (memory->fail_at && memory->calls == memory->fail_at) return NULL;
    void *block = aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    if (block) {
        memset(block, 0xA5, bytes); /* nobody may count on zeros */
        memory->alive++;
    }
    return block;
}

static void support_release(void *user, void *block) {
    ((support_memory *)user)->alive--;
    free(block);
}

us_context *support_context(support_memory *memory) {
    us_context_options options = US_CONTEXT_OPTIONS_INIT;
    options.allocate = support_allocate;
    options.release = support_release;
    options.allocator_user = memory;
    us_context *context = NULL;
    assert_int_equal(us_context_create(&context, &options), US_OK);
    return context;
}

us_context *support_plain_context(void) {
    us_context *context = NULL;
    assert_int_equal(us_context_create(&context, NULL), US_OK);
    return context;
}

void support_fail_each_allocation(us_status (*body)(us_context *context, void *user), void *user) {
    for (long k = 1; k < 100000; k++) {
        support_memory memory = {0};
        us_context *context = support_context(&memory);
        memory.fail_at = k + 1; /* the context itself was the first */
        us_status status = body(context, user);
        bool reached = memory.calls >= memory.fail_at;
        us_context_destroy(context);
        if (memory.alive != 0) fail_msg("%ld blocks alive after allocation %ld failed", memory.alive, k);
        if (!reached) {
            assert_int_equal(status, US_OK);
            return;
        }
        if (status != US_ERR_NOMEM) fail_msg("allocation %ld failed, and the status was %s", k, us_status_name(status));
    }
    fail_msg("still allocating after 100000 allocations");
}

const char *support_shared(const char *path) {
    static char texts[4][1024];
    static int next;
    char *text = texts[next++ % 4];
    const char *root = getenv("UNSTUCK_SOURCE_ROOT");
    snprintf(text, sizeof texts[0], "%s/../shared/%s", root ? root : ".", path);
    if (access(text, R_OK) == 0) return text;
    fprintf(stderr, "skipped: ../shared/%s is not here\n", path);
    return NULL;
}

static char support_folders[16][64];
static int support_folder_count;

static int support_remove(const char *path, const struct stat *status, int flag, struct FTW *walk) {
    (void)status, (void)flag, (void)walk;
    return remove(path);
}

static void support_clean(void) {
    for (int i = 0; i < support_folder_count; i++) nftw(support_folders[i], support_remove, 16, FTW_DEPTH | FTW_PHYS);
}

const char *support_temporary_folder(void) {
    if (support_folder_count == 16) fail_msg("more than 16 temporary folders");
    if (support_folder_count == 0) atexit(support_clean);
    char *folder = support_folders[support_folder_count];
    strcpy(folder, "/tmp/unstuck-test-XXXXXX");
    if (!mkdtemp(folder)) fail_msg("no temporary folder");
    support_folder_count++;
    return folder;
}

void support_near(double a, double b, double relative, double absolute, const char *a_text, const char *b_text,
                  const char *file, int line) {
    double bound = relative * fmax(fabs(a), fabs(b)) + absolute;
    if (fabs(a - b) <= bound || a == b) return;
    print_error("%s = %.17g\n%s = %.17g\ndifference %.3g, allowed %.3g\n", a_text, a, b_text, b, fabs(a - b), bound);
    _fail(file, line);
}
