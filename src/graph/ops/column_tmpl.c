#include "graph/graph.h"
#include "vec/real.h"
#include <string.h>

us__kernel US_REAL(us__column), US_REAL(us__spread);

void US_REAL(us__column)(const us__call *call) {
    const us__node *x = us__at(call->graph, call->node->in[0]);
    size_t rows = us__elements(call->node, call->rows), columns = x->shape[1];
    const us_real *in = (const us_real *)call->in[0] + call->node->index;
    us_real *out = call->out;
    for (size_t i = 0; i < rows; i++) out[i] = in[i * columns];
}

void US_REAL(us__spread)(const us__call *call) {
    size_t n = us__elements(call->node, call->rows), columns = call->node->shape[1];
    const us_real *in = call->in[0];
    us_real *out = call->out;
    memset(out, 0, n * sizeof *out);
    out += call->node->index;
    for (size_t i = 0; i < n / columns; i++) out[i * columns] = in[i];
}
