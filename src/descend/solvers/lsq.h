/* Linear least squares: min ‖Ax − b‖₂ by an orthogonal factorisation, refined with residuals of twice the precision. */
#ifndef US_DESCEND_SOLVERS_LSQ_H
#define US_DESCEND_SOLVERS_LSQ_H

#include "base/base.h"

typedef struct us__lsq {
    us_context *context;
    size_t m, n;
    const double *a; /* [m×n] row-major, the caller's */
    double *qr;      /* [n×m] the factorisation of A·diag(scale)⁻¹, column-major */
    double *tau;     /* [n] */
    double *scale;   /* [n] powers of two near the lengths of the columns */
    double *work;    /* of us__lsq_solve */
    bool full_rank;
} us__lsq;

/* Factors A, which must stay. m ≥ n ≥ 1. Errors: US_ERR_NOMEM, US_ERR_NUMERIC. @param lsq [caller closes, also on failure]
 */
us_status us__lsq_open(us__lsq *lsq, us_context *context, size_t m, size_t n, const double *a);
void us__lsq_close(us__lsq *lsq);
/* @param b [m]  @param x [n] out; not to be called without full rank. Errors: US_ERR_NUMERIC */
us_status us__lsq_solve(us__lsq *lsq, const double *b, double *x);
/* √ of the diagonal of (A'A)⁻¹. @param deviation [n] out */
void us__lsq_deviations(us__lsq *lsq, double *deviation);

#endif
