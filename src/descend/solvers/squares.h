/* Sums of squares: what "trust-region" does before and after us_minimize, and models that are linear in their parameters. */
#ifndef US_DESCEND_SOLVERS_SQUARES_H
#define US_DESCEND_SOLVERS_SQUARES_H

#include "descend/solvers/solver.h"

/* Few enough parameters and residuals for a dense Jacobian? */
bool us__squares_are_few(const us_problem *problem);
/* The exact minimum of a problem whose residuals are linear in θ: US_NOT_FOUND when they are not, or not of full rank. */
us_status us__squares_linear(us_problem *problem, us_vec *theta, us_minimize_result *result);
/* us_solve's "trust-region" for a sum of squares. */
us_status us__squares_minimize(us_problem *problem, us_vec *theta, const us_minimize_options *options,
                               us_minimize_result *result);

#endif
