/* Normalisation: y = gain·(x − mean)/√(variance + ε) + bias.
 *
 * batch-norm  over the rows of a batch, for each unit or channel    Ioffe & Szegedy 2015, "Batch normalization", algorithm 1
 * layer-norm  over what one row holds, or one position of a sequence  Ba, Kiros & Hinton 2016, "Layer normalization" */
#include "model/formula.h"
#include "model/layer.h"
#include <stdio.h>

static const double NORM_EPSILON = 1e-5; /* PyTorch's */

/* An image is normalised as a whole. */
static us_node norm_layer_build(us_graph *graph, const us__layer *layer, us_node x) {
    bool image = layer->in.rank == 3;
    us__shape flat = {1, {us__shape_elements(&layer->in)}};
    size_t last = image ? flat.axis[0] : layer->in.axis[layer->in.rank - 1];
    us_node gain = us__layer_parameter(graph, layer, "gain", 1, &last),
            bias = us__layer_parameter(graph, layer, "bias", 1, &last);
    if (image) x = us__shape_give(graph, x, &flat);
    us_node y = us_graph_layer_norm(graph, x, gain, bias, NORM_EPSILON);
    return image ? us__shape_give(graph, y, &layer->out) : y;
}

const us__layer_kind us__layer_layer_norm = {
    .name = "layer-norm",
    .weights = true,
    .keeps_units = true,
    .help = "the numbers of each row (of each position in a sequence) to mean 0 and variance 1, times gains plus biases",
    .build = norm_layer_build,
};

static us_status norm_batch_shape(const us__place *place, us__layer *layer) {
    if (layer->in.rank != 2) return US_OK;
    return us__place_fail(place, "batch-norm reads units or images, and gets a sequence %s; layer-norm reads those",
                          us__shape_show(&layer->in).text);
}

static us_node norm_batch_build(us_graph *graph, const us__layer *layer, us_node x) {
    size_t units = layer->in.axis[0];
    char name[48];
    snprintf(name, sizeof name, "layer%zu", layer->number);
    us_node gain = us__layer_parameter(graph, layer, "gain", 1, &units),
            bias = us__layer_parameter(graph, layer, "bias", 1, &units);
    return us_graph_batch_norm(graph, x, gain, bias, name, NORM_EPSILON);
}

const us__layer_kind us__layer_batch_norm = {
    .name = "batch-norm",
    .weights = true,
    .keeps_units = true,
    .help =
        "each unit or channel to mean 0 and variance 1 over the batch while training, by running values otherwise; then\n"
        "times gains plus biases. A dense or conv layer right before it has no biases of its own",
    .shape = norm_batch_shape,
    .build = norm_batch_build,
};
