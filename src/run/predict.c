#include "run/run.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Lines of CSV, collected and handed on in large pieces. */
typedef struct predict_lines {
    us_context *context;
    int (*write)(void *user, const char *text, size_t length);
    void *user;
    size_t used;
    char text[16384];
} predict_lines;

static us_status predict_send(predict_lines *to) {
    size_t length = to->used;
    to->used = 0;
    if (length == 0 || to->write(to->user, to->text, length) == 0) return US_OK;
    return us__fail(to->context, US_ERR_IO, "the predictions can't be written");
}

static us_status predict_put(predict_lines *to, const char *text, size_t length) {
    us_status status = US_OK;
    while (length && status == US_OK) {
        size_t room = sizeof to->text - to->used, part = length < room ? length : room;
        memcpy(to->text + to->used, text, part);
        to->used += part;
        text += part;
        length -= part;
        if (to->used == sizeof to->text) status = predict_send(to);
    }
    return status;
}

/* A cell, quoted where RFC 4180 needs it, and what follows it. */
static us_status predict_cell(predict_lines *to, const char *prefix, const char *cell, char after) {
    bool quote = cell[strcspn(cell, ",\"\r\n")] != '\0' || *cell == ' ' || (*cell && cell[strlen(cell) - 1] == ' ');
    us_status status = quote ? predict_put(to, "\"", 1) : US_OK;
    if (status == US_OK) status = predict_put(to, prefix, strlen(prefix));
    for (const char *c = cell; *c && status == US_OK; c++) {
        if (*c == '"') status = predict_put(to, "\"", 1);
        if (status == US_OK) status = predict_put(to, c, 1);
    }
    if (status == US_OK && quote) status = predict_put(to, "\"", 1);
    return status == US_OK ? predict_put(to, &after, 1) : status;
}

/* The shortest digits that read back as the same number of the run's precision; a target's own scale may be beyond f32. */
static us_status predict_number(predict_lines *to, double value, bool f64, char after) {
    char text[40];
    int length = 0;
    f64 = f64 || fpclassify((float)value) == FP_INFINITE || fpclassify((float)value) == FP_SUBNORMAL || (float)value == 0;
    for (int digits = f64 ? 15 : 6; digits <= (f64 ? 17 : 9); digits++) {
        length = snprintf(text, sizeof text, "%.*g", digits, value);
        double back = strtod(text, NULL);
        if (f64 ? back == value : (float)back == (float)value) break;
    }
    text[length] = after;
    return predict_put(to, text, (size_t)length + 1);
}

static us_status predict_class_names(us_run *run, predict_lines *to, size_t classes) {
    us_status status = predict_cell(to, "", us_data_target_name(run->data), ',');
    for (size_t k = 0; k < classes && status == US_OK; k++)
        status = predict_cell(to, "p_", us_data_class_name(run->data, k), k + 1 < classes ? ',' : '\n');
    return status;
}

static us_status predict_classes(us_run *run, predict_lines *to, const double *outputs, size_t rows, size_t classes,
                                 bool f64) {
    us_status status = US_OK;
    for (size_t i = 0; i < rows && status == US_OK; i++) {
        const double *p = outputs + i * classes;
        status = predict_cell(to, "", us_data_class_name(run->data, us__run_class(p, classes)), ',');
        for (size_t k = 0; k < classes && status == US_OK; k++)
            status = predict_number(to, p[k], f64, k + 1 < classes ? ',' : '\n');
    }
    return status;
}

/* A line for each of the `count` characters, the rows taken a few at a time. */
static us_status predict_text(us_run *run, predict_lines *to, const us_dataset *dataset, const us_vec *theta, size_t count) {
    size_t positions = us_dataset_positions(dataset), classes = us_model_outputs(run->model),
           chunk = us__run_text_chunk(run);
    bool f64 = run->config.precision == US_F64;
    double *outputs = us__alloc(run->context, chunk, positions * classes * sizeof *outputs);
    us_status status = outputs ? predict_class_names(run, to, classes) : US_ERR_NOMEM;
    for (size_t done = 0; done < count && status == US_OK; done += chunk * positions) {
        size_t left = count - done, rows = (left + positions - 1) / positions;
        if (rows > chunk) rows = chunk, left = chunk * positions;
        status = us_model_predict_rows(run->model, run->bare, theta, dataset, done / positions, rows, outputs);
        if (status == US_OK) status = predict_classes(run, to, outputs, left, classes, f64);
    }
    us__release(run->context, outputs);
    return status;
}

static us_status predict_values(us_run *run, predict_lines *to, const double *outputs, size_t rows, bool f64) {
    double mean, scale;
    us_data_target_scale(run->data, &mean, &scale);
    us_status status = predict_cell(to, "", us_data_target_name(run->data), '\n');
    for (size_t i = 0; i < rows && status == US_OK; i++) status = predict_number(to, outputs[i] * scale + mean, f64, '\n');
    return status;
}

/* The run's config, what its data looked like, and the model, for the rows that are asked for. */
us_status us__run_predict_read(us_run *run, const char *path, us_dataset **dataset) {
    char *encoding = NULL;
    us_status status = us__run_check_folder(run->context, run->folder);
    if (status == US_OK) status = us__store_open_readonly(&run->store, run->context, run->folder);
    if (status == US_OK) status = us__run_read_config(run, &encoding);
    if (status == US_OK) {
        status = us_data_from_encoding(&run->data, run->context, encoding);
        if (status == US_ERR_INPUT) us__error_prefix(run->context, run->folder);
    }
    if (status == US_OK)
        status = path ? us_data_load_features(dataset, run->context, path, encoding, run->config.precision)
                      : us__run_text_blank(run, dataset);
    if (status == US_OK) status = us__run_assemble_model(run, *dataset);
    if (status == US_OK) status = us_model_problem(&run->bare, run->model, *dataset);
    us__release(run->context, encoding);
    return status;
}

us_status us__run_predict_weights(us_run *run, us_vec **theta) {
    size_t count;
    const us_group *groups = us_problem_groups(run->bare, &count);
    char *path = NULL;
    us_status status = us__run_checkpoint_path(run, "model.safetensors", &path);
    if (status == US_OK) status = us_vec_create(theta, run->context, run->config.precision, us_problem_dimension(run->bare));
    if (status == US_OK) status = us__run_weights(run->context, path, groups, count, *theta);
    us__release(run->context, path);
    return status;
}

us_status us_run_predict(us_context *context, const char *folder, const char *path,
                         int (*write)(void *user, const char *text, size_t length), void *user) {
    us_run *run = NULL;
    us_dataset *dataset = NULL;
    us_vec *theta = NULL;
    double *outputs = NULL;
    predict_lines *to = NULL;
    uint32_t *tokens = NULL;
    size_t rows, width;
    bool f64;
    us_status status = us__run_new(&run, context, folder);
    if (status == US_OK) status = us__run_predict_read(run, path, &dataset);
    if (status == US_OK) status = us__run_predict_weights(run, &theta);
    if (status != US_OK) goto done;
    rows = us_dataset_rows(dataset);
    width = us_model_outputs(run->model);
    f64 = run->config.precision == US_F64;
    to = us__alloc(context, 1, sizeof *to);
    if (!to) {
        status = US_ERR_NOMEM;
        goto done;
    }
    to->context = context;
    to->write = write;
    to->user = user;
    to->used = 0;
    if (us_dataset_has_windows(dataset)) {
        if ((status = us_data_read_tokens(run->data, path, &tokens, &rows)) != US_OK) goto done;
        status = predict_text(run, to, dataset, theta, rows);
        if (status == US_OK) status = predict_send(to);
        goto done;
    }
    if (!(outputs = us__alloc(context, rows, width * sizeof *outputs))) {
        status = US_ERR_NOMEM;
        goto done;
    }
    if ((status = us_model_predict(run->model, run->bare, theta, dataset, outputs)) != US_OK) goto done;
    if (us_dataset_task(dataset) == US_CLASSIFICATION) {
        status = predict_class_names(run, to, width);
        if (status == US_OK) status = predict_classes(run, to, outputs, rows, width, f64);
    } else {
        status = predict_values(run, to, outputs, rows, f64);
    }
    if (status == US_OK) status = predict_send(to);
done:
    us__release(context, tokens);
    us__release(context, outputs);
    us__release(context, to);
    us_vec_destroy(theta);
    us_run_destroy(run);
    us_dataset_destroy(dataset);
    return status;
}
