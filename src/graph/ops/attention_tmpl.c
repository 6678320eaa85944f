#include "graph/gemm.h"
#include "graph/graph.h"
#include "graph/math.h"
#include "vec/real.h"
#include <string.h>

us__kernel US_REAL(us__attention_scores), US_REAL(us__attention_mix), US_REAL(us__causal_softmax);

enum { BLOCK = US__GEMM_WIDEST }; /* rows at a time: columns beyond the last of them are left out */

static inline size_t attention_least(size_t a, size_t b) { return a < b ? a : b; }

/* The matrix of a head on the right of products, packed for all of them where there are panels; scratch begins with them. */
static void attention_pack(us__gemm *p, const us_real *right, us_real *scratch) {
    p->right = right;
    p->scratch = scratch + us__gemm_rounded(p->terms) * us__gemm_rounded(p->columns);
    if (US_REAL(us__gemm_width)() == 0) return;
    US_REAL(us__gemm_pack)(p, scratch, 0, p->columns);
    p->right = scratch;
    p->right_pitch = us__gemm_rounded(p->terms);
    p->right_turned = false;
}

/* S_h [T×T] = A_h [T×w] · B_hᵀ; a row of A and B is D = heads·w long. 0 beyond the last column of a block's rows. */
void US_REAL(us__attention_scores)(const us__call *call) {
    const us__node *y = call->node;
    size_t heads = y->how[0], T = y->shape[2], D = us__at(call->graph, y->in[0])->shape[2], w = D / heads;
    size_t samples = us__elements(y, call->rows) / (heads * T * T);
    const us_real *a = call->in[0], *b = call->in[1];
    us_real *out = call->out;
    for (size_t s = 0; s < samples; s++, a += T * D, b += T * D)
        for (size_t h = 0; h < heads; h++, out += T * T) {
            us__gemm p = {.columns = T, .terms = w, .left_step = D, .right_step = D, .right_turned = true, .out_step = T};
            attention_pack(&p, b + h * w, call->scratch);
            for (size_t i = 0; i < T; i += BLOCK) {
                p.rows = attention_least(BLOCK, T - i);
                p.columns = i + p.rows;
                p.left = a + i * D + h * w;
                p.out = out + i * T;
                US_REAL(us__gemm)(&p);
                for (size_t r = i; r < p.columns; r++) memset(out + r * T + p.columns, 0, (T - p.columns) * sizeof *out);
            }
        }
}

/* O_h [T×w] = op(P_h) [T×T] · B_h, P_h being 0 in the columns beyond a row's own */
void US_REAL(us__attention_mix)(const us__call *call) {
    const us__node *y = call->node;
    size_t heads = y->how[0], T = y->shape[1], D = y->shape[2], w = D / heads,
           samples = us__elements(y, call->rows) / (T * D);
    size_t width = US_REAL(us__gemm_width)();
    const us_real *weights = call->in[0], *b = call->in[1];
    us_real *out = call->out;
    bool turned = y->index;
    for (size_t s = 0; s < samples; s++, b += T * D, out += T * D)
        for (size_t h = 0; h < heads; h++, weights += T * T) {
            us__gemm p = {.columns = w, .terms = T, .left_step = T, .right_step = D, .left_turned = turned, .out_step = D};
            attention_pack(&p, b + h * w, call->scratch);
            const us_real *right = p.right;
            for (size_t i = 0; i < T; i += BLOCK) {
                size_t first = turned ? i : 0; /* of the terms */
                p.rows = attention_least(BLOCK, T - i);
                p.terms = turned ? T - i : i + p.rows;
                p.left = weights + (turned ? i * T + i : i * T);
                p.right = right + first * (width ? width : D);
                p.out = out + i * D + h * w;
                US_REAL(us__gemm)(&p);
            }
        }
}

/* Row i: exp(s − max)/Σ over its first i + 1 elements. One that is NaN makes its row NaN. */
US_KERNEL void US_REAL(us__causal_softmax)(const us__call *call) {
    const us__node *y = call->node;
    size_t T = y->shape[y->rank - 1], rows = us__elements(y, call->rows) / T;
    const US_REAL(us__math_table) *math = US_REAL(us__math_now)();
    const us_real *s = call->in[0];
    us_real *out = call->out;
    for (size_t r = 0; r < rows; r++, s += T, out += T) {
        size_t n = r % T + 1;
        us_real most = s[0];
        double sum = 0;
        for (size_t j = 1; j < n; j++) most = s[j] > most ? s[j] : most;
        for (size_t j = 0; j < n; j++) out[j] = s[j] - most;
        math->exp(out, out, n);
#pragma omp simd reduction(+ : sum)
        for (size_t j = 0; j < n; j++) sum += (double)out[j];
        us_real scale = (us_real)(1 / sum);
        for (size_t j = 0; j < n; j++) out[j] *= scale;
        for (size_t j = n; j < T; j++) out[j] = 0;
    }
}
