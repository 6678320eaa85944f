#include "graph/graph.h"
#include "graph/math.h"
#include "vec/real.h"
#include <cblas.h>

us__kernel US_REAL(us__attention_scores), US_REAL(us__attention_mix), US_REAL(us__causal_softmax);

/* S_h [T×T] = c·A_h [T×w] · B_hᵀ; a row of A and B is D = heads·w long. */
void US_REAL(us__attention_scores)(const us__call *call) {
    const us__node *y = call->node;
    size_t heads = y->how[0], T = y->shape[2], D = us__at(call->graph, y->in[0])->shape[2], w = D / heads;
    size_t samples = us__elements(y, call->rows) / (heads * T * T);
    const us_real *a = call->in[0], *b = call->in[1];
    us_real *out = call->out;
    for (size_t s = 0; s < samples; s++, a += T * D, b += T * D)
        for (size_t h = 0; h < heads; h++, out += T * T) US_CBLAS(gemm)
    (CblasRowMajor, CblasNoTrans, CblasTrans, (int)T, (int)T, (int)w, (us_real)y->value, a + h * w, (int)D, b + h * w,
     (int)D, 0, out, (int)T);
}

/* O_h [T×w] = c·op(P_h) [T×T] · B_h */
void US_REAL(us__attention_mix)(const us__call *call) {
    const us__node *y = call->node;
    size_t heads = y->how[0], T = y->shape[1], D = y->shape[2], w = D / heads;
    size_t samples = us__elements(y, call->rows) / (T * D);
    const us_real *p = call->in[0], *b = call->in[1];
    us_real *out = call->out;
    for (size_t s = 0; s < samples; s++, b += T * D, out += T * D)
        for (size_t h = 0; h < heads; h++, p += T * T) US_CBLAS(gemm)
    (CblasRowMajor, y->index ? CblasTrans : CblasNoTrans, CblasNoTrans, (int)T, (int)w, (int)T, (us_real)y->value, p, (int)T,
     b + h * w, (int)D, 0, out + h * w, (int)D);
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
