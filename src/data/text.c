/* A text as numbers: a class a code point that occurs in it, in the order of code points; rows are windows of the text. */
#include "data/text.h"
#include "data/charset.h"
#include "data/csv.h"
#include "data/dataset.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { TEXT_CODES = 0x110000, TEXT_FIRST_READ = 1 << 16 };

us_status us__text_recognise(us_context *context, const char *path, bool *is) {
    size_t length = strlen(path);
    if (length > 3 && strcasecmp(path + length - 3, ".gz") == 0) length -= 3;
    *is = length >= 4 && strncasecmp(path + length - 4, ".txt", 4) == 0;
    struct stat about;
    *is = *is && stat(path, &about) == 0 && S_ISREG(about.st_mode); /* a pipe cannot be looked at twice */
    if (!*is) return US_OK;
    us__csv csv;
    us_status status = us__csv_open(&csv, context, path);
    if (status == US_OK) status = us__csv_is_prose(&csv, is);
    us__csv_close(&csv);
    if (status != US_OK) *is = false; /* whoever reads it will come to the error */
    return status == US_ERR_NOMEM ? status : US_OK;
}

/* ------------------------------------------------------------------ characters */

/* Bytes of the UTF-8 character at p, which is good. */
static size_t text_length(const char *p) {
    unsigned char first = (unsigned char)*p;
    return first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

static uint32_t text_code(const char *p) {
    size_t length = text_length(p);
    uint32_t code = (unsigned char)*p & (length == 1 ? 0x7Fu : 0x7Fu >> length);
    for (size_t i = 1; i < length; i++) code = code << 6 | ((unsigned char)p[i] & 0x3Fu);
    return code;
}

static size_t text_put(char *to, uint32_t code) {
    if (code < 0x80) return to[0] = (char)code, 1;
    if (code < 0x800) return to[0] = (char)(0xC0 | code >> 6), to[1] = (char)(0x80 | (code & 0x3F)), 2;
    size_t last = code < 0x10000 ? 2 : 3;
    to[0] = (char)((last == 2 ? 0xE0 : 0xF0) | code >> 6 * last);
    for (size_t i = 1; i <= last; i++) to[i] = (char)(0x80 | (code >> 6 * (last - i) & 0x3F));
    return last + 1;
}

/* Text must be UTF-8 without NUL; otherwise the line and the byte of it are named. A mark at the start is skipped. */
static us_status text_check(us_context *context, const char *name, const char **text, size_t *bytes) {
    if (*bytes >= 3 && memcmp(*text, "\xEF\xBB\xBF", 3) == 0) *text += 3, *bytes -= 3;
    size_t line = 1, line_at = 0, at = 0, step;
    for (; at < *bytes; at += step) {
        unsigned char first = (unsigned char)(*text)[at];
        step = first < 0x80 ? 1 : text_length(*text + at);
        if (first == 0)
            return us__fail(context, US_ERR_INPUT, "%s:%zu:%zu: a NUL byte; a text has none, so it is damaged or no text",
                            name, line, at - line_at + 1);
        if (step > *bytes - at || (step > 1 && !us__charset_is_utf8(*text + at, step))) {
            const char *guess = us__charset_guess(*text, *bytes);
            return us__fail(context, US_ERR_INPUT,
                            "%s:%zu:%zu: the byte 0x%02X is not UTF-8, it looks like %s; convert it: iconv -f %s -t UTF-8",
                            name, line, at - line_at + 1, first, guess, guess);
        }
        if (first == '\n') line++, line_at = at + 1;
    }
    return US_OK;
}

/* All of a file, checked. @param bytes [caller releases] *text lies in it. */
static us_status text_read(us_context *context, const char *path, char **bytes, const char **text, size_t *length,
                           us__file *file) {
    us__source *source = NULL;
    size_t capacity = 0, used = 0, got;
    *bytes = NULL;
    us_status status = us__source_open(&source, context, path);
    while (status == US_OK) {
        if (used == capacity) {
            size_t more = capacity ? 2 * capacity : TEXT_FIRST_READ;
            char *grown = us__grow(context, *bytes, capacity, more, 1);
            if (!grown) {
                status = US_ERR_NOMEM;
                break;
            }
            *bytes = grown, capacity = more;
        }
        status = us__source_read(source, *bytes + used, capacity - used, &got);
        used += got;
        if (used < capacity) break;
    }
    if (status != US_OK) goto done;
    const char *wide = us__charset_wide(*bytes, used), *archive = us__charset_archive(*bytes, used);
    if (wide || archive) {
        status = us__fail(context, US_ERR_INPUT, "%s:1:1: this looks like %s; %s", path, wide ? wide : archive,
                          wide ? "convert it to UTF-8 with iconv" : "unpack it");
        goto done;
    }
    *text = *bytes, *length = used;
    status = text_check(context, path, text, length);
    if (file) file->size = us__source_size(source), file->crc32 = us__source_crc32(source);
done:
    us__source_close(source);
    return status;
}

/* The characters of a good text become the classes. */
static us_status text_make_classes(us__encoding *e, const char *path, const char *text, size_t bytes) {
    uint8_t *seen = us__new(e->context, TEXT_CODES, 1);
    us_status status = seen ? US_OK : US_ERR_NOMEM;
    size_t count = 0;
    for (size_t at = 0; at < bytes && seen; at += text_length(text + at)) {
        uint32_t code = text_code(text + at);
        count += !seen[code];
        seen[code] = 1;
    }
    if (status == US_OK && count < 2)
        status = us__fail(e->context, US_ERR_INPUT, "%s: the text has %zu different characters; there is nothing to learn",
                          path, count);
    if (status == US_OK && !(e->classes = us__arena_alloc(e->arena, count, sizeof *e->classes))) status = US_ERR_NOMEM;
    for (uint32_t code = 0; code < TEXT_CODES && status == US_OK; code++) {
        char name[5] = "";
        if (!seen[code]) continue;
        name[text_put(name, code)] = '\0';
        if (!(e->classes[e->class_count++] = us__encoding_text(e, name))) status = US_ERR_NOMEM;
    }
    us__release(e->context, seen);
    return status;
}

us_status us__text_tokens(const us__encoding *encoding, const char *name, const char *text, size_t bytes, uint32_t **numbers,
                          size_t *count) {
    const us__encoding *e = encoding;
    us_status status = text_check(e->context, name, &text, &bytes);
    size_t n = 0, line = 1, line_at = 0;
    *numbers = NULL, *count = 0;
    if (status != US_OK) return status;
    uint32_t *class_of = us__new(e->context, TEXT_CODES, sizeof *class_of); /* + 1 */
    *numbers = us__alloc(e->context, bytes, sizeof **numbers);
    if (!class_of || !*numbers) status = US_ERR_NOMEM;
    for (size_t k = 0; k < e->class_count && status == US_OK; k++) class_of[text_code(e->classes[k])] = (uint32_t)k + 1;
    for (size_t at = 0; at < bytes && status == US_OK; at += text_length(text + at)) {
        uint32_t known = class_of[text_code(text + at)];
        if (!known)
            status = us__fail(e->context, US_ERR_INPUT,
                              "%s:%zu:%zu: the character %s is not in the text that was trained on; leave it out", name,
                              line, at - line_at + 1, us__quote(text + at, text_length(text + at)).text);
        else
            (*numbers)[n++] = known - 1;
        if (text[at] == '\n') line++, line_at = at + 1;
    }
    us__release(e->context, class_of);
    if (status == US_OK) {
        *count = n;
        return US_OK;
    }
    us__release(e->context, *numbers);
    *numbers = NULL;
    return status;
}

us_status us__text_read_tokens(const us__encoding *encoding, const char *path, uint32_t **numbers, size_t *count) {
    char *bytes;
    const char *text;
    size_t length;
    *numbers = NULL, *count = 0;
    us_status status = text_read(encoding->context, path, &bytes, &text, &length, NULL);
    if (status == US_OK) status = us__text_tokens(encoding, path, text, length, numbers, count);
    us__release(encoding->context, bytes);
    return status;
}

/* ------------------------------------------------------------------ rows */

/* Windows of `count` tokens, each labelled with the next one; the label of the last is 0 where nothing follows. */
static us_status text_windows(us_dataset **out, const us__encoding *e, us_precision precision, const uint32_t *tokens,
                              size_t count, size_t length, size_t stride) {
    us_status status = us_dataset_create_windows(out, e->context, precision, length, e->window, stride, e->class_count);
    if (status != US_OK) return status;
    void *features = us_dataset_features(*out);
    uint32_t *labels = us_dataset_labels(*out);
    for (size_t i = 0; i < length && i < count; i++) {
        if (precision == US_F32)
            ((float *)features)[i] = (float)tokens[i];
        else
            ((double *)features)[i] = (double)tokens[i];
        labels[i] = i + 1 < count ? tokens[i + 1] : 0;
    }
    return US_OK;
}

/* The last round(f·n) characters are for testing, the others for training; a row needs `window` characters and the next. */
static us_status text_split(const us__encoding *e, const char *path, const uint32_t *tokens, size_t count,
                            us_precision precision, us_dataset *sets[2]) {
    size_t test = (size_t)llround(e->test_fraction * (double)count), train = count - test;
    if (train <= e->window || (test > 0 && test <= e->window))
        return us__fail(
            e->context, US_ERR_INPUT,
            "%s: %zu characters, of which %zu are for testing: too few for a row of %zu and the next one; take a "
            "smaller --context, or another --test-fraction",
            path, count, test, e->window);
    us_status status = text_windows(&sets[0], e, precision, tokens, train, train - 1, e->stride);
    if (status == US_OK && test) status = text_windows(&sets[1], e, precision, tokens + train, test, test - 1, e->window);
    return status;
}

us_status us__text_load(us__encoding *encoding, const char *path, const us_data_options *options, us_precision precision,
                        us_dataset *sets[2]) {
    us__encoding *e = encoding;
    us__file file = {0};
    char *bytes = NULL;
    const char *text;
    size_t length, count;
    uint32_t *tokens = NULL;
    us_status status = text_read(e->context, path, &bytes, &text, &length, &file);
    if (status != US_OK) goto done;
    if (options) {
        char *full = realpath(path, NULL);
        file.path = us__encoding_text(e, full ? full : path);
        free(full);
        e->file = file;
        e->text = true;
        e->task = US_CLASSIFICATION;
        e->seed = options->seed;
        e->test_fraction = options->test_fraction < 0 ? 0.1 : options->test_fraction;
        e->width = e->window = options->window;
        e->stride = options->stride ? options->stride : options->window;
        e->target_name = us__encoding_text(e, "next");
        status = file.path && e->target_name ? text_make_classes(e, path, text, length) : US_ERR_NOMEM;
    } else {
        status = us__file_check(e->context, &e->file, path, file.size, file.crc32);
    }
    if (status == US_OK) status = us__text_tokens(e, path, text, length, &tokens, &count);
    if (status == US_OK) status = text_split(e, path, tokens, count, precision, sets);
    if (status == US_OK && options)
        us__log(e->context, US_LOG_INFO, "a text of %zu characters, %zu different ones; rows of %zu, %zu for testing", count,
                e->class_count, e->window, sets[1] ? us_dataset_rows(sets[1]) : 0);
done:
    us__release(e->context, tokens);
    us__release(e->context, bytes);
    return status;
}

us_status us__text_load_features(us_dataset **out, const us__encoding *encoding, const char *path, us_precision precision) {
    const us__encoding *e = encoding;
    uint32_t *tokens = NULL;
    size_t count;
    us_status status = us__text_read_tokens(e, path, &tokens, &count);
    if (status == US_OK && count == 0) status = us__fail(e->context, US_ERR_INPUT, "%s: the file is empty", path);
    if (status == US_OK) {
        size_t length = (count + e->window - 1) / e->window * e->window;
        status = text_windows(out, e, precision, tokens, count, length, e->window);
    }
    us__release(e->context, tokens);
    return status;
}
