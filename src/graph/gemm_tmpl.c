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

/* Where element (term, column) of the right matrix is. It may lie as a turned left one does: in panels. */
static inline size_t right_place(const us__gemm *p, size_t width, size_t term, size_t column) {
    if (p->right_pitch) return (term / width * p->right_pitch + column) * width + term % width;
    return p->right_turned ? column * p->right_step + term : term * p->right_step + column;
}

/* Panels of the right matrix: [columns/width][padded×width], zero beyond its columns. */
static void pack_right(const US_REAL(us__gemm_table) * table, us_real *to, const us__gemm *p, size_t term, size_t terms,
                       size_t padded, size_t column, size_t columns) {
    size_t width = table->width, whole = columns - columns % width, step = p->right_step;
    const us_real *from = p->right;
    for (size_t j = 0; j < whole && p->right_turned; j += width)
        for (size_t t = 0, count; t < terms; t += count) {
            count = p->right_pitch ? gemm_least(width, terms - t) : terms;
            table->turn(to + j * padded + t * width, width, from + right_place(p, width, term + t, column + j),
                        p->right_pitch ? width : step, count);
        }
    for (size_t t = 0, end; t < terms && !p->right_turned;
         t = end) { /* some rows at a time: they are read from end to end */
        end = gemm_least(t + 8, terms);
        for (size_t j = 0; j < whole; j += width)
            for (size_t i = t; i < end; i++)
                memcpy(to + j * padded + i * width, from + (term + i) * step + column + j, width * sizeof *to);
    }
    for (size_t i = 0; i < terms && whole < columns; i++)
        for (size_t j = 0; j < width; j++)
            to[whole * padded + i * width + j] =
                whole + j < columns ? from[right_place(p, width, term + i, column + whole + j)] : 0;
}

void US_REAL(us__gemm_pack)(const us__gemm *matrix, void *panels, size_t from, size_t to) {
    size_t pitch = us__gemm_rounded(matrix->terms), end = gemm_least(to, matrix->columns);
    pack_right(gemm_now(), (us_real *)panels + from * pitch, matrix, 0, matrix->terms, pitch, from, end - from);
}

/* Panels of the left matrix, as high as a tile: of chunks as wide as a right panel, or, turned, of single terms. */
static void pack_left(us_real *to, const us__gemm *p, size_t most, size_t chunk, size_t term, size_t terms, size_t row,
                      size_t rows) {
    size_t step = p->left_step;
    const us_real *from = (const us_real *)p->left + (p->left_turned ? term * step + row : row * step + term);
    for (size_t i = 0, height; i < rows; i += height) {
        height = gemm_height(most, rows - i);
        for (size_t t = 0; t < terms && !p->left_turned; t += chunk)
            for (size_t a = 0; a < height; a++, to += chunk)
                for (size_t q = 0; q < gemm_least(chunk, terms - t); q++) to[q] = from[(i + a) * step + t + q];
        size_t t = 0;
        /* What is copied beyond the panel's rows is still of the matrix, and the next terms cover it. */
        for (; p->left_turned && t + COPY < terms && term + t + COPY < p->terms; t++, to += height)
            memcpy(to, from + t * step + i, COPY * sizeof *to);
        for (; p->left_turned && t < terms; t++)
            for (size_t a = 0; a < height; a++) *to++ = from[t * step + i + a];
    }
}

static void gemm_blas(const us__gemm *p) {
    US_CBLAS(gemm)
    (CblasRowMajor, p->left_turned ? CblasTrans : CblasNoTrans, p->right_turned ? CblasTrans : CblasNoTrans, (int)p->rows,
     (int)p->columns, (int)p->terms, 1, p->left, (int)p->left_step, p->right, (int)p->right_step, 0, p->out,
     (int)p->out_step);
    if (p->done) p->done(p->user, 0, p->rows);
}

/* A block of either matrix, packed or where it lies. */
typedef struct gemm_packed {
    const us_real *left, *right;
    enum { GEMM_PACKED, GEMM_PANELS, GEMM_LIES } as; /* the left one */
    size_t right_pitch, terms;
} gemm_packed;

/* Rows that lie at distances at which the caches have few places for them are packed, if they are read more than a few
 * times. */
static bool gemm_packs_left(const us__gemm *p, size_t width) {
    enum { PAGE = 4096, FEW = 4 };
    return p->left_turned || (p->left_step * sizeof(us_real) % PAGE == 0 && p->columns > FEW * width);
}

/* One left block by one right block. The next right panel is asked for while this one is used: a share with each tile. */
static void gemm_block(const US_REAL(us__gemm_table) * table, const us__gemm *p, const gemm_packed *k, size_t row,
                       size_t rows, size_t column, size_t columns, bool add) {
    enum { LINE = 64 / sizeof(us_real), SECOND_LEVEL = 2 };
    size_t width = table->width, padded = gemm_rounded(k->terms, width);
    size_t tiles = (rows + table->height - 1) / table->height, share = (k->terms * width / LINE + tiles - 1) / tiles;
    for (size_t j = 0; j < columns; j += width) {
        const us_real *right = k->right + j * k->right_pitch, *ahead = right + width * k->right_pitch;
        for (size_t i = 0, height; i < rows; i += height) {
            const us_real *left = k->left;
            size_t stride, across = p->left_turned ? 0 : k->as == GEMM_LIES ? p->left_step : width;
            height = gemm_height(table->height, rows - i);
            if (k->as == GEMM_PACKED)
                left += i * (p->left_turned ? k->terms : padded), stride = p->left_turned ? height : height * width;
            else if (k->as == GEMM_LIES)
                left += i * p->left_step, stride = width;
            else if (!p->left_turned)
                left += i * width, stride = p->left_pitch * width;
            else { /* its rows are the columns of panels */
                height = gemm_height(table->height, gemm_least(rows - i, width - i % width));
                left += i / width * p->left_pitch * width + i % width, stride = width;
            }
            for (size_t l = 0; l < share && j + width < columns; l++, ahead += LINE)
                __builtin_prefetch(ahead, 0, SECOND_LEVEL);
            table->tile((us_real *)p->out + (row + i) * p->out_step + column + j, p->out_step, height,
                        gemm_least(width, columns - j), left, across, stride, right, k->terms, add);
        }
    }
}

static void gemm_blocks(const US_REAL(us__gemm_table) * table, const us__gemm *p, bool packs_left) {
    size_t width = table->width, part = gemm_terms(p->terms, width), blocks = (p->rows + US__GEMM_ROWS - 1) / US__GEMM_ROWS;
    size_t most = gemm_rounded((p->rows + blocks - 1) / blocks, p->left_turned && p->left_pitch ? width : table->height);
    bool packs_right = !p->right_pitch || p->right_turned;
    gemm_packed k = {.as = p->left_pitch ? GEMM_PANELS : packs_left ? GEMM_PACKED : GEMM_LIES};
    for (size_t j = 0; j < p->columns; j += US__GEMM_COLUMNS)
        for (size_t t = 0; t < p->terms; t += part) {
            size_t columns = gemm_least(p->columns - j, US__GEMM_COLUMNS);
            k.terms = gemm_least(p->terms - t, part);
            k.right = (const us_real *)p->right + j * p->right_pitch + t * width;
            k.right_pitch = packs_right ? gemm_rounded(k.terms, width) : p->right_pitch;
            us_real *packed = p->scratch;
            if (packs_right) {
                pack_right(table, packed, p, t, k.terms, k.right_pitch, j, columns);
                k.right = packed;
                packed += k.right_pitch * gemm_rounded(columns, width);
            }
            for (size_t i = 0; i < p->rows; i += most) {
                size_t rows = gemm_least(p->rows - i, most);
                k.left = p->left;
                if (k.as == GEMM_PACKED)
                    pack_left(packed, p, table->height, width, t, k.terms, i, rows), k.left = packed;
                else if (k.as == GEMM_PANELS)
                    k.left += p->left_turned ? i * p->left_pitch + t * width : t * p->left_pitch + i * width;
                else
                    k.left += i * p->left_step + t;
                gemm_block(table, p, &k, i, rows, j, columns, t > 0);
                if (p->done && t + k.terms == p->terms && j + columns == p->columns) p->done(p->user, i, rows);
            }
        }
}

/* Few rows by a right matrix that would have to be turned for them. */
static bool gemm_turns(const US_REAL(us__gemm_table) * table, const us__gemm *p) {
    enum { FEW = 48 };
    return p->right_turned && !p->left_turned && p->rows <= FEW &&
           gemm_terms(p->terms, table->width) >= us__gemm_rounded(p->rows);
}

/* C' = B'·A', the same sums: A is turned instead of B, which is read where it lies. */
static void gemm_turned(const US_REAL(us__gemm_table) * table, const us__gemm *p) {
    size_t width = table->width, step = gemm_rounded(p->rows, width);
    us_real *turned = p->scratch;
    us__gemm t = {.columns = p->rows,
                  .terms = p->terms,
                  .left_step = p->right_step,
                  .right = p->left,
                  .right_step = p->left_step,
                  .right_pitch = p->left_pitch,
                  .right_turned = true,
                  .out = turned,
                  .out_step = step};
    for (size_t j = 0; j < p->columns; j += US__GEMM_COLUMNS) {
        us_real *out = (us_real *)p->out + j;
        t.rows = gemm_least(p->columns - j, US__GEMM_COLUMNS);
        t.left = (const us_real *)p->right + j * p->right_step;
        t.scratch = turned + t.rows * step;
        gemm_blocks(table, &t, false);
        size_t whole = t.rows - t.rows % width;
        for (size_t i = 0; i < whole; i += width) table->turn(out + i, p->out_step, turned + i * step, step, p->rows);
        for (size_t i = whole; i < t.rows; i++)
            for (size_t r = 0; r < p->rows; r++) out[r * p->out_step + i] = turned[i * step + r];
    }
    if (p->done) p->done(p->user, 0, p->rows);
}

void US_REAL(us__gemm)(const us__gemm *p) {
    const US_REAL(us__gemm_table) *table = gemm_now();
    if (!table)
        gemm_blas(p);
    else if (gemm_turns(table, p))
        gemm_turned(table, p);
    else
        gemm_blocks(table, p, gemm_packs_left(p, table->width));
}
