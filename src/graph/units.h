/* Marked layers of units (src/graph/units.c). */
#ifndef US_GRAPH_UNITS_H
#define US_GRAPH_UNITS_H

#include "graph/plan.h"
#include <unstuck/units.h>

struct us__mark {
    const char *layer;
    bool bounded;
    double steepest; /* the largest slope of the activation */
    us_node input, output, slope, arriving;
};

/* The nodes for slopes and arriving gradients. */
us_status us__units_derive(us_graph *graph);
void us__units_release(us_graph *graph);

/* How many units a marked layer has, and the doubles of scratch that measuring it takes. */
size_t us__units_count(const us_graph *graph, size_t layer);
size_t us__units_scratch(const us_graph *graph, size_t layer);
/* Fills the units of a layer. @param e  θ, workspace and data; count: all samples */
us_status us__units_measure(const us_graph *graph, size_t layer, us__evaluation *e, us_unit *units, double *scratch);

#endif
