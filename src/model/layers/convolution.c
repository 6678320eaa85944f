/* Convolution of images: W = layerN.weight [channels×(channels of x)/groups×height×width], b = layerN.bias [channels]. */
#include "model/formula.h"
#include "model/layer.h"

enum { CONV_CHANNELS, CONV_KERNEL, CONV_STRIDE, CONV_PAD, CONV_DILATION, CONV_GROUPS };

/* "same": as many zeros as keep the size where the stride is 1. */
static size_t conv_padding(const us__layer *layer, size_t axis) {
    if (layer->values[CONV_PAD].at[axis] != US__SAME) return us__layer_size(layer, CONV_PAD, axis);
    return (us__layer_size(layer, CONV_KERNEL, axis) - 1) * us__layer_size(layer, CONV_DILATION, axis) / 2;
}

static us_status conv_shape(const us__place *place, us__layer *layer) {
    if (layer->in.rank != 3) return us__place_image(place, "conv", &layer->in);
    size_t channels = us__layer_size(layer, CONV_CHANNELS, 0), groups = us__layer_size(layer, CONV_GROUPS, 0);
    if (layer->in.axis[0] % groups || channels % groups)
        return us__place_fail(place, "groups %zu does not divide %zu channels that come in and %zu that go out", groups,
                              layer->in.axis[0], channels);
    layer->out.axis[0] = channels;
    for (size_t i = 0; i < 2; i++) {
        size_t reach = (us__layer_size(layer, CONV_KERNEL, i) - 1) * us__layer_size(layer, CONV_DILATION, i);
        if (layer->values[CONV_PAD].at[i] == US__SAME && reach % 2)
            return us__place_fail(place, "pad same needs a kernel of odd size, such as 3x3 or 5x5");
        size_t padded = layer->in.axis[i + 1] + 2 * conv_padding(layer, i);
        if (padded <= reach)
            return us__place_fail(place, "the kernel spans %zu and %s is smaller; a smaller kernel, or pad same", reach + 1,
                                  us__shape_show(&layer->in).text);
        layer->out.axis[i + 1] = (padded - reach - 1) / us__layer_size(layer, CONV_STRIDE, i) + 1;
    }
    return US_OK;
}

static us_node conv_build(us_graph *graph, const us__layer *layer, us_node x) {
    us_convolution how = US_CONVOLUTION_INIT;
    how.groups = us__layer_size(layer, CONV_GROUPS, 0);
    size_t channels = layer->out.axis[0], shape[4] = {channels, layer->in.axis[0] / how.groups};
    for (size_t i = 0; i < 2; i++) {
        how.stride[i] = us__layer_size(layer, CONV_STRIDE, i);
        how.dilation[i] = us__layer_size(layer, CONV_DILATION, i);
        how.padding[i] = conv_padding(layer, i);
        shape[2 + i] = us__layer_size(layer, CONV_KERNEL, i);
    }
    us_node z = us_graph_convolution(graph, x, us__layer_parameter(graph, layer, "weight", 4, shape), &how);
    if (layer->biased) {
        us_node bias = us__layer_parameter(graph, layer, "bias", 1, &channels);
        z = us_graph_add(graph, z, us_graph_reshape(graph, bias, 3, (size_t[]){channels, 1, 1}));
    }
    return us__layer_activate(graph, layer->activation, layer->number, z);
}

const us__layer_kind us__layer_conv = {
    .name = "conv",
    .arguments = {{US__ARGUMENT_COUNT, NULL, "CHANNELS", "a number of channels", "16", 1, 1000000, 0, false},
                  {US__ARGUMENT_PAIR, NULL, "HEIGHTxWIDTH", "the size of a kernel", "3x3", 1, 255, 0, false},
                  {US__ARGUMENT_PAIR, "stride", "N|NxN", "a stride", "2", 1, 255, 1, false},
                  {US__ARGUMENT_PAD, "pad", "same|N|NxN", "a padding", "same", 0, 255, 0, false},
                  {US__ARGUMENT_PAIR, "dilation", "N|NxN", "a dilation", "2", 1, 255, 1, false},
                  {US__ARGUMENT_COUNT, "groups", "N", "a number of groups", "4", 1, 1000000, 1, false}},
    .weights = true,
    .activates = true,
    .help = "kernels of this size move over the image. No padding unless told otherwise; pad same keeps the size of the\n"
            "image (divided by the stride); groups of channels do not mix",
    .shape = conv_shape,
    .build = conv_build,
};
