#include "graph/gemm.h"
#include "graph/graph.h"
#include "vec/real.h"

us__kernel US_REAL(us__batch_matmul);

/* C[s] [m×n] = op(A[s]) [m×k] · op(B[s]) [k×n] */
void US_REAL(us__batch_matmul)(const us__call *call) {
    const us__node *y = call->node, *a = us__at(call->graph, y->in[0]), *b = us__at(call->graph, y->in[1]);
    size_t m = y->shape[y->rank - 2], n = y->shape[y->rank - 1], columns_a = a->shape[a->rank - 1];
    size_t columns_b = b->shape[b->rank - 1], size_a = columns_a * a->shape[a->rank - 2];
    size_t size_b = columns_b * b->shape[b->rank - 2], count = us__elements(y, call->rows) / (m * n);
    const us_real *left = call->in[0], *right = call->in[1];
    us_real *out = call->out;
    for (size_t s = 0; s < count; s++, left += size_a, right += size_b, out += m * n) {
        us__gemm product = {.rows = m,
                            .columns = n,
                            .terms = size_a / m,
                            .left = left,
                            .right = right,
                            .out = out,
                            .left_step = columns_a,
                            .right_step = columns_b,
                            .out_step = n,
                            .left_turned = y->index & 1,
                            .right_turned = y->index & 2,
                            .scratch = call->scratch};
        US_REAL(us__gemm)(&product);
    }
}
