/* Operations on n numbers, compiled for float and for double. Sums accumulate in double, in eight lanes that are added
 * in a fixed order, so that a result depends on n alone. */
#include "vec/real.h"
#include "vec/vec.h"

enum { LANES = 8 };

static double vec_get(const void *x, size_t i) { return (double)((const us_real *)x)[i]; }

static void vec_set(void *x, size_t i, double value) { ((us_real *)x)[i] = (us_real)value; }

static void vec_fill(void *x, double value, size_t n) {
    us_real *a = x;
    for (size_t i = 0; i < n; i++) a[i] = (us_real)value;
}

US_KERNEL static void vec_scale(void *x, double factor, size_t n) {
    us_real *a = x;
    for (size_t i = 0; i < n; i++) a[i] = (us_real)((double)a[i] * factor);
}

US_KERNEL static void vec_clamp(void *x, double bound, size_t n) {
    us_real *a = x, b = (us_real)bound;
    for (size_t i = 0; i < n; i++) a[i] = a[i] > b ? b : a[i] < -b ? -b : a[i];
}

US_KERNEL static void vec_multiply(void *y, const void *x, size_t n) {
    us_real *restrict p = y;
    const us_real *restrict q = x;
    for (size_t i = 0; i < n; i++) p[i] *= q[i];
}

US_KERNEL static void vec_axpy(void *y, double a, const void *x, size_t n) {
    us_real *restrict p = y;
    const us_real *restrict q = x;
    for (size_t i = 0; i < n; i++) p[i] = (us_real)((double)p[i] + a * (double)q[i]);
}

US_KERNEL static void vec_sum(void *out, const void *x, double a, const void *y, size_t n) {
    us_real *o = out;
    const us_real *p = x, *q = y;
    for (size_t i = 0; i < n; i++) o[i] = (us_real)((double)p[i] + a * (double)q[i]);
}

US_KERNEL static double vec_dot(const void *x, const void *y, size_t n) {
    const us_real *restrict p = x, *restrict q = y;
    double lane[LANES] = {0};
    size_t whole = n - n % LANES;
    for (size_t i = 0; i < whole; i += LANES)
        for (size_t k = 0; k < LANES; k++) lane[k] += (double)p[i + k] * (double)q[i + k];
    for (size_t i = whole; i < n; i++) lane[i - whole] += (double)p[i] * (double)q[i];
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

US_KERNEL static double vec_norm_inf(const void *x, size_t n) {
    const us_real *p = x;
    us_real largest = 0;
    bool nan = false;
    for (size_t i = 0; i < n; i++) {
        us_real a = us_real_fabs(p[i]);
        largest = a > largest ? a : largest;
        nan |= a != a;
    }
    return nan ? (double)NAN : (double)largest;
}

/* x·0 is 0 for a finite x and NaN otherwise. Four sums that do not wait for each other. */
US_KERNEL static bool vec_is_finite(const void *x, size_t n) {
    enum { WIDE = 2 * LANES };
    const us_real *p = x;
    us_real a[WIDE] = {0}, b[WIDE] = {0}, c[WIDE] = {0}, d[WIDE] = {0}, sum = 0;
    size_t whole = n - n % (4 * WIDE);
    for (size_t i = 0; i < whole; i += 4 * WIDE)
        for (size_t k = 0; k < WIDE; k++) {
            a[k] += p[i + k] * 0;
            b[k] += p[i + WIDE + k] * 0;
            c[k] += p[i + 2 * WIDE + k] * 0;
            d[k] += p[i + 3 * WIDE + k] * 0;
        }
    for (size_t i = whole; i < n; i++) a[i % WIDE] += p[i] * 0;
    for (size_t k = 0; k < WIDE; k++) sum += a[k] + b[k] + (c[k] + d[k]);
    return sum == 0;
}

static size_t vec_count_different(const void *x, const void *y, size_t n) {
    const us_real *p = x, *q = y;
    size_t count = 0;
    for (size_t i = 0; i < n; i++) count += p[i] != q[i];
    return count;
}

static void vec_read(const void *x, double *out, size_t n) {
    const us_real *p = x;
    for (size_t i = 0; i < n; i++) out[i] = (double)p[i];
}

static void vec_write(void *x, const double *in, size_t n) {
    us_real *p = x;
    for (size_t i = 0; i < n; i++) p[i] = (us_real)in[i];
}

const us__vec_ops US_REAL(us__vec_ops) = {
    .get = vec_get,
    .set = vec_set,
    .fill = vec_fill,
    .scale = vec_scale,
    .clamp = vec_clamp,
    .multiply = vec_multiply,
    .axpy = vec_axpy,
    .sum = vec_sum,
    .dot = vec_dot,
    .norm_inf = vec_norm_inf,
    .is_finite = vec_is_finite,
    .count_different = vec_count_different,
    .read = vec_read,
    .write = vec_write,
};
