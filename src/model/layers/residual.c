/* y = x + F(x), He, Zhang, Ren & Sun 2016, "Deep residual learning", eq. 1; where F changes the shape, y = P·x + F(x) with a
 * projection P = layerN.weight without a bias (eq. 2): a matrix, or a 1×1 convolution with the stride that the sizes need.
 */
#include "model/formula.h"
#include "model/layer.h"

static bool residual_same(const us__shape *a, const us__shape *b) {
    bool same = a->rank == b->rank;
    for (size_t i = 0; same && i < a->rank; i++) same = a->axis[i] == b->axis[i];
    return same;
}

static bool residual_is_image(const us__layer *layer) { return layer->in.rank == 3 && layer->out.rank == 3; }

/* The strides by which a 1×1 convolution makes the image that comes out of the one that comes in; false: there are none. */
static bool residual_strides(const us__layer *layer, size_t stride[2]) {
    bool good = true;
    for (size_t i = 0; i < 2; i++) {
        size_t in = layer->in.axis[i + 1], out = layer->out.axis[i + 1];
        stride[i] = out < in ? (in + out - 1) / out : 1;
        good = good && (in - 1) / stride[i] + 1 == out && stride[i] <= 255;
    }
    return good;
}

static us_node residual_project(us_graph *graph, const us__layer *layer, us_node x) {
    size_t rank = residual_is_image(layer) ? 4 : 2, axis = layer->in.rank == 2 ? 1 : 0;
    size_t shape[4] = {layer->out.axis[axis], layer->in.axis[axis], 1, 1};
    us_node weight = us__layer_parameter(graph, layer, "weight", rank, shape);
    if (rank == 2) return us_graph_matmul(graph, x, false, weight, true);
    us_convolution how = US_CONVOLUTION_INIT;
    residual_strides(layer, how.stride);
    return us_graph_convolution(graph, x, weight, &how);
}

static us_status residual_shape(const us__place *place, us__layer *layer) {
    us__shape inside = layer->in;
    us_status status = us__layers_check(place, layer + 1, layer->inside, &inside);
    if (status != US_OK) return status;
    layer->out = inside;
    if (residual_same(&layer->in, &inside)) return US_OK;
    if (residual_is_image(layer)) {
        if (!residual_strides(layer, (size_t[2]){0}))
            return us__place_fail(place, "%s comes in and %s comes out: no stride leads from one to the other",
                                  us__shape_show(&layer->in).text, us__shape_show(&inside).text);
        us__layer_number(place, layer);
        return US_OK;
    }
    bool sequence = layer->in.rank == 2 && inside.rank == 2 && layer->in.axis[0] == inside.axis[0];
    if (!sequence && (layer->in.rank != 1 || inside.rank != 1))
        return us__place_fail(place, "%s comes in and %s comes out: they can't be added", us__shape_show(&layer->in).text,
                              us__shape_show(&inside).text);
    us__layer_number(place, layer);
    return US_OK;
}

static us_node residual_build(us_graph *graph, const us__layer *layer, us_node x) {
    us_node inside = us__layers_apply(graph, layer + 1, layer->inside, x);
    if (layer->number) x = residual_project(graph, layer, x);
    return us_graph_add(graph, x, inside);
}

const us__layer_kind us__layer_residual = {
    .name = "residual",
    .body = true,
    .help = "adds what comes in to what the layers inside make of it, by way of a projection where the shapes differ",
    .init = "xavier",
    .shape = residual_shape,
    .build = residual_build,
};
