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

struct us_training {
    us_context *context;
    us_problem *problem;
    const us_rule *rule;
    double hyper[US_RULE_HYPERPARAMETERS_MAX];
    double learning_rate, clip_norm;
    us_schedule schedule;
    us__order order;
    uint64_t steps;          /* done */
    uint64_t rule_steps;     /* of them, since the rule's state was zero */
    uint64_t schedule_steps; /* of them, since the schedule began */
    uint64_t samples_seen;
    us_vec *theta, *gradient, *state[US_RULE_STATES_MAX];
    double *memory, *scratch; /* [memory_count], and what the rule needs within a step */
    size_t memory_count;
    us_vec *signs, *diagonal; /* for rules that want the Hessian's diagonal, else NULL */
    us__observer observers[US__OBSERVERS_MAX];
    size_t observer_count;
};

/* What the rule is given at this step. @param state  [rule->states] filled in */
us_rule_whole us__training_whole(const us_training *training, const us_rule_step *step, void **state);

#endif
