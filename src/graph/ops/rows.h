/* What kernels over the last axis share: sums of a row in double, in lanes that are added in a fixed order, and
 * exponentials of a row of logits, of z − max z, so that none overflows. Included by templates. */
#ifndef US_GRAPH_OPS_ROWS_H
#define US_GRAPH_OPS_ROWS_H

#include "graph/math.h"
#include "vec/real.h"
#include <stdbool.h>

enum { ROW_LANES = 8, ROW_STRIP = 64 };
typedef const US_REAL(us__math_table) row_math;

static inline double row_lanes(const double lane[ROW_LANES]) {
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

/* Σᵢ x[i] */
static inline double row_sum(const us_real *x, size_t n) {
    double lane[ROW_LANES] = {0};
    size_t whole = n - n % ROW_LANES;
    for (size_t i = 0; i < whole; i += ROW_LANES)
        for (size_t k = 0; k < ROW_LANES; k++) lane[k] += (double)x[i + k];
    for (size_t i = whole; i < n; i++) lane[i - whole] += (double)x[i];
    return row_lanes(lane);
}

/* Σᵢ a[i]·b[i] */
static inline double row_dot(const us_real *a, const us_real *b, size_t n) {
    double lane[ROW_LANES] = {0};
    size_t whole = n - n % ROW_LANES;
    for (size_t i = 0; i < whole; i += ROW_LANES)
        for (size_t k = 0; k < ROW_LANES; k++) lane[k] += (double)a[i + k] * (double)b[i + k];
    for (size_t i = whole; i < n; i++) lane[i - whole] += (double)a[i] * (double)b[i];
    return row_lanes(lane);
}

/* NaN where the row begins with one; another NaN makes its exponential NaN. */
static inline us_real row_max(const us_real *z, size_t n) {
    us_real most = z[0];
    for (size_t c = 1; c < n; c++) most = z[c] > most ? z[c] : most;
    return most;
}

/* Σ exp(z − most), one `most` left out. */
static inline double row_others(row_math *math, const us_real *z, us_real most, size_t n) {
    double sum = 0;
    bool seen = false;
    us_real e[ROW_STRIP];
    for (size_t from = 0; from < n; from += ROW_STRIP) {
        size_t m = n - from < ROW_STRIP ? n - from : ROW_STRIP;
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

/* exp(z − max z) into out; their sum. */
static inline double row_exp(row_math *math, us_real *out, const us_real *z, size_t n) {
    us_real most = row_max(z, n);
    for (size_t c = 0; c < n; c++) out[c] = z[c] - most;
    math->exp(out, out, n);
    return row_sum(out, n);
}

#endif
