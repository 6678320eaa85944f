#ifndef US_DESCEND_SOLVERS_DRIVE_H
#define US_DESCEND_SOLVERS_DRIVE_H

#include "descend/solvers/solver.h"

/* Answers what a solver by request asks until it has ended. */
us_status us__drive(us_problem *problem, us_vec *theta, const us__method *method, const us_minimize_options *options,
                    us_minimize_result *result);

#endif
