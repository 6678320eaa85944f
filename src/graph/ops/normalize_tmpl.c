#include "graph/graph.h"
#include "graph/ops/rows.h"

us__row US_REAL(us__normalize), US_REAL(us__inverse_deviation), US_REAL(us__project);

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

US_KERNEL void US_REAL(us__normalize)(const us__node *node, void *out, const void *const *in, const size_t *step, size_t n) {
    const us_real *x = in[0];
    us_real *y = out;
    double mean, scale = normalize_row(x, n, node->value, &mean);
    us_real m = (us_real)mean, s = (us_real)scale;
    (void)step;
    for (size_t c = 0; c < n; c++) y[c] = (x[c] - m) * s;
}

US_KERNEL void US_REAL(us__inverse_deviation)(const us__node *node, void *out, const void *const *in, const size_t *step,
                                              size_t n) {
    double mean;
    (void)step;
    *(us_real *)out = (us_real)normalize_row(in[0], n, node->value, &mean);
}

/* d − ⟨1, d⟩/n − y·⟨y, d⟩/n */
US_KERNEL void US_REAL(us__project)(const us__node *node, void *out, const void *const *in, const size_t *step, size_t n) {
    const us_real *y = in[0], *d = in[1];
    us_real *q = out;
    us_real mean = (us_real)(row_sum(d, n) / (double)n), along = (us_real)(row_dot(y, d, n) / (double)n);
    (void)node, (void)step;
    for (size_t c = 0; c < n; c++) q[c] = d[c] - mean - y[c] * along;
}
