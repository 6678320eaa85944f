/** A training on disk: a folder with its log (run.db), its weights (model.safetensors) and its checkpoint. */
#ifndef UNSTUCK_RUN_H
#define UNSTUCK_RUN_H

#include <unstuck/data.h>
#include <unstuck/model.h>
#include <unstuck/train.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Everything a run is made from. Texts are copied by us_run_create. */
typedef struct us_run_config {
    uint32_t version;        /* 1 */
    const char *data;        /* path */
    us_data_options data_options;
    const char *model;       /* default "linear" */
    const char *loss;        /* NULL: by the task */
    const char *init;        /* NULL: by the model */
    const char *start;       /* a .safetensors file or "b1=500,b2=1e-4"; NULL: none */
    double l2;               /* default 0 */
    const char *optimizer;   /* default "adam" */
    const char *set;         /* "beta1=0.9,..", or NULL */
    double learning_rate;    /* 0: the rule's default */
    const char *schedule;    /* default "constant" */
    uint64_t warmup;
    double clip_norm;
    size_t batch;            /* 0: all; default 32 */
    us_sampling sampling;
    double epochs;           /* default 10 where neither steps nor seconds are given */
    uint64_t steps;          /* 0: not given */
    double seconds;          /* 0: not given */
    uint64_t seed;           /* default 1: of split, weights and order */
    us_precision precision;  /* default US_F32 */
    double checkpoint_seconds; /* between checkpoints; default 30 */
} us_run_config;
#define US_RUN_CONFIG_INIT                                                                                              \
    {.version = 1, .data_options = US_DATA_OPTIONS_INIT, .model = "linear", .optimizer = "adam", .schedule = "constant", \
     .batch = 32, .seed = 1, .precision = US_F32, .checkpoint_seconds = 30}
US_API void us_run_config_init(us_run_config *config);

typedef struct us_run us_run;

/** A new run in a new folder: loads the data, makes model, problem and training, writes the config and a first checkpoint.
 * Nothing is left behind when it fails. Errors: US_ERR_EXISTS (the folder is there), US_ERR_IO, US_ERR_INPUT, US_ERR_ARGUMENT.
 * @param out [caller destroys] */
US_API us_status us_run_create(us_run **out, us_context *context, const char *folder, const us_run_config *config);
/** Opens a run at its last checkpoint. Errors: US_ERR_IO, US_ERR_INPUT (not a run, a damaged checkpoint, other data). */
US_API us_status us_run_open(us_run **out, us_context *context, const char *folder);
/** Closes files; what was not checkpointed is lost. */
US_API void us_run_destroy(us_run *run);

US_API const char *us_run_folder(const us_run *run);
US_API const char *us_run_config_json(const us_run *run);
US_API us_training *us_run_training(const us_run *run);
US_API const us_data *us_run_data(const us_run *run);
US_API const us_model *us_run_model(const us_run *run);
US_API us_context *us_run_context(const us_run *run);
/** Steps the run is to have when finished; UINT64_MAX when limited by time only. */
US_API uint64_t us_run_steps_planned(const us_run *run);
/** Gives a finished run more to do: `steps` beyond what is done. */
US_API us_status us_run_extend(us_run *run, uint64_t steps);

typedef struct us_run_progress {
    uint64_t step, steps;     /* done, planned */
    double epoch;
    double loss;              /* smoothed over recent batches */
    double learning_rate;
    double samples_per_second;
    double seconds, seconds_left; /* left: NaN when unknown */
} us_run_progress;

/** Trains to the end as configured: logs metrics in batches, writes checkpoints, evaluates at the end.
 * @param progress  called a few times a second; may be NULL; false asks to stop.
 * @return US_OK finished; US_INTERRUPTED (cancelled; the checkpoint is written); US_ERR_NONFINITE diverged (the last good
 * checkpoint stays); US_ERR_IO (disk full: the last checkpoint stays whole). */
US_API us_status us_run_advance(us_run *run, bool (*progress)(void *user, const us_run_progress *), void *user);

/** Writes checkpoint and weights now. */
US_API us_status us_run_checkpoint(us_run *run);
/** Replaces the run's training by another of the same problem (such as a trial's winner), checkpoints, and logs an event. */
US_API us_status us_run_adopt(us_run *run, const us_training *training, const char *event_kind, const char *event_text);

/** Loss of the training's θ on all training rows, or on the test rows. NaN when there are no such rows. */
US_API us_status us_run_loss(us_run *run, bool test, double *loss);
/** "accuracy" (share right) or "rmse" (in the target's unit) on training or test rows. */
US_API us_status us_run_metric(us_run *run, bool test, const char **name, double *value);

US_API us_status us_run_log_event(us_run *run, const char *kind, const char *text);
US_API us_status us_run_log_verdict(us_run *run, const char *json);
/** The run as the JSON object of `train --json`. @param text [caller releases with us_text_release] */
US_API us_status us_run_summary(us_run *run, const char *status, char **text);

/** Predictions for a file, as CSV lines (a header first) handed to `write` (nonzero return stops with US_ERR_IO). */
US_API us_status us_run_predict(us_run *run, const char *path, int (*write)(void *user, const char *text, size_t length), void *user);

/** One run of a folder of runs. */
typedef struct us_run_entry {
    char folder[256], status[16], data[256], model[128], optimizer[32];
    uint64_t steps;
    double loss;
    int64_t started; /* seconds since 1970 */
} us_run_entry;
/** The runs directly under a folder, newest first. @param entries [caller releases with us_bytes_release] */
US_API us_status us_runs_list(us_context *context, const char *folder, us_run_entry **entries, size_t *count);
/** Removes a run's folder; refuses one that is not a run. */
US_API us_status us_run_remove(us_context *context, const char *folder);

#ifdef __cplusplus
}
#endif
#endif
