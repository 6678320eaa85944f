/* Dense layers: z = x·Wᵀ + b with W = layerK.weight [out×in], b = layerK.bias [out]. */
#include "model/model.h"
#include <stdio.h>
#include <string.h>

static us_node layers_linear(us_graph *graph, us_node z) {
    (void)graph;
    return z;
}
static us_node layers_relu(us_graph *graph, us_node z) { return us_graph_apply(graph, "relu", z); }
static us_node layers_tanh(us_graph *graph, us_node z) { return us_graph_apply(graph, "tanh", z); }
static us_node layers_sigmoid(us_graph *graph, us_node z) { return us_graph_apply(graph, "sigmoid", z); }
static us_node layers_gelu(us_graph *graph, us_node z) { return us_graph_apply(graph, "gelu", z); }
static us_node layers_silu(us_graph *graph, us_node z) {
    return us_graph_mul(graph, z, us_graph_apply(graph, "sigmoid", z));
}

static const us__activation ACTIVATIONS[] = {
    {"linear", layers_linear, "xavier", false, 1},
    {"relu", layers_relu, "he", false, 1},
    {"tanh", layers_tanh, "xavier", true, 1},
    {"sigmoid", layers_sigmoid, "xavier", true, 0.25},
    {"gelu", layers_gelu, "he", false, 1.12890414136918},
    {"silu", layers_silu, "he", false, 1.09983932012887},
};
enum { ACTIVATION_COUNT = sizeof ACTIVATIONS / sizeof ACTIVATIONS[0], LAYERS_MOST_UNITS = 10000000 };

const us__activation *us__activation_find(const char *name, size_t length) {
    for (size_t i = 0; i < ACTIVATION_COUNT; i++)
        if (strlen(ACTIVATIONS[i].name) == length && memcmp(ACTIVATIONS[i].name, name, length) == 0) return &ACTIVATIONS[i];
    return NULL;
}

us_status us__layers_add(us_model *model, size_t units, const us__activation *activation) {
    us__layer *grown = us__grow(model->context, model->layers, model->layer_count, model->layer_count + 1, sizeof *grown);
    if (!grown) return US_ERR_NOMEM;
    grown[model->layer_count++] = (us__layer){units, activation};
    model->layers = grown;
    return US_OK;
}

/* ------------------------------------------------------------------ text */

/* A place in a model's text. */
typedef struct layers_reader {
    us_model *model;
    const char *text;
    size_t position;
} layers_reader;

#define layers_fail(reader, at, ...) us__caret_fail((reader)->model->context, "model", (reader)->text, (at), __VA_ARGS__)

static char layers_peek(layers_reader *reader) {
    while (reader->text[reader->position] == ' ') reader->position++;
    return reader->text[reader->position];
}

/* Length of the word here: all up to a blank, a comma or a colon. */
static size_t layers_word(layers_reader *reader) {
    layers_peek(reader);
    return strcspn(reader->text + reader->position, " ,:");
}

static us_status layers_units(layers_reader *reader, size_t *units) {
    size_t length = layers_word(reader), at = reader->position;
    const char *word = reader->text + at;
    size_t digits = strspn(word, "0123456789");
    *units = 0;
    if (length == 0 || digits != length) return layers_fail(reader, at, "a number of units is expected here, such as 64");
    for (size_t i = 0; i < digits && *units <= LAYERS_MOST_UNITS; i++) *units = 10 * *units + (size_t)(word[i] - '0');
    if (*units == 0 || *units > LAYERS_MOST_UNITS)
        return layers_fail(reader, at, "a layer has 1 to %d units", LAYERS_MOST_UNITS);
    reader->position += length;
    return US_OK;
}

static us_status layers_activation(layers_reader *reader, const us__activation **activation) {
    size_t length = layers_word(reader), at = reader->position;
    *activation = us__activation_find(reader->text + at, length);
    if (!*activation) {
        const char *names[ACTIVATION_COUNT];
        for (size_t i = 0; i < ACTIVATION_COUNT; i++) names[i] = ACTIVATIONS[i].name;
        char word[32];
        snprintf(word, sizeof word, "%.*s", (int)(length < 31 ? length : 31), reader->text + at);
        const char *near = length ? us__nearest_name(word, names, ACTIVATION_COUNT) : NULL;
        if (near) return layers_fail(reader, at, "unknown activation '%s'; did you mean '%s'?", word, near);
        return layers_fail(reader, at, "an activation is expected here: relu, tanh, sigmoid, gelu, silu or linear");
    }
    reader->position += length;
    return US_OK;
}

us_status us__layers_parse_mlp(us_model *model, const char *text) {
    layers_reader reader = {model, text, strlen("mlp:")};
    us_status status = US_OK;
    const us__activation *activation = us__activation_find("relu", 4);
    do {
        size_t units;
        status = layers_units(&reader, &units);
        if (status == US_OK) status = us__layers_add(model, units, activation);
    } while (status == US_OK && layers_peek(&reader) == ',' && reader.position++);
    if (status == US_OK && layers_peek(&reader) == ':') {
        reader.position++;
        status = layers_activation(&reader, &activation);
        for (size_t i = 0; status == US_OK && i < model->layer_count; i++) model->layers[i].activation = activation;
    }
    if (status == US_OK && layers_peek(&reader) != '\0')
        status = layers_fail(&reader, reader.position, "expected is mlp:SIZE,SIZE,.. and then :ACTIVATION or nothing");
    return status == US_OK ? us__layers_add(model, model->outputs, us__activation_find("linear", 6)) : status;
}

us_status us__layers_parse_list(us_model *model, const char *text) {
    layers_reader reader = {model, text, 0};
    const us__activation *linear = us__activation_find("linear", 6);
    us_status status = US_OK;
    size_t last = 0;
    do {
        size_t units, length = layers_word(&reader);
        const us__activation *activation = linear;
        last = reader.position;
        if (length != 5 || memcmp(text + last, "dense", 5) != 0)
            return layers_fail(&reader, last,
                               "unknown layer '%.*s'; "
                               "known are: linear | mlp:64,32 | dense 64 relu, dense 10 | formula: a*x+b",
                               (int)(length < 40 ? length : 40), text + last);
        reader.position += length;
        status = layers_units(&reader, &units);
        char next = status == US_OK ? layers_peek(&reader) : '\0';
        if (next != '\0' && next != ',') status = layers_activation(&reader, &activation);
        if (status == US_OK) status = us__layers_add(model, units, activation);
    } while (status == US_OK && layers_peek(&reader) == ',' && ++reader.position);
    if (status != US_OK) return status;
    if (layers_peek(&reader) != '\0')
        return layers_fail(&reader, reader.position, "layers are separated by commas: dense 64 relu, dense 10");
    us__layer output = model->layers[model->layer_count - 1];
    if (output.activation != linear) return us__layers_add(model, model->outputs, linear);
    if (output.units != model->outputs)
        return layers_fail(&reader, last, "the last layer has %zu units and the data has %zu %s", output.units,
                           model->outputs,
                           model->task == US_CLASSIFICATION ? "classes"
                           : model->outputs == 1            ? "output"
                                                            : "outputs");
    return US_OK;
}

/* ------------------------------------------------------------------ graph */

us_node us__layers_build(const us_model *model, us_graph *graph) {
    us_node x = us_graph_features(graph, model->inputs);
    size_t in = model->inputs;
    for (size_t k = 0; k < model->layer_count; k++) {
        const us__layer *layer = &model->layers[k];
        char name[48];
        snprintf(name, sizeof name, "layer%zu.weight", k + 1);
        us_node weight = us_graph_parameter(graph, name, 2, (size_t[]){layer->units, in});
        snprintf(name, sizeof name, "layer%zu.bias", k + 1);
        us_node bias = us_graph_parameter(graph, name, 1, (size_t[]){layer->units});
        us_node sum = us_graph_add(graph, us_graph_matmul(graph, x, false, weight, true), bias);
        x = layer->activation->apply(graph, sum);
        snprintf(name, sizeof name, "layer%zu", k + 1);
        if (x != sum) us_graph_mark_units(graph, name, layer->activation->bounded, layer->activation->steepest, sum, x);
        in = layer->units;
    }
    return x;
}
