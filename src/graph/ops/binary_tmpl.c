/* Values of operations on two values; out may be an input of the same shape. */
#include "graph/graph.h"
#include "vec/real.h"

typedef us_real binary_function(us_real a, us_real b);

/* Steps are 0 or 1 in the innermost loop, and known to the compiler in each of its four forms. */
static inline __attribute__((always_inline)) void binary_row(us_real *y, const us_real *a, size_t sa, const us_real *b,
                                                             size_t sb, size_t n, binary_function *f) {
#pragma omp simd
    for (size_t i = 0; i < n; i++) y[i] = f(a[i * sa], b[i * sb]);
}

static inline __attribute__((always_inline)) void binary_loop(const us__call *call, binary_function *f) {
    us__loops l;
    us__loops_of(call, &l);
    us_real *y = call->out;
    for (size_t i = 0; i < l.outer[0]; i++)
        for (size_t j = 0; j < l.outer[1]; j++)
            for (size_t k = 0; k < l.outer[2]; k++, y += l.inner) {
                const us_real *a = (const us_real *)call->in[0] + i * l.step[0][0] + j * l.step[0][1] + k * l.step[0][2];
                const us_real *b = (const us_real *)call->in[1] + i * l.step[1][0] + j * l.step[1][1] + k * l.step[1][2];
                if (l.unit[0] && l.unit[1])
                    binary_row(y, a, 1, b, 1, l.inner, f);
                else if (l.unit[0])
                    binary_row(y, a, 1, &(us_real){*b}, 0, l.inner, f);
                else if (l.unit[1])
                    binary_row(y, &(us_real){*a}, 0, b, 1, l.inner, f);
                else
                    binary_row(y, &(us_real){*a}, 0, &(us_real){*b}, 0, l.inner, f);
            }
}

static inline us_real binary_add(us_real a, us_real b) { return a + b; }
static inline us_real binary_sub(us_real a, us_real b) { return a - b; }
static inline us_real binary_mul(us_real a, us_real b) { return a * b; }
static inline us_real binary_div(us_real a, us_real b) { return a / b; }
static inline us_real binary_gate(us_real a, us_real b) { return a <= 0 ? 0 : b; } /* b, too, where a is NaN */
static inline us_real binary_pow(us_real a, us_real b) { return US_LIBM(pow)(a, b); }

#define FUNCTIONS(X) X(add) X(sub) X(mul) X(div) X(gate)
#define KERNEL(f)                \
    us__kernel US_REAL(us__##f); \
    US_KERNEL void US_REAL(us__##f)(const us__call *call) { binary_loop(call, binary_##f); }
FUNCTIONS(KERNEL)

static inline us_real binary_pow_log(us_real a, us_real b) {
    return a == 0 && b > 0 ? 0 : US_LIBM(pow)(a, b) * US_LIBM(log)(a);
}
static inline us_real binary_pow_log2(us_real a, us_real b) {
    return a == 0 && b > 0 ? 0 : US_LIBM(pow)(a, b) * US_LIBM(log)(a) * US_LIBM(log)(a);
}

us__kernel US_REAL(us__pow);

/* aᵇ·(log a)ᵏ; 0 where a = 0 < b. */
void US_REAL(us__pow)(const us__call *call) {
    switch (call->node->index) {
    case 0:
        binary_loop(call, binary_pow);
        break;
    case 1:
        binary_loop(call, binary_pow_log);
        break;
    default:
        binary_loop(call, binary_pow_log2);
        break;
    }
}
