/* The whole Hessian of the linear leaf. */
#include "problem/linear.h"
#include <cblas.h>
#include <limits.h>
#include <string.h>

enum { LINEAR_SQUARE_ROWS = 256 }; /* rows of a product of matrices */

/* ∂²ℓ/∂(k, c)∂(l, e) = Σ over rows of C[k][l]·x[c]·x[e], C = ∂²ℓ/∂z², x with a one for the bias: a product of matrices of
 * rows for each k ≤ l. */
typedef struct linear_square {
    double *x, *weighed; /* [LINEAR_SQUARE_ROWS×(C+1)] */
    double *c;           /* [LINEAR_SQUARE_ROWS×K×K] */
    double *sums;        /* [K(K+1)/2×(C+1)×(C+1)] */
} linear_square;

/* Takes rows first .. first+count-1 of the batch: x, and C over the rows of the batch. */
static void linear_square_take(us__linear_problem *p, us_batch batch, const us_vec *theta, size_t first, size_t count,
                               linear_square *s) {
    size_t K = p->outputs, C = p->columns;
    double scale = 1 / (double)batch.count;
    for (size_t i = 0, some; i < count; i += some) {
        some = us__linear_step(i, count);
        us__linear_rows rows;
        us__linear_take(p, batch, first + i, some, 0, &rows);
        p->kernel->forward(rows.x, some, theta->data, K, C, rows.z);
        p->link->weight(some, K, rows.z);
        for (size_t l = 0; l < K; l++) {
            for (size_t m = 0; m < some * K; m++) rows.u[m] = m % K == l ? scale : 0;
            p->link->curve(some, K, rows.z, rows.u);
            for (size_t m = 0; m < some * K; m++) s->c[(i * K + m) * K + l] = rows.u[m];
        }
        for (size_t r = 0; r < some; r++) {
            double *x = s->x + (i + r) * (C + 1);
            for (size_t c = 0; c < C; c++)
                x[c] = p->base.precision == US_F32 ? (double)((const float *)rows.x[r])[c] : ((const double *)rows.x[r])[c];
            x[C] = 1;
        }
    }
}

/* Where in θ what is at column c of an output's x is. */
static inline size_t linear_place(const us__linear_problem *p, size_t k, size_t c) {
    return c < p->columns ? k * p->columns + c : p->outputs * p->columns + k;
}

us_status us__linear_hessian(us_problem *problem, const us_vec *theta, us_batch batch, double *h, const us__heard *heard,
                             bool *done) {
    us__linear_problem *p = (us__linear_problem *)problem;
    us_context *context = problem->context;
    size_t K = p->outputs, D = p->columns + 1, pairs = K * (K + 1) / 2, n = problem->dimension;
    us_status status = US_OK;
    linear_square s;
    *done = false;
    if (n > INT_MAX / 2) return US_OK;
    size_t room = LINEAR_SQUARE_ROWS * (2 * D + K * K);
    if (!(s.x = us__alloc(context, room + pairs * D * D, sizeof *s.x))) return US_ERR_NOMEM;
    s.weighed = s.x + LINEAR_SQUARE_ROWS * D, s.c = s.weighed + LINEAR_SQUARE_ROWS * D, s.sums = s.x + room;
    memset(s.sums, 0, pairs * D * D * sizeof *s.sums);
    for (size_t first = 0, count; first < batch.count && !status; first += count) {
        count = batch.count - first < LINEAR_SQUARE_ROWS ? batch.count - first : LINEAR_SQUARE_ROWS;
        linear_square_take(p, batch, theta, first, count, &s);
        double *sum = s.sums;
        for (size_t k = 0; k < K; k++)
            for (size_t l = 0; l <= k; l++, sum += D * D) {
                for (size_t i = 0; i < count; i++)
                    for (size_t c = 0; c < D; c++) s.weighed[i * D + c] = s.c[(i * K + k) * K + l] * s.x[i * D + c];
                cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)D, (int)D, (int)count, 1, s.x, (int)D, s.weighed,
                            (int)D, 1, sum, (int)D);
            }
        if (heard->progress) heard->progress(heard->user, first + count, batch.count);
        if (us_context_cancelled(context)) status = us__fail(context, US_INTERRUPTED, "interrupted in a Hessian");
    }
    const double *sum = s.sums;
    for (size_t k = 0; k < K && !status; k++)
        for (size_t l = 0; l <= k; l++, sum += D * D)
            for (size_t c = 0; c < D; c++)
                for (size_t e = 0; e < D; e++) {
                    size_t a = linear_place(p, k, c), b = linear_place(p, l, e);
                    h[a * n + b] = h[b * n + a] = sum[c < e ? c * D + e : e * D + c]; /* one of both that rounding made */
                }
    us__release(context, s.x);
    *done = !status;
    return status;
}
