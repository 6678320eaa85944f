/* Numbers to train on: features and targets or labels of one precision. */
#include "data/dataset.h"
#include <string.h>

struct us_dataset {
    us_context *context;
    size_t rows, columns, outputs;
    us_task task;
    us_precision precision;
    void *features;   /* [rows×columns] */
    void *targets;    /* [rows×outputs], or NULL */
    uint32_t *labels; /* [rows], or NULL */
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
    *d = (us_dataset){
        .context = context, .rows = rows, .columns = columns, .outputs = outputs, .task = task, .precision = precision};
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

void us_dataset_destroy(us_dataset *dataset) {
    if (!dataset) return;
    us__release(dataset->context, dataset->features);
    us__release(dataset->context, dataset->targets);
    us__release(dataset->context, dataset->labels);
    us__release(dataset->context, dataset);
}

us_context *us_dataset_context(const us_dataset *dataset) { return dataset->context; }
size_t us_dataset_rows(const us_dataset *dataset) { return dataset->rows; }
size_t us_dataset_columns(const us_dataset *dataset) { return dataset->columns; }
size_t us_dataset_outputs(const us_dataset *dataset) { return dataset->outputs; }
us_task us_dataset_task(const us_dataset *dataset) { return dataset->task; }
us_precision us_dataset_precision(const us_dataset *dataset) { return dataset->precision; }
void *us_dataset_features(us_dataset *dataset) { return dataset->features; }
const void *us_dataset_features_const(const us_dataset *dataset) { return dataset->features; }
void *us_dataset_targets(us_dataset *dataset) { return dataset->targets; }
const void *us_dataset_targets_const(const us_dataset *dataset) { return dataset->targets; }
uint32_t *us_dataset_labels(us_dataset *dataset) { return dataset->labels; }
const uint32_t *us_dataset_labels_const(const us_dataset *dataset) { return dataset->labels; }
