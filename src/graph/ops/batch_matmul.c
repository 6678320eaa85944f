/* Products of matrices in the last two axes, one for each place in the axes before: C[s] = op(A[s])·op(B[s]).
 * index and rules as in matmul. */
#include "graph/gemm.h"
#include "graph/graph.h"
#include <string.h>

enum { MATMUL_A = 1, MATMUL_B = 2 };

static us_status batch_matmul_shape(us_graph *g, us__node *n) {
    const us__node *a = us__at(g, n->in[0]), *b = us__at(g, n->in[1]);
    bool ta = n->index & MATMUL_A, tb = n->index & MATMUL_B;
    size_t rank = a->rank;
    char left[128], right[128];
    if (rank < 3 || b->rank != rank || memcmp(a->shape, b->shape, (rank - 2) * sizeof *a->shape) ||
        a->shape[rank - 1 - ta] != b->shape[rank - 2 + tb])
        return us__fail(g->context, US_ERR_SHAPE,
                        "batch_matmul: %s%s and %s%s do not fit; axes before the last two must be there and be equal",
                        us__shape_text(a, left), ta ? "ᵀ" : "", us__shape_text(b, right), tb ? "ᵀ" : "");
    n->rank = rank;
    memcpy(n->shape, a->shape, sizeof n->shape);
    n->shape[rank - 2] = a->shape[rank - 2 + ta];
    n->shape[rank - 1] = b->shape[rank - 1 - tb];
    return US_OK;
}

static us_node batch_matmul_forward(us_graph *g, us_node y, size_t i, us_node d) {
    us__node n = *us__at(g, y);
    n.in[i] = d;
    return us__graph_make(g, n);
}

static us_node batch_matmul_reverse(us_graph *g, us_node y, size_t i, us_node d) {
    us_node a = us__at(g, y)->in[0], b = us__at(g, y)->in[1];
    bool ta = us__at(g, y)->index & MATMUL_A, tb = us__at(g, y)->index & MATMUL_B;
    if (i == 0) return ta ? us_graph_batch_matmul(g, b, tb, d, true) : us_graph_batch_matmul(g, d, false, b, !tb);
    return tb ? us_graph_batch_matmul(g, d, true, a, ta) : us_graph_batch_matmul(g, a, !ta, d, false);
}

static size_t batch_matmul_scratch(const us_graph *g, const us__node *n) {
    const us__node *a = us__at(g, n->in[0]);
    return us__gemm_scratch(n->shape[n->rank - 1], a->shape[a->rank - (n->index & MATMUL_A ? 2 : 1)]);
}

us__kernel us__batch_matmul_f32, us__batch_matmul_f64;
const us__op us__op_batch_matmul = {.name = "batch_matmul",
                                    .inputs = 2,
                                    .shape = batch_matmul_shape,
                                    .value = {us__batch_matmul_f32, us__batch_matmul_f64},
                                    .scratch = batch_matmul_scratch,
                                    .forward = batch_matmul_forward,
                                    .reverse = batch_matmul_reverse};

us_node us_graph_batch_matmul(us_graph *graph, us_node a, bool transpose_a, us_node b, bool transpose_b) {
    size_t index = (transpose_a ? MATMUL_A : 0) | (transpose_b ? MATMUL_B : 0);
    return us__graph_make(graph, (us__node){.op = &us__op_batch_matmul, .in = {a, b}, .index = index});
}
