/* The safetensors format: 8 bytes of header length N (little-endian), N bytes of JSON, then the tensors' bytes without gaps.
 *
 *   {"__metadata__": {"key": "text", ..}, "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, ..}
 *
 * Source: https://github.com/huggingface/safetensors, README, "Format". As there: the header is padded with spaces so that
 * the data begins at a multiple of 8, wider types come first, and no byte of the data is left unnamed. */
#include "base/base.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unstuck/safetensors.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "tensors are little-endian in the file, and are copied as they are"
#endif

enum { RANK_MAX = 8, HEADER_MAX = 100000000, NAME_SHOWN = 64 };

static const struct {
    const char *name;
    size_t bytes;
} safetensors_dtypes[] = {
    {"F64", 8}, {"I64", 8}, {"U64", 8},  {"F32", 4},     {"I32", 4},     {"U32", 4}, {"F16", 2}, {"BF16", 2},
    {"I16", 2}, {"U16", 2}, {"BOOL", 1}, {"F8_E5M2", 1}, {"F8_E4M3", 1}, {"I8", 1},  {"U8", 1},
};

/* Bytes of one element, or 0 for a type that is not known. */
static size_t safetensors_dtype_bytes(const char *dtype) {
    for (size_t i = 0; i < sizeof safetensors_dtypes / sizeof *safetensors_dtypes; i++)
        if (strcmp(dtype, safetensors_dtypes[i].name) == 0) return safetensors_dtypes[i].bytes;
    return 0;
}

/* Bytes of a tensor of this shape; false when they overflow. */
static bool safetensors_size(const size_t *shape, size_t rank, size_t element, size_t *bytes) {
    *bytes = element;
    bool empty = false, overflow = false;
    for (size_t i = 0; i < rank; i++) {
        empty |= shape[i] == 0;
        overflow |= !empty && __builtin_mul_overflow(*bytes, shape[i], bytes);
    }
    if (empty) *bytes = 0;
    return empty || !overflow;
}

/* ------------------------------------------------------------------ encode */

/* Adds a tensor to the header, its data from `begin`. */
static us_status safetensors_add(us_context *context, json_t *header, const us_tensor *t, size_t begin) {
    json_t *shape = json_array();
    for (size_t k = 0; k < t->rank; k++) json_array_append_new(shape, json_integer((json_int_t)t->shape[k]));
    json_t *entry = json_pack("{s:s, s:o, s:[I, I]}", "dtype", t->dtype, "shape", shape, "data_offsets", (json_int_t)begin,
                              (json_int_t)(begin + t->bytes));
    bool taken = strcmp(t->name, "__metadata__") == 0 || json_object_get(header, t->name);
    if (!taken && json_object_set(header, t->name, entry) == 0) {
        json_decref(entry);
        return US_OK;
    }
    json_decref(entry);
    return us__fail(context, US_ERR_ARGUMENT, "tensor %s: the name is %s", t->name, taken ? "taken" : "not UTF-8");
}

/* The header as JSON; offsets[i] is where tensor i begins, *data_bytes where the last one ends. */
static us_status safetensors_header(json_t *header, us_context *context, const us_tensor *tensors, size_t count,
                                    const char *const *metadata, size_t pairs, size_t *offsets, size_t *data_bytes) {
    json_t *texts = json_object();
    us_status status = US_OK;
    for (size_t i = 0; i < pairs && status == US_OK; i++)
        if (json_object_set_new(texts, metadata[2 * i], json_string(metadata[2 * i + 1])) != 0)
            status = us__fail(context, US_ERR_ARGUMENT, "metadata %s: key and value must be UTF-8", metadata[2 * i]);
    if (pairs && status == US_OK && json_object_set(header, "__metadata__", texts) != 0)
        status = us__fail_memory(context, pairs);
    json_decref(texts);
    for (size_t i = 0; i < count && status == US_OK; i++) {
        const us_tensor *t = &tensors[i];
        size_t element = safetensors_dtype_bytes(t->dtype), bytes;
        if (element == 0 || t->rank > RANK_MAX || !safetensors_size(t->shape, t->rank, element, &bytes) || bytes != t->bytes)
            status = us__fail(context, US_ERR_ARGUMENT, "tensor %s: dtype %s, rank %zu and %zu bytes do not fit together",
                              t->name, t->dtype, t->rank, t->bytes);
    }
    *data_bytes = 0;
    for (size_t element = 8; element >= 1; element /= 2)
        for (size_t i = 0; i < count && status == US_OK; i++) {
            if (safetensors_dtype_bytes(tensors[i].dtype) != element) continue;
            offsets[i] = *data_bytes;
            *data_bytes += tensors[i].bytes;
            status = safetensors_add(context, header, &tensors[i], offsets[i]);
        }
    return status;
}

us_status us_safetensors_encode(us_context *context, const us_tensor *tensors, size_t count, const char *const *metadata,
                                size_t pairs, void **bytes, size_t *size) {
    char *text = NULL;
    size_t data_bytes, *offsets = us__alloc(context, count, sizeof *offsets);
    *bytes = NULL;
    *size = 0;
    if (!offsets) return US_ERR_NOMEM;
    json_t *header = json_object();
    us_status status = safetensors_header(header, context, tensors, count, metadata, pairs, offsets, &data_bytes);
    if (status != US_OK) goto done;
    if (!(text = json_dumps(header, JSON_COMPACT))) {
        status = us__fail_memory(context, count * NAME_SHOWN);
        goto done;
    }
    size_t length = strlen(text);
    uint64_t padded = (length + 7) / 8 * 8;
    if (!(*bytes = us__alloc(context, 8 + padded + data_bytes, 1))) {
        status = US_ERR_NOMEM;
        goto done;
    }
    unsigned char *out = *bytes, *data = out + 8 + padded;
    memcpy(out, &padded, 8);
    memset(out + 8, ' ', padded);
    memcpy(out + 8, text, length);
    for (size_t i = 0; i < count; i++)
        if (tensors[i].bytes) memcpy(data + offsets[i], tensors[i].data, tensors[i].bytes);
    *size = 8 + padded + data_bytes;
done:
    free(text);
    json_decref(header);
    us__release(context, offsets);
    return status;
}

void us_bytes_release(us_context *context, void *bytes) { us__release(context, bytes); }

/* ------------------------------------------------------------------ decode */

struct us_tensors {
    us_context *context;
    us__arena *memory; /* of all that follows */
    us_tensor *tensors;
    size_t count;
    const char **metadata; /* key, value pairs */
    size_t pairs;
};

/* A name as it may stand in an error's one line. */
static const char *safetensors_shown(const char *name, char shown[NAME_SHOWN]) {
    size_t n = strnlen(name, NAME_SHOWN - 1);
    for (size_t i = 0; i < n; i++) shown[i] = (unsigned char)name[i] < 0x20 || name[i] == 0x7f ? '?' : name[i];
    shown[n] = '\0';
    return shown;
}

static us_status safetensors_metadata(us_tensors *t, const char *name, json_t *object) {
    const char *key;
    json_t *value;
    if (!json_is_object(object)) return us__fail(t->context, US_ERR_INPUT, "%s: __metadata__ is no object", name);
    if (!(t->metadata = us__arena_alloc(t->memory, 2 * json_object_size(object), sizeof *t->metadata))) return US_ERR_NOMEM;
    json_object_foreach(object, key, value) {
        if (!json_is_string(value))
            return us__fail(t->context, US_ERR_INPUT, "%s: __metadata__ holds something that is no text", name);
        t->metadata[2 * t->pairs] = us__arena_text(t->memory, key, strlen(key));
        t->metadata[2 * t->pairs + 1] = us__arena_text(t->memory, json_string_value(value), json_string_length(value));
        if (!t->metadata[2 * t->pairs] || !t->metadata[2 * t->pairs + 1]) return US_ERR_NOMEM;
        t->pairs++;
    }
    return US_OK;
}

/* One tensor's entry of the header; its data then points into the source. */
static us_status safetensors_entry(us_tensors *t, const char *name, const char *key, const json_t *entry,
                                   const unsigned char *data, size_t data_bytes) {
    us_tensor *out = &t->tensors[t->count];
    char shown[NAME_SHOWN];
    safetensors_shown(key, shown);
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    const json_t *shape = json_object_get(entry, "shape"), *offsets = json_object_get(entry, "data_offsets");
    if (!dtype || !json_is_array(shape) || !json_is_array(offsets) || json_array_size(offsets) != 2)
        return us__fail(t->context, US_ERR_INPUT,
                        "%s: tensor %s: dtype, shape or data_offsets is missing or of the wrong kind", name, shown);
    size_t element = safetensors_dtype_bytes(dtype), bytes;
    if (element == 0) {
        char shown_dtype[NAME_SHOWN];
        return us__fail(t->context, US_ERR_INPUT, "%s: tensor %s: dtype %s is not known", name, shown,
                        safetensors_shown(dtype, shown_dtype));
    }
    strcpy(out->dtype, dtype);
    out->rank = json_array_size(shape);
    if (out->rank > RANK_MAX)
        return us__fail(t->context, US_ERR_INPUT, "%s: tensor %s: rank %zu is more than %d", name, shown, out->rank,
                        RANK_MAX);
    for (size_t i = 0; i < out->rank; i++) {
        const json_t *size = json_array_get(shape, i);
        if (!json_is_integer(size) || json_integer_value(size) < 0)
            return us__fail(t->context, US_ERR_INPUT, "%s: tensor %s: size %zu of its shape is no whole number", name, shown,
                            i);
        out->shape[i] = (size_t)json_integer_value(size);
    }
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    if (!json_is_integer(begin) || !json_is_integer(end) || json_integer_value(begin) < 0 ||
        json_integer_value(end) < json_integer_value(begin))
        return us__fail(t->context, US_ERR_INPUT, "%s: tensor %s: data_offsets must be [begin, end] with 0 <= begin <= end",
                        name, shown);
    if ((uint64_t)json_integer_value(end) > data_bytes)
        return us__fail(t->context, US_ERR_INPUT,
                        "%s: tensor %s ends at byte %" JSON_INTEGER_FORMAT
                        " of the data, of which there are %zu: truncated?",
                        name, shown, json_integer_value(end), data_bytes);
    out->bytes = (size_t)(json_integer_value(end) - json_integer_value(begin));
    if (!safetensors_size(out->shape, out->rank, element, &bytes) || bytes != out->bytes)
        return us__fail(t->context, US_ERR_INPUT, "%s: tensor %s: its shape does not make the %zu bytes that its offsets do",
                        name, shown, out->bytes);
    out->data = data + json_integer_value(begin);
    if (!(out->name = us__arena_text(t->memory, key, strlen(key)))) return US_ERR_NOMEM;
    t->count++;
    return US_OK;
}

static int safetensors_by_place(const void *a, const void *b) {
    const us_tensor *x = *(us_tensor *const *)a, *y = *(us_tensor *const *)b;
    if (x->data != y->data) return (const char *)x->data < (const char *)y->data ? -1 : 1;
    return x->bytes < y->bytes ? -1 : x->bytes > y->bytes;
}

/* The tensors must fill the data without gap or overlap; then each moves to memory of its own, aligned for its type. */
static us_status safetensors_own(us_tensors *t, const char *name, const unsigned char *data, size_t data_bytes) {
    us_tensor **sorted = us__arena_alloc(t->memory, t->count, sizeof *sorted);
    const unsigned char *at = data;
    char shown[NAME_SHOWN];
    if (!sorted) return US_ERR_NOMEM;
    for (size_t i = 0; i < t->count; i++) sorted[i] = &t->tensors[i];
    qsort(sorted, t->count, sizeof *sorted, safetensors_by_place);
    for (size_t i = 0; i < t->count; i++) {
        if (sorted[i]->data != at)
            return us__fail(t->context, US_ERR_INPUT, "%s: tensor %s %s", name, safetensors_shown(sorted[i]->name, shown),
                            (const unsigned char *)sorted[i]->data < at ? "overlaps another one" : "leaves a gap before it");
        at += sorted[i]->bytes;
    }
    if (at != data + data_bytes)
        return us__fail(t->context, US_ERR_INPUT, "%s: %zu bytes follow the last tensor", name,
                        (size_t)(data + data_bytes - at));
    for (size_t i = 0; i < t->count; i++) {
        void *own = us__arena_alloc(t->memory, t->tensors[i].bytes, 1);
        if (!own) return US_ERR_NOMEM;
        memcpy(own, t->tensors[i].data, t->tensors[i].bytes);
        t->tensors[i].data = own;
    }
    return US_OK;
}

us_status us_safetensors_decode(us_tensors **out, us_context *context, const char *name, const void *bytes, size_t size) {
    const unsigned char *in = bytes;
    uint64_t header_bytes = 0;
    json_t *header = NULL, *entry;
    json_error_t error;
    const char *key;
    us_tensors *t = NULL;
    *out = NULL;
    if (size < 8) return us__fail(context, US_ERR_INPUT, "%s: %zu bytes are too few for a safetensors file", name, size);
    memcpy(&header_bytes, in, 8);
    if (header_bytes > HEADER_MAX)
        return us__fail(context, US_ERR_INPUT, "%s: not a safetensors file (a header of %llu bytes)", name,
                        (unsigned long long)header_bytes);
    if (header_bytes > size - 8)
        return us__fail(context, US_ERR_INPUT, "%s: truncated: the header is %llu bytes long, the file %zu", name,
                        (unsigned long long)header_bytes, size);
    const unsigned char *data = in + 8 + header_bytes;
    size_t data_bytes = size - 8 - (size_t)header_bytes;
    if (header_bytes == 0 || in[8] != '{' ||
        !(header = json_loadb((const char *)in + 8, header_bytes, JSON_REJECT_DUPLICATES, &error)))
        return us__fail(context, US_ERR_INPUT, "%s: the header is no JSON object (byte %d)", name,
                        header_bytes == 0 || in[8] != '{' ? 8 : 8 + error.position);
    us_status status = US_ERR_NOMEM;
    if (!(t = us__new(context, 1, sizeof *t))) goto done;
    t->context = context;
    if (us__arena_create(&t->memory, context, 0) != US_OK) goto done;
    if (!(t->tensors = us__arena_alloc(t->memory, json_object_size(header), sizeof *t->tensors))) goto done;
    json_object_foreach(header, key, entry) {
        status = strcmp(key, "__metadata__") == 0 ? safetensors_metadata(t, name, entry)
                                                  : safetensors_entry(t, name, key, entry, data, data_bytes);
        if (status != US_OK) goto done;
    }
    if ((status = safetensors_own(t, name, data, data_bytes)) != US_OK) goto done;
    *out = t;
    t = NULL;
done:
    us_tensors_destroy(t);
    json_decref(header);
    return status;
}

void us_tensors_destroy(us_tensors *tensors) {
    if (!tensors) return;
    us__arena_destroy(tensors->memory);
    us__release(tensors->context, tensors);
}

size_t us_tensors_count(const us_tensors *tensors) { return tensors->count; }

const us_tensor *us_tensors_at(const us_tensors *tensors, size_t i) {
    return i < tensors->count ? &tensors->tensors[i] : NULL;
}

const us_tensor *us_tensors_find(const us_tensors *tensors, const char *name) {
    for (size_t i = 0; i < tensors->count; i++)
        if (strcmp(tensors->tensors[i].name, name) == 0) return &tensors->tensors[i];
    return NULL;
}

const char *us_tensors_metadata(const us_tensors *tensors, const char *key) {
    for (size_t i = 0; i < tensors->pairs; i++)
        if (strcmp(tensors->metadata[2 * i], key) == 0) return tensors->metadata[2 * i + 1];
    return NULL;
}
