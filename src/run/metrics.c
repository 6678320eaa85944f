/* How good the predictions are, in terms that people know.
 *
 * numbers   rmse  √ of the mean over rows of Σ(ŷ − y)² over the outputs    mae  mean over rows of Σ|ŷ − y|
 *           r2    1 − Σ(ŷ − y)²/Σ(y − ȳ)², ȳ the mean of these rows
 * classes   accuracy  share of rows whose most probable class is right
 *           f1        2·right/(predicted + there): of the second of two classes, else the mean over the classes
 *           auc       for two classes: the share of pairs, one row of each, that the probability puts in order; ties count
 * half (Mann & Whitney 1947)
 * texts     accuracy of the next character, bits a character, and perplexity: text.c */
#include "run/run.h"
#include <math.h>
#include <stdlib.h>

static double metrics_target(const us_dataset *dataset, size_t i) {
    const void *targets = us_dataset_targets_const(dataset);
    return us_dataset_precision(dataset) == US_F64 ? ((const double *)targets)[i] : (double)((const float *)targets)[i];
}

/* outputs [rows×k] in the unit of the dataset; `scale` of them is 1 of the file's. */
static size_t metrics_of_numbers(const us_dataset *dataset, const double *outputs, double scale, us_metric *out) {
    size_t rows = us_dataset_rows(dataset), k = us_dataset_outputs(dataset);
    double squares = 0, sizes = 0, spread = 0;
    for (size_t j = 0; j < k; j++) {
        double mean = 0;
        for (size_t i = 0; i < rows; i++) mean += metrics_target(dataset, i * k + j) / (double)rows;
        for (size_t i = 0; i < rows; i++) {
            double y = metrics_target(dataset, i * k + j), error = outputs[i * k + j] - y;
            squares += error * error;
            sizes += fabs(error);
            spread += (y - mean) * (y - mean);
        }
    }
    out[0] = (us_metric){"rmse", sqrt(squares / (double)rows) * scale};
    out[1] = (us_metric){"mae", sizes / (double)rows * scale};
    out[2] = (us_metric){"r2", spread > 0 ? 1 - squares / spread : (double)NAN};
    return 3;
}

typedef struct metrics_row {
    double score;
    bool second;
} metrics_row;

static int metrics_compare(const void *a, const void *b) {
    const metrics_row *x = a, *y = b;
    return (x->score > y->score) - (x->score < y->score);
}

/* NaN where a class has no rows. Scores that are not finite are not put in order: NaN. */
static us_status metrics_auc(us_context *context, const double *p, const uint32_t *labels, size_t rows, double *auc) {
    metrics_row *order = us__alloc(context, rows, sizeof *order);
    if (!order) return US_ERR_NOMEM;
    double seconds = 0, wins = 0, below = 0;
    bool finite = true;
    for (size_t i = 0; i < rows; i++) {
        order[i] = (metrics_row){p[2 * i + 1], labels[i] == 1};
        seconds += order[i].second;
        finite = finite && isfinite(order[i].score);
    }
    if (finite) qsort(order, rows, sizeof *order, metrics_compare);
    for (size_t from = 0, to; from < rows; from = to) { /* rows of one score */
        double first = 0, second = 0;
        for (to = from; to < rows && order[to].score == order[from].score; to++) *(order[to].second ? &second : &first) += 1;
        if (to == from) break;
        wins += second * (below + first / 2);
        below += first;
    }
    *auc = finite ? wins / (seconds * ((double)rows - seconds)) : (double)NAN;
    us__release(context, order);
    return US_OK;
}

/* outputs [rows×classes] */
static us_status metrics_of_classes(us_context *context, const us_dataset *dataset, const double *outputs, us_metric *out,
                                    size_t *count) {
    size_t rows = us_dataset_rows(dataset), classes = us_dataset_outputs(dataset), right = 0;
    const uint32_t *labels = us_dataset_labels_const(dataset);
    size_t *hits = us__new(context, classes, 2 * sizeof *hits);
    if (!hits) return US_ERR_NOMEM;
    size_t *seen = hits + classes; /* predicted + there */
    for (size_t i = 0; i < rows; i++) {
        size_t class = us__run_class(outputs + i * classes, classes);
        hits[class] += class == labels[i];
        seen[class]++;
        seen[labels[i]]++;
    }
    double f1 = 0, there = 0;
    for (size_t k = classes == 2; k < classes; k++) {
        f1 += seen[k] ? 2 * (double)hits[k] / (double)seen[k] : 0;
        there += seen[k] > 0;
    }
    for (size_t k = 0; k < classes; k++) right += hits[k];
    us__release(context, hits);
    out[0] = (us_metric){"accuracy", (double)right / (double)rows};
    out[1] = (us_metric){"f1", there > 0 ? f1 / there : (double)NAN};
    out[2] = (us_metric){"auc", (double)NAN};
    *count = classes == 2 ? 3 : 2;
    return classes == 2 ? metrics_auc(context, outputs, labels, rows, &out[2].value) : US_OK;
}

us_status us_run_metrics(us_run *run, bool test, us_metric metrics[US_METRICS_MAX], size_t *count) {
    const us_dataset *dataset = test ? us_data_test(run->data) : us_data_train(run->data);
    *count = 0;
    if (!dataset) return US_OK;
    if (us_dataset_has_windows(dataset)) return us__run_text_metrics(run, test, metrics, count);
    size_t width = us_model_outputs(run->model);
    double mean, scale, *outputs = us__alloc(run->context, us_dataset_rows(dataset), width * sizeof *outputs);
    if (!outputs) return US_ERR_NOMEM;
    us_data_target_scale(run->data, &mean, &scale);
    us_status status = us_model_predict(run->model, run->bare, us__run_answer(run), dataset, outputs);
    if (status == US_OK && us_dataset_task(dataset) == US_CLASSIFICATION)
        status = metrics_of_classes(run->context, dataset, outputs, metrics, count);
    else if (status == US_OK)
        *count = metrics_of_numbers(dataset, outputs, scale, metrics);
    us__release(run->context, outputs);
    return status;
}

us_status us_run_metric(us_run *run, bool test, const char **name, double *value) {
    us_metric metrics[US_METRICS_MAX];
    size_t count;
    us_status status = us_run_metrics(run, test, metrics, &count);
    *name = us_dataset_task(us_data_train(run->data)) == US_CLASSIFICATION ? "accuracy" : "rmse";
    *value = status == US_OK && count > 0 ? metrics[0].value : (double)NAN;
    return status;
}
