/* The number type of a *_tmpl.c, which Meson compiles with -DUS_REAL_BITS=32 and again with 64.
 * US_REAL(us__foo) is us__foo_f32 or us__foo_f64; US_LIBM(tan) is tanf or tan. */
#ifndef US_VEC_REAL_H
#define US_VEC_REAL_H

#include <float.h>
#include <math.h>

#if US_REAL_BITS == 32
typedef float us_real;
#define US_REAL(name) name##_f32
#define US_REAL_PRECISION US_F32
#define US_REAL_EPSILON FLT_EPSILON
#define us_real_sqrt sqrtf
#define us_real_fabs fabsf
#define us_real_exp expf
#define us_real_log logf
#define us_real_log1p log1pf
#define us_real_tanh tanhf
#define US_CBLAS(name) cblas_s##name
#define US_LIBM(name) name##f
#elif US_REAL_BITS == 64
typedef double us_real;
#define US_REAL(name) name##_f64
#define US_REAL_PRECISION US_F64
#define US_REAL_EPSILON DBL_EPSILON
#define us_real_sqrt sqrt
#define us_real_fabs fabs
#define us_real_exp exp
#define us_real_log log
#define us_real_log1p log1p
#define us_real_tanh tanh
#define US_CBLAS(name) cblas_d##name
#define US_LIBM(name) name
#else
#error "compile with -DUS_REAL_BITS=32 or 64"
#endif

#endif
