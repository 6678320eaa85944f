/* A model's text, understood: a list of dense layers, or a formula. */
#ifndef US_MODEL_MODEL_H
#define US_MODEL_MODEL_H

#include "model/formula.h"
#include "model/layer.h"
#include "model/loss.h"
#include <unstuck/model.h>

struct us_model {
    us_context *context;
    us__loss loss;
    size_t inputs, outputs;
    size_t heads; /* units of the last layer: outputs, or 1 where one tells two classes apart */
    us_task task;
    size_t positions;  /* labels a row of a text; 0: it is no text, and a row has one target or label */
    us__shape input;   /* of one sample's features */
    us__layer *layers; /* [layer_count], the last of them the output; none for a formula */
    size_t layer_count, layer_capacity;
    size_t numbers;       /* layers with weights */
    us__formula *formula; /* NULL unless it is one */
    size_t *columns;      /* [formula->name_count] which feature, or SIZE_MAX: a parameter */
};

/* "mlp:128,64:relu" and "dense 64 relu, dense 10" into model->layers. Errors: US_ERR_INPUT with a caret, US_ERR_NOMEM. */
us_status us__layers_parse_mlp(us_model *model, const char *text);
us_status us__layers_parse_list(us_model *model, const char *text);
/* One more layer, with its arguments' defaults; NULL: out of memory. Valid until the next. */
us__layer *us__layers_add(us_model *model, const us__layer_kind *kind, size_t position);
us_status us__layers_add_dense(us_model *model, size_t units, const us__activation *activation);
/* When all layers are there: adds the output where it is missing, checks shapes, and numbers those that have weights. */
us_status us__layers_finish(us_model *model, const char *text);

/* The output of the layers [samples×outputs]. */
us_node us__layers_build(const us_model *model, us_graph *graph);
/* The formula's value [samples×1]. */
us_status us__model_formula_parse(us_model *model, const char *text, const char *const *feature_names);
us_status us__model_formula_build(const us_model *model, us_graph *graph, us_node *out);

/* One layer without activation, and a loss that the fused leaf has. */
bool us__model_is_fused(const us_model *model);

/* absorb.c: changes theta [n] such that the model is the same function of data in their own unit when its features become
 * (x − mean)/scale [inputs] and its target (y − target_mean)/target_scale. Errors: US_ERR_UNSUPPORTED (a first or last layer
 * that cannot take it up); theta is then as it was. */
us_status us__model_absorb(const us_model *model, const us_group *groups, size_t count, const double *mean,
                           const double *scale, double target_mean, double target_scale, double *theta);
/* ------------------------------------------------------------------ widen.c: hidden layers of more units, at the same
 * function */

/* A hidden layer of dense units, whose outputs one dense layer alone reads. */
typedef struct us__hidden {
    size_t number, reader; /* layerN of its weights, and of the weights that read it */
    size_t size_at;        /* where its number of units stands in the model's text */
    size_t units, fan_in;
    bool biased;
    size_t wider;   /* units that it is to have, at least `units` */
    size_t *parent; /* [wider] which unit each of them is, or is a copy of; the first `units` are themselves */
} us__hidden;

/* Those that can be split, none of them wider yet. Errors: US_ERR_UNSUPPORTED (there is none), US_ERR_NOMEM.
 * @param hidden [caller releases with us__hidden_release] */
us_status us__hidden_list(const us_model *model, us__hidden **hidden, size_t *count);
void us__hidden_release(us_context *context, us__hidden *hidden, size_t count);
/* One more unit, a copy of unit `parent`. */
us_status us__hidden_split(us_context *context, us__hidden *hidden, size_t parent);
/* How many units are copies of this one, itself among them. */
size_t us__hidden_copies(const us__hidden *hidden, size_t unit);
/* The model's text with the units that they have now. @param out [caller releases with us__release] */
us_status us__hidden_text(us_context *context, const char *text, const us__hidden *hidden, size_t count, char **out);
/* θ of the model as it is to θ of the wider one, the same function to rounding: copies have the weights of their parent, and
 * what reads a unit that has c copies reads each with a c-th of the weight.
 * @param groups, wider [groups_count]  of the two problems, which differ by their shapes alone */
void us__hidden_theta(const us__hidden *hidden, size_t count, const us_group *groups, const us_group *wider,
                      size_t groups_count, const double *from, double *to);

/* The loss of a target divided by `scale` is in units of unit[0]·unit[1] of the loss before. Two factors, for their product
 * may overflow. False for losses that such a division changes otherwise (huber), and where there is no target of numbers. */
bool us__model_target_unit(const us_model *model, double scale, double unit[2]);

#endif
