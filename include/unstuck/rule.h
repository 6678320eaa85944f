/** Update rules and schedules: what turns a gradient into a step. */
#ifndef UNSTUCK_RULE_H
#define UNSTUCK_RULE_H

#include <unstuck/vec.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One hyperparameter of a rule. */
typedef struct us_hyperparameter {
    const char *name; /* "beta1" */
    double default_value;
    double minimum, maximum; /* the closed range that is accepted */
    const char *meaning;     /* "decay of the mean of gradients" */
} us_hyperparameter;

#define US_RULE_HYPERPARAMETERS_MAX 8
#define US_RULE_STATES_MAX 4

/** What the update of a block of elements is given. */
typedef struct us_rule_step {
    uint64_t step;        /* t, from 1 */
    double learning_rate; /* α now, schedule included */
    const double *hyper;  /* in the order of the descriptor */
} us_rule_step;

/** An update rule: its formula and source, its hyperparameters, and the update itself. `unstuck optimizers`, the docs
 * and the tests' loop are printed from these. A C program may fill in one of its own. */
typedef struct us_rule {
    const char *name;     /* "adam" */
    const char *title;    /* "Adam" */
    const char *formula;  /* plain text, one equation a line */
    const char *source;   /* paper, equation */
    const char *advice;   /* when to use it, one sentence */
    double learning_rate; /* default α */
    const us_hyperparameter *hyperparameters;
    size_t hyperparameter_count;
    size_t states; /* state vectors of θ's size, zero at the start */
    /* Updates elements of θ in place. state[k] are the state vectors; none aliases another. */
    void (*update_f32)(const us_rule_step *step, float *theta, const float *gradient, float *const *state, size_t n);
    void (*update_f64)(const us_rule_step *step, double *theta, const double *gradient, double *const *state, size_t n);
} us_rule;

/** All built-in rules. Borrowed for ever. */
US_API const us_rule *const *us_rules(size_t *count);
/** A rule by name, or NULL. */
US_API const us_rule *us_rule_find(const char *name);
/** The name of the rule nearest to a mistyped one, or NULL. */
US_API const char *us_rule_nearest(const char *name);
/** Index of a hyperparameter by name; SIZE_MAX if the rule has none of that name. */
US_API size_t us_rule_hyperparameter(const us_rule *rule, const char *name);

/** Hyperparameters from a text such as "beta1=0.8,epsilon=1e-6"; those that it does not name take their defaults.
 * @param text   NULL or "": all defaults
 * @param hyper  [rule->hyperparameter_count] out; at most US_RULE_HYPERPARAMETERS_MAX
 * Errors: US_ERR_ARGUMENT (an unknown name, with the nearest one; no number; out of range). */
US_API us_status us_rule_parse_hyper(us_context *context, const us_rule *rule, const char *text, double *hyper);

/** Applies a rule once: θ ← θ + update. For programs that have a loop of their own.
 *
 * @param step      its `step` counts from 1 since the state was zero; hyper NULL: the rule's defaults
 * @param theta     [n], updated in place
 * @param gradient  [n] of theta's precision; not theta itself
 * @param state     rule->states vectors like theta, zero before the first step; NULL when the rule has none
 * Errors: US_ERR_ARGUMENT; theta and state are then as they were. Allocates nothing; uses the context's threads on long
 * vectors. */
US_API us_status us_rule_apply(us_context *context, const us_rule *rule, const us_rule_step *step, us_vec *theta,
                               const us_vec *gradient, us_vec *const *state);

/** Learning rate over steps, as a factor on the base rate.
 * Texts: "constant", "exp:R" (R^(t−1)), "step:EVERY:R" (R^⌊(t−1)/EVERY⌋), "cosine:STEPS" (½(1 + cos π(t−1)/STEPS), then 0),
 * "inverse-sqrt" (1/√t); t counts from 1. Warm-up multiplies the factor by min(1, t/warmup). A value: copy it. */
typedef struct us_schedule {
    char text[64]; /* as given; "constant" by default */
    int kind;      /* this and a, b: set by us_schedule_parse from the text */
    double a, b;
    uint64_t warmup; /* linear from 0 over so many steps; default 0 */
} us_schedule;

/** Errors: US_ERR_INPUT (says what the text must be); *out is then "constant". */
US_API us_status us_schedule_parse(us_context *context, const char *text, uint64_t warmup, us_schedule *out);
/** Factor at step t ≥ 1. */
US_API double us_schedule_factor(const us_schedule *schedule, uint64_t t);

#ifdef __cplusplus
}
#endif
#endif
