#include "graph/gemm.h"
#include "graph/graph.h"
#include "vec/real.h"
#include <cblas.h>

us__kernel US_REAL(us__matmul);

static void matmul_rows(void *user, size_t first, size_t count) {
    const us__call *call = user;
    call->done(call->user, (first + count) * call->node->shape[call->node->rank - 1]);
}

/* C [m×n] = op(A) [m×k] · op(B) [k×n], or a part of C; one row or one column is a product with a vector, unless a matrix
 * lies in panels: op(B) then, and A. */
void US_REAL(us__matmul)(const us__call *call) {
    const us__node *a = us__at(call->graph, call->node->in[0]), *b = us__at(call->graph, call->node->in[1]);
    bool ta = call->node->index & 1, tb = call->node->index & 2;
    size_t columns_a = a->shape[a->rank - 1], rows_a = us__elements(a, call->rows) / columns_a;
    size_t columns_b = b->shape[b->rank - 1], rows_b = us__elements(b, call->rows) / columns_b;
    size_t m = ta ? columns_a : rows_a, k = ta ? rows_a : columns_a, n = tb ? rows_b : columns_b;
    us__range part = call->range ? *call->range : (us__range){0, m, 0, n};
    size_t pitch_a = call->pitch[0], pitch_b = call->pitch[1];
    const us_real *left = (const us_real *)call->in[0] + part.row * (ta ? (pitch_a ? pitch_a : 1) : columns_a);
    const us_real *right = (const us_real *)call->in[1] + part.column * (pitch_b ? pitch_b : tb ? columns_b : 1);
    us_real *out = (us_real *)call->out + part.row * n + part.column;
    us__call own = *call;
    if (pitch_a || pitch_b || (n > 1 && m > 1)) {
        us__gemm product = {.rows = part.rows,
                            .columns = part.columns,
                            .terms = k,
                            .left = left,
                            .right = right,
                            .out = out,
                            .left_step = columns_a,
                            .right_step = columns_b,
                            .out_step = n,
                            .left_turned = ta,
                            .right_turned = tb && !pitch_b,
                            .left_pitch = pitch_a,
                            .right_pitch = pitch_b,
                            .scratch = call->scratch,
                            .done = call->done ? matmul_rows : NULL,
                            .user = &own};
        US_REAL(us__gemm)(&product);
        return;
    }
    int M = (int)part.rows, N = (int)part.columns, K = (int)k, lda = (int)columns_a, ldb = (int)columns_b, ldc = (int)n;
    CBLAS_TRANSPOSE t = CblasTrans, f = CblasNoTrans;
    if (N == 1)
        US_CBLAS(gemv)(CblasRowMajor, ta ? t : f, ta ? K : M, ta ? M : K, 1, left, lda, right, tb ? 1 : ldb, 0, out, ldc);
    else
        US_CBLAS(gemv)(CblasRowMajor, tb ? f : t, tb ? N : K, tb ? K : N, 1, right, ldb, left, ta ? lda : 1, 0, out, 1);
    if (call->done) call->done(call->user, m * n);
}
