/* Dropout: x·mask, where the mask is a value like any other, without derivatives. index: which mask of the graph; value: the
 * probability of a zero. Masks are computed with the samples' other values, so that derivatives share them. */
#include "graph/graph.h"

us__kernel us__mask_f32, us__mask_f64;
/* The shape is asked for. */
const us__op us__op_mask = {.name = "mask", .value = {us__mask_f32, us__mask_f64}, .draws = true};

us_node us_graph_dropout(us_graph *graph, us_node a, double probability) {
    if (graph->status != US_OK) return US_NODE_NONE;
    if (!(probability >= 0 && probability < 1))
        return us__graph_fail(graph, us__fail(graph->context, US_ERR_ARGUMENT,
                                              "dropout: its probability is %g; it must be at least 0 and less than 1",
                                              probability));
    if (us_graph_axis(graph, a, 0) != US_SAMPLES)
        return us__graph_fail(graph, us__fail(graph->context, US_ERR_SHAPE, "dropout: the first axis must be the samples"));
    if (probability == 0) return a;
    us__node mask = *us__at(graph, a);
    mask.op = &us__op_mask;
    mask.index = ++graph->masks;
    mask.value = probability;
    return us_graph_mul(graph, a, us__graph_make(graph, mask));
}
