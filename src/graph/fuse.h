/* Finding the programs of a plan (program.h). */
#ifndef US_GRAPH_FUSE_H
#define US_GRAPH_FUSE_H

#include "graph/plan.h"

/* Reorders each segment of the plan so that what is computed together stands together, and fills plan->program,
 * plan->inside and plan->scratch. A segment's order stays one in which inputs come first. */
us_status us__fuse(us__plan *plan);

#endif
