/* Replays: a copy of the training goes on with one thing changed, and its loss on all rows is looked at on the way. */
#ifndef US_DIAGNOSE_REPLAY_H
#define US_DIAGNOSE_REPLAY_H

#include "diagnose/evidence.h"

typedef struct us__replay {
    bool finite;     /* to the end */
    double mean[2];  /* of the losses seen in the first half, and in the second */
    double error[2]; /* their standard errors; 0 where one look was all */
    double end;      /* the last loss; inf when it is not finite */
    double rises;    /* share of looks that found a higher loss than the look before */
} us__replay;

/* Changes the copy before it goes on. */
typedef us_status (*us__replay_change)(us_training *copy, double amount);

/* @param change  NULL: as it is. Errors: the change's, the problem's, US_INTERRUPTED; what is not finite is no error. */
us_status us__replay_run(us__gathering *g, us__replay_change change, double amount, uint64_t steps, us__replay *out);

/* Multiplies the base rate. */
us_status us__replay_rate(us_training *copy, double factor);

#endif
