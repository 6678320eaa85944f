#include "graph/graph.h"
#include "vec/real.h"
#include <string.h>

us__row US_REAL(us__repeat);

void US_REAL(us__repeat)(const us__node *node, void *out, const void *const *in, const size_t *step, size_t n) {
    const us_real *x = in[0];
    us_real *y = out;
    (void)node;
    if (step[0])
        memcpy(y, x, n * sizeof *y);
    else
        for (size_t i = 0; i < n; i++) y[i] = *x;
}
