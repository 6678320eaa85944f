/* The largest, or the mean, of each window of an image. */
#include "model/formula.h"
#include "model/layer.h"

enum { POOL_WINDOW, POOL_STRIDE, POOL_PAD };

static size_t pool_stride(const us__layer *layer, size_t axis) {
    return us__layer_size(layer, layer->values[POOL_STRIDE].given ? POOL_STRIDE : POOL_WINDOW, axis);
}

static us_status pool_shape(const us__place *place, us__layer *layer) {
    if (layer->in.rank != 3) return us__place_image(place, layer->kind->name, &layer->in);
    if (!layer->values[POOL_WINDOW].given) { /* all of it */
        layer->out = (us__shape){1, {layer->in.axis[0]}};
        return US_OK;
    }
    for (size_t i = 0; i < 2; i++) {
        size_t window = us__layer_size(layer, POOL_WINDOW, i), pad = us__layer_size(layer, POOL_PAD, i);
        if (2 * pad > window) return us__place_fail(place, "the padding is at most half the window");
        if (layer->in.axis[i + 1] + 2 * pad < window)
            return us__place_fail(place, "a window of %zu does not fit into %s", window, us__shape_show(&layer->in).text);
        layer->out.axis[i + 1] = (layer->in.axis[i + 1] + 2 * pad - window) / pool_stride(layer, i) + 1;
    }
    return US_OK;
}

static us_pooling pool_how(const us__layer *layer) {
    us_pooling how = US_POOLING_INIT;
    for (size_t i = 0; i < 2; i++) {
        how.size[i] = us__layer_size(layer, POOL_WINDOW, i);
        how.stride[i] = pool_stride(layer, i);
        how.padding[i] = us__layer_size(layer, POOL_PAD, i);
    }
    return how;
}

static us_node pool_build_largest(us_graph *graph, const us__layer *layer, us_node x) {
    us_pooling how = pool_how(layer);
    return us_graph_max_pool(graph, x, &how);
}

static us_node pool_build_mean(us_graph *graph, const us__layer *layer, us_node x) {
    us_pooling how = pool_how(layer);
    if (!layer->values[POOL_WINDOW].given) return us_graph_mean(graph, us_graph_mean(graph, x, 3), 2);
    return us_graph_average_pool(graph, x, &how);
}

const us__layer_kind us__layer_max_pool = {
    .name = "maxpool",
    .alias = "pool",
    .arguments = {{US__ARGUMENT_PAIR, NULL, "HEIGHTxWIDTH", "the size of a window", "2x2", 1, 255, 2, false},
                  {US__ARGUMENT_PAIR, "stride", "N|NxN", "a stride", "2", 1, 255, 2, false},
                  {US__ARGUMENT_PAIR, "pad", "N|NxN", "a padding", "1", 0, 127, 0, false}},
    .keeps_units = true,
    .help = "the largest number of each window; windows lie side by side unless stride says otherwise",
    .shape = pool_shape,
    .build = pool_build_largest,
};

const us__layer_kind us__layer_average_pool = {
    .name = "avgpool",
    .arguments = {{US__ARGUMENT_PAIR, NULL, "HEIGHTxWIDTH", "the size of a window", "2x2", 1, 255, 2, true},
                  {US__ARGUMENT_PAIR, "stride", "N|NxN", "a stride", "2", 1, 255, 2, false},
                  {US__ARGUMENT_PAIR, "pad", "N|NxN", "a padding", "1", 0, 127, 0, false}},
    .keeps_units = true,
    .help = "the mean of each window, or of each channel as a whole where no window is named",
    .shape = pool_shape,
    .build = pool_build_mean,
};
