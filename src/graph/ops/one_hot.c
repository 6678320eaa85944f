/* Labels as numbers: 1 at the label's class, else 0; [samples] → [samples×classes]. No derivative goes to labels. */
#include "graph/graph.h"
#include <string.h>

static us_status one_hot_shape(us_graph *g, us__node *n) {
    const us__node *labels = us__at(g, n->in[0]);
    if (labels->op != &us__op_labels) return us__fail(g->context, US_ERR_ARGUMENT, "one_hot: the input must be labels");
    n->rank = labels->rank + 1;
    memcpy(n->shape, labels->shape, sizeof n->shape);
    n->shape[labels->rank] = labels->index;
    return US_OK;
}

static us_node one_hot_zero(us_graph *g, us_node y, size_t i, us_node d) {
    (void)g, (void)y, (void)i, (void)d;
    return US_NODE_NONE;
}

us__kernel us__one_hot_f32, us__one_hot_f64;
const us__op us__op_one_hot = {.name = "one_hot",
                               .inputs = 1,
                               .labels = 1,
                               .shape = one_hot_shape,
                               .value = {us__one_hot_f32, us__one_hot_f64},
                               .forward = one_hot_zero,
                               .reverse = one_hot_zero};

us_node us_graph_one_hot(us_graph *graph, us_node labels) { return us__unary(graph, &us__op_one_hot, labels); }
