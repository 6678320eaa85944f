#include "graph/graph.h"
#include "vec/real.h"
#include <cblas.h>

us__kernel US_REAL(us__matmul);

/* C [m×n] = op(A) [m×k] · op(B) [k×n]; one row or one column is a product with a vector. */
void US_REAL(us__matmul)(const us__call *call) {
    const us__node *a = us__at(call->graph, call->node->in[0]), *b = us__at(call->graph, call->node->in[1]);
    bool ta = call->node->index & 1, tb = call->node->index & 2;
    int columns_a = (int)a->shape[a->rank - 1], rows_a = (int)(us__elements(a, call->rows) / a->shape[a->rank - 1]);
    int columns_b = (int)b->shape[b->rank - 1], rows_b = (int)(us__elements(b, call->rows) / b->shape[b->rank - 1]);
    int m = ta ? columns_a : rows_a, k = ta ? rows_a : columns_a, n = tb ? rows_b : columns_b;
    const us_real *left = call->in[0], *right = call->in[1];
    us_real *out = call->out;
    CBLAS_TRANSPOSE t = CblasTrans, f = CblasNoTrans;
    if (n == 1)
        US_CBLAS(gemv)(CblasRowMajor, ta ? t : f, rows_a, columns_a, 1, left, columns_a, right, 1, 0, out, 1);
    else if (m == 1)
        US_CBLAS(gemv)(CblasRowMajor, tb ? f : t, rows_b, columns_b, 1, right, columns_b, left, 1, 0, out, 1);
    else
        US_CBLAS(gemm)(CblasRowMajor, ta ? t : f, tb ? t : f, m, n, k, 1, left, columns_a, right, columns_b, 0, out, n);
}
