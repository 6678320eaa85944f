/* Functions over arrays beside the C library, for every table that this machine can run. */
#include "graph/math.h"
#include "support.h"
#include <float.h>

enum { FUNCTIONS = 12, NUMBERS = 203 };

static const char *const NAMES[FUNCTIONS] = {"exp",  "log",  "log1p", "sin",  "cos", "tan",
                                             "asin", "acos", "atan",  "tanh", "erf", "erfc"};
static double (*const PLAIN[FUNCTIONS])(double) = {exp, log, log1p, sin, cos, tan, asin, acos, atan, tanh, erf, erfc};

static size_t tables(const us__math_table_f32 *singles[3], const us__math_table_f64 *doubles[3]) {
    size_t n = 0;
    singles[n] = &us__math_plain_f32, doubles[n++] = &us__math_plain_f64;
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        singles[n] = &us__math_avx2_f32, doubles[n++] = &us__math_avx2_f64;
    if (__builtin_cpu_supports("avx512f")) singles[n] = &us__math_avx512f_f32, doubles[n++] = &us__math_avx512f_f64;
#endif
    return n;
}

/* Between −9 and 9, and what is special. */
static double number(size_t i) {
    static const double SPECIAL[] = {0, (double)INFINITY, -(double)INFINITY, 1e4, -1e4, 1e-7, -1e-7, 0.999, -0.999};
    volatile double zero = 0;
    if (i < 9) return SPECIAL[i];
    if (i == 9) return zero / zero;
    return (double)(float)((double)(i - 10) * 18.0 / 192 - 9 + 0.0037);
}

static void expect(const char *name, double x, double got, double expected, double tolerance, double smallest) {
    if (isnan(expected) ? isnan(got) : got == expected || fabs(got - expected) <= tolerance * fabs(expected) + smallest)
        return;
    fail_msg("%s(%.17g) is %.17g, not %.17g", name, x, got, expected);
}

static void tables_agree_with_the_c_library(void **state) {
    const us__math_table_f32 *singles[3];
    const us__math_table_f64 *doubles[3];
    size_t count = tables(singles, doubles);
    for (size_t t = 0; t < count; t++) {
        us__math_f32 *const f32[FUNCTIONS] = {singles[t]->exp,  singles[t]->log,  singles[t]->log1p, singles[t]->sin,
                                              singles[t]->cos,  singles[t]->tan,  singles[t]->asin,  singles[t]->acos,
                                              singles[t]->atan, singles[t]->tanh, singles[t]->erf,   singles[t]->erfc};
        us__math_f64 *const f64[FUNCTIONS] = {doubles[t]->exp,  doubles[t]->log,  doubles[t]->log1p, doubles[t]->sin,
                                              doubles[t]->cos,  doubles[t]->tan,  doubles[t]->asin,  doubles[t]->acos,
                                              doubles[t]->atan, doubles[t]->tanh, doubles[t]->erf,   doubles[t]->erfc};
        for (size_t k = 0; k < FUNCTIONS; k++) {
            float x[NUMBERS], y[NUMBERS];
            double u[NUMBERS], v[NUMBERS];
            for (size_t i = 0; i < NUMBERS; i++) x[i] = (float)(u[i] = number(i));
            f32[k](x, y, NUMBERS);
            f64[k](u, v, NUMBERS);
            for (size_t i = 0; i < NUMBERS; i++) {
                expect(NAMES[k], (double)x[i], (double)y[i], PLAIN[k]((double)x[i]), 2 * (double)FLT_EPSILON,
                       (double)FLT_MIN);
                expect(NAMES[k], u[i], v[i], PLAIN[k](u[i]), 2 * DBL_EPSILON, DBL_MIN);
            }
            /* In place, any length: a number's result does not depend on its place, and nothing else is written. */
            for (size_t n = 0; n < 40; n++) {
                float s[64];
                for (size_t i = 0; i < 64; i++) s[i] = x[20 + i];
                f32[k](s, s, n);
                for (size_t i = 0; i < 64; i++) {
                    float wanted = i < n ? y[20 + i] : x[20 + i];
                    assert_memory_equal(&s[i], &wanted, sizeof wanted);
                }
            }
        }
    }
}

/* Powers of every number by every one: also zeros, infinities, NaN, and negative numbers by whole ones. */
static void powers_agree_with_the_c_library(void **state) {
    const us__math_table_f32 *singles[3];
    const us__math_table_f64 *doubles[3];
    size_t count = tables(singles, doubles);
    for (size_t t = 0; t < count; t++)
        for (size_t k = 0; k < NUMBERS; k++) {
            double y = k % 3 ? number(k) : (double)(k / 3) - 30; /* whole ones, too */
            float x32[NUMBERS], y32[NUMBERS], z32[NUMBERS];
            double x[NUMBERS], e[NUMBERS], z[NUMBERS];
            for (size_t i = 0; i < NUMBERS; i++) x32[i] = (float)(x[i] = number(i)), y32[i] = (float)(e[i] = y);
            singles[t]->pow(x32, y32, z32, NUMBERS);
            doubles[t]->pow(x, e, z, NUMBERS);
            for (size_t i = 0; i < NUMBERS; i++) {
                double wanted = (double)powf(x32[i], y32[i]);
                if (fabs(wanted) >= (double)FLT_MIN || wanted == 0 || isnan(wanted)) /* SLEEF rounds what is smaller to 0 */
                    expect("powf", (double)x32[i], (double)z32[i], wanted, 2 * (double)FLT_EPSILON, (double)FLT_MIN);
                expect("pow", x[i], z[i], pow(x[i], e[i]), 2 * DBL_EPSILON, DBL_MIN);
            }
            for (size_t n = 0; n < 40; n += 3) { /* the result may take the place of the base */
                float s[64];
                for (size_t i = 0; i < 64; i++) s[i] = x32[i];
                singles[t]->pow(s, y32, s, n);
                for (size_t i = 0; i < 64; i++) assert_memory_equal(&s[i], i < n ? &z32[i] : &x32[i], sizeof *s);
            }
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(tables_agree_with_the_c_library),
                                       cmocka_unit_test(powers_agree_with_the_c_library)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
