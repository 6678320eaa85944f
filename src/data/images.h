/* Images and labels in IDX files, the format of MNIST. */
#ifndef US_DATA_IMAGES_H
#define US_DATA_IMAGES_H

#include "data/encoding.h"

/* Does the file begin like an IDX file? A file that cannot be opened does not. US_ERR_NOMEM, and no other error. */
us_status us__images_recognise(us_context *context, const char *path, bool *is);
/* Training images into sets[0], test images into sets[1] (or NULL). options: to complete the encoding; NULL: the encoding
 * is complete, and the files must be those that it describes. */
us_status us__images_load(us__encoding *encoding, const char *path, const us_data_options *options, us_precision precision,
                          us_dataset *sets[2]);
/* Images without their labels. */
us_status us__images_load_features(us_dataset **out, const us__encoding *encoding, const char *path, us_precision precision);

#endif
