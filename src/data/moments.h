#ifndef US_DATA_MOMENTS_H
#define US_DATA_MOMENTS_H

#include <stddef.h>

/* Mean and population standard deviation (divisor n) of x [n], all finite. Equal values have that value for their mean,
 * exactly. The deviation is 1 where it is 0 or nothing (n = 0), so that one can divide by it. */
void us__moments(const double *x, size_t n, double *mean, double *deviation);

#endif
