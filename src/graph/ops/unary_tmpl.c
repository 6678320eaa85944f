/* Values of functions of one variable; out may be the input. */
#include "graph/graph.h"
#include "vec/real.h"
#include <tgmath.h>

typedef us_real unary_function(us_real x);

static inline __attribute__((always_inline)) void unary_loop(const us__call *call, unary_function *f) {
    size_t n = us__elements(call->node, call->rows);
    const us_real *x = call->in[0];
    us_real *y = call->out;
#pragma omp simd
    for (size_t i = 0; i < n; i++) y[i] = f(x[i]);
}

static inline us_real unary_neg(us_real x) { return -x; }
static inline us_real unary_exp(us_real x) { return exp(x); }
static inline us_real unary_log(us_real x) { return log(x); }
static inline us_real unary_sqrt(us_real x) { return sqrt(x); }
static inline us_real unary_sin(us_real x) { return sin(x); }
static inline us_real unary_cos(us_real x) { return cos(x); }
static inline us_real unary_tan(us_real x) { return tan(x); }
static inline us_real unary_asin(us_real x) { return asin(x); }
static inline us_real unary_acos(us_real x) { return acos(x); }
static inline us_real unary_atan(us_real x) { return atan(x); }
static inline us_real unary_sinh(us_real x) { return sinh(x); }
static inline us_real unary_cosh(us_real x) { return cosh(x); }
static inline us_real unary_tanh(us_real x) { return tanh(x); }
static inline us_real unary_erf(us_real x) { return erf(x); }
static inline us_real unary_abs(us_real x) { return fabs(x); }
static inline us_real unary_relu(us_real x) { return x < 0 ? 0 : x; } /* NaN stays */
static inline us_real unary_sign(us_real x) { return x > 0 ? 1 : x < 0 ? -1 : x; }

/* 1/(1+exp(−x)); the exponential never overflows. */
static inline us_real unary_sigmoid(us_real x) {
    us_real e = exp(-fabs(x));
    return (x < 0 ? e : 1) / (1 + e);
}

/* log(1+exp(x)) */
static inline us_real unary_softplus(us_real x) { return (x < 0 ? 0 : x) + log1p(exp(-fabs(x))); }

/* Φ(x) by erfc, which keeps its digits where Φ is small. */
static inline us_real unary_normal(us_real x) { return (us_real)0.5 * erfc(-x * (us_real)M_SQRT1_2); }

/* x·Φ(x); 0 at −∞ */
static inline us_real unary_gelu(us_real x) {
    us_real p = unary_normal(x);
    return p > 0 || p != p ? x * p : 0;
}

/* Φ(x) + x·φ(x); 0 at −∞ and 1 at ∞ */
static inline us_real unary_gelu_slope(us_real x) {
    us_real bell = exp(x * x * (us_real)-0.5);
    return unary_normal(x) + (bell > 0 || bell != bell ? x * bell * (us_real)(M_SQRT1_2 * M_2_SQRTPI / 2) : 0);
}

#define FUNCTIONS(X)                                                                                                     \
    X(neg) X(exp) X(log) X(sqrt) X(sin) X(cos) X(tan) X(asin) X(acos) X(atan) X(sinh) X(cosh) X(tanh) X(sigmoid) X(erf)  \
    X(abs) X(relu) X(sign) X(gelu) X(gelu_slope) X(softplus)
#define KERNEL(f)                                                                                                        \
    us__kernel US_REAL(us__##f);                                                                                         \
    US_KERNEL void US_REAL(us__##f)(const us__call *call) { unary_loop(call, unary_##f); }
FUNCTIONS(KERNEL)
