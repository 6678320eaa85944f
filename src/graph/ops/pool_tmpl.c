#include "graph/ops/pool.h"
#include "vec/real.h"
#include <string.h>

/* The part of a window that lies in the image, rows top .. bottom−1. */
typedef struct pool_window {
    size_t top, bottom, left, right;
} pool_window;

static inline void window_axis(const us__pooling *p, size_t a, size_t at, size_t *from, size_t *to) {
    size_t start = at * p->stride[a], end = start + p->size[a];
    *from = start > p->padding[a] ? start - p->padding[a] : 0;
    *to = end > p->padding[a] ? end - p->padding[a] : 0;
    if (*to > p->x[a]) *to = p->x[a];
}

static inline pool_window window_at(const us__pooling *p, size_t i, size_t j) {
    pool_window w;
    window_axis(p, 0, i, &w.top, &w.bottom);
    window_axis(p, 1, j, &w.left, &w.right);
    return w;
}

/* b goes before a: it is larger, or NaN. */
static inline bool pool_beats(us_real b, us_real a) { return b > a || b != b; }

static inline size_t window_best(const us__pooling *p, const us_real *x, pool_window w) {
    size_t best = w.top * p->x[1] + w.left;
    for (size_t i = w.top; i < w.bottom; i++)
        for (size_t j = w.left; j < w.right; j++)
            if (pool_beats(x[i * p->x[1] + j], x[best]) && x[best] == x[best]) best = i * p->x[1] + j;
    return best;
}

/* ------------------------------------------------------------------ windows of 2×2 without gaps or padding, the commonest
 * Pairs of rows lie one behind the other, whatever the channel. First pairs of columns are joined over a whole tile of them,
 * then pairs of rows: a row may be shorter than a register, so that registers are filled beyond it where there is room. */

enum { TILE = 1024, LANES = 16 };

static inline bool pool_is_quarter(const us__pooling *p) {
    for (size_t a = 0; a < 2; a++)
        if (p->size[a] != 2 || p->stride[a] != 2 || p->padding[a] != 0 || p->x[a] % 2) return false;
    return p->x[1] <= TILE;
}

/* Of each two neighbours the larger, and 1 where it is the right one. */
static inline __attribute__((always_inline)) void quarter_join(const us_real *x, size_t n, us_real *most, us_real *right) {
    for (size_t k = 0; k < n; k++) {
        us_real a = x[2 * k], b = x[2 * k + 1];
        bool beats = ((b > a) | (b != b)) & (a == a);
        most[k] = beats ? b : a;
        right[k] = beats ? 1 : 0;
    }
}

/* y[j] is `lower` where the lower of two rows has the larger element, else `upper`: n of them, and beyond while j < room. */
static inline __attribute__((always_inline)) void quarter_choose(us_real *y, const us_real *top, const us_real *bottom,
                                                                 const us_real *upper, const us_real *lower, size_t n,
                                                                 size_t room) {
    for (size_t from = 0; from < n; from += LANES) {
        size_t count = room - from < LANES ? n - from : LANES;
        if (count == LANES)
            for (size_t j = from; j < from + LANES; j++)
                y[j] = (((bottom[j] > top[j]) | (bottom[j] != bottom[j])) & (top[j] == top[j])) ? lower[j] : upper[j];
        else
            for (size_t j = from; j < from + count; j++)
                y[j] = (((bottom[j] > top[j]) | (bottom[j] != bottom[j])) & (top[j] == top[j])) ? lower[j] : upper[j];
    }
}

/* `pairs` pairs of rows of `width`: out [pairs×width/2] is the largest of each window, or, of d, what is in its place. */
static inline __attribute__((always_inline)) void quarter_pick(us_real *out, const us_real *x, const us_real *d,
                                                               size_t pairs, size_t width) {
    us_real most[TILE + LANES], right[TILE + LANES], values[TILE + LANES];
    size_t half = width / 2, tile = TILE / width;
    for (size_t from = 0; from < pairs; from += tile) {
        size_t count = pairs - from < tile ? pairs - from : tile, first = from * 2 * width;
        quarter_join(x + first, count * width, most, right);
        if (d)
            for (size_t k = 0; k < count * width; k++) values[k] = right[k] > 0 ? d[first + 2 * k + 1] : d[first + 2 * k];
        const us_real *v = d ? values : most;
        for (size_t i = 0; i < count; i++) {
            size_t at = i * width;
            quarter_choose(out + (from + i) * half, most + at, most + at + half, v + at, v + at + half, half,
                           (pairs - from - i) * half);
        }
    }
}

/* The adjoint: each d [pairs×width/2] goes to the largest of its window, zeros to the others. */
static inline __attribute__((always_inline)) void quarter_place(us_real *out, const us_real *x, const us_real *d,
                                                                size_t pairs, size_t width) {
    us_real most[TILE + LANES], right[TILE + LANES], share[TILE + LANES], zeros[TILE] = {0};
    size_t half = width / 2, tile = TILE / width;
    for (size_t from = 0; from < pairs; from += tile) {
        size_t count = pairs - from < tile ? pairs - from : tile, first = from * 2 * width;
        quarter_join(x + first, count * width, most, right);
        for (size_t i = 0; i < count; i++) {
            const us_real *top = most + i * width, *dy = d + (from + i) * half;
            us_real *up = share + i * width;
            size_t room = (pairs - from - i) * half;
            quarter_choose(up, top, top + half, dy, zeros, half, room);
            quarter_choose(up + half, top, top + half, zeros, dy, half, room);
        }
        us_real *to = out + first;
        for (size_t k = 0; k < count * width; k++) {
            us_real value = share[k];
            to[2 * k] = right[k] > 0 ? 0 : value;
            to[2 * k + 1] = right[k] > 0 ? value : 0;
        }
    }
}

/* ------------------------------------------------------------------ values */

us__kernel US_REAL(us__max_pool), US_REAL(us__pool_pick), US_REAL(us__pool_place), US_REAL(us__average_pool),
    US_REAL(us__average_spread);

/* d at the place of each window's largest x; that itself where d is NULL. */
static inline __attribute__((always_inline)) void pool_pick(const us__call *call, const us_real *d) {
    us__pooling p;
    us__pooling_of(us__at(call->graph, call->node->in[0]), call->node, call->node->index, &p);
    const us_real *x = call->in[0], *from = d ? d : x;
    us_real *y = call->out;
    if (pool_is_quarter(&p)) {
        quarter_pick(y, x, d, call->rows * p.channels * p.y[0], p.x[1]);
        return;
    }
    for (size_t n = 0; n < call->rows * p.channels; n++, x += p.x[0] * p.x[1], from += p.x[0] * p.x[1])
        for (size_t i = 0; i < p.y[0]; i++, y += p.y[1])
            for (size_t j = 0; j < p.y[1]; j++) y[j] = from[window_best(&p, x, window_at(&p, i, j))];
}

US_KERNEL void US_REAL(us__max_pool)(const us__call *call) { pool_pick(call, NULL); }
US_KERNEL void US_REAL(us__pool_pick)(const us__call *call) { pool_pick(call, call->in[1]); }

US_KERNEL void US_REAL(us__pool_place)(const us__call *call) {
    us__pooling p;
    us__pooling_of(call->node, us__at(call->graph, call->node->in[1]), call->node->index, &p);
    const us_real *x = call->in[0], *d = call->in[1];
    us_real *out = call->out;
    if (pool_is_quarter(&p)) {
        quarter_place(out, x, d, call->rows * p.channels * p.y[0], p.x[1]);
        return;
    }
    memset(out, 0, us__elements(call->node, call->rows) * sizeof *out);
    for (size_t n = 0; n < call->rows * p.channels; n++, x += p.x[0] * p.x[1], out += p.x[0] * p.x[1])
        for (size_t i = 0; i < p.y[0]; i++, d += p.y[1])
            for (size_t j = 0; j < p.y[1]; j++) out[window_best(&p, x, window_at(&p, i, j))] += d[j];
}

void US_REAL(us__average_pool)(const us__call *call) {
    us__pooling p;
    us__pooling_of(us__at(call->graph, call->node->in[0]), call->node, call->node->index, &p);
    const us_real *x = call->in[0];
    us_real *y = call->out;
    double scale = 1 / (double)(p.size[0] * p.size[1]);
    for (size_t n = 0; n < call->rows * p.channels; n++, x += p.x[0] * p.x[1])
        for (size_t i = 0; i < p.y[0]; i++, y += p.y[1])
            for (size_t j = 0; j < p.y[1]; j++) {
                pool_window w = window_at(&p, i, j);
                double sum = 0;
                for (size_t r = w.top; r < w.bottom; r++)
                    for (size_t c = w.left; c < w.right; c++) sum += (double)x[r * p.x[1] + c];
                y[j] = (us_real)(sum * scale);
            }
}

void US_REAL(us__average_spread)(const us__call *call) {
    us__pooling p;
    us__pooling_of(call->node, us__at(call->graph, call->node->in[0]), call->node->index, &p);
    const us_real *d = call->in[0];
    us_real *out = call->out, scale = (us_real)(1 / (double)(p.size[0] * p.size[1]));
    memset(out, 0, us__elements(call->node, call->rows) * sizeof *out);
    for (size_t n = 0; n < call->rows * p.channels; n++, out += p.x[0] * p.x[1])
        for (size_t i = 0; i < p.y[0]; i++, d += p.y[1])
            for (size_t j = 0; j < p.y[1]; j++) {
                pool_window w = window_at(&p, i, j);
                us_real share = d[j] * scale;
                for (size_t r = w.top; r < w.bottom; r++)
                    for (size_t c = w.left; c < w.right; c++) out[r * p.x[1] + c] += share;
            }
}
