#include "graph/graph.h"
#include "vec/real.h"
#include <string.h>

us__kernel US_REAL(us__one_hot);

/* A label beyond the classes gives NaN. */
void US_REAL(us__one_hot)(const us__call *call) {
    size_t classes = call->node->shape[call->node->rank - 1], rows = us__elements(call->node, call->rows) / classes;
    const uint32_t *label = call->in[0];
    us_real *out = call->out;
    memset(out, 0, rows * classes * sizeof *out);
    for (size_t i = 0; i < rows; i++, out += classes) {
        if (label[i] < classes)
            out[label[i]] = 1;
        else
            for (size_t c = 0; c < classes; c++) out[c] = (us_real)NAN;
    }
}
