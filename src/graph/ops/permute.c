/* The axes of a value in another order: y[i_order[0]]... as NumPy's transpose. how: order; axis k of y is axis how[k] of x.
 * Its adjoint is the order that leads back. */
#include "graph/graph.h"
#include <string.h>

static us_status permute_shape(us_graph *g, us__node *n) {
    const us__node *x = us__at(g, n->in[0]);
    bool seen[US__RANK] = {false};
    char text[128];
    n->rank = x->rank;
    for (size_t k = 0; k < x->rank; k++) {
        if (n->how[k] >= x->rank || seen[n->how[k]])
            return us__fail(g->context, US_ERR_ARGUMENT, "permute: the order must name each axis of %s once",
                            us__shape_text(x, text));
        seen[n->how[k]] = true;
        n->shape[k] = x->shape[n->how[k]];
    }
    if (us__has_samples(x) && n->how[0] != 0)
        return us__fail(g->context, US_ERR_SHAPE, "permute: the samples of %s must stay the first axis",
                        us__shape_text(x, text));
    return US_OK;
}

static us_node permute_make(us_graph *g, us_node a, const uint32_t how[US__HOW]) {
    us__node n = {.op = &us__op_permute, .in = {a}};
    memcpy(n.how, how, sizeof n.how);
    return us__graph_make(g, n);
}

/* The order that changes nothing; an order of an order is one order. */
static us_node permute_simplify(us_graph *g, const us__node *n) {
    const us__node *x = us__at(g, n->in[0]);
    bool same = true;
    for (uint32_t k = 0; k < n->rank; k++) same = same && n->how[k] == k;
    if (same) return n->in[0];
    if (x->op != &us__op_permute) return US_NODE_NONE;
    uint32_t how[US__HOW] = {0};
    for (size_t k = 0; k < n->rank; k++) how[k] = x->how[n->how[k]];
    return permute_make(g, x->in[0], how);
}

static us_node permute_forward(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    us__node n = *us__at(g, y);
    return permute_make(g, d, n.how);
}

static us_node permute_reverse(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    const us__node *n = us__at(g, y);
    uint32_t back[US__HOW] = {0};
    for (uint32_t k = 0; k < n->rank; k++) back[n->how[k]] = k;
    return permute_make(g, d, back);
}

us__kernel us__permute_f32, us__permute_f64;
const us__op us__op_permute = {.name = "permute",
                               .inputs = 1,
                               .how = US__RANK,
                               .shape = permute_shape,
                               .simplify = permute_simplify,
                               .value = {us__permute_f32, us__permute_f64},
                               .forward = permute_forward,
                               .reverse = permute_reverse};

us_node us_graph_permute(us_graph *graph, us_node a, const size_t *order) {
    if (graph->status != US_OK) return US_NODE_NONE;
    uint32_t how[US__HOW] = {0};
    for (size_t k = 0; k < us_graph_rank(graph, a); k++) how[k] = order[k] < US__RANK ? (uint32_t)order[k] : US__RANK;
    return permute_make(graph, a, how);
}
