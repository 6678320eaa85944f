/* Small data and runs for the tests of this folder. */
#ifndef US_TESTS_RUN_FIXTURE_H
#define US_TESTS_RUN_FIXTURE_H

#include "support.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>
#include <unstuck/graph.h>
#include <unstuck/run.h>
#include <unstuck/safetensors.h>

/* Valid until the 32nd next call. */
static inline const char *fixture_path(const char *folder, const char *name) {
    static char texts[32][512];
    static int next;
    char path[512]; /* folder may be one of the texts */
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return strcpy(texts[next++ % 32], path);
}

/* A CSV of `rows` rows: a, b, c and the target y, a smooth function of them in its own unit, or a class by name. */
static inline void fixture_data(const char *path, size_t rows, bool classes) {
    us_rng rng = us_rng_init(11, 0);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "a,b,c,%s\n", classes ? "\"kind, of\"" : "y");
    for (size_t i = 0; i < rows; i++) {
        double a = us_rng_normal(&rng), b = us_rng_normal(&rng), c = us_rng_uniform(&rng);
        double y = 300 + 50 * sin(a) + 20 * a * b - 30 * c + us_rng_normal(&rng);
        fprintf(file, "%.6f,%.6f,%.6f,", a, b, c);
        if (classes)
            fprintf(file, "%s\n", y > 320 ? "\"large, \"\"very\"\"\"" : y > 280 ? "mid" : "small");
        else
            fprintf(file, "%.6f\n", y);
    }
    assert_int_equal(fclose(file), 0);
}

/* A short training of a small network in shuffled mini-batches. */
static inline us_run_config fixture_config(const char *data) {
    us_run_config config = US_RUN_CONFIG_INIT;
    config.data = data;
    config.model = "mlp:8:tanh";
    config.batch = 7;
    config.learning_rate = 0.003;
    config.steps = 500;
    config.data_options.test_fraction = 0.25;
    return config;
}

static inline char *fixture_read(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*size + 1);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    bytes[*size] = '\0';
    fclose(file);
    return bytes;
}

static inline void fixture_write(const char *path, const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static inline void fixture_assert_same_file(const char *a, const char *b) {
    size_t a_size = 0, b_size = 0;
    char *x = fixture_read(a, &a_size), *y = fixture_read(b, &b_size);
    assert_non_null(x);
    assert_non_null(y);
    assert_int_equal(a_size, b_size);
    assert_memory_equal(x, y, a_size);
    free(x);
    free(y);
}

/* How many entries a folder has. */
static inline size_t fixture_entries(const char *folder) {
    size_t count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *found; (found = readdir(dir));)
        count += strcmp(found->d_name, ".") != 0 && strcmp(found->d_name, "..") != 0;
    closedir(dir);
    return count;
}

typedef struct fixture_lines {
    char text[30000];
    size_t used;
} fixture_lines;

static inline int fixture_take(void *user, const char *text, size_t length) {
    fixture_lines *l = user;
    if (l->used + length >= sizeof l->text) return 1;
    memcpy(l->text + l->used, text, length);
    l->text[l->used += length] = '\0';
    return 0;
}

#define assert_error_has(context, word)                                                                                    \
    do {                                                                                                                   \
        if (!strstr(us_context_error(context), (word))) fail_msg("'%s' is not in: %s", (word), us_context_error(context)); \
    } while (0)
#define assert_done(context, call)                                                                    \
    do {                                                                                              \
        us_status fixture_status = (call);                                                            \
        if (fixture_status != US_OK)                                                                  \
            fail_msg("%s: %s: %s", #call, us_status_name(fixture_status), us_context_error(context)); \
    } while (0)

/* What a run predicts for a file: the number after the last comma of each line but the first, which must be `count`. */
static inline void fixture_predictions(us_context *context, const char *run, const char *data, double *out, size_t count) {
    static fixture_lines l;
    size_t found = 0;
    l.used = 0;
    assert_done(context, us_run_predict(context, run, data, fixture_take, &l));
    for (char *line = strchr(l.text, '\n'); line && line[1]; line = strchr(line + 1, '\n')) {
        char *cell = strchr(line + 1, '\n');
        while (cell > line + 1 && cell[-1] != ',') cell--;
        assert_true(found < count);
        out[found++] = strtod(cell, NULL);
    }
    assert_int_equal(found, count);
}

#endif
