/* Passes over the basis. At a million rows and 50 columns it is 400 MB, and reading it is the whole cost: each pass goes
 * over it once, a chunk of rows after the other, whatever it does with a chunk. */
#include "curvature/curvature.h"
#include "curvature/lanczos.h"
#include <cblas.h>
#include <float.h>
#include <math.h>
#include <string.h>

enum { BASIS_CHUNK = 1024 }; /* rows: vectors of as many stay in the first cache, 50 columns in the second */

double us__lanczos_length(const double *x, size_t n) {
    double square = cblas_ddot((int)n, x, 1, x, 1); /* dnrm2 is slow, and right where this is not */
    return square > DBL_MIN / DBL_EPSILON && square <= DBL_MAX ? sqrt(square) : cblas_dnrm2((int)n, x, 1);
}

/* Rows first .. first + rows of W −= V·C, for columns from .. from + count of V; c [count×k] columns `stride` apart. */
static void basis_take(const us_lanczos *l, size_t first, size_t rows, size_t from, size_t count, size_t k, const double *c,
                       size_t stride) {
    for (size_t q = 0; q < k && count > 0; q++)
        cblas_dgemv(CblasColMajor, CblasNoTrans, (int)rows, (int)count, -1, l->basis + from * l->n + first, (int)l->n,
                    c + q * stride, 1, 1, l->work + q * l->n + first, 1);
}

void us__lanczos_subtract(us_lanczos *l, size_t from, size_t count, size_t k, const double *c, size_t stride) {
    for (size_t first = 0; first < l->n; first += BASIS_CHUNK) {
        size_t rows = l->n - first < BASIS_CHUNK ? l->n - first : BASIS_CHUNK;
        basis_take(l, first, rows, from, count, k, c, stride);
    }
}

void us__lanczos_subtract_and_measure(us_lanczos *l, size_t from, size_t k, const double *s, double *d) {
    size_t n = l->n, size = l->size, all = size + k;
    memset(d, 0, all * k * sizeof *d);
    for (size_t first = 0; first < n; first += BASIS_CHUNK) {
        size_t rows = n - first < BASIS_CHUNK ? n - first : BASIS_CHUNK;
        basis_take(l, first, rows, size, k, k, s, k);
        basis_take(l, first, rows, from, size - from, k, l->couple + from, l->most);
        for (size_t q = 0; q < k; q++)
            cblas_dgemv(CblasColMajor, CblasTrans, (int)rows, (int)all, 1, l->basis + first, (int)n, l->work + q * n + first,
                        1, 1, d + q * all, 1);
    }
}

void us__lanczos_orthogonalise(const us_lanczos *l, double *w, size_t count, double *c) {
    us__basis_orthogonalise(l->basis, l->n, count, w, c);
}

void us__basis_orthogonalise(const double *basis, size_t n, size_t count, double *w, double *c) {
    memset(c, 0, count * sizeof *c);
    for (int pass = 0; pass < 2 && count > 0; pass++)
        for (size_t first = 0; first < n; first += BASIS_CHUNK) {
            size_t rows = n - first < BASIS_CHUNK ? n - first : BASIS_CHUNK;
            const double *v = basis + first;
            if (pass == 0)
                cblas_dgemv(CblasColMajor, CblasTrans, (int)rows, (int)count, 1, v, (int)n, w + first, 1, 1, c, 1);
            else
                cblas_dgemv(CblasColMajor, CblasNoTrans, (int)rows, (int)count, -1, v, (int)n, c, 1, 1, w + first, 1);
        }
}
