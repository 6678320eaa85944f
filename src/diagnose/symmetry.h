/* Units that cannot be told apart. */
#ifndef US_DIAGNOSE_SYMMETRY_H
#define US_DIAGNOSE_SYMMETRY_H

#include <unstuck/diagnose.h>

/* Share (0 to 1) of the most negative curvature's eigenspace that lies in differences between equal units, or in units
 * whose weights are all zero; see symmetry.c. 0 when there is no negative curvature or the groups are not layers. */
us_status us__symmetry_share(us_context *context, const us_group *groups, size_t count, const us_point *point,
                             double *share);

#endif
