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

us_status us_model_predict(const us_model *model, us_problem *problem, const us_vec *theta, const us_dataset *dataset,
                           double *outputs) {
    if (us_dataset_columns(dataset) != model->inputs)
        return us__fail(model->context, US_ERR_SHAPE, "the model is for %zu features, the dataset has %zu", model->inputs,
                        us_dataset_columns(dataset));
    if (us_dataset_precision(dataset) != us_problem_precision(problem))
        return us__fail(model->context, US_ERR_ARGUMENT, "the dataset is in f%d, the problem in f%d",
                        (int)us_dataset_precision(dataset), (int)us_problem_precision(problem));
    size_t rows = us_dataset_rows(dataset);
    const void *features = us_dataset_features_const(dataset);
    us_status status = us__model_is_fused(model) ? us_problem_linear_predict(problem, theta, features, rows, outputs)
                                                 : us_problem_graph_predict(problem, theta, features, rows, outputs);
    if (status == US_OK && model->loss.kind->binary)
        predict_sigmoid(outputs, rows);
    else if (status == US_OK && model->task == US_CLASSIFICATION)
        for (size_t i = 0; i < rows; i++) predict_softmax(outputs + i * model->outputs, model->outputs);
    return status;
}
