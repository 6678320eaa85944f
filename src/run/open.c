#include "run/run.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

us_status us__run_check_folder(us_context *context, const char *folder) {
    struct stat info;
    if (stat(folder, &info) != 0) return us__fail(context, US_ERR_INPUT, "%s: %s", folder, strerror(errno));
    return S_ISDIR(info.st_mode) ? US_OK : us__fail(context, US_ERR_INPUT, "%s is not a run: it is no folder", folder);
}

us_status us__run_read_config(us_run *run, char **encoding) {
    char *config = NULL;
    us_status status = us__store_get(run->store, "config", &config);
    if (status == US_OK) status = us__store_get(run->store, "encoding", encoding);
    if (status == US_OK) {
        json_t *object = json_loads(config, 0, NULL);
        status = object ? us__run_take_config(run, object) : us__fail(run->context, US_ERR_INPUT, "its config is not JSON");
        if (status == US_ERR_INPUT) us__error_prefix(run->context, run->folder);
    }
    if (status == US_NOT_FOUND)
        status = us__fail(run->context, US_ERR_INPUT, "%s: run.db lacks a part of its config", run->folder);
    us__release(run->context, config);
    return status;
}

/* Config, encoding of the data, status and plan. */
static us_status open_log(us_run *run, char **encoding) {
    us_status status = us__store_open(&run->store, run->context, run->folder);
    if (status == US_OK) status = us__run_read_config(run, encoding);
    if (status == US_OK) status = us__store_get(run->store, "status", &run->status);
    if (status == US_OK) status = us__run_load_plan(run);
    if (status == US_NOT_FOUND)
        status = us__fail(run->context, US_ERR_INPUT, "%s: run.db lacks a part of its config", run->folder);
    return status;
}

void us_run_open_options_init(us_run_open_options *options) { *options = (us_run_open_options)US_RUN_OPEN_OPTIONS_INIT; }

/* The file is somewhere else now, and loading it has shown that it is the same. */
static us_status open_moved(us_run *run, const char *data) {
    char *absolute = realpath(data, NULL);
    if (absolute) run->config.data = absolute;
    us_status status = us__run_take_config(run, us__run_config_to_json(&run->config));
    free(absolute);
    return status == US_OK ? us__store_set(run->store, "config", run->config_text) : status;
}

/* Says what to do where the training file is gone. */
static us_status open_lost(us_run *run, us_status status) {
    struct stat info;
    char *text = NULL;
    if (status != US_ERR_INPUT || !run->config.data || stat(run->config.data, &info) == 0) return status;
    if (!(text = us__text_copy(run->context, us_context_error(run->context)))) return status;
    us__fail(run->context, status, "%s; if it was moved, say so once: unstuck diagnose %s --data FILE", text, run->folder);
    us__release(run->context, text);
    return status;
}

us_status us_run_open(us_run **out, us_context *context, const char *folder) {
    return us__run_open_on(out, context, folder, NULL, NULL);
}

us_status us_run_open_with(us_run **out, us_context *context, const char *folder, const us_run_open_options *options) {
    return us__run_open_on(out, context, folder, options, NULL);
}

us_status us__run_open_on(us_run **out, us_context *context, const char *folder, const us_run_open_options *options,
                          const us_data *data) {
    *out = NULL;
    us_run *run = NULL;
    char *encoding = NULL;
    void *checkpoint = NULL;
    size_t size = 0;
    const us_run_open_options defaults = US_RUN_OPEN_OPTIONS_INIT, *o = options ? options : &defaults;
    us_status status = us__run_new(&run, context, folder);
    if (status != US_OK) goto done;
    run->config.rule = o->rule;
    run->look = o->look;
    if ((status = us__run_check_folder(context, run->folder)) != US_OK) goto done;
    if (!o->look && (status = us__run_lock(context, run->folder, &run->lock)) != US_OK) goto done;
    if ((status = open_log(run, &encoding)) != US_OK) goto done;
    if (!o->look && (status = us__run_checkpoint_settle(run)) != US_OK) goto done;
    if ((status = us__run_checkpoint_read(run, &checkpoint, &size)) != US_OK) goto done;
    if (data && (status = us_data_share(&run->data, context, data)) != US_OK) goto done;
    if (o->data) run->config.data = o->data;
    if ((status = us__run_assemble(run, encoding, checkpoint, size)) != US_OK) {
        status = open_lost(run, status);
        goto done;
    }
    if (o->data && (status = open_moved(run, o->data)) != US_OK) goto done;
    if ((status = us__store_seconds(run->store, us_training_steps(run->training), &run->seconds)) != US_OK) goto done;
    status = us__run_observe(run);
done:
    us__release(context, checkpoint);
    us__release(context, encoding);
    if (status == US_OK)
        *out = run;
    else
        us_run_destroy(run);
    return status;
}
