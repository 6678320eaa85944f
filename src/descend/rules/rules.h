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
/* Rules of the whole: us__NAME_whole in both precisions. */
#define US__RULE_OF_WHOLE(name)           \
    extern const us_rule us__rule_##name; \
    us_status us__##name##_whole_f32(const us_rule_whole *whole), us__##name##_whole_f64(const us_rule_whole *whole);
#include "descend/rules/table.h"
#undef US__RULE
#undef US__RULE_OF_WHOLE

/* Its update, which chooses between them. */
#define US__RULE_BY_PRECISION(name)                                                                        \
    static us_status name##_update(const us_rule_whole *whole) {                                           \
        return whole->precision == US_F32 ? us__##name##_whole_f32(whole) : us__##name##_whole_f64(whole); \
    }

/* us_rule.growth of gradient descent, of the heavy ball and of Nesterov's momentum beta, and of a mean of gradients that
 * keeps beta (growth.c). */
double us__growth_plain(double b);
double us__growth_heavy_ball(double beta, double b);
double us__growth_nesterov(double beta, double b);
double us__growth_mean(double beta, double b);

/* The average x of schedule-free rules, of which beta is the first hyperparameter and z the first state. */
void us__schedule_free_weights(const us_rule_whole *whole, void *out);
void us__schedule_free_weights_f32(const us_rule_whole *whole, void *out);
void us__schedule_free_weights_f64(const us_rule_whole *whole, void *out);

#endif
