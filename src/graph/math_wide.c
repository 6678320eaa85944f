/* SLEEF's functions over arrays. Compiled for each precision (-DUS_REAL_BITS) and instruction set (-mavx2 -mfma, -mavx512f).
 * A number's result does not depend on its place: the last, partial register holds zeros beside it. */
#include "graph/math.h"
#include "vec/real.h"
#include <immintrin.h>
#include <sleef.h>
#include <stdbool.h>
#include <string.h>

#if US_REAL_BITS == 32 && defined(__AVX512F__)
typedef __m512 math_wide;
#define LOAD _mm512_loadu_ps
#define STORE _mm512_storeu_ps
#define SLEEF(name, accuracy) Sleef_##name##f16_##accuracy##avx512f
#define TABLE us__math_avx512f_f32
#elif US_REAL_BITS == 32
typedef __m256 math_wide;
#define LOAD _mm256_loadu_ps
#define STORE _mm256_storeu_ps
#define SLEEF(name, accuracy) Sleef_##name##f8_##accuracy##avx2
#define TABLE us__math_avx2_f32
#elif defined(__AVX512F__)
typedef __m512d math_wide;
#define LOAD _mm512_loadu_pd
#define STORE _mm512_storeu_pd
#define SLEEF(name, accuracy) Sleef_##name##d8_##accuracy##avx512f
#define TABLE us__math_avx512f_f64
#else
typedef __m256d math_wide;
#define LOAD _mm256_loadu_pd
#define STORE _mm256_storeu_pd
#define SLEEF(name, accuracy) Sleef_##name##d4_##accuracy##avx2
#define TABLE us__math_avx2_f64
#endif

enum { WIDTH = sizeof(math_wide) / sizeof(us_real) };

typedef __typeof__(SLEEF(exp, u10)) math_function; /* math_wide (math_wide) with SLEEF's attributes */

static inline __attribute__((always_inline)) void math_loop(const us_real *x, us_real *y, size_t n, math_function *f) {
    size_t whole = n - n % WIDTH;
    for (size_t i = 0; i < whole; i += WIDTH) STORE(y + i, f(LOAD(x + i)));
    if (whole == n) return;
    us_real rest[WIDTH] = {0};
    memcpy(rest, x + whole, (n - whole) * sizeof *x);
    STORE(rest, f(LOAD(rest)));
    memcpy(y + whole, rest, (n - whole) * sizeof *y);
}

static void math_exp(const us_real *x, us_real *y, size_t n) { math_loop(x, y, n, SLEEF(exp, u10)); }
static void math_log(const us_real *x, us_real *y, size_t n) { math_loop(x, y, n, SLEEF(log, u10)); }
static void math_log1p(const us_real *x, us_real *y, size_t n) { math_loop(x, y, n, SLEEF(log1p, u10)); }
static void math_sin(const us_real *x, us_real *y, size_t n) { math_loop(x, y, n, SLEEF(sin, u10)); }
static void math_cos(const us_real *x, us_real *y, size_t n) { math_loop(x, y, n, SLEEF(cos, u10)); }
static void math_tan(const us_real *x, us_real *y, size_t n) { math_loop(x, y, n, SLEEF(tan, u10)); }
static void math_asin(const us_real *x, us_real *y, size_t n) { math_loop(x, y, n, SLEEF(asin, u10)); }
static void math_acos(const us_real *x, us_real *y, size_t n) { math_loop(x, y, n, SLEEF(acos, u10)); }
static void math_atan(const us_real *x, us_real *y, size_t n) { math_loop(x, y, n, SLEEF(atan, u10)); }
static void math_tanh(const us_real *x, us_real *y, size_t n) { math_loop(x, y, n, SLEEF(tanh, u10)); }
static void math_erf(const us_real *x, us_real *y, size_t n) { math_loop(x, y, n, SLEEF(erf, u10)); }
static void math_erfc(const us_real *x, us_real *y, size_t n) { math_loop(x, y, n, SLEEF(erfc, u15)); }

static void math_pow(const us_real *x, const us_real *y, us_real *z, size_t n) {
    for (size_t i = 0; i < n; i += WIDTH) {
        us_real a[WIDTH] = {0}, b[WIDTH] = {0};
        bool whole = n - i >= WIDTH;
        size_t bytes = (n - i) * sizeof *x;
        if (!whole) memcpy(a, x + i, bytes), memcpy(b, y + i, bytes);
        math_wide power = SLEEF(pow, u10)(LOAD(whole ? x + i : a), LOAD(whole ? y + i : b));
        if (whole)
            STORE(z + i, power);
        else
            STORE(a, power), memcpy(z + i, a, bytes);
    }
}

const US_REAL(us__math_table) TABLE = {
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
