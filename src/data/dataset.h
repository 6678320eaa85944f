#ifndef US_DATA_DATASET_H
#define US_DATA_DATASET_H

#include "base/base.h"
#include <unstuck/data.h>

/* As us_dataset_create, but the features are not set, so that memory is touched only as they are written. */
us_status us__dataset_create_raw(us_dataset **out, us_context *context, us_precision precision, size_t rows, size_t columns,
                                 us_task task, size_t outputs);

/* The same rows for another context. `dataset` must outlive it. */
us_status us__dataset_share(us_dataset **out, us_context *context, const us_dataset *dataset);

#endif
