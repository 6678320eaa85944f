/* The choice of a table, and the one that is always there. */
#include "graph/math.h"
#include "vec/real.h"

typedef us_real math_function(us_real x);

static inline __attribute__((always_inline)) void math_loop(const us_real *x, us_real *y, size_t n, math_function *f) {
    for (size_t i = 0; i < n; i++) y[i] = f(x[i]);
}

static void math_exp(const us_real *x, us_real *y, size_t n) { math_loop(x, y, n, US_LIBM(exp)); }
static void math_log(const us_real *x, us_real *y, size_t n) { math_loop(x, y, n, US_LIBM(log)); }
static void math_log1p(const us_real *x, us_real *y, size_t n) { math_loop(x, y, n, US_LIBM(log1p)); }
static void math_sin(const us_real *x, us_real *y, size_t n) { math_loop(x, y, n, US_LIBM(sin)); }
static void math_cos(const us_real *x, us_real *y, size_t n) { math_loop(x, y, n, US_LIBM(cos)); }
static void math_tan(const us_real *x, us_real *y, size_t n) { math_loop(x, y, n, US_LIBM(tan)); }
static void math_asin(const us_real *x, us_real *y, size_t n) { math_loop(x, y, n, US_LIBM(asin)); }
static void math_acos(const us_real *x, us_real *y, size_t n) { math_loop(x, y, n, US_LIBM(acos)); }
static void math_atan(const us_real *x, us_real *y, size_t n) { math_loop(x, y, n, US_LIBM(atan)); }
static void math_tanh(const us_real *x, us_real *y, size_t n) { math_loop(x, y, n, US_LIBM(tanh)); }
static void math_erf(const us_real *x, us_real *y, size_t n) { math_loop(x, y, n, US_LIBM(erf)); }
static void math_erfc(const us_real *x, us_real *y, size_t n) { math_loop(x, y, n, US_LIBM(erfc)); }

static void math_pow(const us_real *x, const us_real *y, us_real *z, size_t n) {
    for (size_t i = 0; i < n; i++) z[i] = US_LIBM(pow)(x[i], y[i]);
}

const US_REAL(us__math_table) US_REAL(us__math_plain) = {
    .exp = math_exp,
    .log = math_log,
    .log1p = math_log1p,
    .sin = math_sin,
    .cos = math_cos,
    .tan = math_tan,
    .asin = math_asin,
    .acos = math_acos,
    .atan = math_atan,
    .tanh = math_tanh,
    .erf = math_erf,
    .erfc = math_erfc,
    .pow = math_pow,
};

const US_REAL(us__math_table) * US_REAL(us__math_now)(void) {
#ifdef US_WIDE_MATH
    if (__builtin_cpu_supports("avx512f")) return &US_REAL(us__math_avx512f);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &US_REAL(us__math_avx2);
#endif
    return &US_REAL(us__math_plain);
}
