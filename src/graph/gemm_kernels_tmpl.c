/* The inner loops of products of matrices, in registers. Compiled for each precision and instruction set; gemm.h tells what
 * they do. Rows of a tile are few enough that its sums, two registers a row, and the factors fit into the registers. */
#include "graph/gemm.h"
#include "vec/real.h"
#include <string.h>

#if defined(__AVX512F__)
enum { BYTES = 64, HEIGHT = 8 };
#define TABLE US_REAL(us__gemm_avx512f)
#else
enum { BYTES = 32, HEIGHT = 6 };
#define TABLE US_REAL(us__gemm_avx2)
#endif

enum { LANES = BYTES / sizeof(us_real), ACROSS = 2, WIDTH = ACROSS * LANES };
typedef us_real wide __attribute__((vector_size(BYTES)));
#define INLINE static inline __attribute__((always_inline))

INLINE wide load(const us_real *x) {
    wide v;
    memcpy(&v, x, sizeof v);
    return v;
}

INLINE void tile_terms(wide sum[HEIGHT][ACROSS], const size_t rows, const us_real *left, const size_t step,
                       const us_real *right) {
    wide r[ACROSS];
    for (size_t j = 0; j < ACROSS; j++) r[j] = load(right + j * LANES);
    for (size_t i = 0; i < rows; i++) {
        wide l = left[i * step] - (wide){0}; /* in all lanes */
        for (size_t j = 0; j < ACROSS; j++) sum[i][j] += l * r[j];
    }
}

INLINE void tile_rows(us_real *out, size_t step, const size_t rows, size_t columns, const us_real *left, bool chunked,
                      size_t stride, const us_real *right, size_t terms, bool add) {
    wide sum[HEIGHT][ACROSS];
    for (size_t i = 0; i < rows; i++) {
        __builtin_prefetch(out + i * step);
        for (size_t j = 0; j < ACROSS; j++) sum[i][j] = (wide){0};
    }
    if (chunked)
        for (size_t p = 0; p < terms; p += WIDTH, left += stride)
            for (size_t q = 0; q < WIDTH; q++, right += WIDTH) tile_terms(sum, rows, left + q, WIDTH, right);
    else
        for (size_t p = 0; p < terms; p++, left += stride, right += WIDTH) tile_terms(sum, rows, left, 1, right);
    if (columns == WIDTH) {
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < ACROSS; j++) {
                us_real *to = out + i * step + j * LANES;
                wide v = add ? load(to) + sum[i][j] : sum[i][j];
                memcpy(to, &v, sizeof v);
            }
        return;
    }
    us_real part[HEIGHT][WIDTH];
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < ACROSS; j++) memcpy(&part[i][j * LANES], &sum[i][j], sizeof(wide));
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) out[i * step + j] = add ? out[i * step + j] + part[i][j] : part[i][j];
}

static void gemm_tile(us_real *out, size_t step, size_t rows, size_t columns, const us_real *left, bool chunked,
                      size_t stride, const us_real *right, size_t terms, bool add) {
    switch (rows) {
#if defined(__AVX512F__)
    case 8:
        tile_rows(out, step, 8, columns, left, chunked, stride, right, terms, add);
        break;
    case 7:
        tile_rows(out, step, 7, columns, left, chunked, stride, right, terms, add);
        break;
#endif
    case 6:
        tile_rows(out, step, 6, columns, left, chunked, stride, right, terms, add);
        break;
    case 5:
        tile_rows(out, step, 5, columns, left, chunked, stride, right, terms, add);
        break;
    case 4:
        tile_rows(out, step, 4, columns, left, chunked, stride, right, terms, add);
        break;
    case 3:
        tile_rows(out, step, 3, columns, left, chunked, stride, right, terms, add);
        break;
    case 2:
        tile_rows(out, step, 2, columns, left, chunked, stride, right, terms, add);
        break;
    default:
        tile_rows(out, step, 1, columns, left, chunked, stride, right, terms, add);
    }
}

/* 4×4 numbers at a time: what compilers make shuffles of. */
static void gemm_turn(us_real *to, const us_real *from, size_t step, size_t terms) {
    enum { SIDE = 4 };
    typedef us_real quad __attribute__((vector_size(SIDE * sizeof(us_real))));
    size_t p = 0;
    for (; p + SIDE <= terms; p += SIDE, to += SIDE * WIDTH)
        for (size_t j = 0; j < WIDTH; j += SIDE) {
            quad a, b, c, d;
            memcpy(&a, from + (j + 0) * step + p, sizeof a);
            memcpy(&b, from + (j + 1) * step + p, sizeof b);
            memcpy(&c, from + (j + 2) * step + p, sizeof c);
            memcpy(&d, from + (j + 3) * step + p, sizeof d);
            quad ab0 = {a[0], b[0], a[1], b[1]}, ab1 = {a[2], b[2], a[3], b[3]};
            quad cd0 = {c[0], d[0], c[1], d[1]}, cd1 = {c[2], d[2], c[3], d[3]};
            quad t[SIDE] = {{ab0[0], ab0[1], cd0[0], cd0[1]},
                            {ab0[2], ab0[3], cd0[2], cd0[3]},
                            {ab1[0], ab1[1], cd1[0], cd1[1]},
                            {ab1[2], ab1[3], cd1[2], cd1[3]}};
            for (size_t q = 0; q < SIDE; q++) memcpy(to + q * WIDTH + j, &t[q], sizeof *t);
        }
    for (; p < terms; p++, to += WIDTH)
        for (size_t j = 0; j < WIDTH; j++) to[j] = from[j * step + p];
}

const US_REAL(us__gemm_table) TABLE = {.height = HEIGHT, .width = WIDTH, .tile = gemm_tile, .turn = gemm_turn};
