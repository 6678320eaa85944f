/* x + O·f(W·layer_norm(x)), the same at each position: Vaswani et al. 2017, section 3.3, normalised before and without
 * biases, as in attention.c. O begins at zero. */
#include "model/formula.h"
#include "model/layer.h"

enum { FEED_FORWARD_UNITS };

static us_status feed_forward_shape(const us__place *place, us__layer *layer) {
    if (!layer->activation) layer->activation = us__activation_find("gelu", 4);
    if (layer->in.rank == 2) return US_OK;
    return us__place_fail(place, "feed-forward works at each position, and gets %s; take dense, or put embed before it",
                          us__shape_show(&layer->in).text);
}

static us_node feed_forward_build(us_graph *graph, const us__layer *layer, us_node x) {
    size_t units = us__layer_size(layer, FEED_FORWARD_UNITS, 0), width = layer->in.axis[1];
    us_node n = us__layer_normalised(graph, layer, x);
    us_node weight = us__layer_parameter(graph, layer, "weight", 2, (size_t[]){units, width});
    us_node output = us__layer_parameter(graph, layer, "output", 2, (size_t[]){width, units});
    us_node hidden = us__activation_apply(graph, layer->activation, us_graph_matmul(graph, n, false, weight, true));
    return us_graph_add(graph, x, us_graph_matmul(graph, hidden, false, output, true));
}

const us__layer_kind us__layer_feed_forward = {
    .name = "feed-forward",
    .arguments = {{US__ARGUMENT_COUNT, NULL, "UNITS", "a number of units", "512", 1, 10000000}},
    .weights = true,
    .activates = true,
    .help =
        "a layer of units at each position, gelu unless told otherwise, and back to the width that comes in, to which it\n"
        "is added; layer normalisation before it is part of it",
    .shape = feed_forward_shape,
    .build = feed_forward_build,
};
