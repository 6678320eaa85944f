/* Remedies that change the problem itself ("standardize", "lift"): another run without a folder is made, at the same
 * function of the file; its parts change places with this one's when its training is adopted. What is alike for all of them
 * is in remake.c; what each does is one row of its table. */
#ifndef US_RUN_REMAKE_H
#define US_RUN_REMAKE_H

#include "run/run.h"
#include <unstuck/remedy.h>

typedef struct us__remake_way {
    const char *remedy;
    bool lasts; /* what was made serves until another is adopted; false: it is made for one θ alone */
    /* US_ERR_UNSUPPORTED: it cannot be had, and the text says why. Costs nothing. */
    us_status (*check)(us_run *run);
    /* Changes `config`, a copy of the run's, into that of remake->other; makes its data where they are not the run's own;
     * fills in the rest of `remake`. US_ERR_UNSUPPORTED as above. */
    us_status (*plan)(us_run *run, us__remake *remake, us_run_config *config);
    /* A θ of the run's problem as one of the other's. Both of the run's precision. */
    us_status (*theta)(const us_run *run, const us__remake *remake, const us_vec *from, us_vec *to);
    /* The last touch on remake->other->training, which is at the run's own function. */
    us_status (*begin)(us_run *run, us__remake *remake);
    void (*release)(us__remake *remake); /* of what plan filled in */
} us__remake_way;

struct us__remake {
    const us__remake_way *way;
    us_run *other;
    void *change;   /* the way's own */
    double unit[2]; /* as us_remade's, like the next two */
    double price;
    char what[160];
    char refused[256]; /* why there is no other; "": there is one */
};

extern const us__remake_way us__remake_standardize, us__remake_lift;

#endif
