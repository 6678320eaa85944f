#ifndef US_DESCEND_SOLVERS_PROBE_H
#define US_DESCEND_SOLVERS_PROBE_H

#include "descend/solvers/quadratic.h"

/* Looks for a lower loss along directions whose eigenvalue is at most `part` of the largest.
 * @param direction, trial  [n] scratch  @param best_theta  [n] the lowest place found, where best_value < value */
us_status us__probe_way_down(const us__quadratic *quadratic, us__local *local, const double *theta, double value,
                             double part, uint64_t seed, double *direction, double *trial, double *best_theta,
                             double *best_value);

#endif
