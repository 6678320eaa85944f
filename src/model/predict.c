#include "model/model.h"
#include <math.h>
#include <unstuck/linear.h>

/* z [k] to exp(zⱼ)/Σ exp(zᵢ), from the largest, so that nothing overflows. */
static void predict_softmax(double *z, size_t k) {
    double largest = z[0], sum = 0;
    for (size_t j = 1; j < k; j++)
        if (z[j] > largest) largest = z[j];
    for (size_t j = 0; j < k; j++) sum += z[j] = exp(z[j] - largest);
    for (size_t j = 0; j < k; j++) z[j] /= sum;
}

/* z [rows×1] to the probabilities of two classes [rows×2], in place. */
static void predict_sigmoid(double *z, size_t rows) {
    for (size_t i = rows; i-- > 0;) {
        double second = 1 / (1 + exp(-z[i])), first = 1 / (1 + exp(z[i]));
        z[2 * i] = first, z[2 * i + 1] = second;
    }
}

us_status us_model_predict_rows(const us_model *model, us_problem *problem, const us_vec *theta, const us_dataset *dataset,
                                size_t first, size_t count, double *outputs) {
    size_t columns = us_dataset_columns(dataset), rows = us_dataset_rows(dataset);
    us_precision precision = us_dataset_precision(dataset);
    if (columns != model->inputs)
        return us__fail(model->context, US_ERR_SHAPE, "the model is for %zu features, the dataset has %zu", model->inputs,
                        columns);
    if (precision != us_problem_precision(problem))
        return us__fail(model->context, US_ERR_ARGUMENT, "the dataset is in f%d, the problem in f%d", (int)precision,
                        (int)us_problem_precision(problem));
    if (first > rows || count > rows - first)
        return us__fail(model->context, US_ERR_ARGUMENT, "rows %zu to %zu are asked for; there are %zu", first,
                        first + count, rows);
    const char *features = us_dataset_features_const(dataset);
    us_status status = us__model_is_fused(model)
                           ? us_problem_linear_predict(
                                 problem, theta, features + first * columns * us_precision_bytes(precision), count, outputs)
                           : us_problem_graph_predict_rows(problem, theta, dataset, first, count, outputs);
    size_t predictions = count * us_model_positions(model);
    if (status == US_OK && model->loss.kind->binary)
        predict_sigmoid(outputs, count);
    else if (status == US_OK && model->task == US_CLASSIFICATION)
        for (size_t i = 0; i < predictions; i++) predict_softmax(outputs + i * model->outputs, model->outputs);
    return status;
}

us_status us_model_predict(const us_model *model, us_problem *problem, const us_vec *theta, const us_dataset *dataset,
                           double *outputs) {
    return us_model_predict_rows(model, problem, theta, dataset, 0, us_dataset_rows(dataset), outputs);
}
