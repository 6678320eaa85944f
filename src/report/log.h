/* One run as the report tells of it. */
#ifndef US_REPORT_LOG_H
#define US_REPORT_LOG_H

#include "report/text.h"

/* Adds the JSON object of a run (docs/report.md), read from run.db alone; series are thinned to at most `points`.
 * Errors: US_ERR_INPUT (no run), US_ERR_IO, US_ERR_NOMEM. */
us_status us__log_write(us__text *to, us_context *context, const char *folder, size_t points);

#endif
