#include "run/run.h"
#include "support.h"
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unstuck/graph.h>

static double query(const char *folder, const char *sql) {
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    char path[1024];
    snprintf(path, sizeof path, "%s/run.db", folder);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    double value = sqlite3_column_type(statement, 0) == SQLITE_NULL ? (double)NAN : sqlite3_column_double(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return value;
}

static void what_is_written_is_read_by_other_programs(void **state) {
    us_context *context = support_plain_context();
    const char *folder = support_temporary_folder();
    us__store *store = NULL;
    assert_int_equal(us__store_create(&store, context, folder), US_OK);
    for (uint64_t step = 1; step <= 100; step++)
        assert_true(
            us__store_metric(store, &(us__metric){step, 0.1 * (double)step, step == 7 ? (double)NAN : 2.385, 3, 4, 5, 6}));
    assert_near(query(folder, "SELECT count(*) FROM metrics"), 0, 0, 0);
    assert_int_equal(us__store_flush(store), US_OK);
    assert_near(query(folder, "SELECT count(*) FROM metrics"), 100, 0, 0);
    assert_near(query(folder, "SELECT sum(step) FROM metrics WHERE loss = 2.385"), 5050 - 7, 0, 0);
    assert_true(isnan(query(folder, "SELECT loss FROM metrics WHERE step = 7")));
    assert_near(
        query(folder, "SELECT epoch + mean_loss + gradient_norm + learning_rate + seconds FROM metrics WHERE step = 10"), 19,
        1e-15, 0);
    assert_int_equal(us__store_event(store, 4, "kind", "a 'text' with \"quotes\" and 雨"), US_OK);
    json_t *events = NULL;
    assert_int_equal(us__store_events(store, &events), US_OK);
    assert_int_equal(json_array_size(events), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(events, 0), "text")),
                        "a 'text' with \"quotes\" and 雨");
    json_decref(events);
    us__store_close(store);
    us_context_destroy(context);
}

static void losses_are_merged_and_trimmed(void **state) {
    us_context *context = support_plain_context();
    us__store *store = NULL;
    us__losses losses;
    assert_int_equal(us__store_create(&store, context, support_temporary_folder()), US_OK);
    assert_int_equal(us__store_losses(store, 0, &losses), US_OK);
    assert_true(isnan(losses.first) && isnan(losses.best) && isnan(losses.train));
    assert_int_equal(us__store_loss(store, 0, 7.5, 8.5), US_OK);
    assert_int_equal(us__store_loss(store, 20, 3.5, (double)NAN), US_OK);
    assert_int_equal(us__store_loss(store, 20, (double)NAN, 4.5), US_OK);
    assert_int_equal(us__store_loss(store, 30, 5.5, (double)NAN), US_OK);
    assert_int_equal(us__store_losses(store, 20, &losses), US_OK);
    assert_near(losses.first, 7.5, 0, 0);
    assert_near(losses.best, 3.5, 0, 0);
    assert_int_equal(losses.best_step, 20);
    assert_near(losses.train, 3.5, 0, 0);
    assert_near(losses.test, 4.5, 0, 0);
    double seconds;
    assert_int_equal(us__store_checkpoint(store, 10, 1.5), US_OK);
    assert_int_equal(us__store_checkpoint(store, 20, 2.5), US_OK);
    assert_int_equal(us__store_seconds(store, 25, &seconds), US_OK);
    assert_near(seconds, 2.5, 0, 0);
    assert_int_equal(us__store_trim(store, 19), US_OK);
    assert_int_equal(us__store_losses(store, 0, &losses), US_OK);
    assert_near(losses.best, 7.5, 0, 0);
    assert_int_equal(us__store_seconds(store, 25, &seconds), US_OK);
    assert_near(seconds, 1.5, 0, 0);
    us__store_close(store);
    us_context_destroy(context);
}

typedef struct heard {
    size_t count, stop_at;
    double sum, last_step;
    char text[256];
} heard;

static bool hear(void *user, uint64_t step, const char *name, const char *part, double value) {
    heard *h = user;
    snprintf(h->text + strlen(h->text), sizeof h->text - strlen(h->text), "%s[%s] ", name, part);
    assert_true((double)step >= h->last_step);
    h->last_step = (double)step;
    h->count++;
    if (!isnan(value)) h->sum += value;
    return h->count != h->stop_at;
}

static void signs_go_with_the_log(void **state) {
    us_context *context = support_plain_context();
    const char *folder = support_temporary_folder();
    us__store *store = NULL;
    assert_int_equal(us__store_create(&store, context, folder), US_OK);
    for (uint64_t step = 1; step <= 3; step++) {
        assert_true(us__store_sign(store, step, "update_norm", "", 0.5));
        assert_true(us__store_sign(store, step, "update_norm", "layer1.weight", step == 2 ? (double)NAN : 0.25));
    }
    assert_int_equal(us__store_flush(store), US_OK);
    heard all = {0}, some = {0}, one = {.stop_at = 1};
    assert_int_equal(us_run_signs(context, folder, 0, hear, &all), US_OK);
    assert_int_equal(all.count, 6);
    assert_near(all.sum, 2, 0, 0);
    assert_int_equal(us_run_signs(context, folder, 3, hear, &some), US_OK);
    assert_string_equal(some.text, "update_norm[] update_norm[layer1.weight] ");
    assert_int_equal(us_run_signs(context, folder, 0, hear, &one), US_STOPPED);
    assert_int_equal(one.count, 1);
    /* what a kill has undone, in the file and in memory */
    assert_true(us__store_sign(store, 4, "update_norm", "", 7));
    assert_int_equal(us__store_trim(store, 1), US_OK);
    assert_int_equal(us__store_flush(store), US_OK);
    assert_near(query(folder, "SELECT count(*) FROM signs"), 2, 0, 0);
    size_t room = us__store_signs_room(store);
    assert_in_range(room, 1000, 100000);
    for (size_t i = 0; i < room; i++) assert_true(us__store_sign(store, i, "reach", "", 1));
    assert_false(us__store_sign(store, room, "reach", "", 1));
    us__store_close(store);

    /* a run of an earlier version: its missing table is an empty one, and is there once the run is opened to be written */
    char path[1024];
    sqlite3 *db = NULL;
    snprintf(path, sizeof path, "%s/run.db", folder);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "DROP TABLE signs", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    heard none = {0};
    assert_int_equal(us_run_signs(context, folder, 0, hear, &none), US_OK);
    assert_int_equal(none.count, 0);
    assert_int_equal(us__store_open(&store, context, folder), US_OK);
    us__store_close(store);
    assert_near(query(folder, "SELECT count(*) FROM signs"), 0, 0, 0);
    assert_int_equal(us_run_signs(context, support_temporary_folder(), 0, hear, &none), US_ERR_INPUT);
    us_context_destroy(context);
}

static void results_are_kept_and_absent_tables_are_empty(void **state) {
    us_context *context = support_plain_context();
    const char *folder = support_temporary_folder();
    us__store *store = NULL;
    json_t *results = NULL;
    char *text = NULL;
    assert_int_equal(us__store_create(&store, context, folder), US_OK);
    assert_int_equal(us__store_result(store, 7, "spectrum", "hessian", "{\"top\":[1]}"), US_OK);
    assert_int_equal(us__store_result(store, 7, "spectrum", "hessian", "{\"top\":[2.385]}"), US_OK); /* replaces it */
    assert_int_equal(us__store_result(store, 8, "landscape", "", "{\"n\":1}"), US_OK);
    assert_int_equal(us__store_result(store, 9, "spectrum", "hessian", "{not JSON"), US_OK); /* as another program may */
    assert_int_equal(us__store_results(store, "spectrum", &results), US_OK);
    assert_int_equal(json_array_size(results), 1);
    const json_t *first = json_array_get(results, 0);
    assert_int_equal(json_integer_value(json_object_get(first, "step")), 7);
    assert_string_equal(json_string_value(json_object_get(first, "name")), "hessian");
    assert_near(json_real_value(json_array_get(json_object_get(json_object_get(first, "result"), "top"), 0)), 2.385, 0, 0);
    json_decref(results);
    us__store_close(store);
    assert_int_equal(us_run_results(context, folder, NULL, &text), US_OK);
    results = json_loads(text, 0, NULL);
    assert_int_equal(json_array_size(results), 2);
    json_decref(results);
    us_text_release(context, text);

    /* A run of an older program: read, the table is empty; opened for writing, it is made. */
    char path[1024];
    sqlite3 *db = NULL;
    snprintf(path, sizeof path, "%s/run.db", folder);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "DROP TABLE results", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(us_run_results(context, folder, NULL, &text), US_OK);
    assert_string_equal(text, "[]");
    us_text_release(context, text);
    assert_int_equal(us__store_open(&store, context, folder), US_OK);
    us__store_close(store);
    assert_near(query(folder, "SELECT count(*) FROM results"), 0, 0, 0);
    assert_int_equal(us_run_results(context, "/nowhere", NULL, &text), US_ERR_INPUT);
    us_context_destroy(context);
}

static void a_full_buffer_refuses_and_loses_nothing(void **state) {
    us_context *context = support_plain_context();
    const char *folder = support_temporary_folder();
    us__store *store = NULL;
    assert_int_equal(us__store_create(&store, context, folder), US_OK);
    uint64_t step = 0;
    while (us__store_metric(store, &(us__metric){.step = step})) step++;
    assert_in_range(step, 1000, 100000);
    assert_int_equal(us__store_flush(store), US_OK);
    assert_near(query(folder, "SELECT count(*) FROM metrics"), (double)step, 0, 0);
    assert_true(us__store_metric(store, &(us__metric){.step = step}));
    us__store_close(store);
    us_context_destroy(context);
}

static void what_is_no_run_is_refused(void **state) {
    us_context *context = support_plain_context();
    const char *folder = support_temporary_folder();
    char path[1024];
    us__store *store = NULL;
    assert_int_equal(us__store_open(&store, context, folder), US_ERR_INPUT);
    assert_null(store);
    assert_non_null(strstr(us_context_error(context), "not a run"));
    snprintf(path, sizeof path, "%s/run.db", folder);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 1000; i++) fputs("not a database ", file);
    fclose(file);
    assert_int_equal(us__store_open(&store, context, folder), US_ERR_INPUT);
    assert_non_null(strstr(us_context_error(context), "damaged"));
    unlink(path);
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE t(x)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(us__store_open(&store, context, folder), US_ERR_INPUT);
    assert_non_null(strstr(us_context_error(context), "of another program"));
    us_context_destroy(context);
}

static void two_openers_are_one_too_many(void **state) {
    us_context *context = support_plain_context();
    const char *folder = support_temporary_folder();
    int first, second;
    assert_int_equal(us__run_lock(context, folder, &first), US_OK);
    assert_true(us_run_is_busy(folder));
    assert_int_equal(us__run_lock(context, folder, &second), US_ERR_IO);
    assert_int_equal(second, -1);
    assert_non_null(strstr(us_context_error(context), "another process"));
    close(first);
    assert_false(us_run_is_busy(folder));
    assert_int_equal(us__run_lock(context, folder, &second), US_OK);
    close(second);
    us_context_destroy(context);
}

static us_status body(us_context *context, void *user) {
    us__store *store = NULL;
    char *value = NULL, *text = NULL;
    json_t *verdict = NULL;
    char path[1024];
    snprintf(path, sizeof path, "%s/run.db", (const char *)user);
    unlink(path);
    us_status status = us__store_create(&store, context, user);
    if (status == US_OK) status = us__store_set(store, "key", "value");
    if (status == US_OK) status = us__store_get(store, "key", &value);
    if (status == US_OK) status = us__store_verdict(store, 3, "{\"verdict\":\"saddle\"}");
    if (status == US_OK) status = us__store_last_verdict(store, 3, &verdict);
    if (status == US_OK) status = us__store_result(store, 3, "units", "", "{}");
    if (status == US_OK) assert_string_equal(json_string_value(json_object_get(verdict, "verdict")), "saddle");
    json_decref(verdict);
    us__release(context, value);
    us__store_close(store);
    if (status == US_OK) status = us_run_results(context, user, NULL, &text);
    us_text_release(context, text);
    return status;
}

static void a_failed_allocation_leaves_nothing(void **state) {
    support_fail_each_allocation(body, (void *)(uintptr_t)support_temporary_folder());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_by_other_programs),
        cmocka_unit_test(losses_are_merged_and_trimmed),
        cmocka_unit_test(signs_go_with_the_log),
        cmocka_unit_test(results_are_kept_and_absent_tables_are_empty),
        cmocka_unit_test(a_full_buffer_refuses_and_loses_nothing),
        cmocka_unit_test(what_is_no_run_is_refused),
        cmocka_unit_test(two_openers_are_one_too_many),
        cmocka_unit_test(a_failed_allocation_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
