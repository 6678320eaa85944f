/* Solvers that are written as a plain function of a problem, by request all the same: the function runs in a thread of its
 * own, on a problem whose answers come from the caller. One of the two threads always waits for the other. */
#ifndef US_DESCEND_SOLVERS_ASKED_H
#define US_DESCEND_SOLVERS_ASKED_H

#include "descend/solvers/solver.h"

/* Of the method's `solve`. */
us_status us__asked_open(us_solver *solver);
us_status us__asked_next(us_solver *solver);
void us__asked_close(us_solver *solver);

#endif
