#include "graph/graph.h"
#include "vec/real.h"
#include <string.h>

us__kernel US_REAL(us__broadcast_to);

void US_REAL(us__broadcast_to)(const us__call *call) {
    us__loops l;
    us__loops_of(call, &l);
    us_real *y = call->out;
    for (size_t i = 0; i < l.outer[0]; i++)
        for (size_t j = 0; j < l.outer[1]; j++)
            for (size_t k = 0; k < l.outer[2]; k++, y += l.inner) {
                const us_real *x = (const us_real *)call->in[0] + i * l.step[0][0] + j * l.step[0][1] + k * l.step[0][2];
                if (l.unit[0])
                    memcpy(y, x, l.inner * sizeof *y);
                else
                    for (size_t p = 0; p < l.inner; p++) y[p] = *x;
            }
}
