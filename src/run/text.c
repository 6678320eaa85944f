/* What a run of a text tells by the row: as many predictions as characters, so that rows are taken a few at a time. */
#include "problem/problem.h"
#include "run/run.h"
#include <math.h>

size_t us__run_text_chunk(const us_run *run) {
    size_t row = us_model_positions(run->model) * us_model_outputs(run->model), rows = (1 << 20) / row;
    return rows ? rows : 1;
}

size_t us__run_text_sample(const us_dataset *dataset) {
    size_t rows = us_dataset_rows(dataset), most = US__RUN_TEXT_SEEN / us_dataset_positions(dataset);
    return !us_dataset_has_windows(dataset) || rows <= most ? rows : most ? most : 1;
}

/* A sample's rows lie apart, and are taken one by one. Bits are −log₂ p of the character that was there, in the mean;
 * perplexity is 2^bits. */
us_status us__run_text_metrics(us_run *run, bool test, us_metric metrics[US_METRICS_MAX], size_t *count) {
    const us_dataset *dataset = test ? us_data_test(run->data) : us_data_train(run->data);
    size_t all = us_dataset_rows(dataset), rows = test ? all : us_problem_samples(run->seen);
    size_t positions = us_dataset_positions(dataset), chunk = rows < all ? 1 : us__run_text_chunk(run);
    size_t classes = us_model_outputs(run->model), right = 0;
    const uint32_t *labels = us_dataset_labels_const(dataset);
    double *outputs = us__alloc(run->context, chunk, positions * classes * sizeof *outputs), nats = 0;
    us_status status = outputs ? US_OK : US_ERR_NOMEM;
    for (size_t first = 0; first < rows && status == US_OK; first += chunk) {
        size_t some = rows - first < chunk ? rows - first : chunk;
        size_t from = rows < all ? us__sample_row(first, rows, all) : first;
        status = us_model_predict_rows(run->model, run->bare, us__run_answer(run), dataset, from, some, outputs);
        for (size_t i = 0; i < some * positions && status == US_OK; i++) {
            const double *p = outputs + i * classes;
            uint32_t label = labels[(from + i / positions) * us_dataset_label_stride(dataset) + i % positions];
            right += us__run_class(p, classes) == label;
            nats -= log(p[label]);
        }
    }
    us__release(run->context, outputs);
    double told = (double)rows * (double)positions;
    metrics[0] = (us_metric){"accuracy", (double)right / told};
    metrics[1] = (us_metric){"bits", nats / told / log(2)};
    metrics[2] = (us_metric){"perplexity", exp(nats / told)};
    *count = status == US_OK ? 3 : 0;
    return status;
}

us_status us__run_text_blank(us_run *run, us_dataset **row) {
    size_t window = us_data_feature_count(run->data), classes = 0;
    if (!us_data_is_text(run->data))
        return us__fail(run->context, US_ERR_ARGUMENT, "%s: the run is not of a text: it predicts a file", run->folder);
    while (us_data_class_name(run->data, classes)) classes++;
    return us_dataset_create_windows(row, run->context, run->config.precision, window, window, window, classes);
}
