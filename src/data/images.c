/* IDX: two zero bytes, the type of the elements (8: unsigned bytes), the number of dimensions, each dimension in four bytes
 * (big-endian), then the elements, row-major. Source: LeCun, Cortes & Burges, the MNIST page. */
#include "data/images.h"
#include "data/dataset.h"
#include "data/rows.h"
#include "data/source.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { IMAGES_BYTES = 8, IMAGES_CHUNK = 1 << 18, IMAGES_MOST_INFLATION = 1032 };

typedef struct idx {
    us_context *context;
    us__source *source;
    size_t count, item;    /* how many, and the elements of one */
    size_t shape[4], rank; /* of one; a label has rank 0 */
} idx;

/* ------------------------------------------------------------------ one file */

us_status us__images_recognise(us_context *context, const char *path, bool *is) {
    struct stat about;
    *is = false;
    if (stat(path, &about) != 0 || !S_ISREG(about.st_mode)) return US_OK; /* a pipe cannot be looked at twice */
    us__source *source;
    us_status status = us__source_open(&source, context, path);
    if (status != US_OK) return status == US_ERR_NOMEM ? status : US_OK;
    unsigned char head[4];
    size_t got = 0;
    status = us__source_read(source, head, 4, &got);
    *is = status == US_OK && got == 4 && head[0] == 0 && head[1] == 0 && head[2] >= 8 && head[2] <= 14 && head[3] >= 1 &&
          head[3] <= 5;
    us__source_close(source);
    return status == US_ERR_NOMEM ? status : US_OK;
}

static us_status idx_open(idx *x, us_context *context, const char *path) {
    *x = (idx){.context = context};
    us_status status = us__source_open(&x->source, context, path);
    if (status != US_OK) return status;
    unsigned char head[4 + 4 * 5];
    size_t got, dimensions;
    status = us__source_read(x->source, head, 4, &got);
    if (status != US_OK) return status;
    if (got < 4 || head[0] || head[1] || head[3] < 1 || head[3] > 5)
        return us__fail(context, US_ERR_INPUT,
                        "%s: not an IDX file: it must begin with two zero bytes, a type and 1 to 5 dimensions", path);
    if (head[2] != IMAGES_BYTES)
        return us__fail(context, US_ERR_INPUT, "%s: the elements have type 0x%02X; only unsigned bytes (0x08) are read",
                        path, head[2]);
    dimensions = head[3];
    status = us__source_read(x->source, head, 4 * dimensions, &got);
    if (status != US_OK) return status;
    if (got < 4 * dimensions) return us__fail(context, US_ERR_INPUT, "%s: the file ends within its header", path);
    x->rank = dimensions - 1;
    x->item = 1;
    for (size_t i = 0; i < dimensions; i++) {
        const unsigned char *p = head + 4 * i;
        size_t n = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
        if (n == 0) return us__fail(context, US_ERR_INPUT, "%s: dimension %zu is 0: there is nothing in it", path, i + 1);
        if (i == 0)
            x->count = n;
        else if (__builtin_mul_overflow(x->item, n, &x->item))
            return us__fail_memory(context, SIZE_MAX);
        else
            x->shape[i - 1] = n;
    }
    uint64_t size = us__source_size(x->source), bytes;
    bool absurd = __builtin_mul_overflow((uint64_t)x->count, (uint64_t)x->item, &bytes);
    uint64_t expected = 4 + 4 * dimensions + (absurd ? 0 : bytes);
    bool packed = us__source_compressed(x->source);
    if (absurd || (size && (packed ? expected / IMAGES_MOST_INFLATION > size : expected != size)))
        return us__fail(context, US_ERR_INPUT,
                        "%s: the header tells of %zu items of %zu bytes, and the file has %llu bytes; get it again", path,
                        x->count, x->item, (unsigned long long)size);
    return US_OK;
}

/* Elements of `count` items. */
static us_status idx_read(idx *x, void *bytes, size_t count) {
    size_t got;
    us_status status = us__source_read(x->source, bytes, count * x->item, &got);
    if (status == US_OK && got < count * x->item)
        status = us__fail(x->context, US_ERR_INPUT, "%s: the file ends before its %zu items do; get it again",
                          us__source_path(x->source), x->count);
    return status;
}

/* Nothing may follow the items. Afterwards the whole file was seen, and its checksum is complete. */
static us_status idx_finish(idx *x, us__file *file, bool check) {
    char more;
    size_t got;
    us_status status = us__source_read(x->source, &more, 1, &got);
    const char *path = us__source_path(x->source);
    if (status == US_OK && got)
        status = us__fail(x->context, US_ERR_INPUT, "%s: more follows the %zu items; get it again", path, x->count);
    if (status != US_OK) return status;
    uint64_t size = us__source_size(x->source);
    uint32_t crc = us__source_crc32(x->source);
    if (check) return us__file_check(x->context, file, path, size, crc);
    file->size = size, file->crc32 = crc;
    return US_OK;
}

/* Pixels / 255 into the datasets, as role says (NULL: all into sets[0]). */
static us_status idx_read_pixels(idx *x, const uint8_t *role, us_dataset *const sets[2]) {
    double scaled[256];
    float scaled32[256];
    for (int k = 0; k < 256; k++) scaled[k] = k / 255.0, scaled32[k] = (float)scaled[k];
    size_t chunk = IMAGES_CHUNK / x->item + 1, next[2] = {0, 0};
    bool f32 = us_dataset_precision(sets[0]) == US_F32;
    unsigned char *bytes = us__alloc(x->context, chunk, x->item);
    us_status status = bytes ? US_OK : US_ERR_NOMEM;
    for (size_t first = 0; first < x->count && status == US_OK; first += chunk) {
        size_t n = x->count - first < chunk ? x->count - first : chunk;
        status = idx_read(x, bytes, n);
        for (size_t i = 0; i < n && status == US_OK; i++) {
            size_t to = role && role[first + i] == US__ROW_TEST, at = next[to]++ * x->item;
            const unsigned char *p = bytes + i * x->item;
            void *features = us_dataset_features(sets[to]);
            for (size_t k = 0; k < x->item && f32; k++) ((float *)features)[at + k] = scaled32[p[k]];
            for (size_t k = 0; k < x->item && !f32; k++) ((double *)features)[at + k] = scaled[p[k]];
        }
    }
    us__release(x->context, bytes);
    return status;
}

/* ------------------------------------------------------------------ files that belong together */

/* path with the last `from` in its file name replaced; *out is NULL when it is not in there. */
static us_status images_replace(us_context *context, const char *path, const char *from, const char *to, char **out) {
    const char *slash = strrchr(path, '/'), *at = NULL;
    for (const char *p = strstr(slash ? slash : path, from); p; p = strstr(p + 1, from)) at = p;
    *out = at ? us__text_format(context, "%.*s%s%s", (int)(at - path), path, to, at + strlen(from)) : NULL;
    return at && !*out ? US_ERR_NOMEM : US_OK;
}

/* Keeps `*path` if there is such a file, with or without .gz; otherwise releases it and sets it to NULL. */
static us_status images_keep_existing(us_context *context, char **path) {
    if (!*path || access(*path, R_OK) == 0) return US_OK;
    size_t length = strlen(*path);
    bool packed = length > 3 && strcmp(*path + length - 3, ".gz") == 0;
    char *other =
        packed ? us__text_format(context, "%.*s", (int)length - 3, *path) : us__text_format(context, "%s.gz", *path);
    us__release(context, *path);
    *path = NULL;
    if (!other) return US_ERR_NOMEM;
    if (access(other, R_OK) == 0)
        *path = other;
    else
        us__release(context, other);
    return US_OK;
}

/* "…images-idx3…" → "…labels-idx1…", which must be there. */
static us_status images_find_labels(us_context *context, const char *images, char **labels) {
    static const char *const ranks[] = {"idx3", "idx4", "idx2"};
    char *better, wanted[512] = "";
    us_status status = images_replace(context, images, "images", "labels", labels);
    for (int i = 0; i < 3 && status == US_OK && *labels; i++) {
        status = images_replace(context, *labels, ranks[i], "idx1", &better);
        if (!better) continue;
        us__release(context, *labels);
        *labels = better;
    }
    if (*labels) snprintf(wanted, sizeof wanted, "%s", *labels);
    if (status == US_OK) status = images_keep_existing(context, labels);
    if (status != US_OK || *labels) return status;
    if (*wanted) return us__fail(context, US_ERR_INPUT, "%s: its labels are not beside it: there is no %s", images, wanted);
    return us__fail(context, US_ERR_INPUT,
                    "%s: its labels are not found: its name should have 'images' in it, as in train-images-idx3-ubyte.gz",
                    images);
}

/* "train…" → "t10k…" or "test…", or NULL. */
static us_status images_find_test(us_context *context, const char *images, char **test) {
    static const char *const names[] = {"t10k", "test"};
    *test = NULL;
    us_status status = US_OK;
    for (int i = 0; i < 2 && status == US_OK && !*test; i++) {
        status = images_replace(context, images, "train", names[i], test);
        if (status == US_OK) status = images_keep_existing(context, test);
    }
    return status;
}

/* All labels of a file, checked against the number of images. @param labels [caller releases] */
static us_status images_read_labels(us_context *context, us__file *file, const char *images, size_t count, bool check,
                                    uint8_t **labels) {
    idx x;
    us_status status = idx_open(&x, context, file->path);
    if (status == US_OK && (x.rank != 0 || x.count != count))
        status = us__fail(context, US_ERR_INPUT,
                          "%s: %zu labels of rank %zu for the %zu images of %s; they do not belong together", file->path,
                          x.count, x.rank, count, images);
    if (status == US_OK && !(*labels = us__alloc(context, count, 1))) status = US_ERR_NOMEM;
    if (status == US_OK) status = idx_read(&x, *labels, count);
    if (status == US_OK) status = idx_finish(&x, file, check);
    us__source_close(x.source);
    return status;
}

/* ------------------------------------------------------------------ a set of images */

typedef struct images {
    us__encoding *encoding;
    bool check; /* the encoding is complete */
    us_precision precision;
} images;

static us_status images_make_classes(us__encoding *e, const uint8_t *labels, size_t count, const char *path) {
    bool seen[256] = {false};
    for (size_t i = 0; i < count; i++) seen[labels[i]] = true;
    e->classes = us__arena_alloc(e->arena, 256, sizeof *e->classes);
    if (!e->classes) return US_ERR_NOMEM;
    for (int k = 0; k < 256; k++) {
        char name[8];
        snprintf(name, sizeof name, "%d", k);
        if (seen[k] && !(e->classes[e->class_count++] = us__encoding_text(e, name))) return US_ERR_NOMEM;
    }
    if (e->class_count > 1) return US_OK;
    return us__fail(e->context, US_ERR_INPUT, "%s: only one class, %s; there is nothing to tell apart", path, e->classes[0]);
}

static us_status images_set_labels(const us__encoding *e, const uint8_t *labels, size_t count, const uint8_t *role,
                                   us_dataset *const sets[2], const char *path) {
    uint32_t class_of[256];
    size_t next[2] = {0, 0};
    memset(class_of, 0xFF, sizeof class_of);
    for (size_t k = 0; k < e->class_count; k++) class_of[strtoul(e->classes[k], NULL, 10) & 255] = (uint32_t)k;
    for (size_t i = 0; i < count; i++) {
        size_t to = role && role[i] == US__ROW_TEST;
        if (class_of[labels[i]] == UINT32_MAX)
            return us__fail(e->context, US_ERR_INPUT, "%s: item %zu has label %d, which no training image has", path, i + 1,
                            labels[i]);
        us_dataset_labels(sets[to])[next[to]++] = class_of[labels[i]];
    }
    return US_OK;
}

static us_status images_create(const images *m, us_dataset **out, size_t count) {
    const us__encoding *e = m->encoding;
    return us__dataset_create_raw(out, e->context, m->precision, count, e->width, US_CLASSIFICATION, e->class_count);
}

/* One pair of files. The training pair may be split; `sets` is {training, test} for it, and {test, NULL} for the test pair.
 */
static us_status images_read_pair(const images *m, us__file *file, us__file *label_file, bool training, double fraction,
                                  us_dataset *sets[2]) {
    us__encoding *e = m->encoding;
    uint8_t *labels = NULL, *role = NULL;
    idx x;
    us_status status = idx_open(&x, e->context, file->path);
    if (status != US_OK) goto done;
    if (x.rank == 0) {
        status = us__fail(e->context, US_ERR_INPUT, "%s: these are labels; name the file with the images", file->path);
        goto done;
    }
    if (training && !m->check) {
        e->rank = x.rank;
        memcpy(e->shape, x.shape, sizeof e->shape);
        e->width = x.item;
    }
    if (x.rank != e->rank || memcmp(x.shape, e->shape, sizeof e->shape) != 0)
        status = us__fail(e->context, US_ERR_INPUT, "%s: an image has %zu pixels in it, those of training have %zu",
                          file->path, x.item, e->width);
    if (status == US_OK) status = images_read_labels(e->context, label_file, file->path, x.count, m->check, &labels);
    if (status == US_OK && training && !m->check) status = images_make_classes(e, labels, x.count, label_file->path);
    size_t train = x.count, test = 0;
    if (status == US_OK && fraction > 0) {
        if (!(role = us__alloc(e->context, x.count, 1)))
            status = US_ERR_NOMEM;
        else
            memset(role, US__ROW_TRAIN, x.count);
        if (status == US_OK) status = us__rows_split(e->context, role, x.count, fraction, e->seed, &train, &test);
    }
    if (status == US_OK) status = images_create(m, &sets[0], train);
    if (status == US_OK && test) status = images_create(m, &sets[1], test);
    if (status == US_OK) status = images_set_labels(e, labels, x.count, role, sets, label_file->path);
    if (status == US_OK) status = idx_read_pixels(&x, role, sets);
    if (status == US_OK) status = idx_finish(&x, file, m->check);
done:
    us__source_close(x.source);
    us__release(e->context, labels);
    us__release(e->context, role);
    return status;
}

/* The four paths: given ones, or those beside the images. */
static us_status images_find_files(us__encoding *e, const char *path, bool want_test) {
    us_context *context = e->context;
    char *full = realpath(path, NULL), *texts[3] = {NULL, NULL, NULL};
    const char *own = full ? full : path;
    us_status status = images_find_labels(context, own, &texts[0]);
    if (status == US_OK && want_test) status = images_find_test(context, own, &texts[1]);
    if (status == US_OK && texts[1]) status = images_find_labels(context, texts[1], &texts[2]);
    us__file *files[3] = {&e->labels, &e->test, &e->test_labels};
    if (status == US_OK && !(e->file.path = us__encoding_text(e, own))) status = US_ERR_NOMEM;
    for (int i = 0; i < 3 && status == US_OK; i++)
        if (texts[i] && !(files[i]->path = us__encoding_text(e, texts[i]))) status = US_ERR_NOMEM;
    for (int i = 0; i < 3; i++) us__release(context, texts[i]);
    free(full);
    return status;
}

us_status us__images_load(us__encoding *encoding, const char *path, const us_data_options *options, us_precision precision,
                          us_dataset *sets[2]) {
    us__encoding *e = encoding;
    images m = {.encoding = e, .check = options == NULL, .precision = precision};
    us_status status = US_OK;
    if (options) {
        if (options->task == US_REGRESSION)
            return us__fail(e->context, US_ERR_ARGUMENT, "%s: images have classes; --task regression does not apply", path);
        e->images = true;
        e->task = US_CLASSIFICATION;
        e->seed = options->seed;
        if (!(e->target_name = us__encoding_text(e, "label"))) return US_ERR_NOMEM;
        status = images_find_files(e, path, options->test_fraction < 0);
        e->test_fraction = e->test.path ? 0 : options->test_fraction < 0 ? 0.2 : options->test_fraction;
    } else if (path) {
        status = images_find_files(e, path, e->test.path != NULL);
    }
    us_dataset *test[2] = {NULL, NULL};
    if (status == US_OK) status = images_read_pair(&m, &e->file, &e->labels, true, e->test_fraction, sets);
    if (status == US_OK && e->test.path) {
        status = images_read_pair(&m, &e->test, &e->test_labels, false, 0, test);
        sets[1] = test[0];
        if (status == US_OK && options)
            us__log(e->context, US_LOG_INFO, "%zu test images from %s", us_dataset_rows(sets[1]), e->test.path);
    }
    return status;
}

us_status us__images_load_features(us_dataset **out, const us__encoding *encoding, const char *path,
                                   us_precision precision) {
    const us__encoding *e = encoding;
    us_dataset *sets[2] = {NULL, NULL};
    idx x;
    us_status status = idx_open(&x, e->context, path);
    if (status == US_OK && (x.rank != e->rank || memcmp(x.shape, e->shape, sizeof e->shape) != 0))
        status = us__fail(e->context, US_ERR_INPUT, "%s: an image has %zu pixels in it, those of training have %zu", path,
                          x.item, e->width);
    if (status == US_OK)
        status = us_dataset_create(&sets[0], e->context, precision, x.count, e->width, US_CLASSIFICATION, e->class_count);
    us__file unused = {0};
    if (status == US_OK) status = idx_read_pixels(&x, NULL, sets);
    if (status == US_OK) status = idx_finish(&x, &unused, false);
    us__source_close(x.source);
    if (status == US_OK)
        *out = sets[0];
    else
        us_dataset_destroy(sets[0]);
    return status;
}
