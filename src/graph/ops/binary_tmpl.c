/* Values of operations on two values; out may be an input of the same shape. */
#include "graph/graph.h"
#include "graph/math.h"
#include "vec/real.h"

typedef us_real binary_function(us_real a, us_real b);

static inline __attribute__((always_inline)) void binary_steps(us_real *y, const us_real *a, size_t sa, const us_real *b,
                                                               size_t sb, size_t n, binary_function *f) {
#pragma omp simd
    for (size_t i = 0; i < n; i++) y[i] = f(a[i * sa], b[i * sb]);
}

/* The steps are known to the compiler in each of the four forms. */
static inline __attribute__((always_inline)) void binary_loop(us_real *y, const void *const *in, const size_t *step,
                                                              size_t n, binary_function *f) {
    const us_real *a = in[0], *b = in[1];
    if (step[0] && step[1])
        binary_steps(y, a, 1, b, 1, n, f);
    else if (step[0])
        binary_steps(y, a, 1, &(us_real){*b}, 0, n, f);
    else if (step[1])
        binary_steps(y, &(us_real){*a}, 0, b, 1, n, f);
    else
        binary_steps(y, &(us_real){*a}, 0, &(us_real){*b}, 0, n, f);
}

static inline us_real binary_add(us_real a, us_real b) { return a + b; }
static inline us_real binary_sub(us_real a, us_real b) { return a - b; }
static inline us_real binary_mul(us_real a, us_real b) { return a * b; }
static inline us_real binary_div(us_real a, us_real b) { return a / b; }
static inline us_real binary_gate(us_real a, us_real b) { return a <= 0 ? 0 : b; } /* b, too, where a is NaN */
static inline us_real binary_max(us_real a, us_real b) { return a >= b || a != a ? a : b; }
static inline us_real binary_min(us_real a, us_real b) { return a <= b || a != a ? a : b; }
static inline us_real binary_greater(us_real a, us_real b) { return a > b ? 1 : a <= b ? 0 : a + b; } /* NaN stays */
static inline us_real binary_not_less(us_real a, us_real b) { return a >= b ? 1 : a < b ? 0 : a + b; }

#define FUNCTIONS(X) X(add) X(sub) X(mul) X(div) X(gate) X(max) X(min) X(greater) X(not_less)
#define KERNEL(f)                                                                                                           \
    us__row US_REAL(us__##f);                                                                                               \
    US_KERNEL void US_REAL(us__##f)(const us__node *node, void *out, const void *const *in, const size_t *step, size_t n) { \
        (void)node;                                                                                                         \
        binary_loop(out, in, step, n, binary_##f);                                                                          \
    }
FUNCTIONS(KERNEL)

us__row US_REAL(us__pow);

/* aᵇ·(log a)ᵏ, k = node->index; 0 where a = 0 < b and k > 0. Some numbers at a time. */
US_KERNEL void US_REAL(us__pow)(const us__node *node, void *out, const void *const *in, const size_t *step, size_t n) {
    enum { STRIP = 256 };
    const US_REAL(us__math_table) *math = US_REAL(us__math_now)();
    const us_real *a = in[0], *b = in[1];
    us_real *y = out, base[STRIP], exponent[STRIP], logarithm[STRIP];
    for (size_t from = 0; from < n; from += STRIP) {
        size_t count = n - from < STRIP ? n - from : STRIP;
        for (size_t i = 0; i < count; i++) base[i] = a[(from + i) * step[0]], exponent[i] = b[(from + i) * step[1]];
        math->pow(base, exponent, y + from, count);
        if (node->index == 0) continue;
        math->log(base, logarithm, count);
        for (size_t i = 0; i < count; i++) {
            us_real factor = node->index == 1 ? logarithm[i] : logarithm[i] * logarithm[i];
            y[from + i] = base[i] == 0 && exponent[i] > 0 ? 0 : y[from + i] * factor;
        }
    }
}
