/* The inside of a training; only train looks at it. */
#ifndef US_TRAIN_TRAINING_H
#define US_TRAIN_TRAINING_H

#include "base/base.h"
#include "train/order.h"
#include <unstuck/train.h>

enum { US__OBSERVERS_MAX = 8 };

typedef struct us__observer {
    us_step_observer call;
    void *user;
} us__observer;

/* An average of the weights, as --average says (average.c). */
typedef struct us__average {
    char text[48];
    bool on;
    double decay;         /* of "ema"; 0: "swa" */
    uint64_t from, every; /* of "swa" */
    uint64_t count;       /* weights that are in it */
} us__average;

us_status us__average_parse(us_context *context, const char *text, us__average *out);
/* Adds θ after a step. */
void us__average_add(us__average *average, us_vec *mean, const us_vec *theta, uint64_t step);
/* False when there is no average (yet). */
bool us__average_read(const us__average *average, const us_vec *mean, us_vec *out);

/* What the schedule "plateau" has seen; zeros at the start (plateau.c). */
typedef struct us__plateau {
    double factor_less_one; /* the rate's factor − 1 */
    double windows, best;   /* windows seen, and the least mean of one */
    double mean, deviation; /* of the last window */
    double count, running, squares;
} us__plateau;

void us__plateau_add(us__plateau *plateau, const us_schedule *schedule, double loss);

/* Which groups decay: those whose names match one of the patterns in `text`, or those of two axes or more where it is NULL
 * or
 * ""; never running statistics. Errors: US_ERR_ARGUMENT (a pattern that matches no name). @param decays [count] */
us_status us__decay_choose(us_context *context, const char *text, const us_group *groups, size_t count, bool *decays);
/* θ ← (1 − rate·weight_decay)·θ in those groups. */
void us__decay_step(us_training *training, double rate);

struct us_training {
    us_context *context;
    us_problem *problem;
    const us_rule *rule;
    double hyper[US_RULE_HYPERPARAMETERS_MAX];
    double learning_rate, clip_norm, clip_value, weight_decay;
    char *decay_groups; /* patterns, or "" */
    bool *decays;       /* [groups] which decay */
    size_t accumulate;  /* batches a step */
    us_schedule schedule;
    us__plateau plateau;
    us__average average;
    us__order order;
    uint64_t steps;          /* done */
    uint64_t rule_steps;     /* of them, since the rule's state was zero */
    uint64_t schedule_steps; /* of them, since the schedule began */
    uint64_t samples_seen;
    us_vec *theta, *gradient, *state[US_RULE_STATES_MAX];
    us_vec *part;             /* the gradient of one of several batches, or NULL */
    us_vec *averaged;         /* the average's vector, or NULL */
    double *memory, *scratch; /* [memory_count], and what the rule needs within a step */
    size_t memory_count;
    double *running; /* what the elements of state groups will be after this step, group after group; NULL: there are none */
    us_vec *signs, *diagonal; /* for rules that want the Hessian's diagonal, else NULL */
    us__observer observers[US__OBSERVERS_MAX];
    size_t observer_count;
};

/* What the rule is given at this step. @param state  [rule->states] filled in */
us_rule_whole us__training_whole(const us_training *training, const us_rule_step *step, void **state);

#endif
