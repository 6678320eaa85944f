/* Product of matrices: C = op(A)·op(B), where op may transpose. index: bit 0 transposes A, bit 1 transposes B.
 * C' = op(A')·op(B) + op(A)·op(B');  for C = AB: Ā = C̄·Bᵀ, B̄ = Aᵀ·C̄; for a transposed input, the transpose of that. */
#include "graph/graph.h"

enum { MATMUL_A = 1, MATMUL_B = 2 };

static us_node matmul_make(us_graph *g, us_node a, bool transpose_a, us_node b, bool transpose_b) {
    size_t index = (transpose_a ? MATMUL_A : 0) | (transpose_b ? MATMUL_B : 0);
    return us__graph_make(g, (us__node){.op = &us__op_matmul, .in = {a, b}, .index = index});
}

static us_status matmul_shape(us_graph *g, us__node *n) {
    const us__node *a = us__at(g, n->in[0]), *b = us__at(g, n->in[1]);
    bool ta = n->index & MATMUL_A, tb = n->index & MATMUL_B;
    char left[128], right[128];
    if (a->rank != 2 || b->rank != 2 || a->shape[!ta] != b->shape[tb])
        return us__fail(g->context, US_ERR_SHAPE, "matmul: %s%s and %s%s do not fit", us__shape_text(a, left), ta ? "ᵀ" : "",
                        us__shape_text(b, right), tb ? "ᵀ" : "");
    if (b->shape[!tb] == US_SAMPLES)
        return us__fail(g->context, US_ERR_SHAPE, "matmul: the samples would not be the first axis");
    if (a->shape[!ta] == US_SAMPLES && !g->deriving)
        return us__fail(g->context, US_ERR_UNSUPPORTED,
                        "matmul: a sum over the samples; the loss of a sample may depend on that sample alone");
    n->rank = 2;
    n->shape[0] = a->shape[ta];
    n->shape[1] = b->shape[!tb];
    return US_OK;
}

static us_node matmul_forward(us_graph *g, us_node y, size_t i, us_node d) {
    us__node n = *us__at(g, y);
    n.in[i] = d;
    return us__graph_make(g, n);
}

static us_node matmul_reverse(us_graph *g, us_node y, size_t i, us_node d) {
    us_node a = us__at(g, y)->in[0], b = us__at(g, y)->in[1];
    bool ta = us__at(g, y)->index & MATMUL_A, tb = us__at(g, y)->index & MATMUL_B;
    if (i == 0) return ta ? matmul_make(g, b, tb, d, true) : matmul_make(g, d, false, b, !tb);
    return tb ? matmul_make(g, d, true, a, ta) : matmul_make(g, a, !ta, d, false);
}

us__kernel us__matmul_f32, us__matmul_f64;
const us__op us__op_matmul = {.name = "matmul",
                              .inputs = 2,
                              .shape = matmul_shape,
                              .value = {us__matmul_f32, us__matmul_f64},
                              .forward = matmul_forward,
                              .reverse = matmul_reverse};

/* A threaded OpenBLAS would put its own spinning threads under ours; other libraries do not have this function. */
void openblas_set_num_threads(int threads) __attribute__((weak));

void us__matmul_one_thread(void) {
    if (openblas_set_num_threads) openblas_set_num_threads(1);
}

us_node us_graph_matmul(us_graph *graph, us_node a, bool transpose_a, us_node b, bool transpose_b) {
    return matmul_make(graph, a, transpose_a, b, transpose_b);
}
