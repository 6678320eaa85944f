/* Rows of a table by number, and its adjoint. Numbers have no derivative; one that names no row gives NaN.
 *   gather       table [n×d], index [..] → [..×d]        y[i] = table[index[i]]
 *   scatter_add  values [..×d], index [..] → [n×d]       y[r] = Σ over i with index[i] = r of values[i]    node.index: n */
#include "graph/graph.h"
#include <string.h>

static us_status gather_shape(us_graph *g, us__node *n) {
    const us__node *table = us__at(g, n->in[0]), *index = us__at(g, n->in[1]);
    char left[128], right[128];
    if (table->rank != 2 || us__has_samples(table) || index->rank >= US__RANK)
        return us__fail(g->context, US_ERR_SHAPE, "gather: a table [n×d] and numbers of %d axes at most, not %s and %s",
                        US__RANK - 1, us__shape_text(table, left), us__shape_text(index, right));
    n->rank = index->rank + 1;
    memcpy(n->shape, index->shape, sizeof n->shape);
    n->shape[index->rank] = table->shape[1];
    return US_OK;
}

static us_status scatter_shape(us_graph *g, us__node *n) {
    const us__node *values = us__at(g, n->in[0]), *index = us__at(g, n->in[1]);
    char left[128], right[128];
    if (values->rank != index->rank + 1 || memcmp(values->shape, index->shape, index->rank * sizeof *index->shape))
        return us__fail(g->context, US_ERR_SHAPE, "scatter_add: %s are no rows for numbers %s", us__shape_text(values, left),
                        us__shape_text(index, right));
    if (us__has_samples(values) && !g->deriving)
        return us__fail(g->context, US_ERR_UNSUPPORTED,
                        "scatter_add: a sum over the samples; the loss of a sample may depend on that sample alone");
    n->rank = 2;
    n->shape[0] = n->index;
    n->shape[1] = values->shape[index->rank];
    return US_OK;
}

static us_node gather_forward(us_graph *g, us_node y, size_t i, us_node d) {
    us_node index = us__at(g, y)->in[1];
    return i == 0 ? us_graph_gather(g, d, index) : US_NODE_NONE;
}

static us_node gather_reverse(us_graph *g, us_node y, size_t i, us_node d) {
    const us__node *n = us__at(g, y);
    return i == 0 ? us_graph_scatter_add(g, d, n->in[1], us__at(g, n->in[0])->shape[0]) : US_NODE_NONE;
}

static us_node scatter_forward(us_graph *g, us_node y, size_t i, us_node d) {
    const us__node *n = us__at(g, y);
    return i == 0 ? us_graph_scatter_add(g, d, n->in[1], n->index) : US_NODE_NONE;
}

static us_node scatter_reverse(us_graph *g, us_node y, size_t i, us_node d) {
    us_node index = us__at(g, y)->in[1];
    return i == 0 ? us_graph_gather(g, d, index) : US_NODE_NONE;
}

us__kernel us__gather_rows_f32, us__gather_rows_f64, us__scatter_add_f32, us__scatter_add_f64;
const us__op us__op_gather = {.name = "gather",
                              .inputs = 2,
                              .shape = gather_shape,
                              .value = {us__gather_rows_f32, us__gather_rows_f64},
                              .forward = gather_forward,
                              .reverse = gather_reverse};
const us__op us__op_scatter_add = {.name = "scatter_add",
                                   .inputs = 2,
                                   .shape = scatter_shape,
                                   .value = {us__scatter_add_f32, us__scatter_add_f64},
                                   .forward = scatter_forward,
                                   .reverse = scatter_reverse};

us_node us_graph_gather(us_graph *graph, us_node table, us_node index) {
    return us__binary(graph, &us__op_gather, table, index);
}
us_node us_graph_scatter_add(us_graph *graph, us_node values, us_node index, size_t rows) {
    return us__graph_make(graph, (us__node){.op = &us__op_scatter_add, .in = {values, index}, .index = rows});
}
