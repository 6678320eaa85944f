/** Named tensors in a file that everybody's tools read: the safetensors format. */
#ifndef UNSTUCK_SAFETENSORS_H
#define UNSTUCK_SAFETENSORS_H

#include <unstuck/vec.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct us_tensor {
    const char *name;
    char dtype[8];      /* "F32" "F64" "U8" "U32" "U64" "I32" "I64" ... */
    size_t rank;
    size_t shape[8];
    const void *data;   /* little-endian, row-major */
    size_t bytes;
} us_tensor;

typedef struct us_tensors us_tensors;

/** Encodes tensors and text metadata (key, value pairs) as bytes. @param bytes [caller releases with us_bytes_release] */
US_API us_status us_safetensors_encode(us_context *context, const us_tensor *tensors, size_t count,
                                       const char *const *metadata, size_t pairs, void **bytes, size_t *size);
US_API void us_bytes_release(us_context *context, void *bytes);
/** Decodes bytes (copied). Every offset, size, dtype and shape is checked. `name` is used in errors. Errors: US_ERR_INPUT. */
US_API us_status us_safetensors_decode(us_tensors **out, us_context *context, const char *name, const void *bytes, size_t size);
/** Writes beside, fsync, rename, fsync of the folder: the old file stays whole whatever happens. Errors: US_ERR_IO. */
US_API us_status us_file_replace(us_context *context, const char *path, const void *bytes, size_t size);
/** Reads and decodes a file. Errors: US_ERR_IO, US_ERR_INPUT (truncated or damaged: says where). */
US_API us_status us_safetensors_read(us_tensors **out, us_context *context, const char *path);
US_API void us_tensors_destroy(us_tensors *tensors);
US_API size_t us_tensors_count(const us_tensors *tensors);
US_API const us_tensor *us_tensors_at(const us_tensors *tensors, size_t i);
US_API const us_tensor *us_tensors_find(const us_tensors *tensors, const char *name); /* NULL if none */
US_API const char *us_tensors_metadata(const us_tensors *tensors, const char *key);   /* NULL if none */

#ifdef __cplusplus
}
#endif
#endif
