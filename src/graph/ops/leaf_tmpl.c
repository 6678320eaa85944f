#include "graph/graph.h"
#include "vec/real.h"

void US_REAL(us__constant)(const us__call *call);

void US_REAL(us__constant)(const us__call *call) { *(us_real *)call->out = (us_real)call->node->value; }
