#include "run/run.h"
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ------------------------------------------------------------------ list */

/* As much of a text as fits, never half a UTF-8 character. */
static void list_copy(char *to, size_t size, const char *text) {
    size_t length = strlen(text);
    if (length >= size) {
        length = size - 1;
        while (length && ((unsigned char)text[length] & 0xC0) == 0x80) length--;
    }
    memcpy(to, text, length);
    to[length] = '\0';
}

static us_status list_read(us_context *context, const char *path, us_run_entry *entry) {
    us__store *store = NULL;
    char *config = NULL, *started = NULL, *status_name = NULL;
    us_status status = us__store_open_readonly(&store, context, path);
    if (status == US_OK) status = us__store_get(store, "config", &config);
    if (status == US_OK) status = us__store_get(store, "started", &started);
    if (status == US_OK) status = us__store_get(store, "status", &status_name);
    if (status == US_OK) status = us__store_last(store, &entry->steps, &entry->loss);
    if (status == US_OK) {
        us_run_config c;
        json_t *object = json_loads(config, 0, NULL);
        status = object ? us__run_config_from_json(context, object, &c) : US_ERR_INPUT;
        if (status == US_OK) {
            bool killed = !strcmp(status_name, "running") && !us_run_is_busy(path);
            list_copy(entry->status, sizeof entry->status, killed ? "interrupted" : status_name);
            list_copy(entry->data, sizeof entry->data, c.data ? c.data : "");
            list_copy(entry->model, sizeof entry->model, c.model ? c.model : "");
            list_copy(entry->optimizer, sizeof entry->optimizer, c.optimizer ? c.optimizer : "");
            entry->started = strtoll(started, NULL, 10);
        }
        json_decref(object);
    }
    us__store_close(store);
    us__release(context, config);
    us__release(context, started);
    us__release(context, status_name);
    return status;
}

static int list_newest_first(const void *a, const void *b) {
    const us_run_entry *x = a, *y = b;
    return x->started != y->started ? (x->started < y->started) - (x->started > y->started) : strcmp(x->folder, y->folder);
}

us_status us_runs_list(us_context *context, const char *folder, us_run_entry **entries, size_t *count) {
    size_t room = 0;
    us_status status = US_OK;
    *entries = NULL;
    *count = 0;
    DIR *dir = opendir(folder);
    if (!dir) return us__fail(context, US_ERR_INPUT, "%s: %s", folder, strerror(errno));
    for (const struct dirent *found; status == US_OK && (found = readdir(dir));) {
        char path[PATH_MAX];
        us_run_entry entry = {.folder = ""};
        if (found->d_name[0] == '.' ||
            snprintf(path, sizeof path, "%s/%s/run.db", folder, found->d_name) >= (int)sizeof path)
            continue;
        if (access(path, F_OK) != 0 || strstr(found->d_name, ".begun-")) continue;
        path[strlen(path) - strlen("/run.db")] = '\0';
        status = list_read(context, path, &entry);
        if (status == US_ERR_NOMEM) break;
        if (status != US_OK) { /* one that can't be read hides no other */
            us__log(context, US_LOG_WARNING, "%s is left out: %s", path, us_context_error(context));
            status = US_OK;
            continue;
        }
        list_copy(entry.folder, sizeof entry.folder, found->d_name);
        if (*count == room) {
            us_run_entry *grown = us__grow(context, *entries, *count, room ? 2 * room : 16, sizeof *grown);
            if (!grown) {
                status = US_ERR_NOMEM;
                break;
            }
            *entries = grown;
            room = room ? 2 * room : 16;
        }
        (*entries)[(*count)++] = entry;
    }
    closedir(dir);
    if (status == US_OK && *count) qsort(*entries, *count, sizeof **entries, list_newest_first);
    if (status != US_OK) us__release(context, *entries), *entries = NULL, *count = 0;
    return status;
}

/* ------------------------------------------------------------------ remove */

/* What is the run's: its files by name, and what a killed write left of them. run.db goes last, so that a removal that
 * was cut short can be taken up again. */
static bool list_is_ours(const char *name) {
    static const char *const NAMES[] = {"checkpoint.safetensors", "model.safetensors", "path.safetensors", "run.db-wal",
                                        "run.db-shm"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (!strncmp(name, NAMES[i], strlen(NAMES[i]))) return true;
    return false;
}

us_status us_run_remove(us_context *context, const char *folder) {
    us__store *store = NULL;
    DIR *dir = NULL;
    int lock = -1;
    char path[PATH_MAX], other[NAME_MAX + 1] = "";
    us_status status = us__run_lock(context, folder, &lock);
    if (status == US_OK) status = us__store_open_readonly(&store, context, folder); /* refuses what is no run */
    us__store_close(store);
    if (status == US_OK && !(dir = opendir(folder)))
        status = us__fail(context, US_ERR_IO, "%s: %s", folder, strerror(errno));
    for (const struct dirent *found; status == US_OK && (found = readdir(dir));) {
        if (!strcmp(found->d_name, ".") || !strcmp(found->d_name, "..") || !strcmp(found->d_name, "run.db")) continue;
        if (!list_is_ours(found->d_name))
            list_copy(other, sizeof other, found->d_name);
        else if (snprintf(path, sizeof path, "%s/%s", folder, found->d_name) >= (int)sizeof path || unlink(path) != 0)
            status = us__fail(context, US_ERR_IO, "%s/%s: %s", folder, found->d_name, strerror(errno));
    }
    if (dir) closedir(dir);
    if (status == US_OK && (snprintf(path, sizeof path, "%s/run.db", folder) >= (int)sizeof path || unlink(path) != 0))
        status = us__fail(context, US_ERR_IO, "%s: %s", path, strerror(errno));
    if (status == US_OK && *other)
        status = us__fail(context, US_ERR_IO, "%s: the run is removed; the folder stays, for %s in it is not the run's",
                          folder, other);
    else if (status == US_OK && rmdir(folder) != 0)
        status = us__fail(context, US_ERR_IO, "%s: %s", folder, strerror(errno));
    if (lock >= 0) close(lock);
    return status;
}
