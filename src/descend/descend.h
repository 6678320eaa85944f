/* What the training uses of rules and schedules, beyond rule.h. */
#ifndef US_DESCEND_DESCEND_H
#define US_DESCEND_DESCEND_H

#include "base/base.h"
#include <unstuck/rule.h>

/* US_ERR_ARGUMENT when a rule, perhaps a caller's own, lacks a name or an update in this precision, or asks for too much. */
us_status us__rule_check(us_context *context, const us_rule *rule, us_precision precision);
/* US_ERR_ARGUMENT when a hyperparameter is out of its range. @param hyper [rule->hyperparameter_count] */
us_status us__rule_check_hyper(us_context *context, const us_rule *rule, const double *hyper);
/* The defaults. @param hyper [rule->hyperparameter_count] */
void us__rule_defaults(const us_rule *rule, double *hyper);

/* Whether the training must watch the loss for it. */
bool us__schedule_is_plateau(const us_schedule *schedule);

/* Doubles of memory and scratch that a rule needs. */
size_t us__rule_memory(const us_rule *rule, const us_group *groups, size_t count);
size_t us__rule_scratch(const us_rule *rule, const us_group *groups, size_t count);

/* θ ← θ + update; the result does not depend on the number of threads. Checks nothing. No vector aliases another. */
us_status us__rule_update(const us_rule *rule, const us_rule_whole *whole);

/* What rules of the whole share: runs `block` on fixed blocks of [0, n), over the context's threads. */
void us__rule_blocks(us_context *context, size_t n, void (*block)(void *user, size_t from, size_t count), void *user);
/* The same with sums: `block` sets up to US__RULE_SUMS of its own, which are added in the order of the blocks.
 * @param partial  [us__rule_partials(n)] scratch */
enum { US__RULE_SUMS = 4 };
void us__rule_sums(us_context *context, size_t n, void (*block)(void *user, size_t from, size_t count, double *sums),
                   void *user, double *partial, double *sums /* [US__RULE_SUMS] */);
size_t us__rule_partials(size_t n);
/* Elements of θ, from its groups. */
size_t us__rule_elements(const us_group *groups, size_t count);
/* `scratch` of rules that need sums and nothing else. */
size_t us__rule_sums_scratch(const us_group *groups, size_t count);
/* A group of two axes or more is a matrix of [first axis × the others]. False for any other group. */
bool us__rule_matrix(const us_group *group, size_t *rows, size_t *columns);

#endif
