#include "graph/graph.h"
#include "vec/real.h"
#include <string.h>

enum { TILE = 16 };

us__kernel US_REAL(us__permute);

/* y[i·step + j] = x[i + j·stride] for i < m, j < n, tile after tile: both arrays are read in lines. */
static inline void permute_tiles(us_real *restrict y, size_t step, const us_real *restrict x, size_t stride, size_t m,
                                 size_t n) {
    for (size_t i0 = 0; i0 < m; i0 += TILE)
        for (size_t j0 = 0; j0 < n; j0 += TILE)
            for (size_t i = i0; i < m && i < i0 + TILE; i++)
                for (size_t j = j0; j < n && j < j0 + TILE; j++) y[i * step + j] = x[i + j * stride];
}

/* Axes are filled up in front to four. The last axis of y is a run of x, or it and the axis that is one are transposed. */
US_KERNEL void US_REAL(us__permute)(const us__call *call) {
    const us__node *y = call->node, *x = us__at(call->graph, y->in[0]);
    size_t in[US__RANK], n[US__RANK] = {1, 1, 1, 1}, from[US__RANK] = {0}, to[US__RANK] = {0}, step = 1;
    size_t missing = US__RANK - y->rank, last = US__RANK - 1, other = last;
    for (size_t k = x->rank; k-- > 0;) {
        in[k] = step;
        step *= x->shape[k] == US_SAMPLES ? call->rows : x->shape[k];
    }
    step = 1;
    for (size_t k = y->rank; k-- > 0;) {
        size_t at = missing + k;
        n[at] = y->shape[k] == US_SAMPLES ? call->rows : y->shape[k];
        from[at] = in[y->how[k]];
        to[at] = step;
        step *= n[at];
        if (y->how[k] == x->rank - 1) other = at;
    }
    size_t m = n[other];
    if (other != last) n[other] = 1;
    for (size_t i = 0; i < n[0]; i++)
        for (size_t j = 0; j < n[1]; j++)
            for (size_t k = 0; k < n[2]; k++) {
                us_real *out = (us_real *)call->out + i * to[0] + j * to[1] + k * to[2];
                const us_real *a = (const us_real *)call->in[0] + i * from[0] + j * from[1] + k * from[2];
                if (other == last)
                    memcpy(out, a, n[last] * sizeof *out);
                else
                    permute_tiles(out, to[other], a, from[last], m, n[last]);
            }
}
