#include "graph/graph.h"
#include "graph/ops/rows.h"

us__row US_REAL(us__dot);

US_KERNEL void US_REAL(us__dot)(const us__node *node, void *out, const void *const *in, const size_t *step, size_t n) {
    (void)node, (void)step;
    *(us_real *)out = (us_real)row_dot(in[0], in[1], n);
}
