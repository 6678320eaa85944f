/** Vectors of one precision. Inner products and norms accumulate in double. */
#ifndef UNSTUCK_VEC_H
#define UNSTUCK_VEC_H

#include <unstuck/rng.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum us_precision { US_F32 = 32, US_F64 = 64 } us_precision;

/** Bytes of one element. */
US_API size_t us_precision_bytes(us_precision precision);
/** Distance from 1 to the next number: 2^-23 or 2^-52. */
US_API double us_precision_epsilon(us_precision precision);

/** n numbers of one precision in host memory, aligned to 64 bytes when owned. */
typedef struct us_vec us_vec;

/** A vector of n zeros. n may be 0. @param out [caller destroys]. Errors: US_ERR_NOMEM, US_ERR_ARGUMENT. */
US_API us_status us_vec_create(us_vec **out, us_context *context, us_precision precision, size_t n);
/** A vector over memory of the caller's, which must hold n elements and outlive it. */
US_API us_status us_vec_wrap(us_vec **out, us_context *context, us_precision precision, size_t n, void *data);
US_API void us_vec_destroy(us_vec *v);

US_API size_t us_vec_size(const us_vec *v);
US_API us_precision us_vec_precision(const us_vec *v);
/** The elements: float * or double *, as the precision says. Borrowed. */
US_API void *us_vec_data(us_vec *v);
US_API const void *us_vec_data_const(const us_vec *v);

US_API double us_vec_get(const us_vec *v, size_t i);       /* i < size */
US_API void us_vec_set(us_vec *v, size_t i, double value); /* rounds to the precision */
US_API void us_vec_fill(us_vec *v, double value);
US_API void us_vec_fill_normal(us_vec *v, us_rng *rng); /* mean 0, variance 1, in order */

US_API void us_vec_fill_signs(us_vec *v, us_rng *rng); /* +1 or -1 with equal odds, in order */

/* The functions below need equal sizes (asserted). Where no precision is named, both vectors must
 * have the same one; us_vec_copy converts. None allocates. */

US_API void us_vec_copy(us_vec *to, const us_vec *from);       /* any precisions; rounds */
US_API void us_vec_scale(us_vec *v, double factor);            /* v ← factor·v */
US_API void us_vec_clamp(us_vec *v, double bound);             /* v ← max(−bound, min(v, bound)); NaN stays */
US_API void us_vec_multiply(us_vec *y, const us_vec *x);       /* y ← y ⊙ x, element by element */
US_API void us_vec_axpy(us_vec *y, double a, const us_vec *x); /* y ← y + a·x */
US_API void us_vec_sum(us_vec *out, const us_vec *x, double a, const us_vec *y); /* out ← x + a·y; out may be x or y */
US_API double us_vec_dot(const us_vec *x, const us_vec *y);                      /* any precisions */
US_API double us_vec_norm2(const us_vec *v);    /* does not overflow before the elements do */
US_API double us_vec_norm_inf(const us_vec *v); /* NaN if any element is */
US_API bool us_vec_is_finite(const us_vec *v);
/** How many elements differ in value. */
US_API size_t us_vec_count_different(const us_vec *x, const us_vec *y);

US_API void us_vec_read_f64(const us_vec *v, double *out); /* out[size] */
US_API void us_vec_write_f64(us_vec *v, const double *in); /* in[size]; rounds */

#ifdef __cplusplus
}
#endif
#endif
