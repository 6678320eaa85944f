/* Other shapes of the same numbers: broadcast_to repeats, as NumPy does; reshape only renames (a view). */
#include "graph/graph.h"

static us_status broadcast_shape(us_graph *g, us__node *n) {
    const us__node *x = us__at(g, n->in[0]);
    char from[128], to[128];
    if (us__broadcasts_to(x, n)) return US_OK;
    return us__fail(g->context, US_ERR_SHAPE, "broadcast_to: %s does not broadcast to %s", us__shape_text(x, from),
                    us__shape_text(n, to));
}

static us_node broadcast_simplify(us_graph *g, const us__node *n) {
    const us__node *x = us__at(g, n->in[0]);
    if (us__same_shape(n, x)) return n->in[0];
    return x->op == &us__op_broadcast_to ? us__broadcast_to(g, x->in[0], n) : US_NODE_NONE;
}

static us_node broadcast_forward(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    us__node like = *us__at(g, y);
    return us__broadcast_to(g, d, &like);
}

static us_node broadcast_reverse(us_graph *g, us_node y, size_t i, us_node d) {
    us__node like = *us__at(g, us__at(g, y)->in[i]);
    return us__sum_to(g, d, &like);
}

static us_status reshape_shape(us_graph *g, us__node *n) {
    const us__node *x = us__at(g, n->in[0]);
    char from[128], to[128];
    for (size_t i = 1; i < n->rank; i++)
        if (n->shape[i] == US_SAMPLES)
            return us__fail(g->context, US_ERR_SHAPE, "reshape: the samples must stay the first axis");
    if (us__has_samples(n) == us__has_samples(x) && us__elements(n, 1) == us__elements(x, 1)) return US_OK;
    return us__fail(g->context, US_ERR_SHAPE, "reshape: %s is not as large as %s", us__shape_text(n, to),
                    us__shape_text(x, from));
}

static us_node reshape_simplify(us_graph *g, const us__node *n) {
    const us__node *x = us__at(g, n->in[0]);
    if (us__same_shape(n, x)) return n->in[0];
    return x->op == &us__op_reshape ? us__reshape(g, x->in[0], n) : US_NODE_NONE;
}

static us_node reshape_forward(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    us__node like = *us__at(g, y);
    return us__reshape(g, d, &like);
}

static us_node reshape_reverse(us_graph *g, us_node y, size_t i, us_node d) {
    us__node like = *us__at(g, us__at(g, y)->in[i]);
    return us__reshape(g, d, &like);
}

us__row us__repeat_f32, us__repeat_f64;
const us__op us__op_broadcast_to = {.name = "broadcast",
                                    .inputs = 1,
                                    .shape = broadcast_shape,
                                    .simplify = broadcast_simplify,
                                    .value = {us__elementwise_f32, us__elementwise_f64},
                                    .row = {us__repeat_f32, us__repeat_f64},
                                    .forward = broadcast_forward,
                                    .reverse = broadcast_reverse};
const us__op us__op_reshape = {.name = "reshape",
                               .inputs = 1,
                               .shape = reshape_shape,
                               .simplify = reshape_simplify,
                               .forward = reshape_forward,
                               .reverse = reshape_reverse};

static us_node broadcast_make(us_graph *g, const us__op *op, us_node a, const us__node *like) {
    us__node n = {.op = op, .in = {a}, .rank = like->rank};
    for (size_t i = 0; i < like->rank; i++) n.shape[i] = like->shape[i];
    return us__graph_make(g, n);
}

us_node us__broadcast_to(us_graph *graph, us_node a, const us__node *like) {
    return broadcast_make(graph, &us__op_broadcast_to, a, like);
}
us_node us__reshape(us_graph *graph, us_node a, const us__node *like) {
    return broadcast_make(graph, &us__op_reshape, a, like);
}

us_node us_graph_reshape(us_graph *graph, us_node a, size_t rank, const size_t *shape) {
    if (graph->status != US_OK) return US_NODE_NONE;
    if (rank > US__RANK)
        return us__graph_fail(graph,
                              us__fail(graph->context, US_ERR_SHAPE, "reshape: a node has %d axes at most", US__RANK));
    us__node like = {.rank = rank};
    for (size_t i = 0; i < rank; i++) like.shape[i] = shape[i];
    return us__reshape(graph, a, &like);
}
