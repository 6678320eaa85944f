#include "run/run.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Writes config, first losses and first checkpoint into a folder. */
static us_status create_fill(us_run *run, const char *folder) {
    char started[32];
    double loss;
    snprintf(started, sizeof started, "%lld", (long long)time(NULL));
    us_status status = us__store_create(&run->store, run->context, folder);
    if (status == US_OK) status = us__store_set(run->store, "config", run->config_text);
    if (status == US_OK) status = us__store_set(run->store, "encoding", us_data_encoding(run->data));
    if (status == US_OK) status = us__store_set(run->store, "started", started);
    if (status == US_OK) status = us__run_set_text(run, &run->status, "status", "new");
    if (status == US_OK) status = us__run_save_plan(run);
    if (status == US_OK && *run->rate_text) status = us_run_log_event(run, "learning-rate", run->rate_text);
    if (status == US_OK) status = us__run_evaluate(run, &loss);
    if (status == US_OK) status = us__run_checkpoint_write(run, folder);
    return status;
}

/* Removes a folder that create_fill has begun to fill. The error that is being told stays. */
static void create_remove(const char *folder) {
    static const char *const NAMES[] = {
        "run.db",          "run.db-wal", "run.db-shm", "run.db-journal", "checkpoint.safetensors", "model.safetensors",
        "path.safetensors"};
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (snprintf(path, sizeof path, "%s/%s", folder, NAMES[i]) < (int)sizeof path) unlink(path);
    rmdir(folder);
}

/* A new folder beside the run's, which takes its name when all is in it. */
static us_status create_folder(const us_run *run, char **begun) {
    for (int k = 0; k < 100; k++) {
        us__release(run->context, *begun);
        if (!(*begun = us__text_format(run->context, "%s.begun-%ld-%d", run->folder, (long)getpid(), k)))
            return US_ERR_NOMEM;
        if (mkdir(*begun, 0777) == 0) return US_OK;
        if (errno != EEXIST) break;
    }
    return us__fail(run->context, US_ERR_IO, "%s can't be made: %s", run->folder, strerror(errno));
}

us_status us_run_create(us_run **out, us_context *context, const char *folder, const us_run_config *config) {
    return us__run_create_on(out, context, folder, config, NULL);
}

us_status us__run_create_on(us_run **out, us_context *context, const char *folder, const us_run_config *config,
                            const us_data *data) {
    *out = NULL;
    us_run *run = NULL;
    char *begun = NULL, *absolute = NULL;
    bool made = false;
    struct stat info;
    us_run_config resolved;
    us_status status = us__run_config_check(context, config);
    if (status != US_OK) return status;
    if (!folder || !*folder) return us__fail(context, US_ERR_ARGUMENT, "--run is empty; name a new folder");
    if (lstat(folder, &info) == 0)
        return us__fail(context, US_ERR_EXISTS, "%s is there already; name a new folder, or go on with --resume %s", folder,
                        folder);
    resolved = *config;
    us__run_config_resolve(&resolved);
    if ((status = us__run_new(&run, context, folder)) != US_OK) goto done;
    run->config.rule = config->rule;
    if ((status = us__run_take_config(run, us__run_config_to_json(&resolved))) != US_OK) goto done;
    if (data && (status = us_data_share(&run->data, context, data)) != US_OK) goto done;
    if ((status = us__run_assemble(run, NULL, NULL, 0)) != US_OK) goto done;
    if (config->learning_rate_auto && (status = us__run_choose_rate(run)) != US_OK) goto done;
    if ((status = us__run_plan(run)) != US_OK) goto done;
    if ((absolute = realpath(run->config.data, NULL)))
        run->config.data = absolute; /* the run may be opened from elsewhere */
    if ((status = us__run_take_config(run, us__run_config_to_json(&run->config))) != US_OK) goto done;

    if ((status = create_folder(run, &begun)) != US_OK) goto done;
    made = true;
    if ((status = create_fill(run, begun)) != US_OK) {
        us__run_reword_error(run, begun, run->folder); /* the name that was asked for */
        goto done;
    }
    us__store_close(run->store);
    run->store = NULL;
    if (rename(begun, run->folder) != 0) {
        status = us__fail(context, US_ERR_IO, "%s can't be made: %s", run->folder, strerror(errno));
        goto done;
    }
    strcpy(begun, run->folder); /* what is to be removed if the rest fails */
    if ((status = us__run_lock(context, run->folder, &run->lock)) != US_OK) goto done;
    if ((status = us__store_open(&run->store, context, run->folder)) != US_OK) goto done;
    status = us__run_observe(run);
done:
    if (status != US_OK && run) us__store_close(run->store), run->store = NULL;
    if (made && status != US_OK) create_remove(begun);
    us__release(context, begun);
    free(absolute);
    if (status == US_OK)
        *out = run;
    else
        us_run_destroy(run);
    return status;
}
