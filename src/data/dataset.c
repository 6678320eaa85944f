/* Numbers to train on: features and targets or labels of one precision. */
#include "data/dataset.h"
#include <string.h>

struct us_dataset {
    us_context *context;
    size_t rows, columns, outputs;
    bool windows;                /* the rows are windows of one sequence */
    size_t positions;            /* labels a row */
    size_t stride, label_stride; /* elements from one row to the next */
    us_task task;
    us_precision precision;
    void *features;   /* [rows×columns], or the numbers of a sequence that the rows are windows of */
    void *targets;    /* [rows×outputs], or NULL */
    uint32_t *labels; /* [rows], or those of the sequence, or NULL */
    bool shared;      /* the arrays are another dataset's */
};

us_status us__dataset_create_raw(us_dataset **out, us_context *context, us_precision precision, size_t rows, size_t columns,
                                 us_task task, size_t outputs) {
    *out = NULL;
    if (rows == 0 || rows > UINT32_MAX)
        return us__fail(context, US_ERR_ARGUMENT, "a dataset of %zu rows; it needs at least one and fewer than 2^32", rows);
    if (outputs == 0 || outputs > UINT32_MAX)
        return us__fail(context, US_ERR_ARGUMENT, "a dataset of %zu outputs; it needs at least one and fewer than 2^32",
                        outputs);
    if (task != US_REGRESSION && task != US_CLASSIFICATION)
        return us__fail(context, US_ERR_ARGUMENT, "a dataset's task must be regression or classification");
    if (precision != US_F32 && precision != US_F64)
        return us__fail(context, US_ERR_ARGUMENT, "a dataset's precision must be US_F32 or US_F64");
    size_t bytes = us_precision_bytes(precision), features, targets;
    if (__builtin_mul_overflow(rows, columns, &features) || __builtin_mul_overflow(rows, outputs, &targets))
        return us__fail_memory(context, SIZE_MAX);
    us_dataset *d = us__new(context, 1, sizeof *d);
    if (!d) return US_ERR_NOMEM;
    *d = (us_dataset){.context = context,
                      .rows = rows,
                      .columns = columns,
                      .outputs = outputs,
                      .positions = 1,
                      .stride = columns,
                      .label_stride = 1,
                      .task = task,
                      .precision = precision};
    d->features = us__alloc(context, features, bytes);
    if (task == US_REGRESSION) d->targets = us__new(context, targets, bytes);
    if (task == US_CLASSIFICATION) d->labels = us__new(context, rows, sizeof *d->labels);
    if (!d->features || (!d->targets && !d->labels)) {
        us_dataset_destroy(d);
        return US_ERR_NOMEM;
    }
    *out = d;
    return US_OK;
}

us_status us_dataset_create(us_dataset **out, us_context *context, us_precision precision, size_t rows, size_t columns,
                            us_task task, size_t outputs) {
    us_status status = us__dataset_create_raw(out, context, precision, rows, columns, task, outputs);
    if (status == US_OK) memset((*out)->features, 0, rows * columns * us_precision_bytes(precision));
    return status;
}

/* A dataset of one row that holds the whole sequence, which is then seen as windows. */
us_status us_dataset_create_windows(us_dataset **out, us_context *context, us_precision precision, size_t length,
                                    size_t window, size_t stride, size_t classes) {
    *out = NULL;
    if (window == 0 || stride == 0 || window > length)
        return us__fail(context, US_ERR_ARGUMENT, "windows of %zu, %zu apart, in a sequence of %zu; it must hold one",
                        window, stride, length);
    size_t rows = (length - window) / stride + 1;
    if (rows > UINT32_MAX) return us__fail(context, US_ERR_ARGUMENT, "%zu windows; there must be fewer than 2^32", rows);
    us_dataset *d = NULL;
    us_status status = us_dataset_create(&d, context, precision, 1, length, US_CLASSIFICATION, classes);
    if (status != US_OK) return status;
    us__release(context, d->labels);
    d->labels = us__new(context, length, sizeof *d->labels);
    if (!d->labels) {
        us_dataset_destroy(d);
        return US_ERR_NOMEM;
    }
    d->windows = true;
    d->rows = rows;
    d->columns = d->positions = window;
    d->stride = d->label_stride = stride;
    *out = d;
    return US_OK;
}

void us_dataset_destroy(us_dataset *dataset) {
    if (!dataset) return;
    if (!dataset->shared) {
        us__release(dataset->context, dataset->features);
        us__release(dataset->context, dataset->targets);
        us__release(dataset->context, dataset->labels);
    }
    us__release(dataset->context, dataset);
}

us_status us__dataset_share(us_dataset **out, us_context *context, const us_dataset *dataset) {
    *out = us__new(context, 1, sizeof **out);
    if (!*out) return US_ERR_NOMEM;
    **out = *dataset;
    (*out)->context = context;
    (*out)->shared = true;
    return US_OK;
}

us_context *us_dataset_context(const us_dataset *dataset) { return dataset->context; }
size_t us_dataset_rows(const us_dataset *dataset) { return dataset->rows; }
size_t us_dataset_columns(const us_dataset *dataset) { return dataset->columns; }
size_t us_dataset_outputs(const us_dataset *dataset) { return dataset->outputs; }
size_t us_dataset_positions(const us_dataset *dataset) { return dataset->positions; }
bool us_dataset_has_windows(const us_dataset *dataset) { return dataset->windows; }
size_t us_dataset_stride(const us_dataset *dataset) { return dataset->stride; }
size_t us_dataset_label_stride(const us_dataset *dataset) { return dataset->label_stride; }
us_task us_dataset_task(const us_dataset *dataset) { return dataset->task; }
us_precision us_dataset_precision(const us_dataset *dataset) { return dataset->precision; }
void *us_dataset_features(us_dataset *dataset) { return dataset->features; }
const void *us_dataset_features_const(const us_dataset *dataset) { return dataset->features; }
void *us_dataset_targets(us_dataset *dataset) { return dataset->targets; }
const void *us_dataset_targets_const(const us_dataset *dataset) { return dataset->targets; }
uint32_t *us_dataset_labels(us_dataset *dataset) { return dataset->labels; }
const uint32_t *us_dataset_labels_const(const us_dataset *dataset) { return dataset->labels; }
