/** A race: one problem, many ways to train on it, side by side; which gets lowest in equal steps, samples and time. */
#ifndef UNSTUCK_RACE_H
#define UNSTUCK_RACE_H

#include <unstuck/run.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The grid: every optimizer with every rate and every batch is an entry, and an entry is run once a seed, which is an arm.
 */
typedef struct us_race_options {
    uint32_t version;              /* 1 */
    const char *const *optimizers; /* [optimizer_count], distinct; none, and no rules: the config's */
    size_t optimizer_count;
    const us_rule *const *rules; /* [rule_count] beside them: rules of the program's own (us_run_config.rule), which must
                                    outlive the race; default none */
    size_t rule_count;
    const double *rates; /* [rate_count], distinct, > 0; 0 is the rule's own; none: the config's */
    size_t rate_count;
    const size_t *batches; /* [batch_count], distinct; 0: all rows; none: the config's */
    size_t batch_count;
    size_t seeds; /* ≥ 1: the config's seed and those after it; default 1. They change the first weights and the order of
                     rows; the rows to train on are those of the config's seed for all arms */
    bool halving; /* successive halving: see us_race_run; default false */
} us_race_options;
#define US_RACE_OPTIONS_INIT \
    { .version = 1, .seeds = 1 }
US_API void us_race_options_init(us_race_options *options);

typedef enum us_arm_state {
    US_ARM_WAITING = 0,
    US_ARM_RUNNING,
    US_ARM_FINISHED,
    US_ARM_STOPPED,    /* by halving */
    US_ARM_DIVERGED,   /* a loss or gradient was not finite */
    US_ARM_INTERRUPTED /* or it had not begun */
} us_arm_state;
/** "waiting", "running", "finished", "stopped", "diverged", "interrupted". */
US_API const char *us_arm_state_name(us_arm_state state);

/** The loss over all training rows, as trained, at one point of an arm. */
typedef struct us_race_look {
    uint64_t step, samples;
    double seconds; /* CPU time of training until then, this and other looks not counted */
    double loss;
} us_race_look;

typedef struct us_race_arm {
    const char *name; /* of its folder in the race's */
    const char *optimizer;
    double learning_rate;
    size_t batch; /* rows a step; 0: all */
    uint64_t seed;
    size_t entry;
    us_arm_state state;
    uint64_t steps_planned;    /* UINT64_MAX when limited by time only */
    const us_race_look *looks; /* [look_count] in order; the first is the start */
    size_t look_count;
    size_t round; /* of halving that it was in last, from 0 */
} us_race_arm;

typedef enum us_race_by { US_RACE_BY_STEPS = 0, US_RACE_BY_SAMPLES, US_RACE_BY_TIME } us_race_by;
/** "steps", "samples", "seconds". */
US_API const char *us_race_by_name(us_race_by by);

/** An entry's place. */
typedef struct us_race_place {
    size_t entry;
    double median, least, most; /* loss over the seeds, inf where they diverged. Of one that was stopped: where it was */
    size_t diverged;            /* arms of it */
    bool stopped;
    size_t round; /* of halving that it was in last */
} us_race_place;

typedef struct us_race us_race;

/** Loads the data, makes the folder and lays out the arms.
 *
 * @param folder   new; its parent must be there. Arm i is the ordinary run FOLDER/NAME, such as adam-lr0.001-b32
 * @param config   what all arms share
 * @param options  NULL for defaults. All is copied.
 * Errors: US_ERR_ARGUMENT (names the option), US_ERR_EXISTS, US_ERR_INPUT, US_ERR_IO, US_ERR_NOMEM. At most 1000 arms.
 * @param out [caller destroys] */
US_API us_status us_race_create(us_race **out, us_context *context, const char *folder, const us_run_config *config,
                                const us_race_options *options);
US_API void us_race_destroy(us_race *race);

/** Runs all arms, as many at a time as the context has threads, each on one thread and in a context of its own.
 *
 * The loss over all rows is measured at points that all arms share: eighths of the fewest steps and of the fewest samples
 * that an arm is to make, and eighths of each arm's own length. Where only time limits an arm (`seconds` is then CPU seconds
 * of training for each) its points are powers of two. What is measured at a step does not depend on the threads.
 *
 * With halving the entries train for 2^-k of their length, k = ⌈log2 entries⌉; the half with the lower median loss goes on
 * to twice that, and so on, until one of them is trained in full. Stopped arms can be resumed like interrupted runs.
 * Sources: Jamieson & Talwalkar 2016, AISTATS, algorithm 1; Li et al. 2018, JMLR 18(185).
 *
 * @param progress  called ten times a second, with the arms as they are; the arms wait meanwhile. May be NULL
 * @return US_OK, also when arms diverged; US_INTERRUPTED when the context was cancelled: what there is is kept and ranked;
 * the first error of an arm otherwise. To be called once. Memory: that of as many runs as threads; the data are shared. */
US_API us_status us_race_run(us_race *race, void (*progress)(void *user, const us_race *race), void *user);

/** Borrowed until the race is destroyed. */
US_API const us_race_arm *us_race_arms(const us_race *race, size_t *count);
US_API size_t us_race_entries(const us_race *race);
US_API const char *us_race_folder(const us_race *race);
/** Training rows: what an epoch sees. */
US_API size_t us_race_samples(const us_race *race);

/** The entries, best first: by median loss at the furthest point that all arms have reached which are neither stopped nor
 * diverged (between two looks the loss is taken as linear in time). Stopped ones follow, those that came further first;
 * those of which most arms diverged come last.
 * @param places [us_race_entries] @param at  the point: steps, samples or CPU seconds; 0: the start */
US_API void us_race_rank(const us_race *race, us_race_by by, us_race_place *places, double *at);

/** The race as the JSON object of `race --json`; also written as race.json into the folder at the end of us_race_run.
 * Errors: US_ERR_NOMEM. @param text [caller releases with us_text_release] */
US_API us_status us_race_summary(const us_race *race, char **text);

#ifdef __cplusplus
}
#endif
#endif
