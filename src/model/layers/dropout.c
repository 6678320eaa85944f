#include "model/layer.h"

enum { DROPOUT_PROBABILITY };

static us_node dropout_build(us_graph *graph, const us__layer *layer, us_node x) {
    return us_graph_dropout(graph, x, layer->values[DROPOUT_PROBABILITY].at[0]);
}

const us__layer_kind us__layer_dropout = {
    .name = "dropout",
    .arguments = {{US__ARGUMENT_NUMBER, NULL, "P", "a probability", "0.2", 0, 0.99, 0, false}},
    .keeps_units = true,
    .help = "while training, each number is 0 with probability P, else 1/(1-P) times as large; otherwise nothing",
    .build = dropout_build,
};
