#include "run/run.h"
#include <math.h>

const us_vec *us__run_answer(us_run *run) {
    us_training_weights(run->training, run->weights);
    return run->weights;
}

us_status us_run_loss(us_run *run, bool test, double *loss) {
    us_problem *problem = test ? run->test_problem : run->problem;
    *loss = (double)NAN;
    return problem ? us_problem_value(problem, us__run_answer(run), US_BATCH_ALL, loss) : US_OK;
}

us_status us__run_evaluate(us_run *run, double *train) {
    double test, began = us_clock_now();
    us_status status = us_run_loss(run, false, train);
    if (status == US_OK) status = us_run_loss(run, true, &test);
    run->evaluation_seconds = us_clock_now() - began;
    if (status == US_OK) status = us__store_loss(run->store, us_training_steps(run->training), *train, test);
    return status;
}

/* Share of rows whose largest probability is at their label. outputs [rows×classes] */
static double evaluate_accuracy(const us_dataset *dataset, const double *outputs, size_t classes) {
    const uint32_t *labels = us_dataset_labels_const(dataset);
    size_t rows = us_dataset_rows(dataset), right = 0;
    for (size_t i = 0; i < rows; i++) right += us__run_class(outputs + i * classes, classes) == labels[i];
    return (double)right / (double)rows;
}

/* √ of the mean over rows of (ŷ − y)², the outputs added up, in the file's unit. outputs [rows×k] */
static double evaluate_rmse(const us_dataset *dataset, const double *outputs, double scale) {
    size_t count = us_dataset_rows(dataset) * us_dataset_outputs(dataset);
    bool f64 = us_dataset_precision(dataset) == US_F64;
    const void *targets = us_dataset_targets_const(dataset);
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        double y = f64 ? ((const double *)targets)[i] : (double)((const float *)targets)[i];
        sum += (outputs[i] - y) * (outputs[i] - y);
    }
    return sqrt(sum / (double)us_dataset_rows(dataset)) * scale;
}

size_t us__run_class(const double *probabilities, size_t classes) {
    size_t best = 0;
    for (size_t k = 1; k < classes; k++)
        if (probabilities[k] > probabilities[best]) best = k;
    return best;
}

us_status us_run_metric(us_run *run, bool test, const char **name, double *value) {
    const us_dataset *dataset = test ? us_data_test(run->data) : us_data_train(run->data);
    bool classes = us_dataset_task(us_data_train(run->data)) == US_CLASSIFICATION;
    *name = classes ? "accuracy" : "rmse";
    *value = (double)NAN;
    if (!dataset) return US_OK;
    size_t width = us_model_outputs(run->model);
    double mean, scale, *outputs = us__alloc(run->context, us_dataset_rows(dataset), width * sizeof *outputs);
    if (!outputs) return US_ERR_NOMEM;
    us_data_target_scale(run->data, &mean, &scale);
    us_status status = us_model_predict(run->model, run->bare, us__run_answer(run), dataset, outputs);
    if (status == US_OK)
        *value = classes ? evaluate_accuracy(dataset, outputs, width) : evaluate_rmse(dataset, outputs, scale);
    us__release(run->context, outputs);
    return status;
}
