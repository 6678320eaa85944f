/* Running text, whose next character is to be predicted. */
#ifndef US_DATA_TEXT_H
#define US_DATA_TEXT_H

#include "data/encoding.h"

/* Is it a .txt (or .txt.gz) that does not look like a table? US_ERR_NOMEM, and no other error. */
us_status us__text_recognise(us_context *context, const char *path, bool *is);
/* The text's beginning into sets[0], its end into sets[1] (or NULL). options: to complete the encoding; NULL: the encoding
 * is complete, and the file must be the one that it describes. */
us_status us__text_load(us__encoding *encoding, const char *path, const us_data_options *options, us_precision precision,
                        us_dataset *sets[2]);
/* A text cut into rows one behind the other; the last one is filled up with class 0. */
us_status us__text_load_features(us_dataset **out, const us__encoding *encoding, const char *path, us_precision precision);
/* Class numbers of the characters of `text`, called `name` in errors. @param numbers [caller releases] */
us_status us__text_tokens(const us__encoding *encoding, const char *name, const char *text, size_t bytes, uint32_t **numbers,
                          size_t *count);
/* The same for a file. */
us_status us__text_read_tokens(const us__encoding *encoding, const char *path, uint32_t **numbers, size_t *count);

#endif
