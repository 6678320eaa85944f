#include "data/encoding.h"
#include <jansson.h>
#include <string.h>

us_status us__encoding_create(us__encoding **out, us_context *context) {
    us__encoding *e = *out = us__new(context, 1, sizeof *e);
    if (!e) return US_ERR_NOMEM;
    e->context = context;
    e->target_scale = 1;
    us_status status = us__arena_create(&e->arena, context, 0);
    if (status != US_OK) {
        us__encoding_destroy(e);
        *out = NULL;
    }
    return status;
}

void us__encoding_destroy(us__encoding *encoding) {
    if (!encoding) return;
    us__arena_destroy(encoding->arena);
    us__release(encoding->context, encoding);
}

const char *us__encoding_text(us__encoding *encoding, const char *text) {
    return us__arena_text(encoding->arena, text, strlen(text));
}

char *us__encoding_feature_name(const us__encoding *encoding, size_t column) {
    if (encoding->images) return us__text_format(encoding->context, "pixel%zu", column + 1);
    if (encoding->text) return us__text_format(encoding->context, "character%zu", column + 1);
    size_t f = 0;
    while (f + 1 < encoding->feature_count && encoding->features[f + 1].first <= column) f++;
    const us__feature *feature = &encoding->features[f];
    if (!feature->text) return us__text_copy(encoding->context, feature->name);
    return us__text_format(encoding->context, "%s=%s", feature->name, feature->levels[column - feature->first]);
}

us_status us__file_check(us_context *context, const us__file *file, const char *path, uint64_t size, uint32_t crc32) {
    if (file->size == size && file->crc32 == crc32) return US_OK;
    return us__fail(context, US_ERR_INPUT,
                    "%s: not the file that was trained on: it has %llu bytes with CRC-32 %08x, that one had %llu with %08x; "
                    "name the old file, or train anew",
                    path, (unsigned long long)size, crc32, (unsigned long long)file->size, file->crc32);
}

/* ------------------------------------------------------------------ to JSON */

/* A path need not be UTF-8; one that is not is left out. */
static json_t *encoding_file(const us__file *file) {
    if (!file->path) return json_null();
    json_t *path = json_string(file->path);
    if (!path) path = json_null();
    return json_pack("{s:o, s:I, s:I}", "path", path, "size", (json_int_t)file->size, "crc32", (json_int_t)file->crc32);
}

static json_t *encoding_texts(const char *const *texts, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; list && i < count; i++)
        if (json_array_append_new(list, json_string(texts[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *encoding_feature(const us__feature *f) {
    if (f->text)
        return json_pack("{s:s, s:I, s:o}", "column", f->name, "index", (json_int_t)f->index, "levels",
                         encoding_texts(f->levels, f->level_count));
    return json_pack("{s:s, s:I, s:f, s:f}", "column", f->name, "index", (json_int_t)f->index, "mean", f->mean, "scale",
                     f->scale);
}

static json_t *encoding_csv(const us__encoding *e) {
    json_t *features = json_array();
    for (size_t i = 0; features && i < e->feature_count; i++)
        if (json_array_append_new(features, encoding_feature(&e->features[i])) != 0) {
            json_decref(features);
            features = NULL;
        }
    char delimiter[2] = {e->delimiter, 0};
    return json_pack("{s:s, s:b, s:o, s:o, s:I, s:f, s:f, s:s, s:b}", "delimiter", delimiter, "header", (int)e->header,
                     "columns", encoding_texts(e->columns, e->column_count), "features", features, "target_index",
                     (json_int_t)e->target, "target_mean", e->target_mean, "target_scale", e->target_scale, "missing",
                     e->missing == US_MISSING_DROP ? "drop" : "mean", "standardize", (int)e->standardize);
}

static json_t *encoding_images(const us__encoding *e) {
    json_t *shape = json_array();
    for (size_t i = 0; shape && i < e->rank; i++)
        if (json_array_append_new(shape, json_integer((json_int_t)e->shape[i])) != 0) {
            json_decref(shape);
            shape = NULL;
        }
    return json_pack("{s:o, s:o, s:o, s:o}", "shape", shape, "labels", encoding_file(&e->labels), "test",
                     encoding_file(&e->test), "test_labels", encoding_file(&e->test_labels));
}

static json_t *encoding_text(const us__encoding *e) {
    return json_pack("{s:I, s:I}", "context", (json_int_t)e->window, "stride", (json_int_t)e->stride);
}

us_status us__encoding_write(const us__encoding *e, char **text) {
    *text = NULL;
    json_t *classes = e->classes ? encoding_texts(e->classes, e->class_count) : json_null();
    json_t *root =
        json_pack("{s:i, s:o, s:s, s:s, s:o, s:I, s:f, s:I, s:o}", "version", 1, "file", encoding_file(&e->file), "task",
                  e->task == US_CLASSIFICATION ? "classification" : "regression", "target", e->target_name, "classes",
                  classes, "width", (json_int_t)e->width, "test_fraction", e->test_fraction, "seed", (json_int_t)e->seed,
                  e->images ? "images"
                  : e->text ? "text"
                            : "csv",
                  e->images ? encoding_images(e)
                  : e->text ? encoding_text(e)
                            : encoding_csv(e));
    char *dump = root ? json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(root);
    if (!dump) return us__fail_memory(e->context, 4096);
    *text = us__text_copy(e->context, dump);
    free(dump);
    return *text ? US_OK : US_ERR_NOMEM;
}

/* ------------------------------------------------------------------ from JSON */

static bool encoding_read_file(us__encoding *e, json_t *from, us__file *file) {
    if (!json_is_object(from)) return json_is_null(from);
    json_int_t size, crc;
    if (json_unpack(from, "{s:I, s:I}", "size", &size, "crc32", &crc) != 0) return false;
    const char *path = json_string_value(json_object_get(from, "path"));
    *file = (us__file){.path = us__encoding_text(e, path ? path : ""), .size = (uint64_t)size, .crc32 = (uint32_t)crc};
    return file->path != NULL;
}

static bool encoding_read_texts(us__encoding *e, json_t *from, const char ***texts, size_t *count) {
    if (!json_is_array(from)) return false;
    *count = json_array_size(from);
    *texts = us__arena_alloc(e->arena, *count + 1, sizeof **texts);
    for (size_t i = 0; *texts && i < *count; i++) {
        const char *text = json_string_value(json_array_get(from, i));
        (*texts)[i] = text ? us__encoding_text(e, text) : NULL;
        if (!(*texts)[i]) return false;
    }
    return *texts != NULL;
}

static bool encoding_read_feature(us__encoding *e, json_t *from, us__feature *f) {
    const char *name;
    json_int_t index;
    if (json_unpack(from, "{s:s, s:I}", "column", &name, "index", &index) != 0) return false;
    *f = (us__feature){.name = us__encoding_text(e, name), .index = (size_t)index, .first = e->width};
    json_t *levels = json_object_get(from, "levels");
    f->text = levels != NULL;
    e->width += 1;
    if (!f->name || f->index >= e->column_count) return false;
    if (!f->text) return json_unpack(from, "{s:F, s:F}", "mean", &f->mean, "scale", &f->scale) == 0;
    if (!encoding_read_texts(e, levels, &f->levels, &f->level_count)) return false;
    e->width += f->level_count - 1;
    return true;
}

static bool encoding_read_csv(us__encoding *e, json_t *from) {
    json_t *columns, *features;
    const char *delimiter, *missing;
    int header, standardize;
    json_int_t target;
    if (json_unpack(from, "{s:s, s:b, s:o, s:o, s:I, s:F, s:F, s:s, s:b}", "delimiter", &delimiter, "header", &header,
                    "columns", &columns, "features", &features, "target_index", &target, "target_mean", &e->target_mean,
                    "target_scale", &e->target_scale, "missing", &missing, "standardize", &standardize) != 0)
        return false;
    e->delimiter = delimiter[0];
    e->header = header;
    e->standardize = standardize;
    e->missing = strcmp(missing, "drop") == 0 ? US_MISSING_DROP : US_MISSING_MEAN;
    e->target = (size_t)target;
    if (!encoding_read_texts(e, columns, &e->columns, &e->column_count) || e->target >= e->column_count ||
        !json_is_array(features))
        return false;
    e->feature_count = json_array_size(features);
    e->features = us__arena_alloc(e->arena, e->feature_count + 1, sizeof *e->features);
    size_t width = e->width;
    e->width = 0;
    for (size_t i = 0; i < e->feature_count; i++)
        if (!e->features || !encoding_read_feature(e, json_array_get(features, i), &e->features[i])) return false;
    return e->width == width;
}

static bool encoding_read_images(us__encoding *e, json_t *from) {
    json_t *shape = json_object_get(from, "shape");
    e->images = true;
    e->rank = json_array_size(shape);
    if (e->rank < 1 || e->rank > 4) return false;
    for (size_t i = 0; i < e->rank; i++) e->shape[i] = (size_t)json_integer_value(json_array_get(shape, i));
    return encoding_read_file(e, json_object_get(from, "labels"), &e->labels) && e->labels.path &&
           encoding_read_file(e, json_object_get(from, "test"), &e->test) &&
           encoding_read_file(e, json_object_get(from, "test_labels"), &e->test_labels);
}

static bool encoding_read_text(us__encoding *e, json_t *from) {
    json_int_t window, stride;
    e->text = true;
    if (json_unpack(from, "{s:I, s:I}", "context", &window, "stride", &stride) != 0 || window < 1 || stride < 1)
        return false;
    e->window = (size_t)window;
    e->stride = (size_t)stride;
    return e->window == e->width && e->task == US_CLASSIFICATION;
}

us_status us__encoding_read(us__encoding **out, us_context *context, const char *text) {
    json_error_t error;
    json_t *root = json_loads(text, 0, &error);
    us_status status = us__encoding_create(out, context);
    if (status != US_OK) goto done;
    us__encoding *e = *out;
    const char *task, *target;
    json_t *file, *classes, *csv = json_object_get(root, "csv"), *images = json_object_get(root, "images"),
                            *running = json_object_get(root, "text");
    json_int_t width, seed;
    int version;
    us_context_error_clear(context);
    bool good = root &&
                json_unpack(root, "{s:i, s:o, s:s, s:s, s:o, s:I, s:F, s:I}", "version", &version, "file", &file, "task",
                            &task, "target", &target, "classes", &classes, "width", &width, "test_fraction",
                            &e->test_fraction, "seed", &seed) == 0 &&
                version == 1;
    if (good) {
        e->task = strcmp(task, "classification") == 0 ? US_CLASSIFICATION : US_REGRESSION;
        e->target_name = us__encoding_text(e, target);
        e->width = (size_t)width;
        e->seed = (uint64_t)seed;
        good = e->target_name && encoding_read_file(e, file, &e->file) && e->file.path &&
               (!json_is_array(classes) || encoding_read_texts(e, classes, &e->classes, &e->class_count)) &&
               (e->task == US_REGRESSION || e->class_count > 0) &&
               (csv       ? encoding_read_csv(e, csv)
                : running ? encoding_read_text(e, running)
                          : encoding_read_images(e, images));
    }
    if (!good) /* a text is there when it was memory that ran out */
        status = *us_context_error(context)
                     ? US_ERR_NOMEM
                     : us__fail(context, US_ERR_INPUT, "the encoding of the data is damaged or of another version");
done:
    json_decref(root);
    if (status != US_OK) {
        us__encoding_destroy(*out);
        *out = NULL;
    }
    return status;
}
