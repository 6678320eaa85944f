/* Products, eigenvectors and orthonormal bases for rules that multiply matrices. Products are cut into strips of rows of the
 * result, always the same, which threads share. */
#include "descend/rules/matrix.h"
#include <lapacke.h>

#if US_REAL_BITS == 32
#define MATRIX_LAPACK(name) LAPACKE_s##name##_work
#else
#define MATRIX_LAPACK(name) LAPACKE_d##name##_work
#endif

enum { MATRIX_STRIP = 256, MATRIX_TO_SHARE = 1 << 20 /* multiplications */ };

typedef struct US_REAL(matrix_product) {
    CBLAS_TRANSPOSE ta, tb;
    size_t m, n, k, lda, ldb, ldc;
    us_real alpha, beta;
    const us_real *a, *b;
    us_real *c;
    bool lower; /* b is a: up to the diagonal only */
} US_REAL(matrix_product);

static void matrix_strip(void *user, size_t i, size_t thread) {
    const US_REAL(matrix_product) *p = user;
    size_t from = i * MATRIX_STRIP, rows = p->m - from < MATRIX_STRIP ? p->m - from : MATRIX_STRIP;
    size_t columns = p->lower ? from : p->n;
    const us_real *a = p->a + (p->ta == CblasTrans ? from : from * p->lda);
    (void)thread;
    if (p->lower) US_CBLAS(syrk)
    (CblasRowMajor, CblasLower, p->ta, (blasint)rows, (blasint)p->k, p->alpha, a, (blasint)p->lda, p->beta,
     p->c + from * p->ldc + from, (blasint)p->ldc);
    if (columns == 0) return;
    US_CBLAS(gemm)
    (CblasRowMajor, p->ta, p->tb, (blasint)rows, (blasint)columns, (blasint)p->k, p->alpha, a, (blasint)p->lda, p->b,
     (blasint)p->ldb, p->beta, p->c + from * p->ldc, (blasint)p->ldc);
}

static void matrix_run(us_context *context, US_REAL(matrix_product) * p) {
    bool share = (double)p->m * (double)p->n * (double)p->k >= MATRIX_TO_SHARE;
    us__parallel(context, share ? (size_t)us_context_threads(context) : 1, (p->m + MATRIX_STRIP - 1) / MATRIX_STRIP,
                 matrix_strip, p);
}

void US_REAL(us__matrix_multiply)(us_context *context, CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, size_t m, size_t n, size_t k,
                                  double alpha, const us_real *a, size_t lda, const us_real *b, size_t ldb, us_real *c,
                                  size_t ldc) {
    matrix_run(context, &(US_REAL(matrix_product)){ta, tb, m, n, k, lda, ldb, ldc, (us_real)alpha, 0, a, b, c, false});
}

void US_REAL(us__matrix_square)(us_context *context, bool transposed, size_t n, size_t k, double alpha, const us_real *a,
                                double beta, us_real *c) {
    CBLAS_TRANSPOSE ta = transposed ? CblasTrans : CblasNoTrans, tb = transposed ? CblasNoTrans : CblasTrans;
    size_t ld = transposed ? n : k;
    matrix_run(context,
               &(US_REAL(matrix_product)){ta, tb, n, n, k, ld, ld, n, (us_real)alpha, (us_real)beta, a, a, c, true});
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) c[j * n + i] = c[i * n + j];
}

us_status US_REAL(us__matrix_eigen)(us_context *context, size_t n, us_real *a, us_real *values, us_real *work) {
    lapack_int order = (lapack_int)n, length = 1 + 6 * order + 2 * order * order, integers = 3 + 5 * order;
    lapack_int info = MATRIX_LAPACK(syevd)(LAPACK_COL_MAJOR, 'V', 'U', order, a, order, values, work, length,
                                           (lapack_int *)(void *)(work + length + (length & 1)), integers);
    if (info == 0) return US_OK;
    return us__fail(context, US_ERR_NONFINITE,
                    "eigenvectors of a preconditioner of %zu rows were not found; is the gradient "
                    "finite?",
                    n);
}

us_status US_REAL(us__matrix_orthonormal)(us_context *context, size_t n, us_real *a, us_real *work) {
    lapack_int order = (lapack_int)n, length = 64 * order;
    us_real *tau = work + length;
    lapack_int info = MATRIX_LAPACK(geqrf)(LAPACK_COL_MAJOR, order, order, a, order, tau, work, length);
    if (info == 0) info = MATRIX_LAPACK(orgqr)(LAPACK_COL_MAJOR, order, order, order, a, order, tau, work, length);
    if (info == 0) return US_OK;
    return us__fail(context, US_ERR_NONFINITE, "a basis of %zu vectors was not found", n);
}

#if US_REAL_BITS == 64
size_t us__matrix_work(size_t n) {
    size_t eigen = 2 + 6 * n + 2 * n * n + (3 + 5 * n) + 1, basis = 65 * n;
    return eigen > basis ? eigen : basis;
}
#endif
