/* What a run of a text tells by the row: as many predictions as characters, so that rows are taken a few at a time. */
#include "run/run.h"
#include <math.h>

size_t us__run_text_chunk(const us_run *run) {
    size_t row = us_model_positions(run->model) * us_model_outputs(run->model), rows = (1 << 20) / row;
    return rows ? rows : 1;
}

/* Bits are −log₂ p of the character that was there, in the mean; perplexity is 2^bits. */
us_status us__run_text_metrics(us_run *run, const us_dataset *dataset, us_metric metrics[US_METRICS_MAX], size_t *count) {
    size_t rows = us_dataset_rows(dataset), positions = us_dataset_positions(dataset), chunk = us__run_text_chunk(run);
    size_t classes = us_model_outputs(run->model), right = 0;
    const uint32_t *labels = us_dataset_labels_const(dataset);
    double *outputs = us__alloc(run->context, chunk, positions * classes * sizeof *outputs), nats = 0;
    us_status status = outputs ? US_OK : US_ERR_NOMEM;
    for (size_t first = 0; first < rows && status == US_OK; first += chunk) {
        size_t some = rows - first < chunk ? rows - first : chunk;
        status = us_model_predict_rows(run->model, run->bare, us__run_answer(run), dataset, first, some, outputs);
        for (size_t i = 0; i < some * positions && status == US_OK; i++) {
            const double *p = outputs + i * classes;
            uint32_t label = labels[(first + i / positions) * us_dataset_label_stride(dataset) + i % positions];
            right += us__run_class(p, classes) == label;
            nats -= log(p[label]);
        }
    }
    us__release(run->context, outputs);
    double all = (double)rows * (double)positions;
    metrics[0] = (us_metric){"accuracy", (double)right / all};
    metrics[1] = (us_metric){"bits", nats / all / log(2)};
    metrics[2] = (us_metric){"perplexity", exp(nats / all)};
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
