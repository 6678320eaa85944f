/* The inner loops of convolution, in registers. Compiled for each precision and instruction set. Sums of a result stay in
 * registers from first to last: tile×3 of them (multiply), or 4×6 (correlate), where there are 32 registers. */
#include "graph/ops/convolution.h"
#include "vec/real.h"
#include <string.h>

#if defined(__AVX512F__)
enum { BYTES = 64, TILE = 8, ACROSS = 3, LEFT = 4, RIGHT = 6 };
#define TABLE US_REAL(us__convolve_avx512f)
#elif defined(__AVX2__)
enum { BYTES = 32, TILE = 4, ACROSS = 3, LEFT = 3, RIGHT = 4 };
#define TABLE US_REAL(us__convolve_avx2)
#else
enum { BYTES = 16, TILE = 4, ACROSS = 2, LEFT = 2, RIGHT = 4 };
#define TABLE US_REAL(us__convolve_plain)
#endif

enum { LANES = BYTES / sizeof(us_real) };
typedef us_real wide __attribute__((vector_size(BYTES)));
#define INLINE static inline __attribute__((always_inline))

INLINE wide load(const us_real *x) {
    wide v;
    memcpy(&v, x, sizeof v);
    return v;
}

/* One tile of rows, `across` registers of points. */
INLINE void multiply_tile(us_real *out, size_t pitch, const us_real *panel, const us_real *base, const size_t *offset,
                          size_t terms, const size_t tile, const size_t across) {
    wide sum[TILE][ACROSS];
    for (size_t i = 0; i < tile; i++)
        for (size_t j = 0; j < across; j++) sum[i][j] = (wide){0};
    for (size_t k = 0; k < terms; k++, panel += tile) {
        const us_real *b = base + offset[k];
        wide right[ACROSS];
        for (size_t j = 0; j < across; j++) right[j] = load(b + j * LANES);
        for (size_t i = 0; i < tile; i++) {
            wide left = panel[i] - (wide){0}; /* in all lanes */
            for (size_t j = 0; j < across; j++) sum[i][j] += left * right[j];
        }
    }
    for (size_t i = 0; i < tile; i++)
        for (size_t j = 0; j < across; j++) memcpy(out + i * pitch + j * LANES, &sum[i][j], sizeof(wide));
}

INLINE void multiply_rows(us_real *out, size_t pitch, const us_real *panel, const us_real *base, const size_t *offset,
                          size_t terms, size_t points, const size_t tile) {
    size_t p = 0, step = ACROSS * LANES;
    for (; p + step - LANES < points; p += step) multiply_tile(out + p, pitch, panel, base + p, offset, terms, tile, ACROSS);
    if (p + LANES < points)
        multiply_tile(out + p, pitch, panel, base + p, offset, terms, tile, 2);
    else if (p < points)
        multiply_tile(out + p, pitch, panel, base + p, offset, terms, tile, 1);
}

static void convolve_multiply(us_real *out, size_t pitch, size_t tile, const us_real *panel, const us_real *base,
                              const size_t *offset, size_t terms, size_t points) {
    switch (tile) {
#if defined(__AVX512F__)
    case 8:
        multiply_rows(out, pitch, panel, base, offset, terms, points, 8);
        break;
#endif
    case 4:
        multiply_rows(out, pitch, panel, base, offset, terms, points, 4);
        break;
    case 2:
        multiply_rows(out, pitch, panel, base, offset, terms, points, 2);
        break;
    default:
        multiply_rows(out, pitch, panel, base, offset, terms, points, 1);
    }
}

INLINE us_real across_lanes(wide v) {
    us_real lane[LANES];
    memcpy(lane, &v, sizeof v);
    for (size_t half = LANES / 2; half > 0; half /= 2)
        for (size_t i = 0; i < half; i++) lane[i] += lane[i + half];
    return lane[0];
}

/* LEFT×RIGHT sums at a time; at the edges the last ones are computed more than once, and added once. */
static void convolve_correlate(us_real *out, size_t count, const us_real *d, size_t pitch, size_t d_piece,
                               const us_real *base, size_t base_piece, const size_t *offset, size_t terms, size_t points,
                               size_t pieces) {
    for (size_t i = 0; i < count; i += LEFT)
        for (size_t k = 0; k < terms; k += RIGHT) {
            const us_real *l[LEFT], *r[RIGHT];
            wide sum[LEFT][RIGHT];
            for (size_t a = 0; a < LEFT; a++) l[a] = d + (i + a < count ? i + a : count - 1) * pitch;
            for (size_t b = 0; b < RIGHT; b++) r[b] = base + offset[k + b < terms ? k + b : terms - 1];
            for (size_t a = 0; a < LEFT; a++)
                for (size_t b = 0; b < RIGHT; b++) sum[a][b] = (wide){0};
            for (size_t piece = 0; piece < pieces; piece++) {
                for (size_t p = 0; p < points; p += LANES) {
                    wide left[LEFT];
                    for (size_t a = 0; a < LEFT; a++) left[a] = load(l[a] + p);
                    for (size_t b = 0; b < RIGHT; b++) {
                        wide right = load(r[b] + p);
                        for (size_t a = 0; a < LEFT; a++) sum[a][b] += left[a] * right;
                    }
                }
                for (size_t a = 0; a < LEFT; a++) l[a] += d_piece;
                for (size_t b = 0; b < RIGHT; b++) r[b] += base_piece;
            }
            for (size_t a = 0; a < LEFT && i + a < count; a++)
                for (size_t b = 0; b < RIGHT && k + b < terms; b++) out[(i + a) * terms + k + b] += across_lanes(sum[a][b]);
        }
}

const US_REAL(us__convolve_table) TABLE = {.tile = TILE, .multiply = convolve_multiply, .correlate = convolve_correlate};
