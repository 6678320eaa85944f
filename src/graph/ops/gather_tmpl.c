#include "graph/graph.h"
#include "vec/real.h"
#include <string.h>

us__kernel US_REAL(us__gather_rows), US_REAL(us__scatter_add);

/* The row that a number names, or n. Halves and NaN name none. */
static inline size_t gather_row(us_real number, size_t n) {
    if (!(number >= 0 && number < (us_real)n)) return n;
    size_t row = (size_t)number;
    return (us_real)row == number ? row : n;
}

void US_REAL(us__gather_rows)(const us__call *call) {
    const us__node *table = us__at(call->graph, call->node->in[0]);
    size_t n = table->shape[0], d = table->shape[1], count = us__elements(call->node, call->rows) / d;
    const us_real *in = call->in[0], *index = call->in[1];
    us_real *out = call->out;
    for (size_t i = 0; i < count; i++, out += d) {
        size_t row = gather_row(index[i], n);
        if (row < n)
            memcpy(out, in + row * d, d * sizeof *out);
        else
            for (size_t j = 0; j < d; j++) out[j] = (us_real)NAN;
    }
}

/* A number that names no row makes all of it NaN: no row may lose what was meant for it unseen. */
US_KERNEL void US_REAL(us__scatter_add)(const us__call *call) {
    const us__node *y = call->node;
    size_t n = y->shape[0], d = y->shape[1], count = us__elements(us__at(call->graph, y->in[1]), call->rows);
    const us_real *in = call->in[0], *index = call->in[1];
    us_real *out = call->out;
    memset(out, 0, n * d * sizeof *out);
    for (size_t i = 0; i < count; i++, in += d) {
        size_t row = gather_row(index[i], n);
        us_real *to = out + row * d;
        if (row < n)
            for (size_t j = 0; j < d; j++) to[j] += in[j];
        else
            for (size_t j = 0; j < n * d; j++) out[j] = (us_real)NAN;
    }
}
