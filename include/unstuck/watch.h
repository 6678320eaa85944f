/** The watch: an observer that measures the signs of a training as it goes, for a stated share of its time. */
#ifndef UNSTUCK_WATCH_H
#define UNSTUCK_WATCH_H

#include <unstuck/train.h>
#include <unstuck/trend.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a watch costs at most, as a share of the training's own time. */
typedef enum us_watch_mode {
    US_WATCH_OFF = 0, /* the losses are kept for us_watch_trend, nothing is measured */
    US_WATCH_ECONOMY, /* 3 % */
    US_WATCH_FULL     /* 10 %, and eigenvalues */
} us_watch_mode;
/** "off", "economy", "full". */
US_API const char *us_watch_mode_name(us_watch_mode mode);

/** The kinds of probes. */
typedef enum us_watch_kind {
    US_WATCH_UPDATES = 0, /* norms, cosines, noise */
    US_WATCH_SHARPNESS,   /* the critical sharpness, by a line search after a probe of updates */
    US_WATCH_TREND,       /* of the loss */
    US_WATCH_UNITS,       /* dead ones */
    US_WATCH_EIGENVALUES
} us_watch_kind;
enum { US_WATCH_KINDS = 5 };
/** "updates", "sharpness", "trend", "units", "eigenvalues". */
US_API const char *us_watch_kind_name(us_watch_kind kind);

typedef struct us_watch_options {
    uint32_t version;       /* 1 */
    us_watch_mode mode;     /* default US_WATCH_ECONOMY */
    double share;           /* of the training's time, 0 to 1; default 0: as the mode says */
    uint64_t steps_planned; /* that the training is to have in the end, for the sign "reach"; default 0: not known */
    /* Takes a sign: see us_run_signs. Called in a step, so it must not allocate or write. Returns the seconds that keeping
     * it will take, which count as spent. `name` is static, `part` lives as long as the problem. May be NULL. */
    double (*sign)(void *user, uint64_t step, const char *name, const char *part, double value);
    void *sign_user;
    double (*clock)(void *user); /* seconds; default NULL: us_clock_now */
    void *clock_user;
} us_watch_options;
#define US_WATCH_OPTIONS_INIT \
    { .version = 1, .mode = US_WATCH_ECONOMY }
US_API void us_watch_options_init(us_watch_options *options);

typedef struct us_watch us_watch;

/** A watch on a training, which it observes from now on. It changes nothing of it: the weights are the same to the last bit
 * with a watch and without. docs/watching.md says what each sign is. A probe is begun only when what it is likely to cost,
 * by the probe before or, for a first one, by the time of a step, fits into the share of the time trained so far.
 *
 * @param out       [caller destroys] before the training's problem, and after the training's last step
 * @param training  borrowed, like its problem
 * @param options   NULL for defaults
 * Errors: US_ERR_ARGUMENT (a value out of range, too many observers), US_ERR_NOMEM. Memory: three vectors like θ. */
US_API us_status us_watch_create(us_watch **out, us_training *training, const us_watch_options *options);
US_API void us_watch_destroy(us_watch *watch);
/** Goes on with another training of the same problem (such as a copy that a remedy changed). */
US_API us_status us_watch_move(us_watch *watch, us_training *training);

/** How many steps the training is to have in the end, should that change; 0: not known. */
US_API void us_watch_plan(us_watch *watch, uint64_t steps_planned);
/** What happens while it is paused is no time of training. It begins unpaused. */
US_API void us_watch_pause(us_watch *watch, bool paused);

/** Between two steps: what may allocate is measured here when it is due (trend, units, eigenvalues). Call it now and then.
 * Errors: US_ERR_NOMEM, US_INTERRUPTED. */
US_API us_status us_watch_between(us_watch *watch);

/** Steps that were watched since it was created or moved. */
US_API uint64_t us_watch_steps(const us_watch *watch);

/** The trend of the batch losses over the last half of the steps that were watched.
 * Errors: US_ERR_ARGUMENT (too few steps), US_ERR_NOMEM. */
US_API us_status us_watch_trend(const us_watch *watch, us_trend *out);

typedef struct us_watch_report {
    double seconds;                                 /* that the watch took */
    double training;                                /* seconds of training it was on, without these */
    double share;                                   /* seconds ÷ training */
    double promised;                                /* the most that it may be */
    uint64_t probes;                                /* of updates */
    uint64_t searches;                              /* line searches along an update */
    uint64_t looks;                                 /* at units and eigenvalues */
    double sharpness, sharpness_limit, noise_scale; /* the last that were measured; NaN: none */
    /* Seconds of training that would pay for a first probe of a kind that was due and not taken, for want of them; 0:
     * nothing was left out. */
    double wanting[US_WATCH_KINDS];
} us_watch_report;
US_API us_watch_report us_watch_tell(const us_watch *watch);

#ifdef __cplusplus
}
#endif
#endif
