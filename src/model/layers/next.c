/* What follows at each position: logits = W·layer_norm(x), W = layerN.weight [classes×width]. */
#include "model/formula.h"
#include "model/layer.h"

static us_status next_shape(const us__place *place, us__layer *layer) {
    if (place->vocabulary == 0) return us__place_fail(place, "next tells the next character of a text, and this is no text");
    if (layer->in.rank != 2)
        return us__place_fail(place,
                              "a text's next characters are told at each position, and %s has none; a model of a text is "
                              "such as embed 64, 2*(attention 4, feed-forward 256)",
                              us__shape_show(&layer->in).text);
    layer->out.axis[1] = place->vocabulary;
    return US_OK;
}

static us_node next_build(us_graph *graph, const us__layer *layer, us_node x) {
    us_node n = us__layer_normalised(graph, layer, x);
    us_node weight = us__layer_parameter(graph, layer, "weight", 2, (size_t[]){layer->out.axis[1], layer->in.axis[1]});
    return us_graph_matmul(graph, n, false, weight, true);
}

const us__layer_kind us__layer_next = {
    .name = "next",
    .weights = true,
    .init = "xavier",
    .help = "the next character at each position of a text, after layer normalisation; added by itself at the end",
    .shape = next_shape,
    .build = next_build,
};
