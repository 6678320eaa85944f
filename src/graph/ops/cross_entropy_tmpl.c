/* Rows of logits. Every exponential is of z − max z, so that none overflows; a logit that is NaN makes its row NaN. */
#include "graph/graph.h"
#include "vec/real.h"

static us_real row_max(const us_real *z, size_t n) {
    us_real most = z[0];
    for (size_t c = 1; c < n; c++) most = z[c] > most ? z[c] : most;
    return most;
}

us__kernel US_REAL(us__cross_entropy), US_REAL(us__softmax), US_REAL(us__softmax_residual);

/* (max z − z[label]) + log(1 + Σ' exp(z − max z)), where Σ' leaves out one largest: small losses keep their digits. */
void US_REAL(us__cross_entropy)(const us__call *call) {
    size_t rows = call->rows, n = us__at(call->graph, call->node->in[0])->shape[1];
    const us_real *z = call->in[0];
    const uint32_t *label = call->in[1];
    us_real *out = call->out;
    for (size_t i = 0; i < rows; i++, z += n) {
        us_real most = row_max(z, n);
        double sum = 0;
        bool seen = false;
        for (size_t c = 0; c < n; c++) {
            if (!seen && z[c] == most)
                seen = true;
            else
                sum += (double)us_real_exp(z[c] - most);
        }
        out[i] = label[i] < n ? (most - z[label[i]]) + (us_real)log1p(sum) : (us_real)NAN;
        if (!(most - most == 0)) out[i] = (us_real)NAN;
    }
}

/* exp(z − max z) of each row into out; the sum of a row. */
static inline double row_exp(us_real *out, const us_real *z, size_t n) {
    us_real most = row_max(z, n);
    double sum = 0;
    for (size_t c = 0; c < n; c++) out[c] = us_real_exp(z[c] - most);
    for (size_t c = 0; c < n; c++) sum += (double)out[c];
    return sum;
}

void US_REAL(us__softmax)(const us__call *call) {
    size_t n = call->node->shape[1], rows = us__elements(call->node, call->rows) / n;
    const us_real *z = call->in[0];
    us_real *out = call->out;
    for (size_t i = 0; i < rows; i++, z += n, out += n) {
        us_real scale = (us_real)(1 / row_exp(out, z, n));
        for (size_t c = 0; c < n; c++) out[c] *= scale;
    }
}

/* The label's own element is −Σ' exp/Σ exp, which does not cancel where p is near 1. */
void US_REAL(us__softmax_residual)(const us__call *call) {
    size_t n = call->node->shape[1];
    const us_real *z = call->in[0];
    const uint32_t *label = call->in[1];
    us_real *out = call->out;
    for (size_t i = 0; i < call->rows; i++, z += n, out += n) {
        double sum = row_exp(out, z, n), others = 0;
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
