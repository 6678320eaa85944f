/* Products of matrices: blocks, and their packing. See gemm.h. */
#include "graph/gemm.h"
#include "vec/real.h"
#include <cblas.h>
#include <string.h>

static const US_REAL(us__gemm_table) * gemm_now(void) {
#ifdef US_WIDE_MATH
    if (__builtin_cpu_supports("avx512f")) return &US_REAL(us__gemm_avx512f);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &US_REAL(us__gemm_avx2);
#endif
    return NULL;
}

static inline size_t gemm_least(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t gemm_rounded(size_t n, size_t to) { return (n + to - 1) / to * to; }

/* Rows of the next left panel: the last two share what is left. */
static inline size_t gemm_height(size_t most, size_t left) {
    return left >= 2 * most ? most : left > most ? (left + 1) / 2 : left;
}

/* Terms at a time: about equal parts. */
static size_t gemm_terms(size_t terms) {
    size_t parts = (terms + US__GEMM_TERMS - 1) / US__GEMM_TERMS;
    return gemm_rounded((terms + parts - 1) / parts, US__GEMM_CHUNK);
}

/* Panels of the right matrix: [columns/width][padded×width], zero beyond its columns and its terms. */
static void pack_right(const US_REAL(us__gemm_table) * table, us_real *to, const us__gemm *p, size_t term, size_t terms,
                       size_t padded, size_t column, size_t columns) {
    size_t width = table->width, step = p->right_step, whole = columns - columns % width;
    const us_real *from = (const us_real *)p->right + (p->right_turned ? column * step + term : term * step + column);
    for (size_t j = 0; j < whole && p->right_turned; j += width)
        table->turn(to + j * padded, from + j * step, step, terms);
    for (size_t t = 0, end; t < terms && !p->right_turned; t = end) { /* some rows at a time: they are read from end to end */
        end = gemm_least(t + 8, terms);
        for (size_t j = 0; j < whole; j += width)
            for (size_t i = t; i < end; i++)
                memcpy(to + j * padded + i * width, from + i * step + j, width * sizeof *to);
    }
    size_t across = p->right_turned ? step : 1, along = p->right_turned ? 1 : step;
    for (size_t i = 0; i < terms && whole < columns; i++)
        for (size_t j = 0; j < width; j++)
            to[whole * padded + i * width + j] = whole + j < columns ? from[(whole + j) * across + i * along] : 0;
    for (size_t j = 0; j < columns && terms < padded; j += width)
        memset(to + j * padded + terms * width, 0, (padded - terms) * width * sizeof *to);
}

/* Panels of the left matrix, [padded×rows of the panel] each: terms one after the other, or chunks of them. */
static void pack_left(us_real *to, const us__gemm *p, bool chunked, size_t most, size_t term, size_t terms, size_t row,
                      size_t rows) {
    enum { CHUNK = US__GEMM_CHUNK };
    size_t step = p->left_step;
    const us_real *from = (const us_real *)p->left + (p->left_turned ? term * step + row : row * step + term);
    for (size_t i = 0, height; i < rows; i += height) {
        height = gemm_height(most, rows - i);
        size_t t = 0;
        for (; t + CHUNK <= terms && chunked; t += CHUNK)
            for (size_t a = 0; a < height; a++, to += CHUNK) memcpy(to, from + (i + a) * step + t, CHUNK * sizeof *to);
        if (chunked && t < terms)
            for (size_t a = 0; a < height; a++)
                for (size_t q = 0; q < CHUNK; q++) *to++ = t + q < terms ? from[(i + a) * step + t + q] : 0;
        /* What is copied beyond the panel is still of the matrix. */
        for (; !chunked && p->left_turned && t < terms && term + t + CHUNK < p->terms; t++, to += height)
            memcpy(to, from + t * step + i, CHUNK * sizeof *to);
        for (; !chunked && t < terms; t++)
            for (size_t a = 0; a < height; a++) *to++ = from[p->left_turned ? t * step + i + a : (i + a) * step + t];
    }
}

static void gemm_blas(const us__gemm *p) {
    US_CBLAS(gemm)(CblasRowMajor, p->left_turned ? CblasTrans : CblasNoTrans, p->right_turned ? CblasTrans : CblasNoTrans,
                   (int)p->rows, (int)p->columns, (int)p->terms, 1, p->left, (int)p->left_step, p->right,
                   (int)p->right_step, 0, p->out, (int)p->out_step);
    if (p->done) p->done(p->user, 0, p->rows);
}

/* One left block by one right block. */
static void gemm_block(const US_REAL(us__gemm_table) * table, const us__gemm *p, const us_real *left, bool chunked,
                       const us_real *right, size_t padded, size_t row, size_t rows, size_t column, size_t columns,
                       bool add) {
    for (size_t j = 0; j < columns; j += table->width)
        for (size_t i = 0, height; i < rows; i += height) {
            height = gemm_height(table->height, rows - i);
            table->tile((us_real *)p->out + (row + i) * p->out_step + column + j, p->out_step, height,
                        gemm_least(table->width, columns - j), left + i * padded, chunked, right + j * padded, padded, add);
        }
}

void US_REAL(us__gemm)(const us__gemm *p) {
    const US_REAL(us__gemm_table) *table = gemm_now();
    if (!table) {
        gemm_blas(p);
        return;
    }
    bool chunked = !p->left_turned && (p->terms % US__GEMM_CHUNK == 0 || p->terms > 8 * US__GEMM_CHUNK);
    size_t part = gemm_terms(p->terms);
    for (size_t j = 0; j < p->columns; j += US__GEMM_COLUMNS)
        for (size_t k = 0; k < p->terms; k += part) {
            size_t columns = gemm_least(p->columns - j, US__GEMM_COLUMNS), terms = gemm_least(p->terms - k, part);
            size_t padded = chunked ? gemm_rounded(terms, US__GEMM_CHUNK) : terms;
            us_real *right = p->scratch, *left = right + padded * gemm_rounded(columns, table->width);
            pack_right(table, right, p, k, terms, padded, j, columns);
            for (size_t i = 0; i < p->rows; i += US__GEMM_ROWS) {
                size_t rows = gemm_least(p->rows - i, US__GEMM_ROWS);
                pack_left(left, p, chunked, table->height, k, terms, i, rows);
                gemm_block(table, p, left, chunked, right, padded, i, rows, j, columns, k > 0);
                if (p->done && k + terms == p->terms && j + columns == p->columns) p->done(p->user, i, rows);
            }
        }
}
