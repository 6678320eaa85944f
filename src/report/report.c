/* Runs as the JSON object that the page shows; docs/report.md tells what is in it. */
#include "report/log.h"
#include <time.h>
#include <unstuck/report.h>
#include <unstuck/version.h>

/* So many points a line, and no more than so many of all runs together: about ten lines a run, about 25 bytes a point. */
enum { REPORT_MOST = 4000, REPORT_LEAST = 400, REPORT_ALL = 40000 };

void us_report_options_init(us_report_options *options) { *options = (us_report_options)US_REPORT_OPTIONS_INIT; }

us_status us_report_json(us_context *context, const char *const *folders, size_t count, const us_report_options *options,
                         char **text) {
    us_report_options o = options ? *options : (us_report_options)US_REPORT_OPTIONS_INIT;
    us__text to = {.context = context};
    *text = NULL;
    if (count == 0) return us__fail(context, US_ERR_ARGUMENT, "a report is of one run at least");
    if (o.points != 0 && o.points < 6)
        return us__fail(context, US_ERR_ARGUMENT, "points is %zu; it must be 6 or more, or 0 for the default", o.points);
    size_t points = o.points ? o.points : REPORT_ALL / count;
    if (!o.points && points > REPORT_MOST) points = REPORT_MOST;
    if (!o.points && points < REPORT_LEAST) points = REPORT_LEAST;
    us__text_add(&to, "{\"kind\":\"report\",\"version\":1,\"program\":\"unstuck " US_VERSION_STRING "\",\"live\":");
    us__text_add(&to, o.live ? "true" : "false");
    us__text_add(&to, ",\"created\":");
    us__text_add_real(&to, (double)time(NULL), 17);
    us__text_add(&to, ",\"runs\":[\n");
    us_status status = to.status;
    for (size_t i = 0; status == US_OK && i < count; i++) {
        if (i) us__text_add(&to, ",\n");
        status = us__log_write(&to, context, folders[i], points);
    }
    us__text_add(&to, "]}\n");
    if (status == US_OK) status = to.status;
    if (status != US_OK) {
        us__release(context, to.text);
        return status;
    }
    *text = to.text;
    return US_OK;
}
