/* Product of matrices: C = op(A)·op(B), where op may transpose. index: bit 0 transposes A, bit 1 transposes B.
 * A may have more than two axes, and is then the matrix of its rows, whose number C keeps as axes: [s×t×k]·[k×n] → [s×t×n].
 * So may both when A is transposed, which sums over all axes but the last: [s×t×m]ᵀ·[s×t×n] → [m×n].
 * C' = op(A')·op(B) + op(A)·op(B');  for C = AB: Ā = C̄·Bᵀ, B̄ = Aᵀ·C̄; for a transposed input, the transpose of that. */
#include "graph/gemm.h"
#include "graph/graph.h"
#include <string.h>

enum { MATMUL_A = 1, MATMUL_B = 2 };

static us_node matmul_make(us_graph *g, us_node a, bool transpose_a, us_node b, bool transpose_b) {
    size_t index = (transpose_a ? MATMUL_A : 0) | (transpose_b ? MATMUL_B : 0);
    return us__graph_make(g, (us__node){.op = &us__op_matmul, .in = {a, b}, .index = index});
}

/* All axes but the last are the same. */
static bool matmul_same_rows(const us__node *a, const us__node *b) {
    return a->rank == b->rank && !memcmp(a->shape, b->shape, (a->rank - 1) * sizeof *a->shape);
}

static us_status matmul_shape(us_graph *g, us__node *n) {
    const us__node *a = us__at(g, n->in[0]), *b = us__at(g, n->in[1]);
    bool ta = n->index & MATMUL_A, tb = n->index & MATMUL_B, fits = a->rank >= 2 && b->rank >= 2;
    if (fits && b->rank == 2)
        fits = ta ? a->rank == 2 && a->shape[0] == b->shape[tb] : a->shape[a->rank - 1] == b->shape[tb];
    else if (fits)
        fits = ta && !tb && matmul_same_rows(a, b);
    char left[128], right[128];
    if (!fits)
        return us__fail(g->context, US_ERR_SHAPE, "matmul: %s%s and %s%s do not fit", us__shape_text(a, left), ta ? "ᵀ" : "",
                        us__shape_text(b, right), tb ? "ᵀ" : "");
    if (tb && us__has_samples(b))
        return us__fail(g->context, US_ERR_SHAPE, "matmul: the samples would not be the first axis");
    if (ta && us__has_samples(a) && !g->deriving)
        return us__fail(g->context, US_ERR_UNSUPPORTED,
                        "matmul: a sum over the samples; the loss of a sample may depend on that sample alone");
    n->rank = ta ? 2 : a->rank;
    memcpy(n->shape, a->shape, sizeof n->shape);
    if (ta) n->shape[0] = a->shape[a->rank - 1];
    for (size_t i = n->rank; i < US__RANK; i++) n->shape[i] = 0;
    n->shape[n->rank - 1] = b->shape[tb ? 0 : b->rank - 1];
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

static size_t matmul_scratch(const us_graph *g, const us__node *n) {
    const us__node *a = us__at(g, n->in[0]);
    bool ta = n->index & MATMUL_A;
    return us__gemm_scratch(n->shape[n->rank - 1], ta ? US__GEMM_TERMS : a->shape[a->rank - 1]);
}

us__kernel us__matmul_f32, us__matmul_f64;
const us__op us__op_matmul = {.name = "matmul",
                              .inputs = 2,
                              .cuts = true,
                              .shape = matmul_shape,
                              .value = {us__matmul_f32, us__matmul_f64},
                              .scratch = matmul_scratch,
                              .forward = matmul_forward,
                              .reverse = matmul_reverse};

us_node us_graph_matmul(us_graph *graph, us_node a, bool transpose_a, us_node b, bool transpose_b) {
    return matmul_make(graph, a, transpose_a, b, transpose_b);
}
