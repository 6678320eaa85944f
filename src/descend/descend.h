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

/* θ ← θ + update, over the context's threads; the result does not depend on how many. Checks nothing.
 * theta, gradient, state[k]: [n] of the precision; none aliases another. */
void us__rule_update(us_context *context, const us_rule *rule, const us_rule_step *step, us_precision precision, void *theta,
                     const void *gradient, void *const *state, size_t n);

#endif
