/* Rows of a table instead of numbers of things: E = layerN.weight [vocabulary×width], x[i] → E[x[i]]; of a text, whose
 * characters are the things, E[x[i]] + P[i] with P = layerN.position [positions×width]. */
#include "model/formula.h"
#include "model/layer.h"

enum { EMBED_WIDTH, EMBED_VOCABULARY };

static us_status embed_shape(const us__place *place, us__layer *layer) {
    if (layer != place->first && !(layer == place->first + 1 && place->first->kind == &us__layer_input))
        return us__place_fail(place, "embed reads the features themselves, so it stands before all other layers");
    if (layer->in.rank != 1)
        return us__place_fail(place, "embed reads rows of whole numbers, and gets %s", us__shape_show(&layer->in).text);
    us__value *vocabulary = &layer->values[EMBED_VOCABULARY];
    if (!vocabulary->given && place->vocabulary == 0)
        return us__place_fail(place, "how many things are there? such as embed 16 of 100");
    if (!vocabulary->given) vocabulary->at[0] = (double)place->vocabulary;
    layer->out = (us__shape){2, {layer->in.axis[0], us__layer_size(layer, EMBED_WIDTH, 0)}};
    return US_OK;
}

static us_node embed_build(us_graph *graph, const us__layer *layer, us_node x) {
    size_t shape[] = {us__layer_size(layer, EMBED_VOCABULARY, 0), us__layer_size(layer, EMBED_WIDTH, 0)};
    us_node rows = us_graph_gather(graph, us__layer_parameter(graph, layer, "weight", 2, shape), x);
    if (layer->values[EMBED_VOCABULARY].given) return rows;
    return us_graph_add(graph, rows, us__layer_parameter(graph, layer, "position", 2, layer->out.axis));
}

const us__layer_kind us__layer_embed = {
    .name = "embed",
    .arguments = {{US__ARGUMENT_COUNT, NULL, "WIDTH", "a width", "16", 1, 1000000, 0, false},
                  {US__ARGUMENT_COUNT, "of", "VOCABULARY", "a number of things", "100", 1, 100000000, 0, false}},
    .weights = true,
    .vocabulary = true,
    .init = "normal",
    .help =
        "every feature is the number of a thing, 0 to VOCABULARY-1, and becomes that thing's WIDTH numbers, which are\n"
        "weights (normal, of variance 1, at first); the data is not standardised. The things of a text are its characters,\n"
        "and the positions' numbers are added",
    .shape = embed_shape,
    .build = embed_build,
};
