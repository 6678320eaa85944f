/* Functions of many numbers at once: y[i] = f(x[i]), where y may be x; z[i] = x[i]^y[i], where z may
 * be either. The widest registers that the machine has are used
 * (SLEEF, at most 1 ulp off, erfc 1.5); where there are none of those, the C library. */
#ifndef US_GRAPH_MATH_H
#define US_GRAPH_MATH_H

#include <stddef.h>

typedef void us__math_f32(const float *x, float *y, size_t n);
typedef void us__math_two_f32(const float *x, const float *y, float *z, size_t n);
typedef void us__math_f64(const double *x, double *y, size_t n);
typedef void us__math_two_f64(const double *x, const double *y, double *z, size_t n);

typedef struct us__math_table_f32 {
    us__math_f32 *exp, *log, *log1p, *sin, *cos, *tan, *asin, *acos, *atan, *tanh, *erf, *erfc;
    us__math_two_f32 *pow;
} us__math_table_f32;

typedef struct us__math_table_f64 {
    us__math_f64 *exp, *log, *log1p, *sin, *cos, *tan, *asin, *acos, *atan, *tanh, *erf, *erfc;
    us__math_two_f64 *pow;
} us__math_table_f64;

/* The table for this machine. */
const us__math_table_f32 *us__math_now_f32(void);
const us__math_table_f64 *us__math_now_f64(void);

extern const us__math_table_f32 us__math_plain_f32, us__math_avx2_f32, us__math_avx512f_f32;
extern const us__math_table_f64 us__math_plain_f64, us__math_avx2_f64, us__math_avx512f_f64;

#endif
