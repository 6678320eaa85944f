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

/* Windows of 2×2 that neither overlap nor leave gaps are by far the commonest. */
static inline bool pool_is_quarter(const us__pooling *p) {
    for (size_t a = 0; a < 2; a++)
        if (p->size[a] != 2 || p->stride[a] != 2 || p->padding[a] != 0) return false;
    return true;
}

us__kernel US_REAL(us__max_pool), US_REAL(us__pool_pick), US_REAL(us__pool_place), US_REAL(us__average_pool),
    US_REAL(us__average_spread);

US_KERNEL void US_REAL(us__max_pool)(const us__call *call) {
    us__pooling p;
    us__pooling_of(us__at(call->graph, call->node->in[0]), call->node, call->node->index, &p);
    const us_real *x = call->in[0];
    us_real *y = call->out;
    for (size_t n = 0; n < call->rows * p.channels; n++, x += p.x[0] * p.x[1])
        for (size_t i = 0; i < p.y[0]; i++, y += p.y[1]) {
            if (pool_is_quarter(&p)) {
                const us_real *a = x + 2 * i * p.x[1], *b = a + p.x[1];
                for (size_t j = 0; j < p.y[1]; j++) {
                    us_real v0 = a[2 * j], v1 = a[2 * j + 1], v2 = b[2 * j], v3 = b[2 * j + 1];
                    us_real first = pool_beats(v1, v0) ? v1 : v0, second = pool_beats(v3, v2) ? v3 : v2;
                    y[j] = pool_beats(second, first) ? second : first;
                }
            } else {
                for (size_t j = 0; j < p.y[1]; j++) y[j] = x[window_best(&p, x, window_at(&p, i, j))];
            }
        }
}

void US_REAL(us__pool_pick)(const us__call *call) {
    us__pooling p;
    us__pooling_of(us__at(call->graph, call->node->in[0]), call->node, call->node->index, &p);
    const us_real *x = call->in[0], *d = call->in[1];
    us_real *y = call->out;
    for (size_t n = 0; n < call->rows * p.channels; n++, x += p.x[0] * p.x[1], d += p.x[0] * p.x[1])
        for (size_t i = 0; i < p.y[0]; i++, y += p.y[1])
            for (size_t j = 0; j < p.y[1]; j++) y[j] = d[window_best(&p, x, window_at(&p, i, j))];
}

/* One row of windows of 2×2: each d goes to the largest of its window, zeros to the others. */
static inline void place_quarter(us_real *to, const us_real *x, const us_real *d, size_t width, size_t count) {
    const us_real *a = x, *b = x + width;
    us_real *up = to, *down = to + width;
    for (size_t j = 0; j < count; j++) {
        us_real v0 = a[2 * j], v1 = a[2 * j + 1], v2 = b[2 * j], v3 = b[2 * j + 1], zero = 0;
        us_real first = pool_beats(v1, v0) ? v1 : v0, second = pool_beats(v3, v2) ? v3 : v2;
        /* What came before stays when it is NaN. */
        bool lower = pool_beats(second, first) && first == first;
        us_real above = lower ? zero : d[j], below = lower ? d[j] : zero;
        bool right_above = pool_beats(v1, v0) && v0 == v0, right_below = pool_beats(v3, v2) && v2 == v2;
        up[2 * j] = right_above ? zero : above;
        up[2 * j + 1] = right_above ? above : zero;
        down[2 * j] = right_below ? zero : below;
        down[2 * j + 1] = right_below ? below : zero;
    }
}

US_KERNEL void US_REAL(us__pool_place)(const us__call *call) {
    us__pooling p;
    us__pooling_of(call->node, us__at(call->graph, call->node->in[1]), call->node->index, &p);
    const us_real *x = call->in[0], *d = call->in[1];
    us_real *out = call->out;
    bool quarter = pool_is_quarter(&p);
    if (!quarter || p.x[0] % 2 || p.x[1] % 2) memset(out, 0, us__elements(call->node, call->rows) * sizeof *out);
    for (size_t n = 0; n < call->rows * p.channels; n++, x += p.x[0] * p.x[1], out += p.x[0] * p.x[1])
        for (size_t i = 0; i < p.y[0]; i++, d += p.y[1]) {
            size_t row = 2 * i * p.x[1];
            if (quarter)
                place_quarter(out + row, x + row, d, p.x[1], p.y[1]);
            else
                for (size_t j = 0; j < p.y[1]; j++) out[window_best(&p, x, window_at(&p, i, j))] += d[j];
        }
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
