#include "run/run.h"
#include <string.h>
#include <unstuck/safetensors.h>

/* "[10×784]", or "a number" for a scalar. */
static const char *start_shape(char text[128], size_t rank, const size_t *shape) {
    size_t used = (size_t)snprintf(text, 128, rank ? "[" : "a number");
    for (size_t i = 0; i < rank && used < 100; i++)
        used += (size_t)snprintf(text + used, 128 - used, "%s%zu", i ? "×" : "", shape[i]);
    if (rank) snprintf(text + used, 128 - used, "]");
    return text;
}

static const us_group *start_group(const us_group *groups, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (!strcmp(groups[i].name, name)) return &groups[i];
    return NULL;
}

/* Names of groups for an error text. */
static const char *start_names(char text[256], const us_group *groups, size_t count) {
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < count && used < 200; i++)
        used += (size_t)snprintf(text + used, 256 - used, "%s%.60s", i ? ", " : "", groups[i].name);
    return text;
}

static us_status start_values(us_context *context, const char *start, const us_group *groups, size_t count, us_vec *theta) {
    const char *cursor = start;
    for (;;) {
        char name[US__PAIR_NAME], text[256];
        double value;
        us_status status = us__pair_next(context, "--start", &cursor, name, &value);
        if (status != US_OK) return status == US_NOT_FOUND ? US_OK : status;
        const us_group *group = start_group(groups, count, name);
        if (!group)
            return us__fail(context, US_ERR_ARGUMENT, "--start %s: the model has no parameter of that name; it has %s", name,
                            start_names(text, groups, count));
        if (group->count != 1)
            return us__fail(context, US_ERR_ARGUMENT, "--start %s: it is %s, not one number; give a .safetensors file", name,
                            start_shape(text, group->rank, group->shape));
        us_vec_set(theta, group->offset, value);
    }
}

static us_status start_tensor(us_context *context, const char *path, const us_tensor *tensor, const us_group *group,
                              us_vec *theta) {
    char has[128], needs[128];
    bool same = tensor->rank == group->rank && !memcmp(tensor->shape, group->shape, group->rank * sizeof *group->shape);
    if (group->rank == 0 && tensor->rank == 1 && tensor->shape[0] == 1) same = true;
    if (!same)
        return us__fail(context, US_ERR_INPUT, "%s: %s is %s; the model needs %s", path, group->name,
                        start_shape(has, tensor->rank, tensor->shape), start_shape(needs, group->rank, group->shape));
    bool f64 = !strcmp(tensor->dtype, "F64");
    if (!f64 && strcmp(tensor->dtype, "F32") != 0)
        return us__fail(context, US_ERR_INPUT, "%s: %s is of type %s; F32 or F64 is needed", path, group->name,
                        tensor->dtype);
    for (size_t i = 0; i < group->count; i++) {
        double wide;
        float narrow;
        if (f64)
            memcpy(&wide, (const char *)tensor->data + i * sizeof wide, sizeof wide);
        else
            memcpy(&narrow, (const char *)tensor->data + i * sizeof narrow, sizeof narrow), wide = (double)narrow;
        us_vec_set(theta, group->offset + i, wide);
    }
    return US_OK;
}

us_status us__run_weights(us_context *context, const char *path, const us_group *groups, size_t count, us_vec *theta) {
    us_tensors *tensors = NULL;
    char text[256];
    us_status status = us_safetensors_read(&tensors, context, path);
    for (size_t i = 0; status == US_OK && i < count; i++) {
        const us_tensor *tensor = us_tensors_find(tensors, groups[i].name);
        if (tensor)
            status = start_tensor(context, path, tensor, &groups[i], theta);
        else
            status = us__fail(context, US_ERR_INPUT, "%s has no %s, which the model needs as %s", path, groups[i].name,
                              start_shape(text, groups[i].rank, groups[i].shape));
    }
    for (size_t i = 0; status == US_OK && i < us_tensors_count(tensors); i++) {
        const us_tensor *tensor = us_tensors_at(tensors, i);
        if (!start_group(groups, count, tensor->name))
            status = us__fail(context, US_ERR_INPUT, "%s has %s, which the model has not; it has %s", path, tensor->name,
                              start_names(text, groups, count));
    }
    us_tensors_destroy(tensors);
    if (status == US_OK && !us_vec_is_finite(theta))
        status = us__fail(context, US_ERR_INPUT, "%s: a number in it is not finite%s", path,
                          us_vec_precision(theta) == US_F32 ? " in f32" : "");
    return status;
}

us_status us__run_start(us_context *context, const char *start, const us_group *groups, size_t count, us_vec *theta) {
    static const char SUFFIX[] = ".safetensors";
    size_t length = strlen(start), suffix = sizeof SUFFIX - 1;
    bool is_file = !strchr(start, '=') || (length >= suffix && !strcmp(start + length - suffix, SUFFIX));
    if (is_file) {
        us_status status = us__run_weights(context, start, groups, count, theta);
        if (status != US_OK && status != US_ERR_NOMEM) us__error_prefix(context, "--start");
        return status;
    }
    us_status status = start_values(context, start, groups, count, theta);
    if (status == US_OK && !us_vec_is_finite(theta))
        status = us__fail(context, US_ERR_INPUT, "--start %s: a number in it is not finite%s", start,
                          us_vec_precision(theta) == US_F32 ? " in f32" : "");
    return status;
}
