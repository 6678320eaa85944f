/* A model's text, understood: a list of dense layers, or a formula. */
#ifndef US_MODEL_MODEL_H
#define US_MODEL_MODEL_H

#include "model/formula.h"
#include <unstuck/model.h>

typedef enum us__model_loss { US__LOSS_HALF_MSE, US__LOSS_MSE, US__LOSS_CROSS_ENTROPY } us__model_loss;

/* What follows a layer's sum: its node, and the initial weights that suit the layer before it. */
typedef struct us__activation {
    const char *name;
    us_node (*apply)(us_graph *graph, us_node sum);
    const char *init;
    bool bounded;    /* it saturates */
    double steepest; /* its largest slope */
} us__activation;

/* By name, or NULL. */
const us__activation *us__activation_find(const char *name, size_t length);

typedef struct us__layer {
    size_t units;
    const us__activation *activation;
} us__layer;

struct us_model {
    us_context *context;
    us__model_loss loss;
    size_t inputs, outputs;
    us_task task;
    us__layer *layers; /* [layer_count], the last of them the output; none for a formula */
    size_t layer_count;
    us__formula *formula; /* NULL unless it is one */
    size_t *columns;      /* [formula->name_count] which feature, or SIZE_MAX: a parameter */
};

/* "mlp:128,64:relu" and "dense 64 relu, dense 10" into model->layers. Errors: US_ERR_INPUT with a caret, US_ERR_NOMEM. */
us_status us__layers_parse_mlp(us_model *model, const char *text);
us_status us__layers_parse_list(us_model *model, const char *text);
/* Layers of these sizes; room for `count`. */
us_status us__layers_add(us_model *model, size_t units, const us__activation *activation);

/* The output of the layers [samples×outputs]. */
us_node us__layers_build(const us_model *model, us_graph *graph);
/* The formula's value [samples×1]. */
us_status us__model_formula_parse(us_model *model, const char *text, const char *const *feature_names);
us_status us__model_formula_build(const us_model *model, us_graph *graph, us_node *out);

/* One layer without activation, and a loss that the fused leaf has. */
bool us__model_is_fused(const us_model *model);

#endif
