/** What people look at: one HTML page with everything in it. */
#ifndef UNSTUCK_REPORT_H
#define UNSTUCK_REPORT_H

#include <unstuck/run.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Whether the page was there when this library was built; it is made from npm packages. */
US_API bool us_page_is_built(void);
/** Writes the page with its data, which opens from disk and without a network. "kind" of the data ("report", "landscape",
 * "lecture") says what it shows. Names and texts in it need no escaping beyond JSON's.
 * @param json   one JSON object
 * @param write  is handed the page in pieces; nonzero stops with US_ERR_IO
 * Errors: US_NOT_FOUND (not built: the text says how to get it), US_ERR_IO. */
US_API us_status us_page_write(us_context *context, const char *json,
                               int (*write)(void *user, const char *text, size_t length), void *user);

#ifdef __cplusplus
}
#endif
#endif
