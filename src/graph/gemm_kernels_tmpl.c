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

INLINE void tile_rows(us_real *out, size_t step, const size_t rows, size_t columns, const us_real *left, const size_t across,
                      size_t stride, const us_real *right, size_t terms, bool add) {
    wide sum[HEIGHT][ACROSS];
    for (size_t i = 0; i < rows; i++) {
        __builtin_prefetch(out + i * step);
        for (size_t j = 0; j < ACROSS; j++) sum[i][j] = (wide){0};
    }
    size_t p = 0;
    for (; p + WIDTH <= terms && across; p += WIDTH, left += stride) {
        for (size_t i = 0; i < rows; i++) __builtin_prefetch(left + (rows + i) * across); /* the next tile's */
        for (size_t q = 0; q < WIDTH; q++, right += WIDTH) tile_terms(sum, rows, left + q, across, right);
    }
    for (; p < terms; p++, left += across ? 1 : stride, right += WIDTH)
        tile_terms(sum, rows, left, across ? across : 1, right);
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

/* The common distances are known when this is compiled. */
INLINE void tile_of(us_real *out, size_t step, const size_t rows, size_t columns, const us_real *left, size_t across,
                    size_t stride, const us_real *right, size_t terms, bool add) {
    if (across == 0)
        tile_rows(out, step, rows, columns, left, 0, stride, right, terms, add);
    else if (across == WIDTH)
        tile_rows(out, step, rows, columns, left, WIDTH, stride, right, terms, add);
    else
        tile_rows(out, step, rows, columns, left, across, stride, right, terms, add);
}

static void gemm_tile(us_real *out, size_t step, size_t rows, size_t columns, const us_real *left, size_t across,
                      size_t stride, const us_real *right, size_t terms, bool add) {
    switch (rows) {
#if defined(__AVX512F__)
    case 8:
        tile_of(out, step, 8, columns, left, across, stride, right, terms, add);
        break;
    case 7:
        tile_of(out, step, 7, columns, left, across, stride, right, terms, add);
        break;
#endif
    case 6:
        tile_of(out, step, 6, columns, left, across, stride, right, terms, add);
        break;
    case 5:
        tile_of(out, step, 5, columns, left, across, stride, right, terms, add);
        break;
    case 4:
        tile_of(out, step, 4, columns, left, across, stride, right, terms, add);
        break;
    case 3:
        tile_of(out, step, 3, columns, left, across, stride, right, terms, add);
        break;
    case 2:
        tile_of(out, step, 2, columns, left, across, stride, right, terms, add);
        break;
    default:
        tile_of(out, step, 1, columns, left, across, stride, right, terms, add);
    }
}

/* 8×8 numbers at a time: pairs, then pairs of pairs, then halves change places. */
static void gemm_turn(us_real *to, size_t to_step, const us_real *from, size_t step, size_t terms) {
    enum { SIDE = 8, LINE = 64 / sizeof(us_real) };
    typedef us_real row __attribute__((vector_size(SIDE * sizeof(us_real))));
    size_t p = 0;
    for (; p + SIDE <= terms; p += SIDE, to += SIDE * to_step)
        for (size_t j = 0; j < WIDTH; j += SIDE) {
            row a[SIDE], b[SIDE];
            for (size_t i = 0; i < SIDE; i++) {
                memcpy(&a[i], from + (j + i) * step + p, sizeof *a);
                __builtin_prefetch(from + (j + i) * step + p + LINE);
            }
            for (size_t i = 0; i < SIDE; i += 2) {
                b[i] = __builtin_shufflevector(a[i], a[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
                b[i + 1] = __builtin_shufflevector(a[i], a[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
            }
            for (size_t i = 0; i < SIDE; i += 4)
                for (size_t q = 0; q < 2; q++) {
                    a[i + 2 * q] = __builtin_shufflevector(b[i + q], b[i + q + 2], 0, 1, 8, 9, 4, 5, 12, 13);
                    a[i + 2 * q + 1] = __builtin_shufflevector(b[i + q], b[i + q + 2], 2, 3, 10, 11, 6, 7, 14, 15);
                }
            for (size_t i = 0; i < SIDE / 2; i++) {
                row low = __builtin_shufflevector(a[i], a[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
                row high = __builtin_shufflevector(a[i], a[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
                memcpy(to + i * to_step + j, &low, sizeof low);
                memcpy(to + (i + SIDE / 2) * to_step + j, &high, sizeof high);
            }
        }
    for (; p < terms; p++, to += to_step)
        for (size_t j = 0; j < WIDTH; j++) to[j] = from[j * step + p];
}

const US_REAL(us__gemm_table) TABLE = {.height = HEIGHT, .width = WIDTH, .tile = gemm_tile, .turn = gemm_turn};
