#include "graph/graph.h"
#include "vec/real.h"
#include <string.h>

us__kernel US_REAL(us__tile_mean), US_REAL(us__training);

/* Sums in double, some columns at a time; every row is then the mean. */
US_KERNEL void US_REAL(us__tile_mean)(const us__call *call) {
    enum { TILE = 64 };
    size_t n = us__elements(call->node, 1);
    const us_real *x = call->in[0];
    us_real *out = call->out;
    if (call->draw == 0) {
        memset(out, 0, call->rows * n * sizeof *out);
        return;
    }
    for (size_t from = 0; from < n; from += TILE) {
        size_t count = n - from < TILE ? n - from : TILE;
        double sum[TILE] = {0};
        for (size_t i = 0; i < call->rows; i++)
            for (size_t j = 0; j < count; j++) sum[j] += (double)x[i * n + from + j];
        for (size_t i = 0; i < call->rows; i++)
            for (size_t j = 0; j < count; j++) out[i * n + from + j] = (us_real)(sum[j] / (double)call->rows);
    }
}

void US_REAL(us__training)(const us__call *call) { *(us_real *)call->out = call->draw != 0; }
