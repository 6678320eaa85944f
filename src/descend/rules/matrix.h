/* What rules that multiply matrices share. Row-major; nothing aliases; the bits do not depend on the number of threads. */
#ifndef US_DESCEND_MATRIX_H
#define US_DESCEND_MATRIX_H

#include "descend/descend.h"
#include "vec/real.h"
#include <cblas.h>

/* Sides that are longer get no matrix of their own: n×n numbers and n³ work would be out of proportion. */
enum { US__MATRIX_SIDE_MOST = 1024 };

/* C [m×n] = alpha·op(A)·op(B), inner dimension k, rows of length ldX in memory. */
void us__matrix_multiply_f32(us_context *context, CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, size_t m, size_t n, size_t k,
                             double alpha, const float *a, size_t lda, const float *b, size_t ldb, float *c, size_t ldc);
void us__matrix_multiply_f64(us_context *context, CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, size_t m, size_t n, size_t k,
                             double alpha, const double *a, size_t lda, const double *b, size_t ldb, double *c, size_t ldc);

/* C [n×n] = beta·C + alpha·A·Aᵀ for A [n×k], or Aᵀ·A for A [k×n] where `transposed`; C is symmetric. */
void us__matrix_square_f32(us_context *context, bool transposed, size_t n, size_t k, double alpha, const float *a,
                           double beta, float *c);
void us__matrix_square_f64(us_context *context, bool transposed, size_t n, size_t k, double alpha, const double *a,
                           double beta, double *c);

/* Eigenvectors of a symmetric A [n×n] as its rows, in A's place; eigenvalues ascending. @param work  that many numbers.
 * Errors: US_ERR_NONFINITE (no convergence, which means that A is not finite). */
us_status us__matrix_eigen_f32(us_context *context, size_t n, float *a, float *values, float *work);
us_status us__matrix_eigen_f64(us_context *context, size_t n, double *a, double *values, double *work);
/* Rows of A [n×n] made orthonormal from the first on (QR of Aᵀ). */
us_status us__matrix_orthonormal_f32(us_context *context, size_t n, float *a, float *work);
us_status us__matrix_orthonormal_f64(us_context *context, size_t n, double *a, double *work);
/* For either. */
size_t us__matrix_work(size_t n);

#endif
