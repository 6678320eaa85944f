/** Remedies: change one thing on a copy of a training, try it, keep what measurably helps. */
#ifndef UNSTUCK_REMEDY_H
#define UNSTUCK_REMEDY_H

#include <unstuck/diagnose.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A remedy: a name, when it applies, and the change it makes to a copy. */
typedef struct us_remedy {
    const char *name; /* "escape" */
    const char *does; /* one sentence */
    /* Fills `why` for a diagnosis that the remedy answers; false when it does not apply. */
    bool (*applies)(const us_diagnosis *diagnosis, char *why, size_t why_size);
    /* Changes the training. Errors leave it unusable (it is a copy). A remedy that looks at several changes takes at most
     * `steps` steps for all of them together (or 12, or some hundred, where that is less). NULL: there is nothing to
     * change, and no trial. */
    us_status (*apply)(us_training *training, const us_diagnosis *diagnosis, uint64_t steps);
    bool draws;   /* apply takes as many steps by itself */
    bool remakes; /* it changes the problem itself: instead of a changed copy, what us_trial_options.remake makes is tried */
} us_remedy;

US_API const us_remedy *const *us_remedies(size_t *count);
US_API const us_remedy *us_remedy_find(const char *name);

/** A training on another problem, made by a remedy that changes the problem itself, from a training that it takes the place
 * of: at the same function of the data, or a lower place beside it. */
typedef struct us_remade {
    us_training *training; /* its problem must outlive the trials [the trials destroy] */
    double unit[2];        /* its losses are in units of unit[0]·unit[1] of those of the training as it was; 1 but for
                              standardised targets (two factors: their product may overflow) */
    double price;   /* what a gain must come to, in its own unit, because it has more parameters: so much they take off the
                       loss by fitting noise alone. 0: it has no more */
    char what[160]; /* what is other about it, such as "layer1 from 2 to 3 units"; may be "" */
} us_remade;

/** One remedy tried beside carrying on. */
typedef struct us_trial {
    const us_remedy *remedy;
    char why[256];
    uint64_t steps;          /* that both went on for */
    double loss_before;      /* on all rows, like those below */
    double loss_carrying_on; /* inf when carrying on ends in numbers that are not finite */
    double loss_with_remedy; /* NaN when it failed; `why` then tells */
    bool helps;              /* ends below where it began and not above carrying on, and is below it on average over the
                                way, each by more than the noise and by the price (src/remedy/loss_path.c) */
    us_training *training;   /* of the best: the changed copy after its steps [owned by the trials]; of others NULL */
    double unit[2];          /* as us_remade's: of the losses of that training; 1 but for standardised targets */
    double price;            /* as us_remade's, in the unit of the losses above */
    char what[160];          /* as us_remade's */
} us_trial;

typedef struct us_trials {
    us_trial *trials;
    size_t count;
    size_t best; /* index, or SIZE_MAX when none helps */
    us_context *context;
} us_trials;

typedef struct us_trial_options {
    uint32_t version; /* 1 */
    const char *only; /* one remedy by name, applied even when it would not offer itself; default NULL */
    uint64_t steps;   /* default 0: 20 times the steps done so far; fewer when `seconds` are too few */
    double seconds;   /* for all trials together; default 30 */
    /* Hears what is being tried and how much time is left; in any of the context's threads, one at a time. */
    void (*progress)(void *user, const char *what, double share);
    void *progress_user;
    /* The training remade by a remedy that changes the problem ("standardize": features and target of another scale, "lift":
     * more hidden units). US_ERR_UNSUPPORTED: there is none, and the text says why. NULL (default): likewise. us_run_remake
     * does so for a run. */
    us_status (*remake)(void *user, const char *remedy, us_remade *out);
    void *remake_user;
} us_trial_options;
#define US_TRIAL_OPTIONS_INIT \
    { .version = 1, .seconds = 30 }
US_API void us_trial_options_init(us_trial_options *options);

/** Tries every remedy that answers the diagnosis (or the one asked for) on copies, side by side over the context's threads,
 * beside a copy that carries on: the same number of steps on the same batches. Where time does not cut the steps, results do
 * not depend on the number of threads. The training is not touched, whatever happens.
 * Memory: for each thread a training and what its problem needs.
 * Errors: US_NOT_FOUND (no remedy of that name), US_INTERRUPTED, those of a step but for what is not finite. @param out
 * [caller destroys] */
US_API us_status us_remedy_try(us_trials **out, const us_training *training, const us_diagnosis *diagnosis,
                               const us_trial_options *options);
US_API void us_trials_destroy(us_trials *trials);

#ifdef __cplusplus
}
#endif
#endif
