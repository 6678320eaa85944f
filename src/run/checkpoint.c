#include "data/file.h"
#include "run/run.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <unstuck/safetensors.h>

/* The weights alone, a tensor a group. */
static us_status checkpoint_weights(us_run *run, const char *path) {
    size_t count, size = 0;
    const us_group *groups = us_problem_groups(run->problem, &count);
    const us_vec *theta = us__run_answer(run);
    bool f64 = us_vec_precision(theta) == US_F64;
    size_t width = us_precision_bytes(us_vec_precision(theta));
    const char *metadata[] = {"format", "pt", "producer", "unstuck", "model", run->config.model};
    void *bytes = NULL;
    us_tensor *tensors = us__new(run->context, count, sizeof *tensors);
    if (!tensors) return US_ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        tensors[i] = (us_tensor){.name = groups[i].name,
                                 .rank = groups[i].rank,
                                 .bytes = groups[i].count * width,
                                 .data = (const char *)us_vec_data_const(theta) + groups[i].offset * width};
        strcpy(tensors[i].dtype, f64 ? "F64" : "F32");
        memcpy(tensors[i].shape, groups[i].shape, sizeof groups[i].shape);
    }
    us_status status =
        us_safetensors_encode(run->context, tensors, count, metadata, sizeof metadata / sizeof *metadata / 2, &bytes, &size);
    if (status == US_OK) status = us_file_replace(run->context, path, bytes, size);
    us_bytes_release(run->context, bytes);
    us__release(run->context, tensors);
    return status;
}

/* @param suffix  behind the names of the files */
static us_status checkpoint_write(us_run *run, const char *folder, const char *suffix) {
    void *bytes = NULL;
    size_t size = 0;
    char *checkpoint = us__text_format(run->context, "%s/checkpoint.safetensors%s", folder, suffix);
    char *weights = us__text_format(run->context, "%s/model.safetensors%s", folder, suffix);
    us_status status = checkpoint && weights ? US_OK : US_ERR_NOMEM;
    if (status == US_OK) status = us__path_write(run, folder, suffix);
    if (status == US_OK) status = us_training_to_bytes(run->training, &bytes, &size);
    if (status == US_OK) status = us__store_checkpoint(run->store, us_training_steps(run->training), run->seconds);
    if (status == US_OK) status = us_file_replace(run->context, checkpoint, bytes, size);
    if (status == US_OK) status = checkpoint_weights(run, weights);
    us_bytes_release(run->context, bytes);
    us__release(run->context, checkpoint);
    us__release(run->context, weights);
    return status;
}

us_status us__run_checkpoint_write(us_run *run, const char *folder) {
    us_status status = run->unsettled ? us__run_checkpoint_take(run) : US_OK;
    return status == US_OK ? checkpoint_write(run, folder, "") : status;
}

/* ------------------------------------------------------------------ with another problem */

/* Config and files change together, and a kill may come between any two of them: the new files are written beside the old
 * ones, one transaction changes the config and says that those beside hold, then they take the places of the old ones, and
 * then the log forgets that they were beside. At each moment what the log says is there. */
static const char CHECKPOINT_BESIDE[] = ".beside";
static const char *const CHECKPOINT_FILES[] = {"path.safetensors", "checkpoint.safetensors", "model.safetensors"};

us_status us__run_checkpoint_prepare(us_run *run) { return checkpoint_write(run, run->folder, CHECKPOINT_BESIDE); }

/* Do the files beside hold? */
static us_status checkpoint_is_beside(us__store *store, us_context *context, bool *beside) {
    char *files = NULL;
    us_status status = us__store_get(store, "files", &files);
    *beside = files && strcmp(files, "beside") == 0;
    us__release(context, files);
    return status == US_NOT_FOUND ? US_OK : status;
}

/* Allocates nothing: what was adopted must not fail for want of memory. */
static us_status checkpoint_take_places(us_run *run, bool beside) {
    char from[PATH_MAX], to[PATH_MAX];
    for (size_t i = 0; i < sizeof CHECKPOINT_FILES / sizeof *CHECKPOINT_FILES; i++) {
        int used = snprintf(to, sizeof to, "%s/%s", run->folder, CHECKPOINT_FILES[i]);
        if (used < 0 || snprintf(from, sizeof from, "%s%s", to, CHECKPOINT_BESIDE) >= (int)sizeof from) continue;
        if (access(from, F_OK) == 0 && (beside ? rename(from, to) : unlink(from)) != 0)
            return us__fail(run->context, US_ERR_IO, "%s: %s", beside ? to : from, strerror(errno));
    }
    if (!beside) return US_OK;
    us_status status = us__file_sync_folder(run->context, run->folder);
    if (status == US_OK) status = us__store_set(run->store, "files", "");
    run->unsettled = status != US_OK;
    return status;
}

us_status us__run_checkpoint_take(us_run *run) { return checkpoint_take_places(run, true); }

us_status us__run_checkpoint_settle(us_run *run) {
    bool beside;
    us_status status = checkpoint_is_beside(run->store, run->context, &beside);
    return status == US_OK ? checkpoint_take_places(run, beside) : status;
}

us_status us__run_checkpoint_path(const us_run *run, const char *name, char **path) {
    bool beside;
    *path = NULL;
    us_status status = checkpoint_is_beside(run->store, run->context, &beside);
    if (status != US_OK) return status;
    if (beside && !(*path = us__text_format(run->context, "%s/%s%s", run->folder, name, CHECKPOINT_BESIDE)))
        return US_ERR_NOMEM;
    if (beside && access(*path, F_OK) == 0) return US_OK;
    us__release(run->context, *path);
    return (*path = us__text_format(run->context, "%s/%s", run->folder, name)) ? US_OK : US_ERR_NOMEM;
}

us_status us__run_checkpoint_read(us_run *run, void **bytes, size_t *size) {
    us_context *context = run->context;
    FILE *file = NULL;
    long length = 0;
    *bytes = NULL;
    char *path = NULL;
    us_status status = us__run_checkpoint_path(run, "checkpoint.safetensors", &path);
    if (status != US_OK) return status;
    if (!(file = fopen(path, "rb")) || fseek(file, 0, SEEK_END) != 0 || (length = ftell(file)) < 0 ||
        fseek(file, 0, SEEK_SET) != 0) {
        status = us__fail(context, US_ERR_INPUT, "%s: %s", path, strerror(errno));
        goto done;
    }
    if (!(*bytes = us__alloc(context, (size_t)length, 1))) {
        status = US_ERR_NOMEM;
        goto done;
    }
    *size = (size_t)length;
    if (fread(*bytes, 1, *size, file) != *size) {
        status = us__fail(context, US_ERR_INPUT, "%s: it can't be read whole", path);
        us__release(context, *bytes);
        *bytes = NULL;
    }
done:
    if (file) fclose(file);
    us__release(context, path);
    return status;
}

us_status us_run_checkpoint(us_run *run) {
    us_status status = us__run_may_change(run);
    if (status == US_OK) status = us__store_flush(run->store);
    return status == US_OK ? us__run_checkpoint_write(run, run->folder) : status;
}
