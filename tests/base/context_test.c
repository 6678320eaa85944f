#include "base/base.h"
#include "support.h"

static void an_error_is_kept_and_prefixed(void **state) {
    us_context *context = support_plain_context();
    assert_string_equal(us_context_error(context), "");
    assert_int_equal(us__fail(context, US_ERR_INPUT, "line %d is bad", 7), US_ERR_INPUT);
    us__error_prefix(context, "a.csv");
    assert_string_equal(us_context_error(context), "a.csv: line 7 is bad");
    char longer[3000];
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    us__fail(context, US_ERR_INPUT, "%s", longer);
    us__error_prefix(context, longer);
    assert_true(strlen(us_context_error(context)) < 1100);
    us_context_destroy(context);
}

static void every_status_has_a_name(void **state) {
    assert_string_equal(us_status_name(US_ERR_NOMEM), "US_ERR_NOMEM");
    assert_string_equal(us_status_meaning(US_OK), "done");
    assert_string_equal(us_status_name((us_status)-99), "unknown status");
}

static void options_out_of_range_are_refused(void **state) {
    us_context *context = NULL;
    us_context_options options = US_CONTEXT_OPTIONS_INIT;
    options.threads = 0;
    assert_int_equal(us_context_create(&context, &options), US_ERR_ARGUMENT);
    assert_null(context);
    us_context_destroy(NULL);
}

static void sizes_that_overflow_are_refused(void **state) {
    us_context *context = support_plain_context();
    assert_null(us__alloc(context, SIZE_MAX / 2, 8));
    assert_non_null(strstr(us_context_error(context), "overflows"));
    us_context_destroy(context);
}

static us_status arena_body(us_context *context, void *user) {
    us__arena *arena = NULL;
    us_status status = us__arena_create(&arena, context, 256);
    for (int i = 0; i < 20 && status == US_OK; i++) {
        char *memory = us__arena_alloc(arena, 10, (size_t)i * 3 + 1);
        if (!memory)
            status = US_ERR_NOMEM;
        else
            for (int k = 0; k < 10 * (i * 3 + 1); k++) assert_int_equal(memory[k], 0);
    }
    us__arena_destroy(arena);
    return status;
}

static void an_arena_goes_all_at_once(void **state) { support_fail_each_allocation(arena_body, NULL); }

static void a_near_name_is_found(void **state) {
    const char *names[] = {"sgd", "momentum", "adagrad", "adam", "rmsprop"};
    assert_string_equal(us__nearest_name("adma", names, 5), "adam");
    assert_string_equal(us__nearest_name("rmspop", names, 5), "rmsprop");
    assert_null(us__nearest_name("banana", names, 5));
}

static void a_cancel_is_seen_and_taken_back(void **state) {
    us_context *context = support_plain_context();
    assert_false(us_context_cancelled(context));
    us_context_cancel(context);
    assert_true(us_context_cancelled(context));
    us_context_resume(context);
    assert_false(us_context_cancelled(context));
    us_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_is_kept_and_prefixed),    cmocka_unit_test(every_status_has_a_name),
        cmocka_unit_test(options_out_of_range_are_refused), cmocka_unit_test(sizes_that_overflow_are_refused),
        cmocka_unit_test(an_arena_goes_all_at_once),        cmocka_unit_test(a_near_name_is_found),
        cmocka_unit_test(a_cancel_is_seen_and_taken_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
