/* Convolution as a product of matrices that is never formed. A piece is some rows of a sample's result. Of the image that it
 * reads, a padded copy is made; term k = (channel, row, column of the kernel) is then the copy from offset[k] on, since a
 * step of 1 in the result is one in the copy. A row of the result is as long as one of the copy; what is beyond it is not
 * used. Where the stride is not 1, the columns themselves are made (im2col), a piece at a time. */
#include "graph/math.h"
#include "graph/ops/convolution.h"
#include "vec/real.h"
#include <string.h>

static const US_REAL(us__convolve_table) * convolve_now(void) {
#ifdef US_WIDE_MATH
    if (__builtin_cpu_supports("avx512f")) return &US_REAL(us__convolve_avx512f);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &US_REAL(us__convolve_avx2);
#endif
    return &US_REAL(us__convolve_plain);
}

/* to[j] = row[(start + j·step)/spread] where that is an element of the row [width], else 0. row NULL: zeros. */
static inline void fill_line(us_real *to, size_t n, const us_real *row, size_t width, ptrdiff_t start, size_t step,
                             size_t spread) {
    if (!row) {
        for (size_t j = 0; j < n; j++) to[j] = 0;
    } else if (step == 1 && spread == 1) {
        ptrdiff_t end = (ptrdiff_t)width - start, left = start < 0 ? -start : 0;
        size_t from = (size_t)left < n ? (size_t)left : n, until = end < (ptrdiff_t)from ? from : (size_t)end;
        if (until > n) until = n;
        for (size_t j = 0; j < from; j++) to[j] = 0;
        for (size_t j = from; j < until; j++) to[j] = row[(ptrdiff_t)j + start];
        for (size_t j = until; j < n; j++) to[j] = 0;
    } else {
        for (size_t j = 0; j < n; j++) {
            ptrdiff_t at = start + (ptrdiff_t)(j * step);
            bool there = at >= 0 && (size_t)at % spread == 0 && (size_t)at / spread < width;
            to[j] = there ? row[(size_t)at / spread] : 0;
        }
    }
}

/* Row `at` of a channel of the image, spread; NULL where there is none. */
static inline const us_real *fill_row(const us__convolution_layout *l, const us_real *channel, ptrdiff_t at) {
    if (at < 0 || (size_t)at % l->spread[0] || (size_t)at / l->spread[0] >= l->image[0]) return NULL;
    return channel + (size_t)at / l->spread[0] * l->image[1];
}

/* What the result's rows first .. first+rows−1 of one sample are made of. */
US_KERNEL static void fill_piece(const us__convolution_layout *l, us_real *to, const us_real *image, size_t first,
                                 size_t rows) {
    if (l->planes) {
        for (size_t c = 0; c < l->channels; c++, image += l->image[0] * l->image[1], to += l->height * l->pitch)
            for (size_t i = 0; i < l->height - (l->rows - rows); i++)
                fill_line(to + i * l->pitch, l->pitch, fill_row(l, image, (ptrdiff_t)(first + i) - l->before[0]),
                          l->image[1], -l->before[1], 1, l->spread[1]);
        return;
    }
    for (size_t c = 0; c < l->channels; c++, image += l->image[0] * l->image[1])
        for (size_t y = 0; y < l->kernel[0]; y++)
            for (size_t x = 0; x < l->kernel[1]; x++, to += l->points)
                for (size_t i = 0; i < rows; i++) {
                    ptrdiff_t at = (ptrdiff_t)((first + i) * l->step[0] + y * l->dilation[0]) - l->before[0];
                    fill_line(to + i * l->pitch, l->pitch, fill_row(l, image, at), l->image[1],
                              (ptrdiff_t)(x * l->dilation[1]) - l->before[1], l->step[1], l->spread[1]);
                }
}

static void fill_offsets(const us__convolution_layout *l, size_t *offset) {
    for (size_t k = 0; k < l->terms; k++) {
        size_t x = k % l->kernel[1], y = k / l->kernel[1] % l->kernel[0], c = k / l->kernel[1] / l->kernel[0];
        offset[k] = l->planes ? (c * l->height + y * l->dilation[0]) * l->pitch + x * l->dilation[1] : k * l->points;
    }
}

/* Where a group's part of a piece begins. */
static inline size_t group_base(const us__convolution_layout *l, size_t group) { return group * (l->piece / l->groups); }

/* The next tile of so many outputs: 8, 4, 2 or 1. */
static inline size_t next_tile(size_t tile, size_t left) {
    while (tile > left) tile /= 2;
    return tile;
}

/* The kernel, tile after tile, [terms×tile] each; for the adjoint by x with inputs and outputs exchanged, and turned round.
 */
static void pack_kernel(const us__convolution_layout *l, bool back, size_t tile, const us_real *weight, us_real *packed) {
    size_t outputs = l->outputs / l->groups, area = l->kernel[0] * l->kernel[1], inputs = l->channels / l->groups;
    for (size_t g = 0; g < l->groups; g++)
        for (size_t m = 0, count; m < outputs; m += count) {
            count = next_tile(tile, outputs - m);
            for (size_t channel = 0; channel < inputs; channel++)
                for (size_t place = 0; place < area; place++)
                    for (size_t i = 0; i < count; i++) {
                        size_t o = g * outputs + m + i;
                        *packed++ = back ? weight[((g * inputs + channel) * outputs + m + i) * area + area - 1 - place]
                                         : weight[(o * inputs + channel) * area + place];
                    }
        }
}

/* The rows of the result out of longer ones. */
US_KERNEL static void narrow(us_real *to, const us_real *from, size_t rows, size_t width, size_t pitch) {
    enum { LANES = 16 }; /* rows shorter than a register are copied with what is behind them, which the next row covers */
    for (size_t i = 0; i < rows; i++, to += width, from += pitch)
        for (size_t j = 0; j < width; j += LANES) {
            if (j + LANES <= (rows - i) * width)
                memcpy(to + j, from + j, LANES * sizeof *to);
            else
                memcpy(to + j, from + j, (width - j) * sizeof *to);
        }
}

/* And back; 0 in what is beyond them. */
US_KERNEL static void widen(us_real *to, const us_real *from, size_t rows, size_t width, size_t pitch) {
    for (size_t i = 0; i < rows; i++, to += pitch, from += width) {
        for (size_t j = 0; j < width; j++) to[j] = from[j];
        for (size_t j = width; j < pitch; j++) to[j] = 0;
    }
}

us__kernel US_REAL(us__convolution), US_REAL(us__convolution_weight);

/* The convolution, and its adjoint by x. */
void US_REAL(us__convolution)(const us__call *call) {
    const US_REAL(us__convolve_table) *table = convolve_now();
    us__convolution c;
    us__convolution_layout l;
    bool back = call->node->op == &us__op_convolution_input;
    us__convolution_of(call->graph, call->node, &c);
    us__convolution_plan(&c, back ? US__BY_INPUT : US__FORWARD, &l);
    us_real *memory = call->scratch, *packed = memory + l.packed, *wide = memory + l.wide, *piece = memory + l.patches;
    size_t *offset = (size_t *)(void *)(memory + l.offsets);
    size_t outputs = l.outputs / l.groups, area = l.result[0] * l.result[1], pitch = l.points + US__CONVOLVE_SLACK;
    pack_kernel(&l, back, table->tile, call->in[1], packed);
    fill_offsets(&l, offset);
    for (size_t j = 0; j < US__CONVOLVE_SLACK; j++) piece[l.piece + j] = 0;
    for (size_t n = 0; n < call->rows * l.ranges; n++) {
        size_t sample = n / l.ranges, first = n % l.ranges * l.rows;
        size_t rows = l.result[0] - first < l.rows ? l.result[0] - first : l.rows;
        const us_real *image = (const us_real *)call->in[0] + sample * l.channels * l.image[0] * l.image[1];
        us_real *out = (us_real *)call->out + sample * l.outputs * area + first * l.result[1], *panel = packed;
        fill_piece(&l, piece, image, first, rows);
        for (size_t g = 0; g < l.groups; g++)
            for (size_t m = 0, tile; m < outputs; m += tile, panel += l.terms * tile) {
                tile = next_tile(table->tile, outputs - m);
                table->multiply(wide, pitch, tile, panel, piece + group_base(&l, g), offset, l.terms,
                                rows * l.pitch - (l.pitch - l.result[1]));
                for (size_t i = 0; i < tile; i++)
                    narrow(out + (g * outputs + m + i) * area, wide + i * pitch, rows, l.result[1], l.pitch);
            }
    }
}

/* The adjoint by w. */
void US_REAL(us__convolution_weight)(const us__call *call) {
    const US_REAL(us__convolve_table) *table = convolve_now();
    us__convolution c;
    us__convolution_layout l;
    us__convolution_of(call->graph, call->node, &c);
    us__convolution_plan(&c, US__BY_WEIGHT, &l);
    us_real *memory = call->scratch, *adjoints = memory + l.packed, *pieces = memory + l.patches, *weight = call->out;
    size_t *offset = (size_t *)(void *)(memory + l.offsets);
    size_t outputs = l.outputs / l.groups, area = l.result[0] * l.result[1], total = call->rows * l.ranges;
    fill_offsets(&l, offset);
    /* What no piece fills: beyond each output's adjoints, beyond all of them, and beyond the pieces. */
    for (size_t o = 0; o < l.together * l.outputs; o++)
        memset(adjoints + o * l.adjoint + l.points, 0, (l.adjoint - l.points) * sizeof *adjoints);
    memset(adjoints + l.together * l.outputs * l.adjoint, 0, US__CONVOLVE_SLACK * sizeof *adjoints);
    if (l.ranges > 1) memset(pieces, 0, l.piece * sizeof *pieces); /* the last of a sample may have fewer rows */
    memset(weight, 0, l.outputs * l.terms * sizeof *weight);
    for (size_t n = 0, count; n < total; n += count) {
        count = total - n < l.together ? total - n : l.together;
        memset(pieces + count * l.piece, 0, US__CONVOLVE_SLACK * sizeof *pieces);
        for (size_t k = 0; k < count; k++) {
            size_t sample = (n + k) / l.ranges, first = (n + k) % l.ranges * l.rows;
            size_t rows = l.result[0] - first < l.rows ? l.result[0] - first : l.rows;
            const us_real *d = (const us_real *)call->in[1] + sample * l.outputs * area + first * l.result[1];
            us_real *to = adjoints + k * l.outputs * l.adjoint;
            fill_piece(&l, pieces + k * l.piece,
                       (const us_real *)call->in[0] + sample * l.channels * l.image[0] * l.image[1], first, rows);
            for (size_t o = 0; o < l.outputs; o++, to += l.adjoint) {
                widen(to, d + o * area, rows, l.result[1], l.pitch);
                if (rows < l.rows) memset(to + rows * l.pitch, 0, (l.rows - rows) * l.pitch * sizeof *to);
            }
        }
        for (size_t g = 0; g < l.groups; g++)
            table->correlate(weight + g * outputs * l.terms, outputs, adjoints + g * outputs * l.adjoint, l.adjoint,
                             l.outputs * l.adjoint, pieces + group_base(&l, g), l.piece, offset, l.terms,
                             l.points - (l.pitch - l.result[1]), count);
    }
}
