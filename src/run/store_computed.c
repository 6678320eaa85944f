/* The tables of what was computed beside the training: signs, and results such as spectra. A run that is older has neither,
 * until it is opened to be written: to readers a table that is not there is an empty one. */
#include "run/store.h"
#include <time.h>

/* ------------------------------------------------------------------ signs */

bool us__store_sign(us__store *store, uint64_t step, const char *name, const char *part, double value) {
    if (store->sign_count == US__STORE_SIGNS) return false;
    store->signs[store->sign_count++] = (us__noted_sign){step, name, part, value};
    return true;
}

size_t us__store_signs_room(const us__store *store) { return US__STORE_SIGNS - store->sign_count; }

us_status us__store_flush_signs(us__store *store) {
    for (size_t i = 0; i < store->sign_count; i++) {
        const us__noted_sign *sign = &store->signs[i];
        sqlite3_bind_int64(store->insert_sign, 1, (sqlite3_int64)sign->step);
        sqlite3_bind_text(store->insert_sign, 2, sign->name, -1, SQLITE_STATIC);
        sqlite3_bind_text(store->insert_sign, 3, sign->part, -1, SQLITE_STATIC);
        sqlite3_bind_double(store->insert_sign, 4, sign->value);
        us_status status = sqlite3_step(store->insert_sign) == SQLITE_DONE ? US_OK : us__store_fail(store);
        sqlite3_reset(store->insert_sign);
        if (status != US_OK) return status;
    }
    return US_OK;
}

static bool store_exists_row(void *user, sqlite3_stmt *statement) {
    (void)statement;
    return *(bool *)user = true;
}

/* Is there a table of this name? A run that was made before the table was, and only read since, has none. */
static us_status store_has(us__store *store, const char *table, bool *has) {
    *has = false;
    return us__store_query(store, store_exists_row, has, "SELECT 1 FROM sqlite_master WHERE type='table' AND name=?", "t",
                           table);
}

typedef struct store_signs_to {
    us_sign_row row;
    void *user;
    bool stopped;
} store_signs_to;

static bool store_sign_row(void *user, sqlite3_stmt *statement) {
    store_signs_to *to = user;
    const char *name = (const char *)sqlite3_column_text(statement, 1);
    const char *part = (const char *)sqlite3_column_text(statement, 2);
    if (!name || !part) return false;
    if (!to->stopped)
        to->stopped =
            !to->row(to->user, (uint64_t)sqlite3_column_int64(statement, 0), name, part, us__store_column(statement, 3));
    return true;
}

us_status us__store_signs(us__store *store, uint64_t from, us_sign_row row, void *user) {
    bool has;
    us_status status = store_has(store, "signs", &has);
    if (status != US_OK || !has) return status;
    store_signs_to to = {row, user, false};
    status = us__store_query(store, store_sign_row, &to,
                             "SELECT step, name, part, value FROM signs WHERE step>=? ORDER BY step, name, part", "i",
                             (sqlite3_int64)from);
    return status == US_OK && to.stopped ? US_STOPPED : status;
}

/* ------------------------------------------------------------------ results */

us_status us__store_result(us__store *store, uint64_t step, const char *kind, const char *name, const char *json) {
    us_status status = us__store_execute(store, "BEGIN");
    if (status != US_OK) return status;
    status = us__store_run(store, "DELETE FROM results WHERE step=? AND kind=? AND name=?", "itt", (sqlite3_int64)step, kind,
                           name);
    if (status == US_OK)
        status = us__store_run(store, "INSERT INTO results(step, kind, name, json, time) VALUES(?,?,?,?,?)", "ittti",
                               (sqlite3_int64)step, kind, name, json, (sqlite3_int64)time(NULL));
    if (status == US_OK) return us__store_execute(store, "COMMIT");
    sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

static bool store_result_row(void *user, sqlite3_stmt *statement) {
    json_error_t error;
    json_t *json = json_loads((const char *)sqlite3_column_text(statement, 4), 0, &error);
    if (!json && json_error_code(&error) != json_error_out_of_memory) return true; /* what is no JSON is left out */
    json_t *result =
        json_pack("{s:I,s:s,s:s,s:I,s:o}", "step", (json_int_t)sqlite3_column_int64(statement, 0), "kind",
                  (const char *)sqlite3_column_text(statement, 1), "name", (const char *)sqlite3_column_text(statement, 2),
                  "time", (json_int_t)sqlite3_column_int64(statement, 3), "result", json);
    return json_array_append_new(user, result) == 0; /* takes NULL as a failure */
}

us_status us__store_results(us__store *store, const char *kind, json_t **out) {
    bool has;
    us_status status = store_has(store, "results", &has);
    *out = NULL;
    if (status != US_OK) return status;
    if (!(*out = json_array())) return us__fail(store->context, US_ERR_NOMEM, "%s: out of memory", store->path);
    if (has)
        status = us__store_query(store, store_result_row, *out,
                                 "SELECT step, kind, name, time, json FROM results WHERE ?1='' OR kind=?1 ORDER BY id", "t",
                                 kind ? kind : "");
    if (status != US_OK) json_decref(*out), *out = NULL;
    return status;
}
