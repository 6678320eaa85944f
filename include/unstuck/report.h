/** What people look at: one HTML page with everything in it. */
#ifndef UNSTUCK_REPORT_H
#define UNSTUCK_REPORT_H

#include <unstuck/run.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct us_report_options {
    uint32_t version; /* 1 */
    size_t points;    /* of each line at most, ≥ 6; default 0: 4,000, fewer for more than ten runs, at least 400 */
    bool live;        /* the page asks its server for what is new; default false */
} us_report_options;
#define US_REPORT_OPTIONS_INIT \
    { .version = 1 }
US_API void us_report_options_init(us_report_options *options);

/** Runs as a JSON object of kind "report" (docs/report.md): config, losses, events, verdicts, the last result of each kind,
 * and every number over the steps as a line of a bounded number of points, in which no extreme is lost. Reads run.db alone:
 * runs may be open elsewhere, and nothing is changed. Errors: US_ERR_ARGUMENT, US_ERR_INPUT (no run), US_ERR_IO,
 * US_ERR_NOMEM. Memory: the numbers of one run, and the text.
 * @param folders [count] of runs, count ≥ 1
 * @param options  NULL for defaults
 * @param text [caller releases with us_text_release] */
US_API us_status us_report_json(us_context *context, const char *const *folders, size_t count,
                                const us_report_options *options, char **text);

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
