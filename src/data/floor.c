/* The least loss that any function of the features can have, and that of the best constant.
 *
 * Rows with equal features must get the same prediction, so the best that a function can do for them is their mean
 * (half-mse) or the shares of their labels (cross-entropy): half-mse        floor = 1/(2N) Σ_groups Σ_{i∈g} ‖yᵢ − ȳ_g‖²
 * constant = 1/(2N) Σᵢ ‖yᵢ − ȳ‖² cross-entropy   floor = 1/N Σ_groups Σ_classes n_gc ln(n_g/n_gc)     constant = Σ_classes
 * (n_c/N) ln(N/n_c) Groups are found by sorting the rows by a hash of their features, and compared in full where the hashes
 * are equal. */
#include "data/dataset.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct floor_row {
    uint64_t hash;
    uint32_t row;
} floor_row;

typedef struct floor_data {
    const us_dataset *dataset;
    floor_row *order; /* [rows] */
    double *totals;   /* [outputs] sums of targets, or counts of labels */
    size_t rows, outputs;
} floor_data;

static double floor_number(const void *array, us_precision precision, size_t i) {
    return precision == US_F32 ? (double)((const float *)array)[i] : ((const double *)array)[i];
}

static double floor_feature(const floor_data *f, size_t row, size_t j) {
    size_t columns = us_dataset_columns(f->dataset);
    return floor_number(us_dataset_features_const(f->dataset), us_dataset_precision(f->dataset), row * columns + j);
}

/* FNV-1a over the features; −0 is 0. */
static uint64_t floor_hash(const floor_data *f, size_t row) {
    uint64_t hash = 14695981039346656037u, bits;
    for (size_t j = 0; j < us_dataset_columns(f->dataset); j++) {
        double x = floor_feature(f, row, j) + 0.0;
        memcpy(&bits, &x, sizeof bits);
        hash = (hash ^ bits) * 1099511628211u;
        hash ^= hash >> 32;
    }
    return hash;
}

static bool floor_equal(const floor_data *f, size_t a, size_t b) {
    for (size_t j = 0; j < us_dataset_columns(f->dataset); j++)
        if (!(floor_feature(f, a, j) == floor_feature(f, b, j))) return false;
    return true;
}

static int floor_compare(const void *a, const void *b) {
    const floor_row *x = a, *y = b;
    if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* N times the least loss of one prediction for the rows order[first .. last-1]. */
static double floor_of(floor_data *f, size_t first, size_t last) {
    const uint32_t *labels = us_dataset_labels_const(f->dataset);
    const void *targets = us_dataset_targets_const(f->dataset);
    us_precision precision = us_dataset_precision(f->dataset);
    double count = (double)(last - first), sum = 0;
    memset(f->totals, 0, f->outputs * sizeof *f->totals);
    for (size_t i = first; i < last; i++)
        for (size_t k = 0; k < (labels ? 1 : f->outputs); k++) {
            size_t row = f->order[i].row;
            if (labels)
                f->totals[labels[row]]++;
            else
                f->totals[k] += floor_number(targets, precision, row * f->outputs + k);
        }
    for (size_t k = 0; labels && k < f->outputs; k++)
        if (f->totals[k] > 0) sum += f->totals[k] * log(count / f->totals[k]);
    for (size_t i = first; !labels && i < last; i++)
        for (size_t k = 0; k < f->outputs; k++) {
            double error = floor_number(targets, precision, f->order[i].row * f->outputs + k) - f->totals[k] / count;
            sum += 0.5 * error * error;
        }
    return sum;
}

/* Rows of one hash are nearly always equal; those that are not are put apart. */
static double floor_of_hash(floor_data *f, size_t first, size_t last) {
    double sum = 0;
    while (first < last) {
        size_t end = first + 1;
        for (size_t i = end; i < last; i++) {
            if (!floor_equal(f, f->order[first].row, f->order[i].row)) continue;
            floor_row other = f->order[end];
            f->order[end++] = f->order[i];
            f->order[i] = other;
        }
        if (end - first > 1) sum += floor_of(f, first, end);
        first = end;
    }
    return sum;
}

/* The entropy of the labels of all windows: the loss of the best constant. */
static us_status floor_of_windows(const us_dataset *dataset, double *constant) {
    size_t rows = us_dataset_rows(dataset), positions = us_dataset_positions(dataset), outputs = us_dataset_outputs(dataset);
    const uint32_t *labels = us_dataset_labels_const(dataset);
    us_context *context = us_dataset_context(dataset);
    double *counts = us__new(context, outputs, sizeof *counts), all = (double)rows * (double)positions, sum = 0;
    if (!counts) return US_ERR_NOMEM;
    for (size_t i = 0; i < rows; i++)
        for (size_t t = 0; t < positions; t++) {
            uint32_t label = labels[i * us_dataset_label_stride(dataset) + t];
            if (label < outputs) {
                counts[label]++;
                continue;
            }
            us__release(context, counts);
            return us__fail(context, US_ERR_INPUT, "row %zu of the dataset has label %u; there are %zu classes", i, label,
                            outputs);
        }
    for (size_t k = 0; k < outputs; k++)
        if (counts[k] > 0) sum += counts[k] / all * log(all / counts[k]);
    *constant = sum;
    us__release(context, counts);
    return US_OK;
}

us_status us_dataset_floor(const us_dataset *dataset, double *floor, double *constant) {
    us_context *context = us_dataset_context(dataset);
    floor_data f = {.dataset = dataset, .rows = us_dataset_rows(dataset), .outputs = us_dataset_outputs(dataset)};
    const uint32_t *labels = us_dataset_labels_const(dataset);
    us_status status = US_OK;
    double sum = 0;
    *floor = *constant = (double)NAN;
    if (us_dataset_has_windows(dataset)) return floor_of_windows(dataset, constant);
    for (size_t i = 0; labels && i < f.rows; i++)
        if (labels[i] >= f.outputs)
            return us__fail(context, US_ERR_INPUT, "row %zu of the dataset has label %u; there are %zu classes", i,
                            labels[i], f.outputs);
    f.order = us__alloc(context, f.rows, sizeof *f.order);
    f.totals = us__alloc(context, f.outputs, sizeof *f.totals);
    if (!f.order || !f.totals) {
        status = US_ERR_NOMEM;
        goto done;
    }
    for (size_t i = 0; i < f.rows; i++) f.order[i] = (floor_row){floor_hash(&f, i), (uint32_t)i};
    qsort(f.order, f.rows, sizeof *f.order, floor_compare);
    *constant = floor_of(&f, 0, f.rows) / (double)f.rows;
    for (size_t first = 0, last; first < f.rows; first = last) {
        for (last = first + 1; last < f.rows && f.order[last].hash == f.order[first].hash;) last++;
        if (last - first > 1) sum += floor_of_hash(&f, first, last);
    }
    *floor = sum / (double)f.rows;
done:
    us__release(context, f.order);
    us__release(context, f.totals);
    return status;
}
