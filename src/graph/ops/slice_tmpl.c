#include "graph/graph.h"
#include "vec/real.h"
#include <string.h>

us__kernel US_REAL(us__slice), US_REAL(us__pad), US_REAL(us__concatenate);

/* `outer` runs of n elements, from every `stride`-th place to every `step`-th. */
static inline void slice_runs(us_real *restrict out, size_t step, const us_real *restrict in, size_t stride, size_t n,
                              size_t outer) {
    if (n == 1)
        for (size_t i = 0; i < outer; i++) out[i * step] = in[i * stride];
    else
        for (size_t i = 0; i < outer; i++) memcpy(out + i * step, in + i * stride, n * sizeof *out);
}

void US_REAL(us__slice)(const us__call *call) {
    const us__node *y = call->node;
    us__around x = us__around_axis(us__at(call->graph, y->in[0]), y->how[0], call->rows);
    size_t run = y->how[2] * x.inner;
    slice_runs(call->out, run, (const us_real *)call->in[0] + y->how[1] * x.inner, x.size * x.inner, run, x.outer);
}

void US_REAL(us__pad)(const us__call *call) {
    const us__node *y = call->node;
    us__around x = us__around_axis(us__at(call->graph, y->in[0]), y->how[0], call->rows);
    size_t run = x.size * x.inner, before = y->how[1] * x.inner, step = before + run + y->how[2] * x.inner;
    us_real *out = call->out;
    memset(out, 0, step * x.outer * sizeof *out);
    slice_runs(out + before, step, call->in[0], run, run, x.outer);
}

void US_REAL(us__concatenate)(const us__call *call) {
    const us__node *y = call->node;
    us__around a = us__around_axis(us__at(call->graph, y->in[0]), y->how[0], call->rows);
    us__around b = us__around_axis(us__at(call->graph, y->in[1]), y->how[0], call->rows);
    size_t left = a.size * a.inner, right = b.size * b.inner;
    slice_runs(call->out, left + right, call->in[0], left, left, a.outer);
    slice_runs((us_real *)call->out + left, left + right, call->in[1], right, right, a.outer);
}
