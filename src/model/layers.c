/* The table of layers, and lists of them. */
#include "model/formula.h"
#include "model/model.h"
#include <stdio.h>
#include <string.h>

static const us__layer_kind *const KINDS[] = {
    &us__layer_input,   &us__layer_dense,      &us__layer_conv,         &us__layer_max_pool, &us__layer_average_pool,
    &us__layer_flatten, &us__layer_batch_norm, &us__layer_layer_norm,   &us__layer_dropout,  &us__layer_residual,
    &us__layer_embed,   &us__layer_attention,  &us__layer_feed_forward, &us__layer_next,
};
enum { KIND_COUNT = sizeof KINDS / sizeof KINDS[0] };

const us__layer_kind *us__layer_kind_at(size_t i) { return i < KIND_COUNT ? KINDS[i] : NULL; }

const us__layer_kind *us__layer_kind_find(const char *name, size_t length) {
    for (size_t i = 0; i < KIND_COUNT; i++)
        for (const char *known = KINDS[i]->name; known; known = known == KINDS[i]->name ? KINDS[i]->alias : NULL)
            if (strlen(known) == length && memcmp(known, name, length) == 0) return KINDS[i];
    return NULL;
}

/* ------------------------------------------------------------------ shapes */

size_t us__shape_elements(const us__shape *shape) {
    size_t n = 1;
    for (size_t i = 0; i < shape->rank; i++) n *= shape->axis[i];
    return n;
}

us__shape_words us__shape_show(const us__shape *shape) {
    us__shape_words words;
    size_t at = (size_t)snprintf(words.text, sizeof words.text, "[");
    for (size_t i = 0; i < shape->rank; i++)
        at += (size_t)snprintf(words.text + at, sizeof words.text - at, "%s%zu", i ? "×" : "", shape->axis[i]);
    snprintf(words.text + at, sizeof words.text - at, "]");
    return words;
}

us_node us__shape_give(us_graph *graph, us_node x, const us__shape *shape) {
    size_t sizes[1 + US__SIZES] = {US_SAMPLES};
    for (size_t i = 0; i < shape->rank; i++) sizes[1 + i] = shape->axis[i];
    return us_graph_reshape(graph, x, 1 + shape->rank, sizes);
}

us_status us__place_image(const us__place *place, const char *layer, const us__shape *in) {
    return us__place_fail(place, "%s reads images [channels×height×width], and gets %s%s", layer, us__shape_show(in).text,
                          in->rank == 1 && *place->numbers == 0
                              ? "; where the features are pixels, begin with input CHANNELSxHEIGHTxWIDTH"
                              : "");
}

/* ------------------------------------------------------------------ an activation as a layer */

static us_node activation_build(us_graph *graph, const us__layer *layer, us_node x) {
    return us__layer_activate(graph, layer->activation, layer->acts_on, x);
}

const us__layer_kind us__layer_activation = {.name = "activation", .is_activation = true, .build = activation_build};

us_node us__layer_activate(us_graph *graph, const us__activation *activation, size_t number, us_node z) {
    us_node y = us__activation_apply(graph, activation, z);
    char name[48];
    snprintf(name, sizeof name, "layer%zu", number);
    if (y != z && number > 0) us_graph_mark_units(graph, name, activation->bounded, activation->steepest, z, y);
    return y;
}

us_node us__layer_parameter(us_graph *graph, const us__layer *layer, const char *what, size_t rank, const size_t *shape) {
    char name[64];
    snprintf(name, sizeof name, "layer%zu.%s", layer->number, what);
    return us_graph_parameter(graph, name, rank, shape);
}

/* ------------------------------------------------------------------ lists */

/* The layer behind layers[i] in the same list, or NULL. */
static us__layer *layers_next(us__layer *layers, size_t count, const us__layer *layer) {
    size_t next = (size_t)(layer - layers) + 1 + layer->inside;
    return next < count ? layers + next : NULL;
}

void us__layer_number(const us__place *place, us__layer *layer) { layer->number = ++*place->numbers; }

/* What the layers behind it make of a layer with weights: the activation decides how they begin. */
static void layers_look_ahead(us__layer *layers, size_t count, us__layer *layer) {
    us__layer *behind = layers_next(layers, count, layer);
    const us__layer_kind *kind = layer->kind;
    layer->init = kind->init ? kind->init : layer->activation ? layer->activation->init : "xavier";
    if (!kind->activates || layer->activation) return;
    layer->biased = !behind || behind->kind != &us__layer_batch_norm; /* the mean that it takes off has the bias in it */
    us__layer *next = behind;
    while (next && next->kind->keeps_units) next = layers_next(layers, count, next);
    if (!next || !next->kind->is_activation) return;
    if (!kind->init) layer->init = next->activation->init;
    next->acts_on = layer->number;
}

us_status us__layers_check(const us__place *place, us__layer *layers, size_t count, us__shape *shape) {
    us_status status = US_OK;
    for (us__layer *layer = count ? layers : NULL; layer && status == US_OK; layer = layers_next(layers, count, layer)) {
        us__place here = *place;
        here.position = layer->position;
        layer->in = layer->out = *shape;
        if (layer->kind->shape) status = layer->kind->shape(&here, layer);
        if (layer->kind->weights) us__layer_number(&here, layer);
        layers_look_ahead(layers, count, layer);
        *shape = layer->out;
    }
    return status;
}

us_node us__layers_apply(us_graph *graph, const us__layer *layers, size_t count, us_node x) {
    for (size_t i = 0; i < count; i += 1 + layers[i].inside) {
        const us__layer *l = &layers[i];
        const char *name = l->kind->is_activation ? l->activation->name : l->kind->name;
        char part[96];
        const char *bent = l->activation && !l->kind->is_activation ? l->activation->name : "";
        if (l->number)
            snprintf(part, sizeof part, "layer%zu (%s%s%s)", l->number, name, *bent ? " " : "", bent);
        else
            snprintf(part, sizeof part, "%s", name);
        us_graph_part(graph, part);
        x = l->kind->build(graph, l, x);
    }
    us_graph_part(graph, NULL);
    return x;
}

/* ------------------------------------------------------------------ the model's own list */

us__layer *us__layers_add(us_model *model, const us__layer_kind *kind, size_t position) {
    if (model->layer_count == model->layer_capacity) {
        size_t capacity = model->layer_capacity ? 2 * model->layer_capacity : 8;
        us__layer *grown = us__grow(model->context, model->layers, model->layer_count, capacity, sizeof *grown);
        if (!grown) return NULL;
        model->layers = grown;
        model->layer_capacity = capacity;
    }
    us__layer *layer = &model->layers[model->layer_count++];
    *layer = (us__layer){.kind = kind, .position = position, .biased = true};
    for (size_t i = 0; kind->arguments[i].kind != US__ARGUMENT_NONE; i++)
        for (size_t k = 0; k < US__SIZES; k++) layer->values[i].at[k] = kind->arguments[i].fallback;
    return layer;
}

us_status us__layers_add_dense(us_model *model, size_t units, const us__activation *activation) {
    us__layer *layer = us__layers_add(model, &us__layer_dense, 0);
    if (!layer) return US_ERR_NOMEM;
    layer->values[0] = (us__value){true, 1, {(double)units}};
    layer->activation = activation;
    return US_OK;
}

/* A dense layer without an activation at the end is the output; else one is added. */
static us_status layers_add_output(us_model *model, const char *text) {
    const us__layer *last = NULL;
    for (size_t i = 0; i < model->layer_count; i += 1 + model->layers[i].inside) last = &model->layers[i];
    if (model->positions > 0 && last && last->kind == &us__layer_next) return US_OK;
    if (model->positions > 0) return us__layers_add(model, &us__layer_next, strlen(text)) ? US_OK : US_ERR_NOMEM;
    bool linear = last && last->kind == &us__layer_dense && (!last->activation || !last->activation->function);
    if (!linear) return us__layers_add_dense(model, model->heads, NULL);
    if (us__layer_size(last, 0, 0) == model->heads) return US_OK;
    if (model->heads != model->outputs)
        return us__caret_fail(model->context, "model", text, last->position,
                              "the last layer has %zu units; %s tells two classes apart by one", us__layer_size(last, 0, 0),
                              model->loss.kind->name);
    return us__caret_fail(model->context, "model", text, last->position,
                          "the last layer has %zu units and the data has %zu %s", us__layer_size(last, 0, 0), model->outputs,
                          model->task == US_CLASSIFICATION ? "classes"
                          : model->outputs == 1            ? "output"
                                                           : "outputs");
}

us_status us__layers_finish(us_model *model, const char *text) {
    us__shape shape = model->input;
    us_status status = layers_add_output(model, text);
    if (status != US_OK) return status;
    us__place place = {model->context, text,           0, model->inputs, model->positions ? model->outputs : 0,
                       model->layers,  &model->numbers};
    return us__layers_check(&place, model->layers, model->layer_count, &shape);
}

static void layers_mark_outer(us_graph *graph, const us__layer *layer) {
    char prefix[48];
    snprintf(prefix, sizeof prefix, "layer%zu.", layer->number);
    us_graph_mark_outer(graph, prefix);
}

us_node us__layers_build(const us_model *model, us_graph *graph) {
    us_node x = us__shape_give(graph, us_graph_features(graph, model->inputs), &model->input);
    x = us__layers_apply(graph, model->layers, model->layer_count, x);
    const us__layer *last = NULL; /* with weights: the output layer */
    for (size_t i = 0; i < model->layer_count; i++) {
        if (model->layers[i].number > 0) last = &model->layers[i];
        if (model->layers[i].kind->vocabulary) layers_mark_outer(graph, &model->layers[i]);
    }
    if (last) layers_mark_outer(graph, last);
    return x;
}
