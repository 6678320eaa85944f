/* Rows of logits; one that is NaN makes its row NaN. */
#include "graph/graph.h"
#include "graph/ops/rows.h"

us__kernel US_REAL(us__cross_entropy), US_REAL(us__softmax_residual);

/* (max z − z[label]) + log(1 + Σ' exp(z − max z)), where Σ' leaves out one largest: small losses keep their digits. */
void US_REAL(us__cross_entropy)(const us__call *call) {
    row_math *math = US_REAL(us__math_now)();
    size_t n = us__at(call->graph, call->node->in[1])->index, rows = us__elements(call->node, call->rows);
    const us_real *z = call->in[0];
    const uint32_t *label = call->in[1];
    us_real *out = call->out;
    for (size_t i = 0; i < rows; i++, z += n) {
        us_real most = row_max(z, n);
        bool finite = most - most == 0;
        out[i] = finite && label[i] < n ? (most - z[label[i]]) + (us_real)log1p(row_others(math, z, most, n)) : (us_real)NAN;
    }
}

/* The label's own element is −Σ' exp/Σ exp, which does not cancel where p is near 1. */
void US_REAL(us__softmax_residual)(const us__call *call) {
    row_math *math = US_REAL(us__math_now)();
    size_t n = us__at(call->graph, call->node->in[1])->index, rows = us__elements(call->node, call->rows) / n;
    const us_real *z = call->in[0];
    const uint32_t *label = call->in[1];
    us_real *out = call->out;
    for (size_t i = 0; i < rows; i++, z += n, out += n) {
        double sum = row_exp(math, out, z, n), others = 0;
        if (label[i] >= n) {
            for (size_t c = 0; c < n; c++) out[c] = (us_real)NAN;
            continue;
        }
        out[label[i]] = 0;
        for (size_t c = 0; c < n; c++) others += (double)out[c];
        us_real scale = (us_real)(1 / sum);
        for (size_t c = 0; c < n; c++) out[c] *= scale;
        out[label[i]] = (us_real)(-others / sum);
    }
}
