/* The bytes of a file, plain or gzipped, from the first to the last. */
#ifndef US_DATA_SOURCE_H
#define US_DATA_SOURCE_H

#include "base/base.h"

typedef struct us__source us__source;

/* Errors: US_ERR_INPUT (missing, a folder, not readable). */
us_status us__source_open(us__source **out, us_context *context, const char *path);
void us__source_close(us__source *source);
/* Fills `bytes` with up to `size` bytes; *got < size only at the end of the file.
 * Errors: US_ERR_INPUT (damaged or truncated gzip, a failed read); US_INTERRUPTED when the context was cancelled. */
us_status us__source_read(us__source *source, void *bytes, size_t size, size_t *got);
/* Goes back to the first byte. Errors: US_ERR_INPUT (a pipe). */
us_status us__source_rewind(us__source *source);

const char *us__source_path(const us__source *source);
bool us__source_compressed(const us__source *source);
uint64_t us__source_size(const us__source *source);  /* of the file as it lies on disk; 0 for a pipe until it was read */
uint64_t us__source_done(const us__source *source);  /* bytes of it read so far */
uint32_t us__source_crc32(const us__source *source); /* of the bytes read so far, as they lie on disk */

#endif
