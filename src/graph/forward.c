/* Forward mode: from a graph to a graph. y' = Σ over inputs of (∂y/∂xᵢ)·x'ᵢ, in the order of the nodes. */
#include "graph/graph.h"

us_status us__graph_forward(us_graph *graph, const us_node *of, size_t count, const us_node *wrt, const us_node *dwrt,
                            size_t parameters, us_node *tangents) {
    if (graph->status != US_OK) return graph->status;
    size_t nodes = graph->count;
    us_node *tangent = us__alloc(graph->context, nodes, sizeof *tangent);
    bool *needed = us__new(graph->context, nodes, sizeof *needed);
    if (!tangent || !needed) {
        us__graph_fail(graph, US_ERR_NOMEM);
        goto done;
    }
    for (size_t k = 0; k < count; k++)
        if (of[k] != US_NODE_NONE) needed[of[k]] = true;
    for (size_t a = nodes; a-- > 0;) {
        const us__node *n = us__at(graph, (us_node)a);
        for (size_t i = 0; i < n->op->inputs; i++)
            if (needed[a]) needed[n->in[i]] = true;
        tangent[a] = US_NODE_NONE;
    }
    for (size_t k = 0; k < parameters; k++) tangent[wrt[k]] = dwrt[k];
    graph->deriving = true;
    for (size_t a = 0; a < nodes && graph->status == US_OK; a++) {
        if (!needed[a]) continue;
        const us__op *op = us__at(graph, (us_node)a)->op;
        graph->origin = (us_node)a;
        for (size_t i = 0; i < op->inputs; i++) {
            us_node d = tangent[us__at(graph, (us_node)a)->in[i]];
            us_node share = d == US_NODE_NONE ? US_NODE_NONE : op->forward(graph, (us_node)a, i, d);
            if (share == US_NODE_NONE) continue;
            tangent[a] = tangent[a] == US_NODE_NONE ? share : us_graph_add(graph, tangent[a], share);
        }
    }
    graph->deriving = false;
    graph->origin = US_NODE_NONE;
    for (size_t k = 0; k < count; k++) tangents[k] = of[k] == US_NODE_NONE ? US_NODE_NONE : tangent[of[k]];
done:
    us__release(graph->context, tangent);
    us__release(graph->context, needed);
    return graph->status;
}
