/* Products of matrices for the graph. Other than a BLAS's, ours tell the caller when rows of the result are complete, so
 * that what comes next finds them in cache, and have bits that do not depend on which rows and columns are asked for
 * together: an element is summed over its terms in an order that their number alone decides.
 *
 * Terms are taken TERMS at a time. Of the right matrix, the terms of a block of columns are packed into panels as wide as
 * two registers; the left one is read where it lies, a block of rows at a time, or packed where its rows would get into each
 * other's way in the caches. A tile of the result, as many rows as sums fit into registers by a panel's columns, is then
 * summed in registers. Source: Goto & van de Geijn 2008, "Anatomy of high-performance matrix multiplication", ACM TOMS
 * 34(3); the loops around the tile are those of BLIS (Van Zee & van de Geijn 2015, ACM TOMS 41(3)). Where no kernel is
 * compiled for the processor, the BLAS computes. */
#ifndef US_GRAPH_GEMM_H
#define US_GRAPH_GEMM_H

#include <stdbool.h>
#include <stddef.h>

enum {
    US__GEMM_TERMS = 264,    /* at a time, at most: a right panel of them is half of the first level of cache */
    US__GEMM_ROWS = 144,     /* of a left block, at most: it stays in the second */
    US__GEMM_COLUMNS = 1024, /* of a right block */
    US__GEMM_WIDEST = 32,    /* columns of a right panel, at most; places of panels and of cuts are multiples of it */
    US__GEMM_SLACK = 32,     /* elements beyond a left block that packing may touch */
};

/* C [rows×columns] = op(A) [rows×terms] · op(B) [terms×columns], all row-major, rows `_step` elements apart.
 *
 * A matrix that serves many products may lie in panels instead: its columns W = us__gemm_width at a time, element (i, j) at
 * (j/W·pitch + i)·W + j%W, zero in the columns beyond its own. That is how a right matrix is packed, and what a left one can
 * be read from, turned or not. */
typedef struct us__gemm {
    size_t rows, columns, terms;
    const void *left, *right;
    void *out;
    size_t left_step, right_step, out_step;
    bool left_turned, right_turned; /* op transposes */
    size_t left_pitch;              /* rows of its panels; 0: it is row-major */
    size_t right_pitch;             /* likewise, and not turned */
    void *scratch;                  /* [us__gemm_scratch] elements, aligned to 64 bytes */
    /* Called when rows first .. first + count − 1 of C are complete, in order; may be NULL. */
    void (*done)(void *user, size_t first, size_t count);
    void *user;
} us__gemm;

static inline size_t us__gemm_rounded(size_t n) { return (n + US__GEMM_WIDEST - 1) / US__GEMM_WIDEST * US__GEMM_WIDEST; }

/* Elements of workspace: a right block and a left block. */
static inline size_t us__gemm_scratch(size_t columns, size_t terms) {
    size_t right = columns < US__GEMM_COLUMNS ? us__gemm_rounded(columns) : US__GEMM_COLUMNS;
    size_t part = terms < US__GEMM_TERMS ? terms : US__GEMM_TERMS;
    return us__gemm_rounded(part) * (right + US__GEMM_ROWS) + US__GEMM_SLACK;
}
void us__gemm_f32(const us__gemm *product);
void us__gemm_f64(const us__gemm *product);

/* Columns of a panel on this processor; 0: the BLAS computes, and knows no panels. */
size_t us__gemm_width_f32(void);
size_t us__gemm_width_f64(void);

/* Packs columns from .. to − 1 of a right matrix, of which only right, right_step, right_turned, terms and columns count,
 * into panels of us__gemm_rounded(terms) rows. from: a multiple of US__GEMM_WIDEST. */
void us__gemm_pack_f32(const us__gemm *matrix, void *panels, size_t from, size_t to);
void us__gemm_pack_f64(const us__gemm *matrix, void *panels, size_t from, size_t to);

/* Inner loops, for one instruction set and precision.
 * tile    out[i·step + j] = (add ? itself : 0) + Σ left(p, i)·right[p·width + j] over p < terms, i < rows ≤ height,
 *         j < columns ≤ width; left(p, i) is left[p/width·stride + i·across + p%width], or left[p·stride + i] where across
 *         is 0
 * turn    to[p·to_step + j] = from[j·step + p], p < terms, j < width */
#define US__GEMM_TABLE(real, name)                                                                                         \
    typedef struct name {                                                                                                  \
        size_t height, width;                                                                                              \
        void (*tile)(real * out, size_t step, size_t rows, size_t columns, const real *left, size_t across, size_t stride, \
                     const real *right, size_t terms, bool add);                                                           \
        void (*turn)(real * to, size_t to_step, const real *from, size_t step, size_t terms);                              \
    } name;
US__GEMM_TABLE(float, us__gemm_table_f32)
US__GEMM_TABLE(double, us__gemm_table_f64)
#undef US__GEMM_TABLE

extern const us__gemm_table_f32 us__gemm_avx2_f32, us__gemm_avx512f_f32;
extern const us__gemm_table_f64 us__gemm_avx2_f64, us__gemm_avx512f_f64;

#endif
