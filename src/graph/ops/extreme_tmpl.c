#include "graph/graph.h"
#include "vec/real.h"
#include <string.h>

enum { TILE = 64 };

us__kernel US_REAL(us__max_over), US_REAL(us__take_max), US_REAL(us__put_max);

/* best[j]: where x[0..size][j], of rows `inner` long, is largest first, for n ≤ TILE columns. */
static inline void extreme_find(uint32_t *best, const us_real *x, size_t size, size_t inner, size_t n) {
    us_real most[TILE];
    for (size_t j = 0; j < n; j++) most[j] = x[j], best[j] = 0;
    for (size_t s = 1; s < size; s++)
        for (size_t j = 0; j < n; j++) {
            us_real v = x[s * inner + j];
            bool larger = !(v <= most[j]) && most[j] == most[j]; /* also where v is the first NaN */
            most[j] = larger ? v : most[j];
            best[j] = larger ? (uint32_t)s : best[j];
        }
}

typedef enum extreme_what { MAX, TAKE, PUT } extreme_what;

static inline __attribute__((always_inline)) void extreme_loop(const us__call *call, extreme_what what) {
    us__around a = us__around_axis(us__at(call->graph, call->node->in[0]), call->node->how[0], call->rows);
    const us_real *x = call->in[0], *d = call->in[1];
    us_real *out = call->out;
    if (what == PUT) memset(out, 0, a.outer * a.size * a.inner * sizeof *out);
    for (size_t i = 0; i < a.outer; i++)
        for (size_t from = 0; from < a.inner; from += TILE) {
            size_t n = a.inner - from < TILE ? a.inner - from : TILE, at = i * a.size * a.inner + from;
            uint32_t best[TILE];
            extreme_find(best, x + at, a.size, a.inner, n);
            for (size_t j = 0; j < n; j++) {
                size_t there = at + best[j] * a.inner + j, here = i * a.inner + from + j;
                if (what == PUT)
                    out[there] = d[here];
                else
                    out[here] = what == MAX ? x[there] : d[there];
            }
        }
}

US_KERNEL void US_REAL(us__max_over)(const us__call *call) { extreme_loop(call, MAX); }
US_KERNEL void US_REAL(us__take_max)(const us__call *call) { extreme_loop(call, TAKE); }
US_KERNEL void US_REAL(us__put_max)(const us__call *call) { extreme_loop(call, PUT); }
