/* Convolution: its sizes, and the two products that all of its derivatives are made of. */
#ifndef US_GRAPH_CONVOLUTION_H
#define US_GRAPH_CONVOLUTION_H

#include "graph/graph.h"

/* y [samples×out×H'×W'] is the convolution of x [samples×in×H×W] with w [out×in/groups×kernel]. Pairs are (height, width).
 */
typedef struct us__convolution {
    size_t stride[2], padding[2], dilation[2], groups;
    size_t in, out, kernel[2];
    size_t x[2], y[2]; /* sizes of the images */
} us__convolution;

/* Of a node that is one of the three operations. */
void us__convolution_of(const us_graph *graph, const us__node *node, us__convolution *c);

/* Operations for a row; 0 for a node that is none of the three. */
size_t us__convolution_work(const us_graph *graph, const us__node *node);

/* Places of an operation's workspace; elements of the precision in use. See convolution_tmpl.c. */
typedef struct us__convolution_layout {
    size_t channels, kernel[2];
    ptrdiff_t before[2];                    /* of the first element that is read, before the image */
    size_t step[2], dilation[2], spread[2]; /* of output elements, kernel elements, image elements */
    size_t image[2], result[2], outputs;    /* sizes that are read and written; channels that are written */
    size_t groups, terms;                   /* terms of a product: channels of a group times kernel elements */
    bool planes;                            /* the image, padded; else its columns (im2col) */
    size_t rows, ranges;                    /* of the result in a piece; pieces of a sample */
    size_t pitch, height, points;           /* of a piece: elements of a row, rows of a channel, elements of an output */
    size_t adjoint;                         /* elements of an output's adjoints, a multiple of all registers */
    size_t piece, together;                 /* elements of a piece; pieces in the workspace at a time */
    size_t packed, offsets, wide, patches;  /* where in the workspace the parts begin */
    size_t elements;                        /* of the workspace */
} us__convolution_layout;

/* The convolution itself, its adjoint by x (a convolution of ȳ, spread by the stride), its adjoint by w. */
typedef enum us__convolution_kind { US__FORWARD, US__BY_INPUT, US__BY_WEIGHT } us__convolution_kind;
void us__convolution_plan(const us__convolution *c, us__convolution_kind kind, us__convolution_layout *layout);

enum {
    US__CONVOLVE_TILE = 8,   /* outputs at a time, at most */
    US__CONVOLVE_SLACK = 64, /* elements beyond the points of a piece that a kernel may touch */
};

/* Inner loops, for one instruction set and precision. B[k][p] is base[offset[k] + p].
 * multiply   out[i·pitch + p] = Σₖ panel[k·tile + i]·B[k][p], i < tile, p < points (and garbage up to SLACK beyond)
 * correlate  out[i·terms + k] += Σ over pieces and p of d[i·pitch + p]·B[k][p], i < count, k < terms; from one piece to the
 *            next, d goes on by d_piece and base by base_piece */
#define US__CONVOLVE(real, name)                                                                                           \
    typedef struct name {                                                                                                  \
        size_t tile;                                                                                                       \
        void (*multiply)(real * out, size_t pitch, size_t tile, const real *panel, const real *base, const size_t *offset, \
                         size_t terms, size_t points);                                                                     \
        void (*correlate)(real * out, size_t count, const real *d, size_t pitch, size_t d_piece, const real *base,         \
                          size_t base_piece, const size_t *offset, size_t terms, size_t points, size_t pieces);            \
    } name;
US__CONVOLVE(float, us__convolve_table_f32)
US__CONVOLVE(double, us__convolve_table_f64)
#undef US__CONVOLVE

extern const us__convolve_table_f32 us__convolve_plain_f32, us__convolve_avx2_f32, us__convolve_avx512f_f32;
extern const us__convolve_table_f64 us__convolve_plain_f64, us__convolve_avx2_f64, us__convolve_avx512f_f64;

#endif
