/* What elementwise operations share: the shape that broadcasting gives, and both derivatives from one slope.
 * ∂y/∂xᵢ is diagonal up to broadcasting, so y' = broadcast(slopeᵢ(x'ᵢ)) and x̄ᵢ = sum(slopeᵢ(ȳ)). */
#include "graph/graph.h"
#include <string.h>

us_status us__elementwise_shape(us_graph *graph, us__node *node) {
    node->rank = 0;
    memset(node->shape, 0, sizeof node->shape);
    for (size_t k = 0; k < node->op->inputs; k++) {
        const us__node *x = us__at(graph, node->in[k]);
        if (x->rank > node->rank) {
            for (size_t i = x->rank; i-- > 0;)
                node->shape[i] = i >= x->rank - node->rank ? node->shape[i - (x->rank - node->rank)] : 1;
            node->rank = x->rank;
        }
        for (size_t i = 0; i < x->rank; i++) {
            size_t *size = &node->shape[node->rank - 1 - i], other = x->shape[x->rank - 1 - i];
            if (other == 1 || *size == other) continue;
            if (*size != 1) {
                char a[128], b[128];
                return us__fail(graph->context, US_ERR_SHAPE, "%s: shapes %s and %s do not broadcast", node->op->name,
                                us__shape_text(us__at(graph, node->in[0]), a), us__shape_text(x, b));
            }
            *size = other;
        }
    }
    for (size_t i = 1; i < node->rank; i++)
        if (node->shape[i] == US_SAMPLES)
            return us__fail(graph->context, US_ERR_SHAPE, "%s: the samples would not be the first axis", node->op->name);
    return US_OK;
}

us_node us__elementwise_forward(us_graph *graph, us_node y, size_t i, us_node d) {
    us_node t = us__at(graph, y)->op->slope(graph, y, i, d);
    us__node like = *us__at(graph, y);
    return t == US_NODE_NONE ? t : us__broadcast_to(graph, t, &like);
}

us_node us__elementwise_reverse(us_graph *graph, us_node y, size_t i, us_node d) {
    us_node t = us__at(graph, y)->op->slope(graph, y, i, d);
    us__node like = *us__at(graph, us__at(graph, y)->in[i]);
    return t == US_NODE_NONE ? t : us__sum_to(graph, t, &like);
}
