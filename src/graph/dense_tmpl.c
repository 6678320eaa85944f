#include "graph/dense.h"
#include "vec/real.h"
#include <cblas.h>

us__dense_kernel US_REAL(us__dense_contract);
us__dense_squares US_REAL(us__dense_squares);

/* k[(i−from)·in + j] = turnᵢ·aⱼ + slopeᵢ·rateⱼ, one row */
static void dense_row(const us__dense_part *p, size_t from, size_t r, us_real *restrict k) {
    size_t in = p->in + 1;
    const us_real *restrict a = (const us_real *)p->a + r * in;
    const us_real *restrict rate = p->rates ? (const us_real *)p->rates + r * in : NULL;
    const us_real *slope = (const us_real *)p->slope + r * p->slope_step;
    const us_real *turn = p->turns ? (const us_real *)p->turns + r * p->turn_step : NULL;
    for (size_t i = from; i < p->out; i++, k += in) {
        us_real t = turn ? turn[i] : 0, s = slope[i];
        if (rate)
            for (size_t j = 0; j < in; j++) k[j] = t * a[j] + s * rate[j];
        else
            for (size_t j = 0; j < in; j++) k[j] = t * a[j];
    }
}

void US_REAL(us__dense_contract)(const void *a, size_t columns, const us__dense_part *other, size_t from, size_t rows,
                                 void *sums, void *scratch) {
    size_t width = (other->out - from) * (other->in + 1);
    for (size_t first = 0; first < rows; first += US__DENSE_TILE) {
        size_t count = rows - first < US__DENSE_TILE ? rows - first : US__DENSE_TILE;
        for (size_t r = 0; r < count; r++) dense_row(other, from, first + r, (us_real *)scratch + r * width);
        US_CBLAS(gemm)
        (CblasRowMajor, CblasTrans, CblasNoTrans, (int)columns, (int)width, (int)count, 1,
         (const us_real *)a + first * columns, (int)columns, scratch, (int)width, first > 0, sums, (int)width);
    }
}

void US_REAL(us__dense_squares)(void *a, size_t columns, const void *turns, size_t units, size_t rows, void *sums) {
    us_real *squares = a;
    for (size_t k = 0; k < rows * columns; k++) squares[k] *= squares[k];
    US_CBLAS(gemm)
    (CblasRowMajor, CblasTrans, CblasNoTrans, (int)units, (int)columns, (int)rows, 1, turns, (int)units, squares,
     (int)columns, 0, sums, (int)columns);
}
