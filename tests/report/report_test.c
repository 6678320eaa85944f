#include "../run/fixture.h"
#include "report/text.h"
#include <jansson.h>
#include <unstuck/report.h>

/* A short run with an event, a verdict, a result and hostile texts. */
static const char *make_run(us_context *context) {
    const char *folder = support_temporary_folder(), *data = fixture_path(folder, "d.csv");
    const char *name = fixture_path(folder, "net \"<b>1\xff");
    us_run *run = NULL;
    fixture_data(data, 60, false);
    us_run_config config = fixture_config(data);
    config.steps = 20;
    assert_done(context, us_run_create(&run, context, name, &config));
    assert_done(context, us_run_advance(run, NULL, NULL));
    assert_done(context, us_run_log_event(run, "note", "a\nb \"c\" </script> \x01 雨 \xe9"));
    assert_done(context, us_run_log_verdict(run, "{\"verdict\":\"crawling\",\"stuck\":true}"));
    assert_done(context, us_run_log_result(run, "units", "all", "{\"old\":1}"));
    assert_done(context, us_run_log_result(run, "units", "all", "{\"layers\":[]}"));
    us_run_destroy(run);
    return name;
}

static json_t *report(us_context *context, const char *const *folders, size_t count, size_t points) {
    us_report_options o = US_REPORT_OPTIONS_INIT;
    char *text = NULL;
    json_error_t error;
    o.points = points;
    assert_done(context, us_report_json(context, folders, count, &o, &text));
    json_t *object = json_loads(text, 0, &error);
    if (!object) fail_msg("not JSON: %s at %d:%d", error.text, error.line, error.column);
    us_text_release(context, text);
    return object;
}

#define GET(object, key) json_object_get((object), (key))

static void keys_are(const json_t *object, const char *keys) {
    char found[512] = "";
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        strcat(found, key);
        strcat(found, " ");
    }
    assert_string_equal(found, keys);
}

/* The structure that docs/report.md tells, in its order. */
static void the_structure_is_as_documented(void **state) {
    us_context *context = support_plain_context();
    const char *folder = make_run(context);
    json_t *object = report(context, &folder, 1, 0);
    keys_are(object, "kind version program live created runs ");
    assert_string_equal(json_string_value(GET(object, "kind")), "report");
    assert_int_equal(json_integer_value(GET(object, "version")), 1);
    const json_t *run = json_array_get(GET(object, "runs"), 0);
    keys_are(run, "name folder status open started steps_planned steps loss config events verdicts results series ");
    keys_are(GET(run, "loss"), "first last best best_step test ");
    assert_string_equal(json_string_value(GET(run, "name")), "net \"<b>1\xef\xbf\xbd");
    assert_string_equal(json_string_value(GET(run, "status")), "finished");
    assert_true(json_is_false(GET(run, "open")));
    assert_int_equal(json_integer_value(GET(run, "steps")), 20);
    assert_true(json_is_real(GET(GET(run, "loss"), "last")));
    assert_string_equal(json_string_value(GET(GET(run, "config"), "model")), "mlp:8:tanh");
    const json_t *event = json_array_get(GET(run, "events"), 0), *verdict = json_array_get(GET(run, "verdicts"), 0);
    keys_are(event, "step kind text time ");
    assert_string_equal(json_string_value(GET(event, "text")), "a\nb \"c\" </script> \x01 雨 \xef\xbf\xbd");
    keys_are(verdict, "step verdict ");
    assert_string_equal(json_string_value(GET(GET(verdict, "verdict"), "verdict")), "crawling");
    assert_int_equal(json_array_size(GET(run, "results")), 1); /* the last of its kind and name */
    keys_are(json_array_get(GET(run, "results"), 0), "step kind name time result ");
    assert_non_null(GET(GET(json_array_get(GET(run, "results"), 0), "result"), "layers"));
    const json_t *all = GET(run, "series"), *first = json_array_get(all, 0);
    keys_are(first, "name part rows step value ");
    assert_string_equal(json_string_value(GET(first, "name")), "batch_loss");
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *s = json_array_get(all, i);
        assert_int_equal(json_array_size(GET(s, "step")), json_array_size(GET(s, "value")));
    }
    assert_int_equal(json_integer_value(GET(first, "rows")), 20);
    json_decref(object);
    object = report(context, &folder, 1, 6);
    first = json_array_get(GET(json_array_get(GET(object, "runs"), 0), "series"), 0);
    assert_int_equal(json_integer_value(GET(first, "rows")), 20);
    assert_in_range(json_array_size(GET(first, "step")), 3, 6);
    json_decref(object);
    us_context_destroy(context);
}

static void what_is_no_run_is_refused(void **state) {
    us_context *context = support_plain_context();
    const char *folders[] = {make_run(context), "/nowhere"};
    char *text = NULL;
    us_report_options o = US_REPORT_OPTIONS_INIT;
    assert_int_equal(us_report_json(context, folders, 2, NULL, &text), US_ERR_INPUT);
    assert_null(text);
    assert_error_has(context, "/nowhere");
    assert_int_equal(us_report_json(context, folders, 0, NULL, &text), US_ERR_ARGUMENT);
    o.points = 5;
    assert_int_equal(us_report_json(context, folders, 1, &o, &text), US_ERR_ARGUMENT);
    json_t *two = report(context, (const char *[]){folders[0], folders[0]}, 2, 0);
    assert_int_equal(json_array_size(GET(two, "runs")), 2);
    json_decref(two);
    us_context_destroy(context);
}

static us_status body(us_context *context, void *user) {
    char *text = NULL;
    const char *folder = user;
    us_status status = us_report_json(context, &folder, 1, NULL, &text);
    us_text_release(context, text);
    return status;
}

static void a_failed_allocation_leaves_nothing(void **state) {
    us_context *context = support_plain_context();
    const char *folder = make_run(context);
    us_context_destroy(context);
    support_fail_each_allocation(body, (void *)(uintptr_t)folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_structure_is_as_documented),
        cmocka_unit_test(what_is_no_run_is_refused),
        cmocka_unit_test(a_failed_allocation_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
