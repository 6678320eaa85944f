#include "report/page.h"
#include "base/base.h"
#include <string.h>
#include <unstuck/report.h>

bool us_page_is_built(void) { return us__page_head_size > 0; }

/* JSON as the text of a script element: "</script" or "<!--" in a name must not end it. "<" stands in strings only. */
static int page_data(const char *json, int (*write)(void *user, const char *text, size_t length), void *user) {
    while (*json) {
        size_t length = strcspn(json, "<");
        if (length > 0 && write(user, json, length) != 0) return 1;
        json += length;
        if (*json && write(user, "\\u003c", 6) != 0) return 1;
        json += *json != '\0';
    }
    return 0;
}

us_status us_page_write(us_context *context, const char *json, int (*write)(void *user, const char *text, size_t length),
                        void *user) {
    if (!us_page_is_built())
        return us__fail(context, US_NOT_FOUND,
                        "this program was built without its page; install npm and build again with ./dev build");
    if (write(user, us__page_head, us__page_head_size) != 0 || page_data(json, write, user) != 0 ||
        write(user, us__page_tail, us__page_tail_size) != 0)
        return us__fail(context, US_ERR_IO, "the page can't be written");
    return US_OK;
}
