#include "model/model.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unstuck/linear.h>

void us_model_options_init(us_model_options *options) { *options = (us_model_options)US_MODEL_OPTIONS_INIT; }

/* ------------------------------------------------------------------ text */

static bool model_begins(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

static us_status model_parse_text(us_model *model, const char *text, const char *const *feature_names) {
    while (*text == ' ') text++;
    if (strcmp(text, "linear") == 0) return us__layers_finish(model, text);
    if (model_begins(text, "mlp:")) return us__layers_parse_mlp(model, text);
    if (model_begins(text, "formula:")) return us__model_formula_parse(model, text + strlen("formula:"), feature_names);
    return us__layers_parse_list(model, text);
}

static us_status model_take_shape(us_model *model, const us_model_options *o) {
    model->input = (us__shape){1, {o->inputs}};
    if (o->input_rank == 0) return US_OK;
    model->input.rank = o->input_rank <= 3 ? o->input_rank : 0;
    for (size_t i = 0; i < model->input.rank; i++) model->input.axis[i] = o->input_shape[i];
    if (model->input.rank > 0 && us__shape_elements(&model->input) == o->inputs) return US_OK;
    return us__fail(model->context, US_ERR_ARGUMENT, "model options: input_shape has 1 to 3 axes, of %zu numbers in all",
                    o->inputs);
}

us_status us_model_create(us_model **out, us_context *context, const us_model_options *options) {
    *out = NULL;
    const us_model_options *o = options;
    if (o->version != 1 || !o->text || (o->task != US_REGRESSION && o->task != US_CLASSIFICATION))
        return us__fail(context, US_ERR_ARGUMENT,
                        "model options: version is 1, text is given, task is regression or classification");
    if (o->outputs == 0 || (o->task == US_CLASSIFICATION && o->outputs < 2))
        return us__fail(context, US_ERR_ARGUMENT, "model options: %zu outputs; there must be at least %d", o->outputs,
                        o->task == US_CLASSIFICATION ? 2 : 1);
    us_model *model = us__new(context, 1, sizeof *model);
    if (!model) return US_ERR_NOMEM;
    model->context = context;
    model->inputs = o->inputs;
    model->outputs = o->outputs;
    model->task = o->task;
    model->positions = o->positions;
    us_status status = us__loss_parse(context, o, &model->loss);
    if (status == US_OK) status = model_take_shape(model, o);
    if (status == US_OK) model->heads = model->loss.kind->binary ? 1 : o->outputs;
    if (status == US_OK) status = model_parse_text(model, o->text, o->feature_names);
    if (status == US_OK && model->inputs == 0 && !model->formula)
        status = us__fail(context, US_ERR_INPUT, "model: the data has no feature, only the target");
    if (status != US_OK)
        us_model_destroy(model);
    else
        *out = model;
    return status;
}

void us_model_destroy(us_model *model) {
    if (!model) return;
    us__release(model->context, model->layers);
    us__release(model->context, model->loss.weights);
    us__release(model->context, model->columns);
    us__formula_destroy(model->formula);
    us__release(model->context, model);
}

bool us_model_is_formula(const us_model *model) { return model->formula != NULL; }
size_t us_model_outputs(const us_model *model) { return model->outputs; }
size_t us_model_positions(const us_model *model) { return model->positions ? model->positions : 1; }
const char *us_model_loss_name(const us_model *model) { return model->loss.kind->name; }
const char *us_model_loss_unit(const us_model *model) { return model->loss.kind->unit; }

/* ------------------------------------------------------------------ problem */

bool us__model_is_fused(const us_model *model) {
    const us__loss *loss = &model->loss;
    bool plain = loss->kind->squares == 0.5 || (loss->kind->probabilities && !loss->kind->binary && !loss->weights);
    return !model->formula && model->layer_count == 1 && plain && loss->smoothing == 0;
}

static us_status model_check_dataset(const us_model *model, const us_dataset *dataset) {
    size_t positions = us_dataset_has_windows(dataset) ? us_dataset_positions(dataset) : 0;
    if (positions != model->positions)
        return us__fail(model->context, US_ERR_SHAPE, "the model is for %zu labels a row, the dataset has %zu",
                        us_model_positions(model), us_dataset_positions(dataset));
    if (us_dataset_columns(dataset) == model->inputs && us_dataset_outputs(dataset) == model->outputs &&
        us_dataset_task(dataset) == model->task)
        return US_OK;
    return us__fail(model->context, US_ERR_SHAPE,
                    "the model is for %zu features and %zu outputs, the dataset has %zu and %zu", model->inputs,
                    model->outputs, us_dataset_columns(dataset), us_dataset_outputs(dataset));
}

static us_status model_build(const us_model *model, us_graph *graph) {
    us_node output = US_NODE_NONE, target;
    us_status status = US_OK;
    if (model->formula)
        status = us__model_formula_build(model, graph, &output);
    else
        output = us__layers_build(model, graph);
    if (status != US_OK) return status;
    if (model->task == US_CLASSIFICATION)
        target = model->positions ? us_graph_labels_each(graph, model->positions, model->outputs)
                                  : us_graph_labels(graph, model->outputs);
    else
        target = us_graph_targets(graph, model->outputs);
    if (model->formula) target = us_graph_column(graph, target, 0);
    char part[64];
    snprintf(part, sizeof part, "the loss (%s)", model->loss.kind->name);
    us_graph_part(graph, part);
    us_node loss = model->loss.kind->build(graph, &model->loss, output, target);
    if (model->positions) loss = us_graph_mean(graph, loss, 1);
    us_graph_part(graph, NULL);
    status = us_graph_set_loss(graph, loss);
    if (model->positions && !model->loss.weights && model->loss.smoothing == 0) us_graph_set_mean_entropy(graph);
    if (model->loss.kind->squares > 0) us_graph_set_squares(graph, model->loss.kind->squares);
    return status == US_OK ? us_graph_set_output(graph, output) : status;
}

/* Features that are numbers of things are whole and have a row in the table. */
static us_status model_check_numbers(const us_model *model, const us_dataset *dataset) {
    const us__layer *embed = model->layers;
    size_t left = model->layer_count;
    while (left > 0 && !embed->kind->vocabulary) embed++, left--;
    if (left == 0) return US_OK;
    size_t things = us__layer_size(embed, 1, 0), columns = us_dataset_columns(dataset);
    const void *features = us_dataset_features_const(dataset);
    bool f64 = us_dataset_precision(dataset) == US_F64;
    /* Rows that overlap, as windows do, are one run of numbers. */
    size_t rows = us_dataset_rows(dataset), stride = us_dataset_stride(dataset), each = stride < columns ? stride : columns;
    for (size_t i = 0; i < (rows ? (rows - 1) * each + columns : 0); i++) {
        size_t row = i / each < rows ? i / each : rows - 1, at = row * stride + (i - row * each);
        double x = f64 ? ((const double *)features)[at] : (double)((const float *)features)[at];
        if (x >= 0 && x < (double)things && x == floor(x)) continue;
        return us__fail(model->context, US_ERR_INPUT,
                        "row %zu of the data has %.9g as feature %zu; %s of %zu reads whole numbers from 0 to %zu", row + 1,
                        x, i - row * each + 1, embed->kind->name, things, things - 1);
    }
    return US_OK;
}

us_status us_model_problem(us_problem **out, const us_model *model, const us_dataset *dataset) {
    *out = NULL;
    us_status status = model_check_dataset(model, dataset);
    if (status == US_OK) status = model_check_numbers(model, dataset);
    if (status != US_OK) return status;
    if (us__model_is_fused(model))
        return us_problem_create_linear(out, dataset,
                                        model->task == US_CLASSIFICATION ? US_LINEAR_SOFTMAX : US_LINEAR_HALF_MSE);
    us_graph *graph = NULL;
    status = us_graph_create(&graph, model->context);
    if (status == US_OK) status = model_build(model, graph);
    if (status == US_OK) return us_problem_create_graph(out, graph, dataset, us_dataset_precision(dataset));
    us_graph_destroy(graph);
    return status;
}
