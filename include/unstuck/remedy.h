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
    bool standardizes; /* instead of a changed copy, us_trial_options.standardized is tried */
} us_remedy;

US_API const us_remedy *const *us_remedies(size_t *count);
US_API const us_remedy *us_remedy_find(const char *name);

/** One remedy tried beside carrying on. */
typedef struct us_trial {
    const us_remedy *remedy;
    char why[256];
    uint64_t steps;          /* that both went on for */
    double loss_before;      /* on all rows, like those below */
    double loss_carrying_on; /* inf when carrying on ends in numbers that are not finite */
    double loss_with_remedy; /* NaN when it failed; `why` then tells */
    bool helps;              /* ends below where it began and not above carrying on, and is below it on average over the
                                way, each by more than the noise (src/remedy/trial.c) */
    us_training *training;   /* the changed copy after its steps [owned by the trials] */
    double unit[2];          /* the losses of that training are in units of unit[0]·unit[1] of the losses above; 1 but for
                                standardised targets (two factors: their product may overflow) */
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
    void (*progress)(void *user, const char *what, double share);
    void *progress_user;
    /* The same training at the same function, on features and target of another scale, for the remedy "standardize"; `unit`
     * as in us_trial. Its problem must outlive the trials. US_ERR_UNSUPPORTED: there is none, and the text says why. NULL
     * (default): likewise. us_run_standardized makes one for a run. @param out [the trials destroy] */
    us_status (*standardized)(void *user, us_training **out, double unit[2]);
    void *standardized_user;
} us_trial_options;
#define US_TRIAL_OPTIONS_INIT \
    { .version = 1, .seconds = 30 }
US_API void us_trial_options_init(us_trial_options *options);

/** Tries every remedy that answers the diagnosis (or the one asked for) on copies. The training is not touched.
 * Errors: US_NOT_FOUND (no remedy of that name). @param out [caller destroys] */
US_API us_status us_remedy_try(us_trials **out, const us_training *training, const us_diagnosis *diagnosis,
                               const us_trial_options *options);
US_API void us_trials_destroy(us_trials *trials);

#ifdef __cplusplus
}
#endif
#endif
