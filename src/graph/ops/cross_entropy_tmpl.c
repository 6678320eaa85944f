/* Rows of logits. Every exponential is of z − max z, so that none overflows; a logit that is NaN makes its row NaN. */
#include "graph/graph.h"
#include "graph/math.h"
#include "vec/real.h"

enum { STRIP = 64 };
typedef const US_REAL(us__math_table) row_math;

static us_real row_max(const us_real *z, size_t n) {
    us_real most = z[0];
    for (size_t c = 1; c < n; c++) most = z[c] > most ? z[c] : most;
    return most;
}

us__kernel US_REAL(us__cross_entropy), US_REAL(us__softmax), US_REAL(us__softmax_residual);

/* Σ exp(z − most), one `most` left out. */
static double row_others(row_math *math, const us_real *z, us_real most, size_t n) {
    double sum = 0;
    bool seen = false;
    us_real e[STRIP];
    for (size_t from = 0; from < n; from += STRIP) {
        size_t m = n - from < STRIP ? n - from : STRIP;
        for (size_t c = 0; c < m; c++) e[c] = z[from + c] - most;
        math->exp(e, e, m);
        for (size_t c = 0; c < m; c++) {
            bool leave = !seen && z[from + c] == most;
            seen |= leave;
            sum += leave ? 0 : (double)e[c];
        }
    }
    return sum;
}

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

/* exp(z − max z) of each row into out; the sum of a row. */
static double row_exp(row_math *math, us_real *out, const us_real *z, size_t n) {
    us_real most = row_max(z, n);
    double sum = 0;
    for (size_t c = 0; c < n; c++) out[c] = z[c] - most;
    math->exp(out, out, n);
    for (size_t c = 0; c < n; c++) sum += (double)out[c];
    return sum;
}

void US_REAL(us__softmax)(const us__call *call) {
    size_t n = call->node->shape[call->node->rank - 1], rows = us__elements(call->node, call->rows) / n;
    row_math *math = US_REAL(us__math_now)();
    const us_real *z = call->in[0];
    us_real *out = call->out;
    for (size_t i = 0; i < rows; i++, z += n, out += n) {
        us_real scale = (us_real)(1 / row_exp(math, out, z, n));
        for (size_t c = 0; c < n; c++) out[c] *= scale;
    }
}

/* The label's own element is −Σ' exp/Σ exp, which does not cancel where p is near 1. */
void US_REAL(us__softmax_residual)(const us__call *call) {
    row_math *math = US_REAL(us__math_now)();
    size_t n = call->node->shape[1];
    const us_real *z = call->in[0];
    const uint32_t *label = call->in[1];
    us_real *out = call->out;
    for (size_t i = 0; i < call->rows; i++, z += n, out += n) {
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
