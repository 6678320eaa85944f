/* Kernels of the linear leaf, compiled for float and for double; see linear.h for what each does. A vector of LANES
 * numbers is 64 bytes wide whatever the processor; the compiler cuts it to the registers there are. */
#include "problem/linear.h"
#include "vec/real.h"
#include <string.h>

enum { LANES = 64 / sizeof(us_real), ROWS = US__LINEAR_ROWS };
typedef us_real linear_lanes __attribute__((vector_size(64), aligned(sizeof(us_real)), may_alias)); /* loads anywhere */
typedef us_real linear_half __attribute__((vector_size(32)));
typedef us_real linear_quarter __attribute__((vector_size(16)));
#if US_REAL_BITS == 32
typedef int32_t linear_mask __attribute__((vector_size(64)));
#define LANE_NUMBERS ((linear_mask){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
#else
typedef int64_t linear_mask __attribute__((vector_size(64)));
#define LANE_NUMBERS ((linear_mask){0, 1, 2, 3, 4, 5, 6, 7})
#endif

#define INLINE static inline __attribute__((always_inline))
#define LOAD(p) (*(const linear_lanes *)(p))

INLINE double linear_add_lanes(const linear_lanes *v) {
    linear_half low, high;
    memcpy(&low, v, sizeof low);
    memcpy(&high, (const char *)v + sizeof low, sizeof high);
    low += high;
    linear_quarter first, last;
    memcpy(&first, &low, sizeof first);
    memcpy(&last, (const char *)&low + sizeof first, sizeof last);
    first += last;
    us_real sum = first[0] + first[1];
    for (size_t i = 2; i < LANES / 4; i += 2) sum += first[i] + first[i + 1];
    return (double)sum;
}

/* Keeps the last `count` lanes. A row that ends within a vector is finished with its last LANES numbers, of which the
 * first have been dealt with before. */
INLINE void linear_keep_last(linear_mask *mask, size_t count) { *mask = LANE_NUMBERS >= LANES - (int)count; }

/* ⟨x_r, w⟩ + b for `count` rows that share the reading of w. count is known when this is compiled. */
INLINE void linear_dot(const us_real *const *rows, size_t count, const us_real *w, us_real b, size_t C,
                       const linear_mask *mask, double *z, size_t stride) {
    linear_lanes sum[ROWS];
    for (size_t r = 0; r < count; r++) sum[r] = (linear_lanes){0};
    size_t c = 0;
    if (C >= LANES) {
        for (; c + LANES <= C; c += LANES) {
            linear_lanes part = LOAD(w + c);
            for (size_t r = 0; r < count; r++) sum[r] += LOAD(rows[r] + c) * part;
        }
        if (c < C) {
            linear_lanes part = (linear_lanes)((linear_mask)LOAD(w + C - LANES) & *mask);
            for (size_t r = 0; r < count; r++) sum[r] += LOAD(rows[r] + C - LANES) * part;
        }
        c = C;
    }
    for (size_t r = 0; r < count; r++) {
        us_real rest = 0;
        for (size_t i = c; i < C; i++) rest += rows[r][i] * w[i];
        z[r * stride] = linear_add_lanes(&sum[r]) + (double)rest + (double)b;
    }
}

US_KERNEL static void linear_forward(const void *const *x, size_t count, const void *theta, size_t K, size_t C, double *z) {
    const us_real *w = theta, *b = w + K * C;
    const us_real *const *rows = (const us_real *const *)x;
    linear_mask mask;
    linear_keep_last(&mask, C % LANES);
    if (count == ROWS)
        for (size_t k = 0; k < K; k++) linear_dot(rows, ROWS, w + k * C, b[k], C, &mask, z + k, K);
    else
        for (size_t r = 0; r < count; r++)
            for (size_t k = 0; k < K; k++) linear_dot(rows + r, 1, w + k * C, b[k], C, &mask, z + r * K + k, K);
}

/* out ← out + Σ_r d_r·x_r; count is known when this is compiled. */
INLINE void linear_add_rows(const us_real *const *rows, size_t count, const us_real *d, size_t C, const linear_mask *mask,
                            us_real *out) {
    size_t c = 0;
    if (C >= LANES) {
        for (; c + LANES <= C; c += LANES) {
            linear_lanes sum = LOAD(out + c);
            for (size_t r = 0; r < count; r++) sum += LOAD(rows[r] + c) * d[r];
            *(linear_lanes *)(out + c) = sum;
        }
        if (c < C) {
            linear_lanes sum = {0};
            for (size_t r = 0; r < count; r++) sum += LOAD(rows[r] + C - LANES) * d[r];
            *(linear_lanes *)(out + C - LANES) += (linear_lanes)((linear_mask)sum & *mask);
        }
        c = C;
    }
    for (; c < C; c++)
        for (size_t r = 0; r < count; r++) out[c] += d[r] * rows[r][c];
}

US_KERNEL static void linear_backward(const void *const *x, size_t count, const double *d, size_t K, size_t C, void *sum) {
    us_real *w = sum, *b = w + K * C;
    const us_real *const *rows = (const us_real *const *)x;
    linear_mask mask;
    linear_keep_last(&mask, C % LANES);
    for (size_t k = 0; k < K; k++) {
        us_real column[ROWS];
        for (size_t r = 0; r < count; r++) b[k] += column[r] = (us_real)d[r * K + k];
        if (count == ROWS)
            linear_add_rows(rows, ROWS, column, C, &mask, w + k * C);
        else
            for (size_t r = 0; r < count; r++) linear_add_rows(rows + r, 1, column + r, C, &mask, w + k * C);
    }
}

US_KERNEL static void linear_outer(const void *row, const double *d, size_t K, size_t C, void *out) {
    const us_real *restrict x = row;
    us_real *restrict w = out;
    for (size_t k = 0; k < K; k++, w += C) {
        us_real slope = (us_real)d[k];
        for (size_t c = 0; c < C; c++) w[c] = slope * x[c];
    }
    for (size_t k = 0; k < K; k++) w[k] = (us_real)d[k];
}

US_KERNEL static void linear_flush(double *restrict sum, void *restrict part, size_t n) {
    us_real *restrict p = part;
    for (size_t i = 0; i < n; i++) {
        sum[i] += (double)p[i];
        p[i] = 0;
    }
}

US_KERNEL static void linear_finish(void *restrict out, const double *restrict sums, size_t count, size_t stride, size_t n) {
    us_real *restrict o = out;
    for (size_t i = 0; i < n; i++) {
        double sum = sums[i];
        for (size_t s = 1; s < count; s++) sum += sums[s * stride + i];
        o[i] = (us_real)sum;
    }
}

US_KERNEL static void linear_convert(void *restrict to, const void *restrict from, size_t n) {
    us_real *restrict t = to;
#if US_REAL_BITS == 32
    const double *restrict f = from;
#else
    const float *restrict f = from;
#endif
    for (size_t i = 0; i < n; i++) t[i] = (us_real)f[i];
}

const us__linear_kernel US_REAL(us__linear_kernel) = {
    .forward = linear_forward,
    .backward = linear_backward,
    .outer = linear_outer,
    .flush = linear_flush,
    .finish = linear_finish,
    .convert = linear_convert,
};
