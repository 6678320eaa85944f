#include "graph/graph.h"
#include "graph/ops/rows.h"

us__kernel US_REAL(us__dot);

US_KERNEL void US_REAL(us__dot)(const us__call *call) {
    const us__node *x = us__at(call->graph, call->node->in[0]);
    size_t n = x->shape[x->rank - 1], rows = us__elements(call->node, call->rows);
    const us_real *a = call->in[0], *b = call->in[1];
    us_real *out = call->out;
    for (size_t i = 0; i < rows; i++) out[i] = (us_real)row_dot(a + i * n, b + i * n, n);
}
