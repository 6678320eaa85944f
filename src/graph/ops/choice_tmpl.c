#include "graph/graph.h"
#include "vec/real.h"

us__row US_REAL(us__select);

static inline __attribute__((always_inline)) void choice_loop(us_real *y, const us_real *c, size_t sc, const us_real *a,
                                                              size_t sa, const us_real *b, size_t sb, size_t n) {
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        us_real x = c[i * sc];
        y[i] = x > 0 ? a[i * sa] : x <= 0 ? b[i * sb] : x;
    }
}

/* The steps are known to the compiler in the forms that matter. */
US_KERNEL void US_REAL(us__select)(const us__node *node, void *out, const void *const *in, const size_t *step, size_t n) {
    (void)node;
    if (step[0] && step[1] && step[2])
        choice_loop(out, in[0], 1, in[1], 1, in[2], 1, n);
    else if (step[0] && step[1])
        choice_loop(out, in[0], 1, in[1], 1, &(us_real){*(const us_real *)in[2]}, 0, n);
    else if (step[0] && step[2])
        choice_loop(out, in[0], 1, &(us_real){*(const us_real *)in[1]}, 0, in[2], 1, n);
    else
        choice_loop(out, in[0], step[0], in[1], step[1], in[2], step[2], n);
}
