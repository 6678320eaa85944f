#include "graph/graph.h"
#include "vec/real.h"

us__kernel US_REAL(us__constant), US_REAL(us__array);

void US_REAL(us__constant)(const us__call *call) { *(us_real *)call->out = (us_real)call->node->value; }

void US_REAL(us__array)(const us__call *call) {
    const us__array *a = &call->graph->arrays[call->node->index];
    us_real *out = call->out;
    for (size_t i = 0; i < a->count; i++) out[i] = (us_real)a->values[i];
}
