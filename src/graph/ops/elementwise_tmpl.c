/* The values of elementwise operations and of those along the last axis: their rows, one after the other. */
#include "graph/graph.h"
#include "vec/real.h"

void US_REAL(us__elementwise)(const us__call *call) {
    us__loops l;
    us__loops_of(call, &l);
    us__row *row = call->node->op->row[US_REAL_BITS == 64];
    size_t inputs = call->node->op->inputs;
    us_real *y = call->out;
    for (size_t i = 0; i < l.outer[0]; i++)
        for (size_t j = 0; j < l.outer[1]; j++)
            for (size_t k = 0; k < l.outer[2]; k++, y += l.inner) {
                const void *in[US__INPUTS];
                for (size_t p = 0; p < inputs; p++)
                    in[p] = (const us_real *)call->in[p] + i * l.step[p][0] + j * l.step[p][1] + k * l.step[p][2];
                row(call->node, y, in, l.unit, l.inner);
            }
}

void US_REAL(us__lines)(const us__call *call) {
    const us__node *x = us__at(call->graph, call->node->in[0]);
    size_t n = x->shape[x->rank - 1], rows = us__elements(x, call->rows) / n, inputs = call->node->op->inputs;
    size_t width = us__elements(call->node, call->rows) / rows; /* n or 1 */
    us__row *line = call->node->op->line[US_REAL_BITS == 64];
    for (size_t i = 0; i < rows; i++) {
        const void *in[US__INPUTS];
        size_t step[US__INPUTS] = {1, 1};
        for (size_t k = 0; k < inputs; k++) in[k] = (const us_real *)call->in[k] + i * n;
        line(call->node, (us_real *)call->out + i * width, in, step, n);
    }
}
