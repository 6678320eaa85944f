/* x + O·attention(Q·n, K·n, V·n) with n = layer_norm(x), position by position: Vaswani et al. 2017, with the normalisation
 * before (Xiong et al. 2020, "On layer normalization in the transformer architecture"). No biases: the normalisation has
 * one. O begins at zero, so that the layer begins as x. */
#include "model/formula.h"
#include "model/layer.h"

enum { ATTENTION_HEADS };

static us_status attention_shape(const us__place *place, us__layer *layer) {
    size_t heads = us__layer_size(layer, ATTENTION_HEADS, 0);
    if (layer->in.rank != 2)
        return us__place_fail(place, "attention looks over positions, and gets %s; put embed before it",
                              us__shape_show(&layer->in).text);
    if (layer->in.axis[1] % heads)
        return us__place_fail(place, "%zu heads do not divide a width of %zu", heads, layer->in.axis[1]);
    return US_OK;
}

us_node us__layer_normalised(us_graph *graph, const us__layer *layer, us_node x) {
    us_node gain = us__layer_parameter(graph, layer, "gain", 1, &layer->in.axis[layer->in.rank - 1]);
    us_node bias = us__layer_parameter(graph, layer, "bias", 1, &layer->in.axis[layer->in.rank - 1]);
    return us_graph_layer_norm(graph, x, gain, bias, US__NORM_EPSILON);
}

static us_node attention_build(us_graph *graph, const us__layer *layer, us_node x) {
    static const char *const NAMES[] = {"query", "key", "value", "output"};
    size_t square[] = {layer->in.axis[1], layer->in.axis[1]};
    us_node n = us__layer_normalised(graph, layer, x), weight[4], part[3];
    for (size_t i = 0; i < 4; i++) weight[i] = us__layer_parameter(graph, layer, NAMES[i], 2, square);
    for (size_t i = 0; i < 3; i++) part[i] = us_graph_matmul(graph, n, false, weight[i], true);
    us_node mixed = us_graph_attention(graph, part[0], part[1], part[2], us__layer_size(layer, ATTENTION_HEADS, 0));
    return us_graph_add(graph, x, us_graph_matmul(graph, mixed, false, weight[3], true));
}

const us__layer_kind us__layer_attention = {
    .name = "attention",
    .arguments = {{US__ARGUMENT_COUNT, NULL, "HEADS", "a number of heads", "4", 1, 4096}},
    .weights = true,
    .init = "xavier",
    .help =
        "each position gathers from those before it and itself, by HEADS heads (causal self-attention), what is added to\n"
        "what comes in; layer normalisation before it is part of it",
    .shape = attention_shape,
    .build = attention_build,
};
