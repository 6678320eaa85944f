/* Where numbers end: the first operation whose value is not finite. */
#ifndef US_GRAPH_TRACE_H
#define US_GRAPH_TRACE_H

#include "graph/plan.h"

/* Computes loss and gradient node by node, in the order of a plan, and tells of the first value that is not finite: what
 * made it, of which number, in which part of the model, "log of 0 gives -inf, at column 5 of the formula". "" where all are
 * finite, as far as single operations go.
 * @param e  theta, rows, data and precision; count small: nothing is shared between threads @param gradients [dimension's
 * groups], such as a plan's outputs. Errors: US_ERR_NOMEM. Cost: a plan, a gradient, and a look at every number. */
us_status us__trace(const us_graph *graph, us__evaluation e, us_precision precision, us_context *context,
                    const us_node *gradients, size_t count, char *text, size_t size);

#endif
