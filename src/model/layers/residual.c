/* y = x + F(x), He, Zhang, Ren & Sun 2016, "Deep residual learning", eq. 1; where F changes the shape, y = P·x + F(x) with a
 * projection P = layerN.weight without a bias (eq. 2). */
#include "model/formula.h"
#include "model/layer.h"

static bool residual_same(const us__shape *a, const us__shape *b) {
    bool same = a->rank == b->rank;
    for (size_t i = 0; same && i < a->rank; i++) same = a->axis[i] == b->axis[i];
    return same;
}

static us_status residual_shape(const us__place *place, us__layer *layer) {
    us__shape inside = layer->in;
    us_status status = us__layers_check(place, layer + 1, layer->inside, &inside);
    if (status != US_OK) return status;
    layer->out = inside;
    if (residual_same(&layer->in, &inside)) return US_OK;
    bool sequence = layer->in.rank == 2 && inside.rank == 2 && layer->in.axis[0] == inside.axis[0];
    if (!sequence && (layer->in.rank != 1 || inside.rank != 1))
        return us__place_fail(place, "%s comes in and %s comes out: they can't be added", us__shape_show(&layer->in).text,
                              us__shape_show(&inside).text);
    us__layer_number(place, layer);
    return US_OK;
}

static us_node residual_build(us_graph *graph, const us__layer *layer, us_node x) {
    us_node inside = us__layers_apply(graph, layer + 1, layer->inside, x);
    if (layer->number) {
        us_node weight = us__layer_parameter(graph, layer, "weight", 2, (size_t[]){layer->out.axis[0], layer->in.axis[0]});
        x = us_graph_matmul(graph, x, false, weight, true);
    }
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
