/* Another scale of features and target, taken up by the weights: with x = s·x' + m and y = t·y' + c,
 *
 *   W·x + b = (W·diag s)·x' + (b + W·m)          the first layer
 *   (W·z + b − c)/t = (W/t)·z + (b − c)/t        the last
 *
 * so that the model is the same function of the data's own unit. */
#include "model/model.h"
#include <stdio.h>
#include <string.h>

static const us__layer *absorb_first(const us_model *model) {
    for (size_t i = 0; i < model->layer_count; i++) {
        const us__layer *l = &model->layers[i];
        if (l->kind == &us__layer_input || l->kind == &us__layer_flatten) continue;
        return l->kind == &us__layer_dense && l->biased ? l : NULL;
    }
    return NULL;
}

static const us__layer *absorb_last(const us_model *model) {
    if (model->layer_count == 0) return NULL;
    const us__layer *l = &model->layers[model->layer_count - 1];
    for (size_t i = 0; i + 1 < model->layer_count; i++)
        if (i + model->layers[i].inside + 1 >= model->layer_count) return NULL; /* something is added to it */
    bool plain = !l->activation || !l->activation->function;
    return l->kind == &us__layer_dense && l->biased && plain ? l : NULL;
}

static const us_group *absorb_group(const us_group *groups, size_t count, const us__layer *layer, const char *what) {
    char name[64];
    snprintf(name, sizeof name, "layer%zu.%s", layer->number, what);
    for (size_t g = 0; g < count; g++)
        if (strcmp(groups[g].name, name) == 0) return &groups[g];
    return NULL;
}

us_status us__model_absorb(const us_model *model, const us_group *groups, size_t count, const double *mean,
                           const double *scale, double target_mean, double target_scale, double *theta) {
    const us__layer *first = absorb_first(model), *last = absorb_last(model);
    bool target = target_mean != 0 || target_scale != 1;
    if (!first)
        return us__fail(model->context, US_ERR_UNSUPPORTED,
                        "the model does not begin with a dense layer that could take up another scale of the features");
    if (target && !last)
        return us__fail(model->context, US_ERR_UNSUPPORTED,
                        "the model does not end with a plain dense layer that could take up another scale of the target");
    const us_group *weight = absorb_group(groups, count, first, "weight"),
                   *bias = absorb_group(groups, count, first, "bias");
    if (!bias || (model->inputs > 0 && (!weight || weight->count != bias->count * model->inputs)))
        return us__fail(model->context, US_ERR_UNSUPPORTED, "the model's first layer has no weights of its own");
    for (size_t unit = 0; unit < bias->count; unit++)
        for (size_t k = 0; k < model->inputs; k++) {
            double *w = &theta[weight->offset + unit * model->inputs + k];
            theta[bias->offset + unit] += *w * mean[k];
            *w *= scale[k];
        }
    if (!target) return US_OK;
    weight = absorb_group(groups, count, last, "weight"), bias = absorb_group(groups, count, last, "bias");
    for (size_t i = 0; weight && i < weight->count; i++) theta[weight->offset + i] /= target_scale;
    for (size_t i = 0; bias && i < bias->count; i++) {
        double *b = &theta[bias->offset + i];
        *b = *b / target_scale - target_mean / target_scale;
    }
    return US_OK;
}

bool us__model_target_unit(const us_model *model, double scale, double unit[2]) {
    const us__loss_kind *loss = model->loss.kind;
    bool linear = strcmp(loss->name, "mae") == 0;
    if (loss->task != US_REGRESSION || (!linear && !(loss->squares > 0))) return false;
    unit[0] = scale;
    unit[1] = linear ? 1 : scale;
    return true;
}
