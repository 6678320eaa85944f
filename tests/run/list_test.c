/* Listing and removing runs. */
#include "fixture.h"

static void make(us_context *context, const char *folder, const char *data, uint64_t steps) {
    us_run *run = NULL;
    us_run_config config = fixture_config(data);
    config.steps = steps;
    assert_done(context, us_run_create(&run, context, folder, &config));
    if (steps > 10) assert_done(context, us_run_advance(run, NULL, NULL));
    us_run_destroy(run);
}

static us_run_entry *find(us_run_entry *entries, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (!strcmp(entries[i].folder, name)) return &entries[i];
    return NULL;
}

static void runs_are_listed_and_removed(void **state) {
    us_context *context = support_plain_context();
    const char *folder = support_temporary_folder(), *data = fixture_path(folder, "data.csv");
    us_run_entry *entries = NULL;
    size_t count = 7;
    assert_int_equal(us_runs_list(context, fixture_path(folder, "none"), &entries, &count), US_ERR_INPUT);
    assert_done(context, us_runs_list(context, folder, &entries, &count));
    assert_int_equal(count, 0);
    assert_null(entries);
    fixture_data(data, 160, false);
    make(context, fixture_path(folder, "one"), data, 200);
    make(context, fixture_path(folder, "two"), data, 5);
    mkdir(fixture_path(folder, "no-run"), 0777);
    mkdir(fixture_path(folder, "damaged"), 0777);
    fixture_write(fixture_path(folder, "damaged/run.db"), "nonsense", 8);
    us_run *open = NULL;
    assert_done(context, us_run_open(&open, context, fixture_path(folder, "two"))); /* one that is in use is listed, too */

    assert_done(context, us_runs_list(context, folder, &entries, &count));
    assert_int_equal(count, 2);
    const us_run_entry *one = find(entries, count, "one"), *two = find(entries, count, "two");
    assert_true(one && two);
    assert_string_equal(one->status, "finished");
    assert_int_equal(one->steps, 200);
    assert_true(one->loss > 0 && one->loss < two->loss);
    assert_string_equal(one->optimizer, "adam");
    assert_string_equal(one->model, "mlp:8:tanh");
    assert_non_null(strstr(one->data, "data.csv"));
    assert_true(one->started > 1600000000);
    assert_string_equal(two->status, "new");
    assert_int_equal(two->steps, 0);
    us_bytes_release(context, entries);

    assert_int_equal(us_run_remove(context, fixture_path(folder, "two")), US_ERR_IO);
    assert_error_has(context, "another process");
    us_run_destroy(open);
    assert_done(context, us_run_remove(context, fixture_path(folder, "two")));
    assert_int_not_equal(access(fixture_path(folder, "two"), F_OK), 0);
    assert_int_equal(us_run_remove(context, fixture_path(folder, "no-run")), US_ERR_INPUT);
    assert_int_equal(us_run_remove(context, fixture_path(folder, "damaged")), US_ERR_INPUT);
    assert_int_equal(us_run_remove(context, fixture_path(folder, "none")), US_ERR_INPUT);
    fixture_write(fixture_path(folder, "one/notes.txt"), "mine", 4);
    assert_int_equal(us_run_remove(context, fixture_path(folder, "one")), US_ERR_IO);
    assert_error_has(context, "notes.txt");
    assert_int_equal(access(fixture_path(folder, "one/notes.txt"), F_OK), 0);
    assert_int_not_equal(access(fixture_path(folder, "one/run.db"), F_OK), 0);
    us_context_destroy(context);
}

static us_status body(us_context *context, void *folder) {
    us_run_entry *entries = NULL;
    size_t count;
    us_status status = us_runs_list(context, folder, &entries, &count);
    us_bytes_release(context, entries);
    return status;
}

static void a_failed_allocation_leaves_nothing(void **state) {
    us_context *context = support_plain_context();
    char folder[256];
    snprintf(folder, sizeof folder, "%s", support_temporary_folder());
    fixture_data(fixture_path(folder, "data.csv"), 60, false);
    make(context, fixture_path(folder, "one"), fixture_path(folder, "data.csv"), 5);
    support_fail_each_allocation(body, folder);
    us_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_are_listed_and_removed),
        cmocka_unit_test(a_failed_allocation_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
