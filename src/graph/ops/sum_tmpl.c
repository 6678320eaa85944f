#include "graph/graph.h"
#include "vec/real.h"

enum { TILE = 64, LANES = 8 };

/* Σᵢ x[i], in lanes that are added in a fixed order. */
static inline __attribute__((always_inline)) double sum_row(const us_real *x, size_t n) {
    double lane[LANES] = {0};
    size_t whole = n - n % LANES;
    for (size_t i = 0; i < whole; i += LANES)
        for (size_t k = 0; k < LANES; k++) lane[k] += (double)x[i + k];
    for (size_t i = whole; i < n; i++) lane[i - whole] += (double)x[i];
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

/* out[j] = Σᵢ x[i][j] for x [rows×columns], some columns at a time. */
static inline void sum_columns(us_real *out, const us_real *x, size_t rows, size_t columns) {
    for (size_t from = 0; from < columns; from += TILE) {
        size_t n = columns - from < TILE ? columns - from : TILE;
        double sum[TILE] = {0};
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < n; j++) sum[j] += (double)x[i * columns + from + j];
        for (size_t j = 0; j < n; j++) out[from + j] = (us_real)sum[j];
    }
}

us__kernel US_REAL(us__sum_to);
us__row US_REAL(us__sum_row);

US_KERNEL void US_REAL(us__sum_row)(const us__node *node, void *out, const void *const *in, const size_t *step, size_t n) {
    (void)node, (void)step;
    *(us_real *)out = (us_real)sum_row(in[0], n);
}

/* Σ over b and d of x [b×c×d×e], any sizes. */
static inline __attribute__((always_inline)) void sum_any(us_real *out, const us_real *x, const size_t n[4]) {
    for (size_t c = 0; c < n[1]; c++)
        for (size_t e = 0; e < n[3]; e++) {
            double sum = 0;
            for (size_t b = 0; b < n[0] && n[3] == 1; b++) sum += sum_row(x + (b * n[1] + c) * n[2], n[2]);
            for (size_t b = 0; b < n[0] && n[3] > 1; b++)
                for (size_t d = 0; d < n[2]; d++) sum += (double)x[((b * n[1] + c) * n[2] + d) * n[3] + e];
            out[c * n[3] + e] = (us_real)sum;
        }
}

/* Runs of axes that are kept and that are summed alternate: x is [a×b×c×d×e], summed over b and d. */
US_KERNEL void US_REAL(us__sum_to)(const us__call *call) {
    const us__node *y = call->node, *x = us__at(call->graph, y->in[0]);
    size_t n[US__RANK + 1] = {1, 1, 1, 1, 1}, at = 0, missing = x->rank - y->rank;
    for (size_t i = 0; i < x->rank; i++) {
        size_t size = x->shape[i] == US_SAMPLES ? call->rows : x->shape[i];
        if (size == 1) continue;
        bool summed = i < missing || (y->shape[i - missing] == 1 && x->shape[i] != 1);
        if (summed != (at % 2 == 1)) at++;
        n[at] *= size;
    }
    const us_real *in = call->in[0];
    us_real *out = call->out;
    for (size_t a = 0; a < n[0]; a++, in += n[1] * n[2] * n[3] * n[4], out += n[2] * n[4]) {
        if (n[2] == 1 && n[3] == 1 && n[4] == 1)
            *out = (us_real)sum_row(in, n[1]);
        else if (n[3] == 1)
            sum_columns(out, in, n[1], n[2] * n[4]);
        else
            sum_any(out, in, n + 1);
    }
}
