#ifndef US_DESCEND_SOLVERS_DRIVE_H
#define US_DESCEND_SOLVERS_DRIVE_H

#include <unstuck/solve.h>

/* Answers what a solver by request asks until it has ended. Nothing is looked at afterwards. */
us_status us__drive(us_problem *problem, us_vec *theta, const char *name, const us_minimize_options *options,
                    us_minimize_result *result);

#endif
