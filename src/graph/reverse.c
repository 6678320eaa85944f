/* Reverse mode: from a graph to a graph. x̄ = Σ over uses of x of (∂use/∂x)ᵀ·(adjoint of the use), from y backwards. */
#include "graph/graph.h"

us_status us__graph_reverse(us_graph *graph, us_node y, us_node seed, const us_node *wrt, size_t count, us_node *gradients) {
    if (graph->status != US_OK) return graph->status;
    size_t nodes = (size_t)y + 1;
    us_node *adjoint = us__alloc(graph->context, nodes, sizeof *adjoint);
    bool *depends = us__new(graph->context, nodes, sizeof *depends); /* on one of wrt */
    if (!adjoint || !depends) {
        us__graph_fail(graph, US_ERR_NOMEM);
        goto done;
    }
    for (size_t a = 0; a < nodes; a++) {
        adjoint[a] = US_NODE_NONE;
        const us__node *n = us__at(graph, (us_node)a);
        for (size_t i = 0; i < n->op->inputs; i++) depends[a] = depends[a] || depends[n->in[i]];
        for (size_t k = 0; k < count; k++) depends[a] = depends[a] || wrt[k] == (us_node)a;
    }
    graph->deriving = true;
    adjoint[y] = seed;
    for (us_node a = y; a >= 0 && graph->status == US_OK; a--) {
        if (adjoint[a] == US_NODE_NONE || !depends[a]) continue;
        const us__op *op = us__at(graph, a)->op;
        graph->origin = a;
        for (size_t i = 0; i < op->inputs; i++) {
            us_node x = us__at(graph, a)->in[i];
            if (!depends[x]) continue;
            us_node share = op->reverse(graph, a, i, adjoint[a]);
            if (share == US_NODE_NONE) continue;
            adjoint[x] = adjoint[x] == US_NODE_NONE ? share : us_graph_add(graph, adjoint[x], share);
        }
    }
    graph->deriving = false;
    graph->origin = US_NODE_NONE;
    for (size_t k = 0; k < count; k++) gradients[k] = (size_t)wrt[k] < nodes ? adjoint[wrt[k]] : US_NODE_NONE;
done:
    us__release(graph->context, adjoint);
    us__release(graph->context, depends);
    return graph->status;
}
