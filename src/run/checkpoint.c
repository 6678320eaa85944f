#include "run/run.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
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

us_status us__run_checkpoint_write(us_run *run, const char *folder) {
    void *bytes = NULL;
    size_t size = 0;
    char *checkpoint = us__text_format(run->context, "%s/checkpoint.safetensors", folder);
    char *weights = us__text_format(run->context, "%s/model.safetensors", folder);
    us_status status = checkpoint && weights ? US_OK : US_ERR_NOMEM;
    if (status == US_OK) status = us__path_write(run, folder);
    if (status == US_OK) status = us_training_to_bytes(run->training, &bytes, &size);
    if (status == US_OK) status = us__store_checkpoint(run->store, us_training_steps(run->training), run->seconds);
    if (status == US_OK) status = us_file_replace(run->context, checkpoint, bytes, size);
    if (status == US_OK) status = checkpoint_weights(run, weights);
    us_bytes_release(run->context, bytes);
    us__release(run->context, checkpoint);
    us__release(run->context, weights);
    return status;
}

us_status us__run_checkpoint_read(us_context *context, const char *folder, void **bytes, size_t *size) {
    us_status status = US_OK;
    FILE *file = NULL;
    long length = 0;
    *bytes = NULL;
    char *path = us__text_format(context, "%s/checkpoint.safetensors", folder);
    if (!path) return US_ERR_NOMEM;
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
