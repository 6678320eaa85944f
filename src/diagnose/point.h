/* What the files of the point's test share. */
#ifndef US_DIAGNOSE_POINT_H
#define US_DIAGNOSE_POINT_H

#include "diagnose/place.h"
#include <unstuck/diagnose.h>

/* Measures the loss around a degenerate point, where the second order is silent. Fills point->null_space, and
 * point->escape when a way down is found and none is known. */
us_status us__null_space_probe(us_point *point, us__place *place, const us_point_options *options);

/* Looks at both ends of the spectrum of a Hessian too large to be made whole: fills point->ends, and where they decide
 * about a critical point (kind still undecided) its kind and escape. @param gradient [n] at θ @param scratch [n] */
us_status us__point_ends(us_point *point, us__place *place, const us_point_options *options, const double *gradient,
                         double *scratch);

#endif
