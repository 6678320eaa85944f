/* What the files of the point's test share. */
#ifndef US_DIAGNOSE_POINT_H
#define US_DIAGNOSE_POINT_H

#include "diagnose/place.h"
#include <unstuck/diagnose.h>

/* Measures the loss around a degenerate point, where the second order is silent. Fills point->null_space, and
 * point->escape when a way down is found and none is known. */
us_status us__null_space_probe(us_point *point, us__place *place, const us_point_options *options);

#endif
