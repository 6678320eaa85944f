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

/** A server that shows runs on a page and keeps it up to date while they train. */
typedef struct us_live us_live;
/** Where it looks for a free port, unless told one. */
#define US_LIVE_PORT 8421
#define US_LIVE_PORT_DEFAULT (-1)
typedef struct us_live_options {
    uint32_t version;   /* 1 */
    const char *bind;   /* address to listen on; default "127.0.0.1": this machine alone */
    int port;           /* 0: any that is free; default US_LIVE_PORT_DEFAULT: the first free one of 20 from US_LIVE_PORT */
    size_t connections; /* at a time, 4 to 1024; default 32 */
    double seconds;     /* between two tellings of what is new, at least; default 1 */
} us_live_options;
#define US_LIVE_OPTIONS_INIT \
    { .version = 1, .bind = "127.0.0.1", .port = US_LIVE_PORT_DEFAULT, .connections = 32, .seconds = 1 }
US_API void us_live_options_init(us_live_options *options);
/** Starts to serve in threads of its own, which use a context of their own. "/" is the page, "/data.json" what
 * us_report_json gives, "/events" a stream of server-sent events "changed" when there is something new. Requests that name
 * the machine otherwise than by number or as localhost are refused; no file is served. Reads run.db alone. `bind` must
 * outlive it. Errors: US_ERR_ARGUMENT, US_ERR_INPUT (no run), US_ERR_IO (the port can't be had), US_NOT_FOUND (built without
 * the page), US_ERR_NOMEM. @param out [caller stops with us_live_stop, before the context goes] */
US_API us_status us_live_start(us_live **out, us_context *context, const char *const *folders, size_t count,
                               const us_live_options *options);
US_API int us_live_port(const us_live *live);
/** Ends all connections and the server. NULL does nothing. */
US_API void us_live_stop(us_live *live);

#ifdef __cplusplus
}
#endif
#endif
