#include "run/store.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* run.db. In WAL mode with synchronous=NORMAL a commit is a plain write, without fsync: a killed process loses nothing
 * that was committed, and a power cut at most the newest rows of the log, never the database (sqlite.org/wal.html).
 * The checkpoints, which do matter then, are files of their own and are fsynced. */

static const char STORE_SCHEMA[] =
    "PRAGMA journal_mode=WAL;"
    "BEGIN;"
    "CREATE TABLE config(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE metrics(step INTEGER PRIMARY KEY, epoch REAL, loss REAL, mean_loss REAL, gradient_norm REAL,"
    "                     learning_rate REAL, seconds REAL);"
    "CREATE TABLE losses(step INTEGER PRIMARY KEY, train REAL, test REAL);"
    "CREATE TABLE checkpoints(step INTEGER PRIMARY KEY, seconds REAL NOT NULL);"
    "CREATE TABLE events(id INTEGER PRIMARY KEY, step INTEGER NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL, time "
    "INTEGER NOT NULL);"
    "CREATE TABLE verdicts(id INTEGER PRIMARY KEY, step INTEGER NOT NULL, json TEXT NOT NULL);"
    "PRAGMA application_id=1970500203;" /* "usrk": this is a run */
    "PRAGMA user_version=1;"
    "COMMIT;";

/* Tables that are younger than format 1. A run gets those it has not when it is opened to be written; to readers a table
 * that is not there is an empty one. */
static const char STORE_YOUNGER[] =
    "CREATE TABLE IF NOT EXISTS signs(step INTEGER, name TEXT, part TEXT, value REAL, PRIMARY KEY(step,name,part)) "
    "WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS results(id INTEGER PRIMARY KEY, step INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT "
    "NULL, json TEXT NOT NULL, time INTEGER NOT NULL);";

us_status us__store_fail(us__store *store) {
    if (sqlite3_errcode(store->db) == SQLITE_NOMEM)
        return us__fail(store->context, US_ERR_NOMEM, "%s: out of memory", store->path);
    return us__fail(store->context, US_ERR_IO, "%s: %s", store->path, sqlite3_errmsg(store->db));
}

us_status us__store_execute(us__store *store, const char *sql) {
    return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ? US_OK : us__store_fail(store);
}

/* Prepares one statement and binds by `types`: i int64, d double (NaN is NULL), t text. */
static us_status store_prepare(us__store *store, sqlite3_stmt **out, const char *sql, const char *types, va_list arguments) {
    if (sqlite3_prepare_v2(store->db, sql, -1, out, NULL) != SQLITE_OK) return us__store_fail(store);
    int bound = SQLITE_OK;
    for (int i = 0; types[i] && bound == SQLITE_OK; i++) switch (types[i]) {
        case 'i':
            bound = sqlite3_bind_int64(*out, i + 1, va_arg(arguments, sqlite3_int64));
            break;
        case 'd':
            bound = sqlite3_bind_double(*out, i + 1, va_arg(arguments, double));
            break;
        default:
            bound = sqlite3_bind_text(*out, i + 1, va_arg(arguments, const char *), -1, SQLITE_TRANSIENT);
            break;
        }
    return bound == SQLITE_OK ? US_OK : us__store_fail(store);
}

us_status us__store_run(us__store *store, const char *sql, const char *types, ...) {
    va_list arguments;
    va_start(arguments, types);
    sqlite3_stmt *statement = NULL;
    us_status status = store_prepare(store, &statement, sql, types, arguments);
    va_end(arguments);
    if (status == US_OK && sqlite3_step(statement) != SQLITE_DONE) status = us__store_fail(store);
    sqlite3_finalize(statement);
    return status;
}

us_status us__store_query(us__store *store, bool (*row)(void *user, sqlite3_stmt *), void *user, const char *sql,
                          const char *types, ...) {
    va_list arguments;
    va_start(arguments, types);
    sqlite3_stmt *statement = NULL;
    us_status status = store_prepare(store, &statement, sql, types, arguments);
    va_end(arguments);
    int code = SQLITE_ROW;
    while (status == US_OK && (code = sqlite3_step(statement)) == SQLITE_ROW)
        if (!row(user, statement)) status = us__fail(store->context, US_ERR_NOMEM, "%s: out of memory", store->path);
    if (status == US_OK && code != SQLITE_DONE) status = us__store_fail(store);
    sqlite3_finalize(statement);
    return status;
}

double us__store_column(sqlite3_stmt *statement, int column) {
    return sqlite3_column_type(statement, column) == SQLITE_NULL ? (double)NAN : sqlite3_column_double(statement, column);
}

/* ------------------------------------------------------------------ open and close */

/* A path as a URI: '?', '#' and '%' mean something there. An immutable database is read without lock and without the files
 * beside it that even a read-only connection makes in WAL mode (sqlite.org/uri.html). */
static char *store_immutable(us_context *context, const char *path) {
    char *uri = us__alloc(context, 3 * strlen(path) + 32, 1), *to = uri;
    if (!uri) return NULL;
    to += sprintf(to, *path == '/' ? "file://" : "file:");
    for (; *path; path++) to += sprintf(to, strchr("?#%", *path) ? "%%%02X" : "%c", *path);
    strcpy(to, "?immutable=1");
    return uri;
}

/* To look at a database whose log is not empty, or may become so while it is read, both must be read, which SQLite does
 * itself. */
static us_status store_look(us__store *store, const char *folder) {
    struct stat info;
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
    char *wal = us__text_format(store->context, "%s-wal", store->path), *uri = store_immutable(store->context, store->path);
    us_status status = wal && uri ? US_OK : US_ERR_NOMEM;
    bool logged = status == US_OK && stat(wal, &info) == 0 && (info.st_size > 0 || us_run_is_busy(folder));
    if (status == US_OK &&
        sqlite3_open_v2(logged ? store->path : uri, &store->db, logged ? SQLITE_OPEN_READONLY : flags, NULL) != SQLITE_OK)
        status = us__store_fail(store);
    us__release(store->context, wal);
    us__release(store->context, uri);
    return status;
}

static us_status store_connect(us__store **out, us_context *context, const char *folder, int flags) {
    us_status status = US_OK;
    bool look = flags & SQLITE_OPEN_READONLY;
    us__store *store = *out = us__new(context, 1, sizeof *store);
    if (!store) return US_ERR_NOMEM;
    store->context = context;
    store->row_seconds = 4e-6;
    store->path = us__text_format(context, "%s/run.db", folder);
    if (!store->path) status = US_ERR_NOMEM;
    if (status == US_OK && !look && !(store->rows = us__alloc(context, US__STORE_ROWS, sizeof *store->rows)))
        status = US_ERR_NOMEM;
    if (status == US_OK && !look && !(store->signs = us__alloc(context, US__STORE_SIGNS, sizeof *store->signs)))
        status = US_ERR_NOMEM;
    if (status == US_OK && look)
        status = store_look(store, folder);
    else if (status == US_OK && sqlite3_open_v2(store->path, &store->db, flags, NULL) != SQLITE_OK)
        status = us__store_fail(store);
    if (status == US_OK) sqlite3_busy_timeout(store->db, 5000);
    return status;
}

static us_status store_ready(us__store *store) {
    us_status status = us__store_execute(store, "PRAGMA synchronous=NORMAL");
    if (status == US_OK) status = us__store_execute(store, STORE_YOUNGER);
    if (status == US_OK && sqlite3_prepare_v2(store->db, "INSERT OR REPLACE INTO metrics VALUES(?,?,?,?,?,?,?)", -1,
                                              &store->insert, NULL) != SQLITE_OK)
        status = us__store_fail(store);
    if (status == US_OK && sqlite3_prepare_v2(store->db, "INSERT OR REPLACE INTO signs VALUES(?,?,?,?)", -1,
                                              &store->insert_sign, NULL) != SQLITE_OK)
        status = us__store_fail(store);
    return status;
}

us_status us__store_create(us__store **out, us_context *context, const char *folder) {
    us_status status = store_connect(out, context, folder, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    if (status == US_OK) status = us__store_execute(*out, STORE_SCHEMA);
    if (status == US_OK) status = store_ready(*out);
    if (status != US_OK) us__store_close(*out), *out = NULL;
    return status;
}

static bool store_version_row(void *user, sqlite3_stmt *statement) {
    return *(int *)user = sqlite3_column_int(statement, 0), true;
}

static us_status store_open(us__store **out, us_context *context, const char *folder, int flags) {
    us_status status = store_connect(out, context, folder, flags);
    us__store *store = *out;
    int application = 0, version = 0;
    if (status == US_OK) status = us__store_query(store, store_version_row, &application, "PRAGMA application_id", "");
    if (status == US_OK) status = us__store_query(store, store_version_row, &version, "PRAGMA user_version", "");
    if (status == US_ERR_IO && store && store->db &&
        (sqlite3_errcode(store->db) == SQLITE_NOTADB || sqlite3_errcode(store->db) == SQLITE_CORRUPT))
        status = us__fail(context, US_ERR_INPUT, "%s is damaged: %s", store->path, sqlite3_errmsg(store->db));
    else if (status == US_ERR_IO)
        status = us__fail(context, US_ERR_INPUT, "%s is not a run: it has no run.db that can be opened", folder);
    if (status == US_OK && application != 1970500203)
        status = us__fail(context, US_ERR_INPUT, "%s is not a run: its run.db is of another program", folder);
    if (status == US_OK && version != 1)
        status = us__fail(context, US_ERR_INPUT, "%s is in format %d; this program reads format 1", store->path, version);
    if (status == US_OK && !(flags & SQLITE_OPEN_READONLY)) status = store_ready(store);
    if (status != US_OK) us__store_close(store), *out = NULL;
    return status;
}

us_status us__store_open(us__store **out, us_context *context, const char *folder) {
    return store_open(out, context, folder, SQLITE_OPEN_READWRITE);
}

us_status us__store_open_readonly(us__store **out, us_context *context, const char *folder) {
    return store_open(out, context, folder, SQLITE_OPEN_READONLY);
}

void us__store_close(us__store *store) {
    if (!store) return;
    sqlite3_finalize(store->insert);
    sqlite3_finalize(store->insert_sign);
    sqlite3_close(store->db);
    us__release(store->context, store->rows);
    us__release(store->context, store->signs);
    us__release(store->context, store->path);
    us__release(store->context, store);
}

/* ------------------------------------------------------------------ write */

us_status us__store_set(us__store *store, const char *key, const char *value) {
    return us__store_run(store, "INSERT OR REPLACE INTO config VALUES(?,?)", "tt", key, value);
}

bool us__store_metric(us__store *store, const us__metric *metric) {
    if (store->count == US__STORE_ROWS) return false;
    store->rows[store->count++] = *metric;
    return true;
}

double us__store_row_seconds(const us__store *store) { return store->row_seconds; }

static us_status store_flush_rows(us__store *store) {
    for (size_t i = 0; i < store->count; i++) {
        const us__metric *row = &store->rows[i];
        const double values[] = {row->epoch,         row->loss,          row->mean_loss,
                                 row->gradient_norm, row->learning_rate, row->seconds};
        sqlite3_bind_int64(store->insert, 1, (sqlite3_int64)row->step);
        for (int k = 0; k < 6; k++) sqlite3_bind_double(store->insert, k + 2, values[k]);
        us_status status = sqlite3_step(store->insert) == SQLITE_DONE ? US_OK : us__store_fail(store);
        sqlite3_reset(store->insert);
        if (status != US_OK) return status;
    }
    return US_OK;
}

us_status us__store_flush(us__store *store) {
    if (store->count == 0 && store->sign_count == 0) return US_OK;
    double began = us_clock_now();
    us_status status = us__store_execute(store, "BEGIN");
    if (status == US_OK) status = store_flush_rows(store);
    if (status == US_OK) status = us__store_flush_signs(store);
    if (status == US_OK)
        status = us__store_execute(store, "COMMIT");
    else
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL); /* the first error is the one to tell */
    if (status == US_OK) {
        double each = (us_clock_now() - began) / (double)(store->count + store->sign_count);
        store->row_seconds = 0.5 * store->row_seconds + 0.5 * each;
        store->count = store->sign_count = 0;
    }
    return status;
}

us_status us__store_event(us__store *store, uint64_t step, const char *kind, const char *text) {
    return us__store_run(store, "INSERT INTO events(step, kind, text, time) VALUES(?,?,?,?)", "itti", (sqlite3_int64)step,
                         kind, text, (sqlite3_int64)time(NULL));
}

us_status us__store_verdict(us__store *store, uint64_t step, const char *json) {
    return us__store_run(store, "INSERT INTO verdicts(step, json) VALUES(?,?)", "it", (sqlite3_int64)step, json);
}

us_status us__store_loss(us__store *store, uint64_t step, double train, double test) {
    return us__store_run(store,
                         "INSERT INTO losses VALUES(?1,?2,?3) ON CONFLICT(step) DO UPDATE SET train=coalesce(?2,train), "
                         "test=coalesce(?3,test)",
                         "idd", (sqlite3_int64)step, train, test);
}

us_status us__store_checkpoint(us__store *store, uint64_t step, double seconds) {
    return us__store_run(store, "INSERT OR REPLACE INTO checkpoints VALUES(?,?)", "id", (sqlite3_int64)step, seconds);
}

/* It must be on the disk before the files that it speaks of take their places: until then the level is FULL. */
us_status us__store_remake_begin(us__store *store, const char *config, const char *encoding, const double unit[2]) {
    us_status status = us__store_execute(store, "PRAGMA synchronous=FULL; BEGIN");
    if (status != US_OK) return status;
    status = us__store_set(store, "config", config);
    if (status == US_OK) status = us__store_set(store, "encoding", encoding);
    if (status == US_OK) status = us__store_set(store, "files", "beside");
    if (status == US_OK)
        status = us__store_run(store, "UPDATE losses SET train=train/?1/?2, test=test/?1/?2", "dd", unit[0], unit[1]);
    if (status == US_OK)
        status =
            us__store_run(store, "UPDATE metrics SET loss=loss/?1/?2, mean_loss=mean_loss/?1/?2", "dd", unit[0], unit[1]);
    if (status != US_OK) us__store_remake_undo(store);
    return status;
}

us_status us__store_remake_done(us__store *store) {
    us_status status = us__store_execute(store, "COMMIT");
    if (status == US_OK) sqlite3_exec(store->db, "PRAGMA synchronous=NORMAL", NULL, NULL, NULL);
    return status;
}

void us__store_remake_undo(us__store *store) { /* the first error is the one to tell */
    sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    sqlite3_exec(store->db, "PRAGMA synchronous=NORMAL", NULL, NULL, NULL);
}

us_status us__store_trim(us__store *store, uint64_t step) {
    store->count = store->sign_count = 0;
    us_status status = us__store_run(store, "DELETE FROM metrics WHERE step>?", "i", (sqlite3_int64)step);
    if (status == US_OK) status = us__store_run(store, "DELETE FROM losses WHERE step>?", "i", (sqlite3_int64)step);
    if (status == US_OK) status = us__store_run(store, "DELETE FROM checkpoints WHERE step>?", "i", (sqlite3_int64)step);
    if (status == US_OK) status = us__store_run(store, "DELETE FROM signs WHERE step>?", "i", (sqlite3_int64)step);
    return status;
}

/* ------------------------------------------------------------------ read */

typedef struct store_text {
    us_context *context;
    char *text;
} store_text;

static bool store_text_row(void *user, sqlite3_stmt *statement) {
    store_text *to = user;
    const char *text = (const char *)sqlite3_column_text(statement, 0);
    return text && (to->text = us__text_copy(to->context, text));
}

us_status us__store_get(us__store *store, const char *key, char **value) {
    store_text to = {store->context, NULL};
    us_status status = us__store_query(store, store_text_row, &to, "SELECT value FROM config WHERE key=?", "t", key);
    *value = to.text;
    return status == US_OK && !to.text ? US_NOT_FOUND : status;
}

static bool store_real_row(void *user, sqlite3_stmt *statement) {
    return *(double *)user = us__store_column(statement, 0), true;
}

us_status us__store_seconds(us__store *store, uint64_t step, double *seconds) {
    *seconds = 0;
    return us__store_query(store, store_real_row, seconds,
                           "SELECT seconds FROM checkpoints WHERE step<=? ORDER BY step DESC LIMIT 1", "i",
                           (sqlite3_int64)step);
}

static bool store_best_row(void *user, sqlite3_stmt *statement) {
    us__losses *losses = user;
    losses->best = us__store_column(statement, 0);
    losses->best_step = (uint64_t)sqlite3_column_int64(statement, 1);
    return true;
}

static bool store_step_row(void *user, sqlite3_stmt *statement) {
    us__losses *losses = user;
    losses->train = us__store_column(statement, 0);
    losses->test = us__store_column(statement, 1);
    return true;
}

us_status us__store_losses(us__store *store, uint64_t step, us__losses *out) {
    *out = (us__losses){.first = (double)NAN, .best = (double)NAN, .train = (double)NAN, .test = (double)NAN};
    us_status status = us__store_query(store, store_real_row, &out->first, "SELECT train FROM losses WHERE step=0", "");
    if (status == US_OK)
        status = us__store_query(store, store_best_row, out,
                                 "SELECT train, step FROM losses WHERE train IS NOT NULL ORDER BY train, step LIMIT 1", "");
    if (status == US_OK)
        status = us__store_query(store, store_step_row, out, "SELECT train, test FROM losses WHERE step=?", "i",
                                 (sqlite3_int64)step);
    return status;
}

static bool store_event_row(void *user, sqlite3_stmt *statement) {
    json_t *event =
        json_pack("{s:I,s:s,s:s,s:I}", "step", (json_int_t)sqlite3_column_int64(statement, 0), "kind",
                  (const char *)sqlite3_column_text(statement, 1), "text", (const char *)sqlite3_column_text(statement, 2),
                  "time", (json_int_t)sqlite3_column_int64(statement, 3));
    return json_array_append_new(user, event) == 0; /* takes NULL as a failure */
}

us_status us__store_events(us__store *store, json_t **out) {
    *out = json_array();
    if (!*out) return us__fail(store->context, US_ERR_NOMEM, "%s: out of memory", store->path);
    us_status status =
        us__store_query(store, store_event_row, *out, "SELECT step, kind, text, time FROM events ORDER BY id", "");
    if (status != US_OK) json_decref(*out), *out = NULL;
    return status;
}

us_status us__store_last_verdict(us__store *store, uint64_t step, json_t **out) {
    store_text to = {store->context, NULL};
    us_status status =
        us__store_query(store, store_text_row, &to, "SELECT json FROM verdicts WHERE step=? ORDER BY id DESC LIMIT 1", "i",
                        (sqlite3_int64)step);
    *out = to.text ? json_loads(to.text, 0, NULL) : NULL;
    if (status == US_OK && to.text && !*out)
        status = us__fail(store->context, US_ERR_INPUT, "%s: a verdict in it is not JSON", store->path);
    us__release(store->context, to.text);
    return status;
}

us_status us__store_each(us__store *store, const char *sql, bool (*row)(void *user, sqlite3_stmt *), void *user) {
    return us__store_query(store, row, user, sql, "");
}

static bool store_last_row(void *user, sqlite3_stmt *statement) {
    us__losses *last = user;
    last->best_step = (uint64_t)sqlite3_column_int64(statement, 0);
    last->train = us__store_column(statement, 1);
    return true;
}

us_status us__store_last(us__store *store, uint64_t *step, double *loss) {
    us__losses last = {.train = (double)NAN};
    us_status status = us__store_query(
        store, store_last_row, &last,
        "SELECT step, coalesce(train, (SELECT mean_loss FROM metrics m WHERE m.step<=s.step ORDER BY m.step DESC LIMIT 1))"
        " FROM (SELECT step, train, 1 AS rank FROM losses UNION ALL SELECT step, NULL, 0 FROM checkpoints) s"
        " ORDER BY step DESC, rank DESC LIMIT 1",
        "");
    *step = last.best_step;
    *loss = last.train;
    return status;
}
