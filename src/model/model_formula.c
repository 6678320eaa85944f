/* A formula as a model: names that are columns of the data are features, all others are parameters. */
#include "model/model.h"
#include <string.h>

/* A column that a formula can't speak of because formulas keep its name for themselves, if the formula has the name. */
static us_status formula_check_features(us_model *model, const char *text, const char *const *feature_names) {
    for (us__token token = us__token_next(text, 0); token.kind != US__TOKEN_END;
         token = us__token_next(text, token.position + token.length)) {
        double number;
        if (token.kind != US__TOKEN_NAME || !us__constant_find(text + token.position, token.length, &number)) continue;
        for (size_t k = 0; k < model->inputs; k++)
            if (strlen(feature_names[k]) == token.length &&
                memcmp(feature_names[k], text + token.position, token.length) == 0)
                return us__caret_fail(model->context, "formula", text, token.position,
                                      "'%s' is a constant and also a column of the data; rename the column",
                                      feature_names[k]);
    }
    return US_OK;
}

us_status us__model_formula_parse(us_model *model, const char *text, const char *const *feature_names) {
    us_context *context = model->context;
    while (*text == ' ') text++;
    if (model->inputs > 0 && !feature_names)
        return us__fail(context, US_ERR_ARGUMENT, "model options: a formula needs the features' names");
    if (model->task == US_CLASSIFICATION)
        return us__fail(context, US_ERR_INPUT,
                        "model: a formula predicts a number, and this target is a class; use linear or mlp:64");
    if (model->outputs != 1)
        return us__fail(context, US_ERR_INPUT, "model: a formula predicts one number, and the data has %zu targets",
                        model->outputs);
    us_status status = us__formula_create(&model->formula, context, text);
    if (status == US_OK) status = formula_check_features(model, text, feature_names);
    if (status != US_OK) return status;
    const us__formula *formula = model->formula;
    model->columns = us__alloc(context, formula->name_count, sizeof *model->columns);
    if (!model->columns) return US_ERR_NOMEM;
    size_t parameters = 0;
    for (size_t i = 0; i < formula->name_count; i++) {
        size_t k = 0;
        while (k < model->inputs && !us__formula_name_is(formula, i, feature_names[k])) k++;
        model->columns[i] = k < model->inputs ? k : SIZE_MAX;
        parameters += k == model->inputs;
    }
    if (parameters > 0) return US_OK;
    return us__caret_fail(context, "formula", text, 0,
                          "every name in it is a column of the data, so there is no parameter to fit");
}

us_status us__model_formula_build(const us_model *model, us_graph *graph, us_node *out) {
    const us__formula *formula = model->formula;
    us_node *nodes = us__alloc(model->context, formula->name_count, sizeof *nodes);
    if (!nodes) return US_ERR_NOMEM;
    us_status status = US_OK;
    us_node features = us_graph_features(graph, model->inputs);
    for (size_t i = 0; i < formula->name_count && status == US_OK; i++) {
        if (model->columns[i] != SIZE_MAX) {
            nodes[i] = us_graph_column(graph, features, model->columns[i]);
            continue;
        }
        char *name = us__formula_name_copy(formula, i);
        if (!name)
            status = US_ERR_NOMEM;
        else
            nodes[i] = us_graph_parameter(graph, name, 0, NULL);
        us__release(model->context, name);
    }
    if (status == US_OK) status = us__formula_build(formula, graph, nodes, out);
    us__release(model->context, nodes);
    return status;
}
