/** The training: one value that holds all that a next step depends on. Step it, copy it, save it, restore it. */
#ifndef UNSTUCK_TRAIN_H
#define UNSTUCK_TRAIN_H

#include <unstuck/problem.h>
#include <unstuck/rule.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct us_training us_training;

typedef enum us_sampling {
    US_SAMPLING_SHUFFLE = 0,    /* a new order each epoch; the last batch of an epoch may be smaller */
    US_SAMPLING_REPLACEMENT = 1 /* each row drawn anew, as the lecture's stochastic descent does */
} us_sampling;

typedef struct us_training_options {
    uint32_t version;     /* 1 */
    const us_rule *rule;  /* default: NULL, which is "sgd" */
    const double *hyper;  /* [rule->hyperparameter_count], copied; NULL: the rule's defaults */
    double learning_rate; /* > 0, finite; default 0: the rule's own default */
    us_schedule schedule; /* its text and warmup count, and are parsed; default constant */
    double clip_norm;     /* > 0: gradients longer than this are scaled down to it; default 0: off */
    double clip_value;    /* > 0: elements of the gradient beyond ± this become it, before clip_norm; default 0: off */
    double weight_decay; /* ≥ 0: before each update θ ← (1 − α·weight_decay)·θ in the groups that decay, beside the rule
                            (Loshchilov & Hutter 2019); default 0 */
    /* Those groups: patterns of their names as a shell has them, with commas between, such as "*.weight,layer2.*"; each must
     * match one. Default NULL: groups of two axes or more (weights, not biases). */
    const char *decay_groups;
    const char *average;  /* "ema:DECAY" or "swa:FROM[:EVERY]": us_training_weights is an average; default NULL: θ */
    size_t accumulate;    /* batches whose mean gradient makes one step; default 1 */
    size_t batch;         /* rows a step, at most the samples; default 0: all of them */
    us_sampling sampling; /* default US_SAMPLING_SHUFFLE */
    uint64_t seed;        /* of the order of rows; default 1 */
} us_training_options;
#define US_TRAINING_OPTIONS_INIT \
    { .version = 1, .schedule = {.text = "constant"}, .accumulate = 1, .seed = 1 }
US_API void us_training_options_init(us_training_options *options);

/** A training at its start, with a state of zeros.
 *
 * @param out      [caller destroys]
 * @param problem  borrowed; must outlive the training; the rule, too, when it is not built in
 * @param theta    [n] start, copied; of either precision
 * @param options  NULL for defaults
 * Errors: US_ERR_ARGUMENT (names the option and its range), US_ERR_NOMEM; *out is then NULL.
 * Memory: 2 + rule->states vectors like θ, and 4 bytes a sample for the order of rows. */
US_API us_status us_training_create(us_training **out, us_problem *problem, const us_vec *theta,
                                    const us_training_options *options);
US_API void us_training_destroy(us_training *training);

/** What an observer is shown after each step. Vectors are borrowed until it returns. */
typedef struct us_step_info {
    uint64_t step;          /* steps done, this one included: from 1 */
    double loss;            /* of this step's batch, before the update */
    double learning_rate;   /* that was used */
    us_batch batch;         /* rows == NULL: all */
    const us_vec *theta;    /* after the update */
    const us_vec *gradient; /* that was used (after clipping) */
    double clipped_from;    /* norm before clipping where it was clipped, else 0 */
} us_step_info;

/** Called after each step; false asks the training to stop (US_STOPPED). */
typedef bool (*us_step_observer)(void *user, const us_training *training, const us_step_info *info);
/** Adds an observer; at most 8 (US_ERR_ARGUMENT). All are called after each step, in this order, whoever asks to stop.
 * An observer must not step or change the training. Copies of a training and its bytes have none. */
US_API us_status us_training_observe(us_training *training, us_step_observer observer, void *user);

/** One step: rows, gradient, clip, update, observers. No allocation. A loss or gradient that is not finite is
 * US_ERR_NONFINITE (the text says which); θ then stays what it was before the step, and the step is not counted.
 * Errors: that, US_STOPPED (the step was taken), and those of the problem's gradient (it was not).
 * Cost: one gradient, and one pass over θ and the rule's state. */
US_API us_status us_training_step(us_training *training);
/** Up to `steps` steps. US_STOPPED, US_INTERRUPTED (context cancelled), or the first error; the training stays valid. */
US_API us_status us_training_advance(us_training *training, uint64_t steps);

/** A copy that goes on independently from here. @param problem  NULL: the same; else one of the same dimension, samples
 * and precision (such as a recast, so that copies may run on distinct threads). @param out [caller destroys]
 * Errors: US_ERR_ARGUMENT, US_ERR_NOMEM. */
US_API us_status us_training_copy(us_training **out, const us_training *training, us_problem *problem);

/** The same training on another problem, at a θ of its own: its rule, rates, schedule and batches, its steps and its place
 * in the data go with it; the rule begins anew, with a state of zeros, and so does an average of the weights. @param problem
 * of as many samples, in the same precision, and of any dimension @param theta [n of problem] of either precision, copied
 * @param out [caller destroys] Errors: US_ERR_ARGUMENT, US_ERR_NOMEM. */
US_API us_status us_training_move(us_training **out, const us_training *training, us_problem *problem, const us_vec *theta);

/** The training as bytes: a safetensors image with θ by group names, state vectors, step, position in the data, options.
 * @param bytes [caller releases with us_bytes_release] */
US_API us_status us_training_to_bytes(const us_training *training, void **bytes, size_t *size);
/** And back, to the last bit. Errors: US_ERR_INPUT when the bytes are damaged or the problem is another (names or shapes).
 * @param custom_rule  the rule when it is not built in, else NULL. @param out [caller destroys] */
US_API us_status us_training_from_bytes(us_training **out, us_problem *problem, const void *bytes, size_t size,
                                        const us_rule *custom_rule);

/* Looking at it. */
US_API us_problem *us_training_problem(const us_training *training);
US_API uint64_t us_training_steps(const us_training *training); /* done */
US_API uint64_t us_training_samples_seen(const us_training *training);
US_API uint64_t us_training_steps_per_epoch(const us_training *training);
US_API const us_vec *us_training_theta(const us_training *training);
/** The weights to predict and evaluate with: the average where one was asked for (and has begun), what the rule keeps
 * (us_rule.weights), or θ. @param out [n] */
US_API void us_training_weights(const us_training *training, us_vec *out);
US_API const us_vec *us_training_state(const us_training *training, size_t k); /* k < rule->states */
/** The diagonal D that the rule divides by, as it stands: steps are −α·D⁻¹·(..). All 1 for rules that do not divide.
 * @param d [n] of either precision. Errors: US_ERR_ARGUMENT (size), US_ERR_UNSUPPORTED (before the first step, or for a rule
 * that does not tell: one without `stability`). */
US_API us_status us_training_preconditioner(const us_training *training, us_vec *d);
US_API const us_rule *us_training_rule(const us_training *training);
US_API const double *us_training_hyper(const us_training *training);
US_API double us_training_learning_rate(const us_training *training);      /* base rate */
US_API double us_training_next_learning_rate(const us_training *training); /* schedule included */
/** The sum of the rates of the next `steps` steps, schedule included; of more than 1,024 it is taken from as many, evenly
 * spread. */
US_API double us_training_rates_ahead(const us_training *training, uint64_t steps);
US_API const us_schedule *us_training_schedule(const us_training *training);
US_API size_t us_training_batch(const us_training *training); /* rows a step */
US_API us_sampling us_training_sampling(const us_training *training);
US_API double us_training_clip_norm(const us_training *training);
US_API size_t us_training_accumulate(const us_training *training); /* batches a step */

/* Changing one thing (remedies do). Each fails as us_training_create would (US_ERR_ARGUMENT, and where stated
 * US_ERR_NOMEM), and the training is then as it was. */

/** Another θ, of either precision. @param reset_state  true: the rule begins anew, with a state of zeros */
US_API us_status us_training_set_theta(us_training *training, const us_vec *theta, bool reset_state);
/** Another base rate. @param restart_schedule  true: the schedule begins anew, at its step 1 */
US_API us_status us_training_set_learning_rate(us_training *training, double learning_rate, bool restart_schedule);
/** Another schedule, which begins now. */
US_API us_status us_training_set_schedule(us_training *training, const us_schedule *schedule);
/** Another rule, with a state of zeros; the rate stays. @param hyper  NULL: the rule's defaults. Errors: US_ERR_NOMEM, too.
 */
US_API us_status us_training_set_rule(us_training *training, const us_rule *rule, const double *hyper);
/** Rows a step, 0 for all; shuffled, the epoch goes on where it is. Errors: US_ERR_NOMEM, too. */
US_API us_status us_training_set_batch(us_training *training, size_t batch);
/** 0: no bound. */
US_API us_status us_training_set_clip_norm(us_training *training, double clip_norm);

#ifdef __cplusplus
}
#endif
#endif
