#include "graph/graph.h"
#include "graph/ops/rows.h"

us__kernel US_REAL(us__normalize), US_REAL(us__inverse_deviation), US_REAL(us__project);

/* 1/√(variance + ε) of a row; the variance from differences to the mean. */
static inline double normalize_row(const us_real *x, size_t n, double epsilon, double *mean) {
    double lane[ROW_LANES] = {0}, m = row_sum(x, n) / (double)n;
    size_t whole = n - n % ROW_LANES;
    for (size_t i = 0; i < whole; i += ROW_LANES)
        for (size_t k = 0; k < ROW_LANES; k++) lane[k] += ((double)x[i + k] - m) * ((double)x[i + k] - m);
    for (size_t i = whole; i < n; i++) lane[i - whole] += ((double)x[i] - m) * ((double)x[i] - m);
    *mean = m;
    return 1 / sqrt(row_lanes(lane) / (double)n + epsilon);
}

US_KERNEL void US_REAL(us__normalize)(const us__call *call) {
    size_t n = call->node->shape[call->node->rank - 1], rows = us__elements(call->node, call->rows) / n;
    const us_real *x = call->in[0];
    us_real *out = call->out;
    for (size_t i = 0; i < rows; i++, x += n, out += n) {
        double mean, scale = normalize_row(x, n, call->node->value, &mean);
        us_real m = (us_real)mean, s = (us_real)scale;
        for (size_t c = 0; c < n; c++) out[c] = (x[c] - m) * s;
    }
}

US_KERNEL void US_REAL(us__inverse_deviation)(const us__call *call) {
    const us__node *a = us__at(call->graph, call->node->in[0]);
    size_t n = a->shape[a->rank - 1], rows = us__elements(call->node, call->rows);
    const us_real *x = call->in[0];
    us_real *out = call->out;
    double mean;
    for (size_t i = 0; i < rows; i++) out[i] = (us_real)normalize_row(x + i * n, n, call->node->value, &mean);
}

/* d − ⟨1, d⟩/n − y·⟨y, d⟩/n */
US_KERNEL void US_REAL(us__project)(const us__call *call) {
    size_t n = call->node->shape[call->node->rank - 1], rows = us__elements(call->node, call->rows) / n;
    const us_real *y = call->in[0], *d = call->in[1];
    us_real *out = call->out;
    for (size_t i = 0; i < rows; i++, y += n, d += n, out += n) {
        us_real mean = (us_real)(row_sum(d, n) / (double)n), along = (us_real)(row_dot(y, d, n) / (double)n);
        for (size_t c = 0; c < n; c++) out[c] = d[c] - mean - y[c] * along;
    }
}
