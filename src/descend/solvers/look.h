/* The look at the curvature where a solver ends. */
#ifndef US_DESCEND_SOLVERS_LOOK_H
#define US_DESCEND_SOLVERS_LOOK_H

#include "descend/solvers/solver.h"

/* Memory for it, in solver->look. */
us_status us__look_open(us_solver *solver);
void us__look_close(us_solver *solver);
/* Asks for the first products at solver->theta. */
void us__look_begin(us_solver *solver);
/* The answers are in: asks for more, or ends. A negative eigenvalue makes the end no success. */
us_status us__look_next(us_solver *solver);

/* Only looks: the solver that goes nowhere. */
extern const us__method us__method_look;

#endif
