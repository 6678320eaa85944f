/* The way that a training took: θ at evenly spaced steps, a bounded number of places.
 *
 * Places are those whose step is a multiple of the stride, beginning with 1. When there is room for no more, every second
 * one goes and the stride doubles: a path of any length has between half its places and all of them, at steps that depend on
 * nothing but the count. Kept in memory, and beside each checkpoint in path.safetensors: "theta" [places×n], "step"
 * [places]. A place beyond the checkpoint that a run goes on from is forgotten. */
#include "run/run.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <unstuck/safetensors.h>

enum {
    PATH_PLACES = 64,         /* unless told otherwise, as far as ... */
    PATH_BYTES = 16 << 20,    /* ... they take no more than this */
    PATH_PLACES_MOST = 100000 /* that may be asked for */
};

static char *path_place(const us__path *path, size_t i) { return path->places + i * path->bytes; }

/* Every second place goes until there is room. */
static void path_thin(us__path *path) {
    while (path->count == path->most) {
        size_t kept = 0;
        path->stride *= 2;
        for (size_t i = 0; i < path->count; i++) {
            if ((uint64_t)path->steps[i] % path->stride != 0) continue;
            path->steps[kept] = path->steps[i];
            if (kept != i) memcpy(path_place(path, kept), path_place(path, i), path->bytes);
            kept++;
        }
        path->count = kept;
    }
}

/* Where a path begins in the middle, the multiples do not fit its first place: it may be dropped like any other. */
static void path_add(us__path *path, uint64_t step, const us_vec *theta) {
    path_thin(path);
    if (step % path->stride == 0) {
        path->steps[path->count] = step;
        memcpy(path_place(path, path->count++), us_vec_data_const(theta), path->bytes);
    }
    path->next = step - step % path->stride + path->stride;
}

static bool path_observe(void *user, const us_training *training, const us_step_info *info) {
    us__path *path = user;
    (void)training;
    if (info->step >= path->next) path_add(path, info->step, info->theta);
    return true;
}

us_status us__path_create(us_run *run) {
    us__path *path = &run->path;
    us_run_config *c = &run->config;
    const us_vec *theta = us_training_theta(run->training);
    path->n = us_vec_size(theta);
    path->bytes = path->n * us_precision_bytes(us_vec_precision(theta));
    if (c->keep_path == US_RUN_PATH_DEFAULT) {
        size_t most = PATH_BYTES / path->bytes;
        c->keep_path = most < 4 ? 0 : most < PATH_PLACES ? most : PATH_PLACES;
    }
    if (c->keep_path == 1 || c->keep_path > PATH_PLACES_MOST)
        return us__fail(run->context, US_ERR_ARGUMENT, "--keep-path is %zu; it must be 0 or 2 to %d", c->keep_path,
                        PATH_PLACES_MOST);
    path->most = c->keep_path;
    path->stride = 1;
    if (path->most == 0) return US_OK;
    path->steps = us__alloc(run->context, path->most, sizeof *path->steps);
    path->places = us__alloc(run->context, path->most, path->bytes);
    return path->steps && path->places ? US_OK : US_ERR_NOMEM;
}

void us__path_release(us_run *run) {
    us__release(run->context, run->path.steps);
    us__release(run->context, run->path.places);
}

us_status us__path_observe(us_run *run) {
    us__path *path = &run->path;
    uint64_t step = us_training_steps(run->training);
    if (path->most == 0) return US_OK;
    while (path->count && path->steps[path->count - 1] > step) path->count--;
    bool there = path->count && path->steps[path->count - 1] == step;
    if (there)
        memcpy(path_place(path, path->count - 1), us_vec_data_const(us_training_theta(run->training)), path->bytes);
    else
        path_add(path, step, us_training_theta(run->training));
    path->next = step - step % path->stride + path->stride;
    return us_training_observe(run->training, path_observe, path);
}

static char *path_file(const us_run *run, const char *folder, const char *suffix) {
    return us__text_format(run->context, "%s/path.safetensors%s", folder, suffix);
}

/* Where there is no room for it, the run goes on without: its checkpoint matters more. */
us_status us__path_write(us_run *run, const char *folder, const char *suffix) {
    us__path *path = &run->path;
    void *bytes = NULL;
    size_t size = 0;
    if (path->count < 2) return US_OK; /* it has not begun */
    bool f64 = us_problem_precision(run->problem) == US_F64;
    char stride[32], *file = path_file(run, folder, suffix);
    snprintf(stride, sizeof stride, "%" PRIu64, path->stride);
    const char *metadata[] = {"stride", stride};
    us_tensor tensors[] = {{.name = "step",
                            .dtype = "U64",
                            .rank = 1,
                            .shape = {path->count},
                            .data = path->steps,
                            .bytes = path->count * sizeof *path->steps},
                           {.name = "theta",
                            .rank = 2,
                            .shape = {path->count, path->n},
                            .data = path->places,
                            .bytes = path->count * path->bytes}};
    strcpy(tensors[1].dtype, f64 ? "F64" : "F32");
    us_status status = file ? us_safetensors_encode(run->context, tensors, 2, metadata, 1, &bytes, &size) : US_ERR_NOMEM;
    if (status == US_OK) status = us_file_replace(run->context, file, bytes, size);
    if (status == US_ERR_IO) {
        us__log(run->context, US_LOG_WARNING, "the path is not kept: %s", us_context_error(run->context));
        us_context_error_clear(run->context);
        path->most = path->count = 0;
        path->next = UINT64_MAX;
        status = US_OK;
    }
    us_bytes_release(run->context, bytes);
    us__release(run->context, file);
    return status;
}

/* A path that cannot be read is no reason to refuse a run: it begins anew, and a warning says so. */
us_status us__path_read(us_run *run) {
    us__path *path = &run->path;
    us_tensors *tensors = NULL;
    char *file = NULL;
    if (path->most == 0) return US_OK;
    us_status status = us__run_checkpoint_path(run, "path.safetensors", &file);
    if (status != US_OK) return status;
    if (access(file, F_OK) != 0) goto done;
    if ((status = us_safetensors_read(&tensors, run->context, file)) == US_OK) {
        const us_tensor *step = us_tensors_find(tensors, "step"), *theta = us_tensors_find(tensors, "theta");
        const char *stride = us_tensors_metadata(tensors, "stride");
        size_t count = step && step->rank == 1 && !strcmp(step->dtype, "U64") ? step->shape[0] : 0;
        if (stride && strtoull(stride, NULL, 10) > 0 && theta && count > 0 && count <= path->most &&
            theta->bytes == count * path->bytes) {
            path->stride = strtoull(stride, NULL, 10);
            path->count = count;
            memcpy(path->steps, step->data, step->bytes);
            memcpy(path->places, theta->data, theta->bytes);
        } else {
            status = us__fail(run->context, US_ERR_INPUT, "%s: it is not the path of this run", file);
        }
    }
    if (status == US_ERR_INPUT) {
        us__log(run->context, US_LOG_WARNING, "%s; the path begins anew", us_context_error(run->context));
        us_context_error_clear(run->context);
        status = US_OK;
    }
done:
    us_tensors_destroy(tensors);
    us__release(run->context, file);
    return status;
}

/* ------------------------------------------------------------------ looking at it */

size_t us_run_path_count(const us_run *run) { return run->path.count; }

us_status us_run_path_at(const us_run *run, size_t i, uint64_t *step, us_vec *theta) {
    us_vec *place = NULL;
    if (i >= run->path.count || us_vec_size(theta) != run->path.n)
        return us__fail(run->context, US_ERR_ARGUMENT,
                        "the path has %zu places of %zu numbers; place %zu of %zu was asked for", run->path.count,
                        run->path.n, i, us_vec_size(theta));
    us_status status =
        us_vec_wrap(&place, run->context, us_problem_precision(run->problem), run->path.n, path_place(&run->path, i));
    if (status != US_OK) return status;
    us_vec_copy(theta, place);
    us_vec_destroy(place);
    *step = run->path.steps[i];
    return US_OK;
}
