/* Values of functions of one variable; out may be the input. */
#include "graph/graph.h"
#include "graph/math.h"
#include "vec/real.h"

/* ------------------------------------------------------------------ one number at a time */

typedef us_real unary_function(us_real x);

static inline __attribute__((always_inline)) void unary_loop(us_real *y, const us_real *x, size_t n, unary_function *f) {
#pragma omp simd
    for (size_t i = 0; i < n; i++) y[i] = f(x[i]);
}

static inline us_real unary_neg(us_real x) { return -x; }
static inline us_real unary_sqrt(us_real x) { return US_LIBM(sqrt)(x); }
/* The C library's: SLEEF's sinh and cosh are infinite a little before their numbers are. */
static inline us_real unary_sinh(us_real x) { return US_LIBM(sinh)(x); }
static inline us_real unary_cosh(us_real x) { return US_LIBM(cosh)(x); }
static inline us_real unary_abs(us_real x) { return US_LIBM(fabs)(x); }
static inline us_real unary_relu(us_real x) { return x < 0 ? 0 : x; } /* NaN stays */
static inline us_real unary_sign(us_real x) { return x > 0 ? 1 : x < 0 ? -1 : x; }

#define LOOPS(X) X(neg) X(sqrt) X(sinh) X(cosh) X(abs) X(relu) X(sign)
#define KERNEL(f)                                                                                                           \
    us__row US_REAL(us__##f);                                                                                               \
    US_KERNEL void US_REAL(us__##f)(const us__node *node, void *out, const void *const *in, const size_t *step, size_t n) { \
        (void)node, (void)step;                                                                                             \
        unary_loop(out, in[0], n, unary_##f);                                                                               \
    }
LOOPS(KERNEL)
#undef KERNEL

/* ------------------------------------------------------------------ functions of the math table */

#define TABLE(X) X(exp) X(log) X(sin) X(cos) X(tan) X(asin) X(acos) X(atan) X(tanh) X(erf) X(log1p)
#define KERNEL(f)                                                                                                 \
    us__row US_REAL(us__##f);                                                                                     \
    void US_REAL(us__##f)(const us__node *node, void *out, const void *const *in, const size_t *step, size_t n) { \
        (void)node, (void)step;                                                                                   \
        US_REAL(us__math_now)()->f(in[0], out, n);                                                                \
    }
TABLE(KERNEL)
#undef KERNEL

/* ------------------------------------------------------------------ made of those, some numbers at a time */

enum { STRIP = 256 };

typedef const US_REAL(us__math_table) unary_math;
typedef void unary_strip(unary_math *math, const us_real *x, us_real *y, size_t n);

static inline __attribute__((always_inline)) void unary_strips(us_real *y, const us_real *x, size_t n, unary_strip *f) {
    unary_math *math = US_REAL(us__math_now)();
    for (size_t i = 0; i < n; i += STRIP) f(math, x + i, y + i, n - i < STRIP ? n - i : STRIP);
}

/* 1/(1+exp(−x)); the exponential never overflows. */
static inline __attribute__((always_inline)) void unary_sigmoid(unary_math *math, const us_real *x, us_real *y, size_t n) {
    us_real e[STRIP];
    for (size_t i = 0; i < n; i++) e[i] = -US_LIBM(fabs)(x[i]);
    math->exp(e, e, n);
#pragma omp simd
    for (size_t i = 0; i < n; i++) y[i] = (x[i] < 0 ? e[i] : 1) / (1 + e[i]);
}

/* log(1+exp(x)) = max(x, 0) + log(1+exp(−|x|)) */
static inline __attribute__((always_inline)) void unary_softplus(unary_math *math, const us_real *x, us_real *y, size_t n) {
    us_real e[STRIP];
    for (size_t i = 0; i < n; i++) e[i] = -US_LIBM(fabs)(x[i]);
    math->exp(e, e, n);
    math->log1p(e, e, n);
#pragma omp simd
    for (size_t i = 0; i < n; i++) y[i] = (x[i] < 0 ? 0 : x[i]) + e[i];
}

/* Φ(x) = erfc(−x/√2)/2, which keeps its digits where Φ is small. */
static inline __attribute__((always_inline)) void unary_normal(unary_math *math, const us_real *x, us_real *p, size_t n) {
    for (size_t i = 0; i < n; i++) p[i] = x[i] * (us_real)-M_SQRT1_2;
    math->erfc(p, p, n);
    for (size_t i = 0; i < n; i++) p[i] *= (us_real)0.5;
}

/* From p = Φ(x), and the slope from b = exp(−x²/2) as well. */
static inline __attribute__((always_inline)) us_real unary_gelu_of(us_real x, us_real p) { return p == 0 ? 0 : x * p; }
static inline __attribute__((always_inline)) us_real unary_gelu_slope_of(us_real x, us_real p, us_real b) {
    return p + (b == 0 ? 0 : x * b * (us_real)(M_SQRT1_2 * M_2_SQRTPI / 2));
}

/* x·Φ(x); 0 at −∞ */
static inline __attribute__((always_inline)) void unary_gelu(unary_math *math, const us_real *x, us_real *y, size_t n) {
    us_real p[STRIP];
    unary_normal(math, x, p, n);
#pragma omp simd
    for (size_t i = 0; i < n; i++) y[i] = unary_gelu_of(x[i], p[i]);
}

/* Φ(x) + x·φ(x); 0 at −∞ and 1 at ∞ */
static inline __attribute__((always_inline)) void unary_gelu_slope(unary_math *math, const us_real *x, us_real *y,
                                                                   size_t n) {
    us_real p[STRIP], bell[STRIP];
    unary_normal(math, x, p, n);
    for (size_t i = 0; i < n; i++) bell[i] = x[i] * x[i] * (us_real)-0.5;
    math->exp(bell, bell, n);
#pragma omp simd
    for (size_t i = 0; i < n; i++) y[i] = unary_gelu_slope_of(x[i], p[i], bell[i]);
}

/* v of gelu-tanh, which is x·σ(v), and its slope. */
static inline __attribute__((always_inline)) us_real unary_cubic(us_real x) {
    return (us_real)(M_SQRT2 * M_2_SQRTPI) * x * (1 + (us_real)0.044715 * x * x);
}
static inline __attribute__((always_inline)) us_real unary_cubic_slope(us_real x) {
    return (us_real)(M_SQRT2 * M_2_SQRTPI) * (1 + (us_real)(3 * 0.044715) * x * x);
}

static inline __attribute__((always_inline)) void unary_silu(unary_math *math, const us_real *x, us_real *y, size_t n) {
    us_real s[STRIP];
    unary_sigmoid(math, x, s, n);
#pragma omp simd
    for (size_t i = 0; i < n; i++) y[i] = s[i] == 0 ? 0 : x[i] * s[i];
}

static inline __attribute__((always_inline)) void unary_silu_slope(unary_math *math, const us_real *x, us_real *y,
                                                                   size_t n) {
    us_real s[STRIP];
    unary_sigmoid(math, x, s, n);
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        us_real bell = s[i] * (1 - s[i]);
        y[i] = s[i] + (bell == 0 ? 0 : x[i] * bell);
    }
}

static inline __attribute__((always_inline)) void unary_gelu_tanh(unary_math *math, const us_real *x, us_real *y, size_t n) {
    us_real s[STRIP];
    for (size_t i = 0; i < n; i++) s[i] = unary_cubic(x[i]);
    unary_sigmoid(math, s, s, n);
#pragma omp simd
    for (size_t i = 0; i < n; i++) y[i] = s[i] == 0 ? 0 : x[i] * s[i];
}

static inline __attribute__((always_inline)) void unary_gelu_tanh_slope(unary_math *math, const us_real *x, us_real *y,
                                                                        size_t n) {
    us_real s[STRIP];
    for (size_t i = 0; i < n; i++) s[i] = unary_cubic(x[i]);
    unary_sigmoid(math, s, s, n);
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        us_real bell = s[i] * (1 - s[i]);
        y[i] = s[i] + (bell == 0 ? 0 : x[i] * bell * unary_cubic_slope(x[i]));
    }
}

#define STRIPS(X) \
    X(normal) X(sigmoid) X(softplus) X(gelu) X(gelu_slope) X(silu) X(silu_slope) X(gelu_tanh) X(gelu_tanh_slope)
#define KERNEL(f)                                                                                                           \
    us__row US_REAL(us__##f);                                                                                               \
    US_KERNEL void US_REAL(us__##f)(const us__node *node, void *out, const void *const *in, const size_t *step, size_t n) { \
        (void)node, (void)step;                                                                                             \
        unary_strips(out, in[0], n, unary_##f);                                                                             \
    }
STRIPS(KERNEL)

/* ------------------------------------------------------------------ from what others have computed */

us__row US_REAL(us__gelu_of), US_REAL(us__gelu_slope_of);

/* All inputs have the shape of the result. */
US_KERNEL void US_REAL(us__gelu_of)(const us__node *node, void *out, const void *const *in, const size_t *step, size_t n) {
    const us_real *x = in[0], *p = in[1];
    us_real *y = out;
    (void)node, (void)step;
#pragma omp simd
    for (size_t i = 0; i < n; i++) y[i] = unary_gelu_of(x[i], p[i]);
}

US_KERNEL void US_REAL(us__gelu_slope_of)(const us__node *node, void *out, const void *const *in, const size_t *step,
                                          size_t n) {
    const us_real *x = in[0], *p = in[1], *b = in[2];
    us_real *y = out;
    (void)node, (void)step;
#pragma omp simd
    for (size_t i = 0; i < n; i++) y[i] = unary_gelu_slope_of(x[i], p[i], b[i]);
}
