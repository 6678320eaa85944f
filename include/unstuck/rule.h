/** Update rules and schedules: what turns a gradient into a step. */
#ifndef UNSTUCK_RULE_H
#define UNSTUCK_RULE_H

#include <unstuck/problem.h>

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

/** What a rule is given that sees θ as a whole: its groups, for rules that measure layers or multiply matrices, and memory
 * beyond vectors of θ's size. Arrays are of `precision`. */
typedef struct us_rule_whole {
    const us_rule_step *step;
    us_context *context; /* its threads */
    us_precision precision;
    size_t n;
    void *theta;            /* [n] */
    const void *gradient;   /* [n] */
    void *const *state;     /* [states] vectors [n] */
    double *memory;         /* [rule->memory(..)], zero before the first step, saved with a checkpoint */
    double *scratch;        /* [rule->scratch(..)], of no meaning between steps */
    const void *diagonal;   /* [n] where the rule wanted it at this step, else NULL: u ⊙ Hu for a vector u of random signs,
                               whose   expectation is the diagonal of the batch's Hessian */
    const us_group *groups; /* [group_count] */
    size_t group_count;
} us_rule_whole;

/** An update rule: its formula and source, its hyperparameters, and the update itself. `unstuck optimizers`, the docs
 * and the tests' loop are printed from these. A C program may fill in one of its own.
 *
 * The update is either of single elements, update_f32 and update_f64: blocks of θ may then be updated by several threads;
 * or of the whole, `update`. */
typedef struct us_rule {
    const char *name;     /* "adam" */
    const char *title;    /* "Adam" */
    const char *formula;  /* plain text, one equation a line */
    const char *latex;    /* the same for LaTeX, lines separated by \\\\; NULL where a caller's rule has none */
    const char *source;   /* paper, equation */
    const char *advice;   /* when to use it, one sentence */
    double learning_rate; /* default α */
    const us_hyperparameter *hyperparameters;
    size_t hyperparameter_count;
    size_t states; /* state vectors of θ's size, zero at the start */
    /* Updates elements of θ in place. state[k] are the state vectors; none aliases another. */
    void (*update_f32)(const us_rule_step *step, float *theta, const float *gradient, float *const *state, size_t n);
    void (*update_f64)(const us_rule_step *step, double *theta, const double *gradient, double *const *state, size_t n);
    /* Or: updates θ as a whole. Must not allocate: `memory` and `scratch` tell how many doubles it needs (NULL: none). */
    us_status (*update)(const us_rule_whole *whole);
    size_t (*memory)(const us_group *groups, size_t count);
    size_t (*scratch)(const us_group *groups, size_t count);
    /* Whether the next step wants whole->diagonal, which costs a Hessian-vector product. NULL: never. */
    bool (*wants_diagonal)(const us_rule_step *step);
    /* The weights to predict and evaluate with where these are not θ itself (schedule-free rules), into `out` [n]; reads
     * theta, state and memory only. NULL: θ. */
    void (*weights)(const us_rule_whole *whole, void *out);
    /* Of rules that divide by a diagonal D, θ ← θ − α·D⁻¹·(..): an element of D from that element's state, as it stands
     * after step->step steps. NULL: D = 1. */
    double (*preconditioner)(const us_rule_step *step, const double *state /* [states] */);
    /* The largest α·λ at which steps of a constant D stay bounded on a quadratic, λ an eigenvalue of D^(-1/2)HD^(-1/2): 2
     * for gradient descent. NULL: not known. */
    double (*stability)(const double *hyper);
    /* By what factor the part of θ along an eigenvector of λ < 0 (of D^(-1/2)HD^(-1/2)) grows in a step at a saddle, b =
     * α|λ|: 1 + b for gradient descent. NULL: not known. */
    double (*growth)(const double *hyper, double b);
    /* It finds its rate itself: learning_rate is a factor of that, and best left alone. */
    bool finds_rate;
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

/** The same for any rule, also those that see θ as a whole.
 * @param memory       [rule->memory(groups)] doubles, zero before the first step; NULL when the rule has none
 * @param diagonal     see us_rule_whole; NULL unless rule->wants_diagonal(step)
 * @param groups       of θ, in order, without gaps; NULL: one group without a shape
 * Errors: as us_rule_apply; US_ERR_NOMEM (scratch is allocated here). */
US_API us_status us_rule_apply_whole(us_context *context, const us_rule *rule, const us_rule_step *step, us_vec *theta,
                                     const us_vec *gradient, us_vec *const *state, double *memory, const us_vec *diagonal,
                                     const us_group *groups, size_t group_count);

/** Learning rate over steps, as a factor on the base rate. Texts: us_schedule_kind_at lists them ("cosine:1000", ..), with
 * "warmup:STEPS[:linear|cosine|exponential|constant]," before them if wanted; t counts from 1. Warm-up multiplies the factor
 * by t/STEPS (linear), ½(1 − cos πt/STEPS), 0.01^(1−t/STEPS), or 0.1, until t = STEPS. A value: copy it. */
typedef struct us_schedule {
    char text[64]; /* as given; "constant" by default */
    int kind;      /* this, the numbers and warmup_kind: set by us_schedule_parse from the text */
    int warmup_kind;
    double numbers[3];
    uint64_t warmup; /* over so many steps, linear unless the text says otherwise; default 0 */
} us_schedule;

/** What a schedule is. */
typedef struct us_schedule_kind {
    const char *name;    /* "cosine" */
    const char *usage;   /* "cosine:STEPS[:END], with .." */
    const char *formula; /* of t */
    const char *meaning; /* and source */
} us_schedule_kind;
/** The i-th kind, NULL beyond the last. Borrowed for ever. */
US_API const us_schedule_kind *us_schedule_kind_at(size_t i);

/** Errors: US_ERR_ARGUMENT (says what the text must be); *out is then "constant". */
US_API us_status us_schedule_parse(us_context *context, const char *text, uint64_t warmup, us_schedule *out);
/** Factor at step t ≥ 1. That of "plateau" depends on losses: here it is 1, and the training multiplies it. */
US_API double us_schedule_factor(const us_schedule *schedule, uint64_t t);

#ifdef __cplusplus
}
#endif
#endif
