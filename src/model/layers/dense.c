/* z = x·Wᵀ + b with W = layerN.weight [units×inputs], b = layerN.bias [units], over all that comes in. */
#include "model/layer.h"

enum { DENSE_UNITS };

static us_status dense_shape(const us__place *place, us__layer *layer) {
    (void)place;
    layer->out = (us__shape){1, {us__layer_size(layer, DENSE_UNITS, 0)}};
    return US_OK;
}

static us_node dense_build(us_graph *graph, const us__layer *layer, us_node x) {
    us__shape flat = {1, {us__shape_elements(&layer->in)}};
    size_t units = layer->out.axis[0];
    us_node weight = us__layer_parameter(graph, layer, "weight", 2, (size_t[]){units, flat.axis[0]});
    us_node z = us_graph_matmul(graph, us__shape_give(graph, x, &flat), false, weight, true);
    if (layer->biased) z = us_graph_add(graph, z, us__layer_parameter(graph, layer, "bias", 1, &units));
    return us__layer_activate(graph, layer->activation, layer->number, z);
}

const us__layer_kind us__layer_dense = {
    .name = "dense",
    .arguments = {{US__ARGUMENT_COUNT, NULL, "UNITS", "a number of units", "64", 1, 10000000, 0, false}},
    .weights = true,
    .activates = true,
    .help = "every unit reads all that comes in (an image or a sequence is flattened first)",
    .shape = dense_shape,
    .build = dense_build,
};
