/* Layers that only say what shape something has. */
#include "model/formula.h"
#include "model/layer.h"

enum { INPUT_SIZES };

/* 28x28 is one channel. */
static us_status input_shape(const us__place *place, us__layer *layer) {
    const us__value *sizes = &layer->values[INPUT_SIZES];
    us__shape shape = {.rank = sizes->count == 2 ? 3 : sizes->count};
    if (sizes->count == 2) shape.axis[0] = 1;
    for (size_t i = 0; i < sizes->count; i++) shape.axis[i + (sizes->count == 2)] = us__layer_size(layer, INPUT_SIZES, i);
    if (layer != place->first)
        return us__place_fail(place, "input says what the data is, so it stands before all other layers");
    if (us__shape_elements(&shape) != place->inputs)
        return us__place_fail(place, "%s are %zu numbers, and the data has %zu features", us__shape_show(&shape).text,
                              us__shape_elements(&shape), place->inputs);
    layer->out = shape;
    return US_OK;
}

static us_node input_build(us_graph *graph, const us__layer *layer, us_node x) {
    return us__shape_give(graph, x, &layer->out);
}

const us__layer_kind us__layer_input = {
    .name = "input",
    .arguments = {{US__ARGUMENT_SIZES, NULL, "CHANNELSxHEIGHTxWIDTH", "a shape", "1x28x28", 1, 10000000, 0, false}},
    .help = "the features are an image, channel by channel and row by row; needed where the file does not say so (CSV)",
    .shape = input_shape,
    .build = input_build,
};

static us_status flatten_shape(const us__place *place, us__layer *layer) {
    (void)place;
    layer->out = (us__shape){1, {us__shape_elements(&layer->in)}};
    return US_OK;
}

const us__layer_kind us__layer_flatten = {
    .name = "flatten",
    .keeps_units = true,
    .help = "an image or a sequence as one row of numbers; dense does it by itself",
    .shape = flatten_shape,
    .build = input_build,
};
