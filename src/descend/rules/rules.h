/* The rules, and what each file of this folder defines: a descriptor us__rule_NAME, and us__NAME_update in both
 * precisions (the file is compiled once for each, see vec/real.h; the descriptor is in the double one). */
#ifndef US_DESCEND_RULES_RULES_H
#define US_DESCEND_RULES_RULES_H

#include "descend/descend.h"

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
US__RULE(nesterov)
US__RULE(adadelta)
US__RULE(rmsprop_centred)
US__RULE(rmsprop_momentum)
US__RULE(adamw)
US__RULE(adamax)
US__RULE(radam)
US__RULE(amsgrad)
US__RULE(yogi)
US__RULE(adabelief)
US__RULE(lion)
US__RULE(adan)
#undef US__RULE

/* Rules of the whole: us__NAME_whole in both precisions, and NAME_update, which chooses. */
#define US__RULE_BY_PRECISION(name)                                                                        \
    static us_status name##_update(const us_rule_whole *whole) {                                           \
        return whole->precision == US_F32 ? us__##name##_whole_f32(whole) : us__##name##_whole_f64(whole); \
    }
#define US__RULE_OF_WHOLE(name)           \
    extern const us_rule us__rule_##name; \
    us_status us__##name##_whole_f32(const us_rule_whole *whole), us__##name##_whole_f64(const us_rule_whole *whole);

US__RULE_OF_WHOLE(nadam)
US__RULE_OF_WHOLE(lars)
US__RULE_OF_WHOLE(lamb)
US__RULE_OF_WHOLE(adafactor)
US__RULE_OF_WHOLE(adahessian)
US__RULE_OF_WHOLE(sophia_h)
US__RULE_OF_WHOLE(muon)
US__RULE_OF_WHOLE(shampoo)
US__RULE_OF_WHOLE(soap)
US__RULE_OF_WHOLE(dadapt_adam)
US__RULE_OF_WHOLE(prodigy)
US__RULE_OF_WHOLE(dog)
US__RULE_OF_WHOLE(mechanic)
US__RULE_OF_WHOLE(schedule_free_sgd)
US__RULE_OF_WHOLE(schedule_free_adamw)
#undef US__RULE_OF_WHOLE

/* The average x of schedule-free rules, of which beta is the first hyperparameter and z the first state. */
void us__schedule_free_weights(const us_rule_whole *whole, void *out);
void us__schedule_free_weights_f32(const us_rule_whole *whole, void *out);
void us__schedule_free_weights_f64(const us_rule_whole *whole, void *out);

#endif
