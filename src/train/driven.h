#ifndef US_TRAIN_DRIVEN_H
#define US_TRAIN_DRIVEN_H

#include <unstuck/train.h>

/* A solver has driven the problem itself: θ is where it is now, after so many steps more, each over all rows. The rule
 * begins anew. Errors: as us_training_set_theta. */
us_status us__training_driven(us_training *training, const us_vec *theta, uint64_t steps);

#endif
