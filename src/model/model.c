#include "model/model.h"
#include <string.h>
#include <unstuck/linear.h>

void us_model_options_init(us_model_options *options) { *options = (us_model_options)US_MODEL_OPTIONS_INIT; }

/* ------------------------------------------------------------------ text */

static us_status model_parse_loss(us_model *model, const char *loss) {
    static const struct {
        const char *name;
        us__model_loss loss;
        us_task task;
    } LOSSES[] = {
        {"half-mse", US__LOSS_HALF_MSE, US_REGRESSION},
        {"mse", US__LOSS_MSE, US_REGRESSION},
        {"cross-entropy", US__LOSS_CROSS_ENTROPY, US_CLASSIFICATION},
    };
    enum { COUNT = sizeof LOSSES / sizeof LOSSES[0] };
    const char *names[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        names[i] = LOSSES[i].name;
        if (loss ? strcmp(loss, names[i]) != 0 : LOSSES[i].task != model->task) continue;
        if (LOSSES[i].task != model->task)
            return us__fail(model->context, US_ERR_INPUT, "loss '%s' is for %s, and this target is %s", loss,
                            LOSSES[i].task == US_REGRESSION ? "regression" : "classification",
                            model->task == US_REGRESSION ? "a number" : "a class");
        model->loss = LOSSES[i].loss;
        return US_OK;
    }
    const char *near = us__nearest_name(loss, names, COUNT);
    return us__fail(model->context, US_ERR_INPUT, "unknown loss '%.40s'; %s%s", loss,
                    near ? "did you mean " : "known are half-mse, mse and cross-entropy", near ? near : "");
}

static bool model_begins(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

static us_status model_parse_text(us_model *model, const char *text, const char *const *feature_names) {
    while (*text == ' ') text++;
    if (strcmp(text, "linear") == 0) return us__layers_finish(model, text);
    if (model_begins(text, "mlp:")) return us__layers_parse_mlp(model, text);
    if (model_begins(text, "formula:")) return us__model_formula_parse(model, text + strlen("formula:"), feature_names);
    return us__layers_parse_list(model, text);
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
    model->input = (us__shape){1, {o->inputs}};
    us_status status = model_parse_loss(model, o->loss);
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
    us__release(model->context, model->columns);
    us__formula_destroy(model->formula);
    us__release(model->context, model);
}

bool us_model_is_formula(const us_model *model) { return model->formula != NULL; }
size_t us_model_outputs(const us_model *model) { return model->outputs; }

/* ------------------------------------------------------------------ problem */

bool us__model_is_fused(const us_model *model) {
    return !model->formula && model->layer_count == 1 && model->loss != US__LOSS_MSE;
}

static us_status model_check_dataset(const us_model *model, const us_dataset *dataset) {
    if (us_dataset_columns(dataset) == model->inputs && us_dataset_outputs(dataset) == model->outputs &&
        us_dataset_task(dataset) == model->task)
        return US_OK;
    return us__fail(model->context, US_ERR_SHAPE,
                    "the model is for %zu features and %zu outputs, the dataset has %zu and %zu", model->inputs,
                    model->outputs, us_dataset_columns(dataset), us_dataset_outputs(dataset));
}

/* half-mse: ½ Σⱼ (ŷⱼ − yⱼ)²; mse: twice that; both [samples]. */
static us_node model_squares(const us_model *model, us_graph *graph, us_node prediction) {
    us_node targets = us_graph_targets(graph, model->outputs);
    if (model->formula) targets = us_graph_column(graph, targets, 0);
    us_node error = us_graph_sub(graph, prediction, targets);
    us_node squares = us_graph_mul(graph, error, error);
    if (!model->formula) squares = us_graph_sum(graph, squares, 1);
    return model->loss == US__LOSS_MSE ? squares : us_graph_mul(graph, us_graph_constant(graph, 0.5), squares);
}

static us_status model_build(const us_model *model, us_graph *graph) {
    us_node output = US_NODE_NONE;
    us_status status = US_OK;
    if (model->formula)
        status = us__model_formula_build(model, graph, &output);
    else
        output = us__layers_build(model, graph);
    if (status != US_OK) return status;
    us_node loss = model->loss == US__LOSS_CROSS_ENTROPY
                       ? us_graph_cross_entropy(graph, output, us_graph_labels(graph, model->outputs))
                       : model_squares(model, graph, output);
    status = us_graph_set_loss(graph, loss);
    if (model->loss != US__LOSS_CROSS_ENTROPY) us_graph_set_squares(graph, model->loss == US__LOSS_MSE ? 1 : 0.5);
    return status == US_OK ? us_graph_set_output(graph, output) : status;
}

us_status us_model_problem(us_problem **out, const us_model *model, const us_dataset *dataset) {
    *out = NULL;
    us_status status = model_check_dataset(model, dataset);
    if (status != US_OK) return status;
    if (us__model_is_fused(model))
        return us_problem_create_linear(out, dataset,
                                        model->loss == US__LOSS_CROSS_ENTROPY ? US_LINEAR_SOFTMAX : US_LINEAR_HALF_MSE);
    us_graph *graph = NULL;
    status = us_graph_create(&graph, model->context);
    if (status == US_OK) status = model_build(model, graph);
    if (status == US_OK) return us_problem_create_graph(out, graph, dataset, us_dataset_precision(dataset));
    us_graph_destroy(graph);
    return status;
}
