/* The inside of a race, shared by race*.c. */
#ifndef US_RUN_RACE_H
#define US_RUN_RACE_H

#include "run/run.h"
#include <pthread.h>
#include <unstuck/race.h>

enum {
    RACE_PARTS = 8,   /* into which lengths are cut for looks */
    RACE_POINTS = 48, /* of each kind at most: powers of two where nothing but time is a limit */
    RACE_LOOKS = 192, /* an arm: three kinds of points, the ends of rounds, the start */
    RACE_ARMS_MOST = 1000
};

/* A value that arms are measured at: ascending. */
typedef struct us__race_points {
    uint64_t at[RACE_POINTS];
    size_t count;
} us__race_points;

typedef struct us__race_arm {
    us_race_arm is; /* what is shown */
    char name[96];
    const us_rule *rule; /* the program's own, or NULL */
    us_race_look looks[RACE_LOOKS];
    double seconds;      /* CPU time of training */
    us_context *context; /* while it runs */
} us__race_arm;

struct us_race {
    us_context *context;
    char *folder;
    json_t *config_object; /* owns the texts of config */
    us_run_config config;
    us_data *data;
    size_t rows; /* to train on */
    char (*optimizers)[32];
    us__race_arm *arms; /* [arm_count], those of an entry together */
    us_race_arm *shown; /* [arm_count] */
    size_t arm_count, entries, seeds;
    bool halving, interrupted;
    us__race_points steps, samples; /* that all arms share */

    pthread_mutex_t lock; /* of all below, and of the arms while they run */
    bool *alive;          /* [entries] still in the race */
    size_t next, running; /* arm to be taken up; threads at work */
    double share;         /* of its length that an arm trains for in this round */
    size_t round;
    us_status status; /* first error, whose text is in the context when the round is over */
    char error[512];
    bool cancelled;
};

/* race_arm.c: takes an arm from where it is to `share` of its length. Sets its state; an error is that of the whole race. */
us_status us__race_arm_run(us_race *race, us__race_arm *arm);
/* race_rank.c: the median of losses [count], which are sorted here; inf among them are the largest. */
double us__race_median(double *losses, size_t count);

#endif
