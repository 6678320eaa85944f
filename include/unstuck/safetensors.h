/** Named tensors in a file that everybody's tools read: the safetensors format.
 * Source: https://github.com/huggingface/safetensors, README, "Format". */
#ifndef UNSTUCK_SAFETENSORS_H
#define UNSTUCK_SAFETENSORS_H

#include <unstuck/vec.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One tensor. Where it is given, everything is borrowed for the call; where it comes from us_tensors, until those go. */
typedef struct us_tensor {
    const char *name; /* UTF-8; not "__metadata__" */
    char dtype[8];    /* "F64" "F32" "F16" "BF16" "I64" .. "I8" "U64" .. "U8" "BOOL" "F8_E5M2" "F8_E4M3" */
    size_t rank;      /* 0 (a scalar) to 8 */
    size_t shape[8];
    const void *data; /* little-endian, row-major; aligned to 64 bytes when it comes from us_tensors */
    size_t bytes;     /* the product of the shape times the bytes of an element */
} us_tensor;

typedef struct us_tensors us_tensors;

/** Encodes tensors and text metadata as the bytes of a file.
 *
 * @param tensors   [count]; count may be 0. In the file the wider types come first, so that each is aligned.
 * @param metadata  [2·pairs] key, value, key, value, ..; NULL when pairs is 0
 * @param bytes     [caller releases with us_bytes_release]
 * Errors: US_ERR_ARGUMENT (two of one name, a type that is not known, a shape that does not make the bytes, a name that is
 * not UTF-8), US_ERR_NOMEM; *bytes is then NULL. */
US_API us_status us_safetensors_encode(us_context *context, const us_tensor *tensors, size_t count,
                                       const char *const *metadata, size_t pairs, void **bytes, size_t *size);
US_API void us_bytes_release(us_context *context, void *bytes); /* NULL does nothing */

/** Decodes the bytes of a file; nothing of them is needed afterwards. Every offset, size, type and shape is checked, and
 * that the tensors fill the file without gap or overlap.
 *
 * @param name  of the file, for errors
 * @param out   [caller destroys]
 * Errors: US_ERR_INPUT ("NAME: tensor T ..." says what is wrong with which), US_ERR_NOMEM; *out is then NULL. */
US_API us_status us_safetensors_decode(us_tensors **out, us_context *context, const char *name, const void *bytes,
                                       size_t size);
/** Reads and decodes a file. Errors: as us_safetensors_decode; US_ERR_INPUT also where it cannot be read. Takes twice the
 * file's size in memory meanwhile. */
US_API us_status us_safetensors_read(us_tensors **out, us_context *context, const char *path);

/** Replaces a file as a whole: writes PATH.part beside it, fsync, rename, fsync of the folder. Whatever happens, PATH is
 * the old file or the new one. A link stays, and what it names is replaced; a pipe or a device is written to.
 * Errors: US_ERR_IO (also a full disk; PATH.part is then removed), US_ERR_NOMEM. */
US_API us_status us_file_replace(us_context *context, const char *path, const void *bytes, size_t size);

US_API void us_tensors_destroy(us_tensors *tensors);
US_API size_t us_tensors_count(const us_tensors *tensors);
US_API const us_tensor *us_tensors_at(const us_tensors *tensors, size_t i); /* in the header's order; NULL if none */
US_API const us_tensor *us_tensors_find(const us_tensors *tensors, const char *name); /* NULL if none */
US_API const char *us_tensors_metadata(const us_tensors *tensors, const char *key);   /* NULL if none */

#ifdef __cplusplus
}
#endif
#endif
