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

enum { COPY = 8 }; /* elements that are copied at a time; divides every width */

static inline size_t gemm_least(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t gemm_rounded(size_t n, size_t to) { return (n + to - 1) / to * to; }

size_t US_REAL(us__gemm_width)(void) { return gemm_now() ? gemm_now()->width : 0; }

/* Rows of the next left panel: the last two share what is left. */
static inline size_t gemm_height(size_t most, size_t left) {
    return left >= 2 * most ? most : left > most ? (left + 1) / 2 : left;
}

/* Terms at a time: about equal parts, of whole chunks. */
static size_t gemm_terms(size_t terms, size_t chunk) {
    size_t parts = (terms + US__GEMM_TERMS - 1) / US__GEMM_TERMS;
    return gemm_rounded((terms + parts - 1) / parts, chunk);
}

/* Panels of the right matrix: [columns/width][padded×width], zero beyond its columns and its terms. */
static void pack_right(const US_REAL(us__gemm_table) * table, us_real *to, const us__gemm *p, size_t term, size_t terms,
                       size_t padded, size_t column, size_t columns) {
    size_t width = table->width, step = p->right_step, whole = columns - columns % width;
    const us_real *from = (const us_real *)p->right + (p->right_turned ? column * step + term : term * step + column);
    for (size_t j = 0; j < whole && p->right_turned; j += width) table->turn(to + j * padded, from + j * step, step, terms);
    for (size_t t = 0, end; t < terms && !p->right_turned;
         t = end) { /* some rows at a time: they are read from end to end */
        end = gemm_least(t + 8, terms);
        for (size_t j = 0; j < whole; j += width)
            for (size_t i = t; i < end; i++) memcpy(to + j * padded + i * width, from + i * step + j, width * sizeof *to);
    }
    size_t across = p->right_turned ? step : 1, along = p->right_turned ? 1 : step;
    for (size_t i = 0; i < terms && whole < columns; i++)
        for (size_t j = 0; j < width; j++)
            to[whole * padded + i * width + j] = whole + j < columns ? from[(whole + j) * across + i * along] : 0;
    for (size_t j = 0; j < columns && terms < padded; j += width)
        memset(to + j * padded + terms * width, 0, (padded - terms) * width * sizeof *to);
}

void US_REAL(us__gemm_pack)(const us__gemm *matrix, void *panels, size_t from, size_t to) {
    size_t pitch = us__gemm_rounded(matrix->terms), end = gemm_least(to, matrix->columns);
    pack_right(gemm_now(), (us_real *)panels + from * pitch, matrix, 0, matrix->terms, pitch, from, end - from);
}

/* Panels of the left matrix, [padded×rows of the panel] each: terms one after the other, or chunks of them. */
static void pack_left(us_real *to, const us__gemm *p, bool chunked, size_t most, size_t chunk, size_t term, size_t terms,
                      size_t row, size_t rows) {
    size_t step = p->left_step;
    const us_real *from = (const us_real *)p->left + (p->left_turned ? term * step + row : row * step + term);
    for (size_t i = 0, height; i < rows; i += height) {
        height = gemm_height(most, rows - i);
        size_t t = 0;
        for (; t + chunk <= terms && chunked; t += chunk)
            for (size_t a = 0; a < height; a++)
                for (size_t q = 0; q < chunk; q += COPY, to += COPY)
                    memcpy(to, from + (i + a) * step + t + q, COPY * sizeof *to);
        if (chunked && t < terms)
            for (size_t a = 0; a < height; a++)
                for (size_t q = 0; q < chunk; q++) *to++ = t + q < terms ? from[(i + a) * step + t + q] : 0;
        /* What is copied beyond the panel is still of the matrix. */
        for (; !chunked && p->left_turned && t < terms && term + t + COPY < p->terms; t++, to += height)
            memcpy(to, from + t * step + i, COPY * sizeof *to);
        for (; !chunked && t < terms; t++)
            for (size_t a = 0; a < height; a++) *to++ = from[p->left_turned ? t * step + i + a : (i + a) * step + t];
    }
}

static void gemm_blas(const us__gemm *p) {
    US_CBLAS(gemm)
    (CblasRowMajor, p->left_turned ? CblasTrans : CblasNoTrans, p->right_turned ? CblasTrans : CblasNoTrans, (int)p->rows,
     (int)p->columns, (int)p->terms, 1, p->left, (int)p->left_step, p->right, (int)p->right_step, 0, p->out,
     (int)p->out_step);
    if (p->done) p->done(p->user, 0, p->rows);
}

/* A block of either matrix, packed or in the panels where it lies. */
typedef struct gemm_packed {
    const us_real *left, *right;
    bool chunked;      /* the left one */
    size_t left_pitch; /* 0: panels as high as a tile, one after the other, of `padded` terms */
    size_t right_pitch, padded;
} gemm_packed;

/* One left block by one right block. */
static void gemm_block(const US_REAL(us__gemm_table) * table, const us__gemm *p, const gemm_packed *k, size_t row,
                       size_t rows, size_t column, size_t columns, bool add) {
    size_t width = table->width;
    for (size_t j = 0; j < columns; j += width)
        for (size_t i = 0, height; i < rows; i += height) {
            const us_real *left = k->left + i * k->padded;
            size_t stride = 0;
            height = gemm_height(table->height, rows - i);
            if (!k->left_pitch)
                stride = k->chunked ? height * width : height;
            else if (k->chunked)
                left = k->left + i * width, stride = k->left_pitch * width;
            else { /* turned: its rows are the columns of panels */
                height = gemm_height(table->height, gemm_least(rows - i, width - i % width));
                left = k->left + i / width * k->left_pitch * width + i % width, stride = width;
            }
            table->tile((us_real *)p->out + (row + i) * p->out_step + column + j, p->out_step, height,
                        gemm_least(width, columns - j), left, k->chunked, stride, k->right + j * k->right_pitch, k->padded,
                        add);
        }
}

void US_REAL(us__gemm)(const us__gemm *p) {
    const US_REAL(us__gemm_table) *table = gemm_now();
    if (!table) {
        gemm_blas(p);
        return;
    }
    size_t width = table->width, part = gemm_terms(p->terms, width);
    gemm_packed k = {.left_pitch = p->left_pitch};
    k.chunked = !p->left_turned && (p->left_pitch || p->terms % width == 0 || p->terms > 8 * width);
    for (size_t j = 0; j < p->columns; j += US__GEMM_COLUMNS)
        for (size_t t = 0; t < p->terms; t += part) {
            size_t columns = gemm_least(p->columns - j, US__GEMM_COLUMNS), terms = gemm_least(p->terms - t, part);
            k.padded = k.chunked ? gemm_rounded(terms, width) : terms;
            k.right_pitch = p->right_pitch ? p->right_pitch : k.padded;
            us_real *right = p->scratch, *left = right + (p->right_pitch ? 0 : k.padded * gemm_rounded(columns, width));
            if (p->right_pitch)
                k.right = (const us_real *)p->right + j * p->right_pitch + t * width;
            else
                pack_right(table, right, p, t, terms, k.padded, j, columns), k.right = right;
            for (size_t i = 0; i < p->rows; i += US__GEMM_ROWS) {
                size_t rows = gemm_least(p->rows - i, US__GEMM_ROWS);
                if (!p->left_pitch)
                    pack_left(left, p, k.chunked, table->height, width, t, terms, i, rows), k.left = left;
                else
                    k.left = (const us_real *)p->left +
                             (k.chunked ? t * p->left_pitch + i * width : i * p->left_pitch + t * width);
                gemm_block(table, p, &k, i, rows, j, columns, t > 0);
                if (p->done && t + terms == p->terms && j + columns == p->columns) p->done(p->user, i, rows);
            }
        }
}
