#ifndef US_DATA_FILE_H
#define US_DATA_FILE_H

#include "base/base.h"

/* What was renamed or removed in a folder is so on the disk. Errors: US_ERR_IO. */
us_status us__file_sync_folder(us_context *context, const char *folder);

#endif
