/* The rules, and what each file of this folder defines: a descriptor us__rule_NAME, and us__NAME_update in both
 * precisions (the file is compiled once for each, see vec/real.h; the descriptor is in the double one). */
#ifndef US_DESCEND_RULES_RULES_H
#define US_DESCEND_RULES_RULES_H

#include "base/base.h"
#include <unstuck/rule.h>

typedef void us__update_f32(const us_rule_step *, float *theta, const float *gradient, float *const *state, size_t n);
typedef void us__update_f64(const us_rule_step *, double *theta, const double *gradient, double *const *state, size_t n);

#define US__RULE(name)                      \
    extern const us_rule us__rule_##name;   \
    us__update_f32 us__##name##_update_f32; \
    us__update_f64 us__##name##_update_f64;

US__RULE(sgd)
US__RULE(momentum)
US__RULE(adagrad)
US__RULE(adagrad_rms)
US__RULE(rmsprop)
US__RULE(rmsprop_first_gradient)
US__RULE(adam)
#undef US__RULE

#endif
