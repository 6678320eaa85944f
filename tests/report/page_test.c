#include "report/page.h"
#include "support.h"
#include <unstuck/report.h>

typedef struct written {
    char *text;
    size_t length, room;
    size_t refuse_at; /* the call from 1 that fails; 0: none */
    size_t calls;
} written;

static int take(void *user, const char *text, size_t length) {
    written *w = user;
    if (++w->calls == w->refuse_at) return 1;
    if (w->length + length + 1 > w->room) w->text = realloc(w->text, w->room = 2 * (w->length + length + 1));
    memcpy(w->text + w->length, text, length);
    w->text[w->length += length] = '\0';
    return 0;
}

static bool built(us_context *context) {
    written none = {0};
    if (us_page_is_built()) return true;
    assert_int_equal(us_page_write(context, "{}", take, &none), US_NOT_FOUND);
    assert_non_null(strstr(us_context_error(context), "npm"));
    assert_int_equal(none.calls, 0);
    printf("skipped: built without the page (no npm)\n");
    us_context_destroy(context);
    return false;
}

static void data_do_not_end_the_script(void **state) {
    us_context *context = support_plain_context();
    if (!built(context)) skip();
    written w = {0};
    const char *json = "{\"kind\":\"report\",\"name\":\"</script><script>alert(1)</script><!-- & \\\"quoted\\\" 雨\"}";
    assert_int_equal(us_page_write(context, json, take, &w), US_OK);
    const char *data = strstr(w.text, "id=\"unstuck-data\">");
    assert_non_null(data);
    data = strchr(data, '>') + 1;
    const char *expected =
        "{\"kind\":\"report\",\"name\":\"\\u003c/script>\\u003cscript>alert(1)\\u003c/script>\\u003c!-- & "
        "\\\"quoted\\\" 雨\"}</script>";
    assert_memory_equal(data, expected, strlen(expected));
    assert_memory_equal(w.text, "<!doctype html>", 15);
    assert_non_null(strstr(data, "</html>"));
    assert_null(strstr(w.text, "src=\"http"));
    free(w.text);
    us_context_destroy(context);
}

static void a_full_disk_is_told(void **state) {
    us_context *context = support_plain_context();
    if (!built(context)) skip();
    for (size_t k = 1; k <= 4; k++) {
        written w = {.refuse_at = k};
        us_status status = us_page_write(context, "{\"a\":\"<\"}", take, &w);
        assert_int_equal(status, US_ERR_IO);
        assert_int_equal(w.calls, k);
        free(w.text);
    }
    us_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_do_not_end_the_script),
        cmocka_unit_test(a_full_disk_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
