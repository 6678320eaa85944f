/** A training on disk: a folder with its log (run.db), its weights (model.safetensors) and its checkpoint. */
#ifndef UNSTUCK_RUN_H
#define UNSTUCK_RUN_H

#include <unstuck/data.h>
#include <unstuck/model.h>
#include <unstuck/range.h>
#include <unstuck/remedy.h>
#include <unstuck/train.h>
#include <unstuck/watch.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The batch of a config that names none: 32 rows (all, when there are fewer); all rows for a formula. */
#define US_RUN_BATCH_DEFAULT SIZE_MAX
/** The path of a config that says nothing: 64 places, or as many as fit in 16 MiB; none where 4 do not. */
#define US_RUN_PATH_DEFAULT SIZE_MAX
/** The precision of a config that names none: f32; f64 for a formula. */
#define US_RUN_PRECISION_DEFAULT ((us_precision)0)

/** Everything a run is made from. Texts are copied by us_run_create.
 *
 * A model that begins with "formula:" is fitted in the units of the file: its columns are never standardised, and unless
 * told otherwise it is fitted to all rows (no test rows), in f64, with full batches.
 * One seed makes the split, the first weights and the order of rows, each from a random stream of its own. */
typedef struct us_run_config {
    uint32_t version;             /* 1 */
    const char *data;             /* path */
    us_data_options data_options; /* its seed and precision are those below */
    const char *model;            /* default "linear" */
    const char *loss;             /* NULL: by the task */
    const char *init;             /* NULL: by the model */
    const char *start;            /* a .safetensors file or "b1=500,b2=1e-4" (the others as init says); NULL: none */
    double l2;                    /* ≥ 0; default 0 */
    const char *optimizer;        /* rule or solver; NULL (default): "adam", "trust-region" for a formula */
    const us_rule *rule;      /* in place of optimizer: a rule of the program's own, which must outlive the run, and whose
                                 name no rule or solver of the library has; default NULL */
    const char *set;          /* "beta1=0.9,..", or NULL */
    double learning_rate;     /* > 0; default 0: the rule's own */
    bool learning_rate_auto;  /* us_run_create measures sharpness and critical rate at the start, and sets learning_rate;
                                 rules that find their rate themselves keep their default; default false */
    const char *schedule;     /* default "constant" */
    uint64_t warmup;          /* steps; default 0 */
    double clip_norm;         /* > 0; default 0: off */
    double clip_value;        /* > 0; default 0: off */
    double weight_decay;      /* decoupled; default 0 */
    const char *decay_groups; /* "*.weight,..": groups that decay; NULL (default): those of two axes or more */
    const char *average;      /* NULL (default), "ema:DECAY", "swa:FROM[:EVERY]": what is evaluated and stored */
    size_t accumulate;        /* batches a step; default 1 */
    size_t batch;             /* rows a step, at most the training rows; 0: all; default US_RUN_BATCH_DEFAULT */
    us_sampling sampling;     /* default US_SAMPLING_SHUFFLE */
    /* How long: whichever is reached first. 0: not given; 10 epochs where none is given. */
    double epochs;
    uint64_t steps;
    double seconds;            /* of training */
    uint64_t seed;             /* < 2^63; default 1 */
    us_precision precision;    /* default US_RUN_PRECISION_DEFAULT */
    double checkpoint_seconds; /* > 0: between checkpoints; default 30 */
    size_t keep_path;          /* places of the way that the training takes to keep, at least 2; 0: none; default
                                  US_RUN_PATH_DEFAULT */
} us_run_config;
#define US_RUN_CONFIG_INIT                                                                                              \
    {                                                                                                                   \
        .version = 1, .data_options = US_DATA_OPTIONS_INIT, .model = "linear", .schedule = "constant", .accumulate = 1, \
        .batch = US_RUN_BATCH_DEFAULT, .seed = 1, .precision = US_RUN_PRECISION_DEFAULT, .checkpoint_seconds = 30,      \
        .keep_path = US_RUN_PATH_DEFAULT                                                                                \
    }
US_API void us_run_config_init(us_run_config *config);

typedef struct us_run us_run;

/** A new run in a new folder: loads the data, makes model, problem and training, writes the config and a first checkpoint.
 * The folder is made beside and renamed when all is in it; nothing is left behind when it fails. While it is open no other
 * process can open it.
 * Errors: US_ERR_EXISTS (the folder is there), US_ERR_IO (also: its parent is not there), US_ERR_INPUT, US_ERR_ARGUMENT (the
 * text names the option, such as --lr), US_ERR_NOMEM. Cost: that of loading the data, and one value over all rows.
 * @param folder  such as "runs/3"; its parent must be there
 * @param out [caller destroys] */
US_API us_status us_run_create(us_run **out, us_context *context, const char *folder, const us_run_config *config);
/** A range test (us_range_test) of what us_run_create would begin with; no folder is made. A solver, and a rule that finds
 * its rate itself, are US_ERR_ARGUMENT. Otherwise as us_run_create and us_range_test.
 * @param options  NULL for defaults @param out [caller destroys] */
US_API us_status us_run_find_rate(us_range **out, us_context *context, const us_run_config *config,
                                  const us_range_options *options);
/** Opens a run at its last checkpoint; nothing on disk is changed, but that what a kill left half done is ended.
 * Errors: US_ERR_IO (such as: another process has it open), US_ERR_INPUT (not there, not a run, a damaged checkpoint, other
 * data).
 * @param out [caller destroys] */
US_API us_status us_run_open(us_run **out, us_context *context, const char *folder);

typedef struct us_run_open_options {
    uint32_t version;    /* 1 */
    const us_rule *rule; /* of a run that was made with config.rule: that one, by its name; default NULL: the library's */
    const char *data;    /* where the training file is now, which must be the same bytes; the run remembers it. Default NULL:
                            where it was */
    bool look; /* the run may be open elsewhere, such as in its training: it can be measured, copied and noted about
                  (us_run_log_verdict, ..); what would change it is US_ERR_ARGUMENT. Default false */
} us_run_open_options;
#define US_RUN_OPEN_OPTIONS_INIT \
    { .version = 1 }
US_API void us_run_open_options_init(us_run_open_options *options);
/** The same with options. @param options  NULL for defaults */
US_API us_status us_run_open_with(us_run **out, us_context *context, const char *folder, const us_run_open_options *options);
/** Whether another process has a run's folder open to change it, such as its training. */
US_API bool us_run_is_busy(const char *folder);
/** Closes files; what was not checkpointed is lost. */
US_API void us_run_destroy(us_run *run);

/* Looking at it. What is returned is borrowed until the run is destroyed; the training until us_run_adopt. */
US_API const char *us_run_folder(const us_run *run);
/** The config with its defaults filled in, as a JSON object. */
US_API const char *us_run_config_json(const us_run *run);
/** "new", "running", "finished", "stuck", "diverged" or "interrupted"; a run that was killed stays "running". */
US_API const char *us_run_status(const us_run *run);
/** Of everything random in it, and of what measures it. */
US_API uint64_t us_run_seed(const us_run *run);
US_API us_training *us_run_training(const us_run *run);
US_API const us_data *us_run_data(const us_run *run);
US_API const us_model *us_run_model(const us_run *run);
US_API us_context *us_run_context(const us_run *run);
/** Seconds of training so far, over all that went on with it. */
US_API double us_run_seconds(const us_run *run);
/** The loss over all rows before the first step; NaN when it is not in the log. */
US_API double us_run_first_loss(const us_run *run);
/** Steps the run is to have when finished; UINT64_MAX when limited by time only. */
US_API uint64_t us_run_steps_planned(const us_run *run);
/** Gives a run more to do: `steps` (≥ 1) beyond what is done; a limit of time falls away. */
US_API us_status us_run_extend(us_run *run, uint64_t steps);

/** The way that the training took: θ at evenly spaced steps, 0 first, at most config.keep_path of them and at least half as
 * many; where there would be more, every second one goes. Kept beside the checkpoint, in path.safetensors. */
US_API size_t us_run_path_count(const us_run *run);
/** Place i of it. @param theta [n] of either precision. Errors: US_ERR_ARGUMENT. */
US_API us_status us_run_path_at(const us_run *run, size_t i, uint64_t *step, us_vec *theta);

typedef struct us_run_progress {
    uint64_t step, steps; /* done, planned */
    double epoch;
    double loss; /* smoothed over recent batches */
    double learning_rate;
    double samples_per_second;
    double seconds, seconds_left; /* left: NaN when unknown */
} us_run_progress;

/** Watches the run from the next us_run_advance on, for a share of its time (us_watch_mode); the signs go into the log. Runs
 * that are solved (us_solver) have no steps to watch. Default: off. */
US_API void us_run_watch(us_run *run, us_watch_mode mode);
US_API us_watch_mode us_run_watch_mode(const us_run *run);
/** What the watch took so far, all of us_run_advance together. False when the run is not watched. */
US_API bool us_run_watch_report(const us_run *run, us_watch_report *report);
/** Asks us_run_advance to return US_STALLED where the losses of the last half of the steps do not fall (us_trend, at 95 %),
 * or by less than half a percent of the loss: a reason to look closer, no verdict. It is looked at again once there are a
 * quarter more steps, and after a stall twice as many. Default: off. */
US_API void us_run_stop_at_stalls(us_run *run, bool stop);

/** Trains to the end as planned: logs, writes checkpoints, and measures the losses over all rows at the end. Metrics beyond
 * the checkpoint that a run was opened at are dropped first. The log costs about 1 % of the time (every step at first, then
 * steps spaced out, some thousands of rows a run); losses over all rows, measured now and then, half a percent more.
 * @param progress  called a few times a second, and at the end; may be NULL; false asks to stop.
 * @return US_OK finished; US_INTERRUPTED (cancelled, or progress said so) and US_STOPPED (an observer said so), with the
 * checkpoint written; US_STALLED likewise, with the status still "running", for the next call goes on; US_ERR_NONFINITE
 * diverged (the last good checkpoint stays); US_ERR_IO (such as a full disk: the last checkpoint stays whole). The run's
 * status is set, except by US_ERR_IO. */
US_API us_status us_run_advance(us_run *run, bool (*progress)(void *user, const us_run_progress *), void *user);

/** Writes checkpoint and weights now. */
US_API us_status us_run_checkpoint(us_run *run);
/** The run's training remade by a remedy that changes the problem itself. Adopted by us_run_adopt, the run's config,
 * encoding, checkpoint and path follow, logged losses are divided by unit[0]·unit[1], and so the run goes on; a kill on the
 * way leaves it as it was or as it is to be. The rule begins anew, with a state of zeros. "standardize": the same function
 * on standardised columns. The file is read again (once), the first and the last layer take up the scale, the rate is
 * measured (or the rule's default, where none is found); the unit is what a loss of the standardised target counts in the
 * run's own (huber's target stays as it is). Refused: standardised already, no CSV file, a formula, features that are
 * numbers of things, --l2 (it would be another penalty), a first or last layer that cannot take up a scale, columns whose
 * scales are alike. "lift": hidden units that would gain by it are split, and their halves part along the way out
 * (src/run/lift.c); the model's text gets the new sizes. Refused: no hidden dense layer that one other reads, a layer
 * written once for several, batch normalisation, a formula, --l2; no unit that would gain. Cost: up to 80 products a layer
 * on 4,096 rows, 4 products and some 50 values on all rows for each unit that is split. Errors: US_ERR_UNSUPPORTED, where
 * the text says why; US_NOT_FOUND (no such remedy); as us_data_reload; US_INTERRUPTED.
 * @param out  its training: [caller destroys, before the run] */
US_API us_status us_run_remake(us_run *run, const char *remedy, us_remade *out);
/** Replaces the run's training by a copy of another of the same problem (such as a trial's winner) or of a remade one,
 * checkpoints, and logs an event. Observers of the old one are gone with it; on failure the old one stays. */
US_API us_status us_run_adopt(us_run *run, const us_training *training, const char *event_kind, const char *event_text);

/** Loss of the training's θ, as it is trained (penalty included), on all training rows or on the test rows. NaN when there
 * are no such rows. Cost: one value. */
US_API us_status us_run_loss(us_run *run, bool test, double *loss);
/** How good the predictions are on training or test rows; *count is 0 when there are none. For numbers "rmse", "mae" (in the
 * file's unit of the target) and "r2"; for classes "accuracy" (share right) and "f1" (of the second of two classes, else the
 * mean over the classes), and for two classes "auc". A value may be NaN where it means nothing, such as the auc of one
 * class. Names are static. Cost: one prediction of all rows. */
typedef struct us_metric {
    const char *name;
    double value;
} us_metric;
enum { US_METRICS_MAX = 4 };
US_API us_status us_run_metrics(us_run *run, bool test, us_metric metrics[US_METRICS_MAX], size_t *count);
/** The first of them. NaN when there are no such rows. */
US_API us_status us_run_metric(us_run *run, bool test, const char **name, double *value);

/** Notes an event at the current step, such as ("stuck", "saddle: ..."). */
US_API us_status us_run_log_event(us_run *run, const char *kind, const char *text);
/** Notes a verdict, a JSON object, at the current step. Errors: US_ERR_ARGUMENT (not JSON). */
US_API us_status us_run_log_verdict(us_run *run, const char *json);
/** Notes something that was computed about the run at the current step, a JSON object: kind "spectrum", "landscape" or
 * "units"; `name` tells several of a kind apart ("hessian"): one of the same name at the same step is replaced. Errors:
 * US_ERR_ARGUMENT (not a JSON object). */
US_API us_status us_run_log_result(us_run *run, const char *kind, const char *name, const char *json);
/** What was noted so, oldest first: a JSON array of {"step","kind","name","time","result"}. Reads run.db alone: the run may
 * be open elsewhere, and nothing is changed. Errors: US_ERR_INPUT (no run), US_ERR_IO, US_ERR_NOMEM.
 * @param kind  NULL: every kind
 * @param text [caller releases with us_text_release] */
US_API us_status us_run_results(us_context *context, const char *folder, const char *kind, char **text);
/** Sets the status to "finished", "stuck", "diverged" or "interrupted". */
US_API us_status us_run_set_status(us_run *run, const char *status);
/** The run as the JSON object of `train --json`. Losses are those over all rows, as trained: `first` before the first step,
 * `last` now, `best` the lowest that was measured (at the start, at ends, now and then between; with full batches at every
 * step), `test` now on the test rows. `rows` of them tells how many training rows that is: of a text whose batches are not
 * all rows a sample, evenly spread, of 65,536 characters at most; its training metrics are of the same rows. `verdict` is
 * the last one given at the current step, or null. A formula's parameters are in "at".
 * @param status  NULL: us_run_status
 * @param text [caller releases with us_text_release] */
US_API us_status us_run_summary(us_run *run, const char *status, char **text);

/** Hands the signs that a run's watch measured to `row`, by step, name and part; false stops with US_STOPPED. `part` is ""
 * for all of θ, else the name of a group ("layer1.weight"); a value may be NaN. The texts are gone when `row` returns. The
 * run may be open elsewhere. A run that was not watched has none.
 * @param from  the first step of interest; 0 for all
 * Errors: US_ERR_INPUT (no run), US_ERR_IO, US_ERR_NOMEM. */
typedef bool (*us_sign_row)(void *user, uint64_t step, const char *name, const char *part, double value);
US_API us_status us_run_signs(us_context *context, const char *folder, uint64_t from, us_sign_row row, void *user);

/** Predictions of a run for a file, as CSV lines handed to `write` (nonzero return stops with US_ERR_IO). Regression: the
 * column of the target, in the file's unit. Classification: the column of the target with the most probable class, and a
 * column p_CLASS with the probability of each; of a text, a line for the character that follows each of the file's. Reads
 * run.db and model.safetensors (the weights of the last checkpoint) and nothing else: the run may be open elsewhere, the
 * training file gone. Errors: US_ERR_INPUT (no run, damaged weights, and as us_data_load_features). Memory: the features and
 * [rows×outputs] doubles. */
US_API us_status us_run_predict(us_context *context, const char *folder, const char *path,
                                int (*write)(void *user, const char *text, size_t length), void *user);

typedef struct us_generate_options {
    uint32_t version;   /* 1 */
    const char *prompt; /* what the text begins with, at least one character of the text that was trained on; default "\n" */
    size_t length;      /* characters to add; default 500 */
    double
        temperature; /* ≥ 0; p^(1/temperature): 1 (default) draws as the model says, below is safer, 0 takes the likeliest */
    uint64_t seed;   /* default 1 */
} us_generate_options;
#define US_GENERATE_OPTIONS_INIT \
    { .version = 1, .prompt = "\n", .length = 500, .temperature = 1, .seed = 1 }
US_API void us_generate_options_init(us_generate_options *options);
/** A run of a text goes on with a prompt: hands the prompt and each new character to `write` (nonzero return stops with
 * US_ERR_IO). The same seed gives the same text. Reads what us_run_predict reads. @param options  NULL for defaults
 * Errors: US_ERR_ARGUMENT (no text, an empty prompt), US_ERR_INPUT (no run, a character that the run does not know),
 * US_ERR_NONFINITE, US_INTERRUPTED, US_ERR_NOMEM. Cost: a row's prediction for each character. */
US_API us_status us_run_generate(us_context *context, const char *folder, const us_generate_options *options,
                                 int (*write)(void *user, const char *text, size_t length), void *user);

/** One run of a folder of runs. Texts that do not fit are cut. */
typedef struct us_run_entry {
    char folder[256]; /* its name in the folder that was listed */
    char status[16];  /* as us_run_status; "interrupted" when it was killed */
    char data[256], model[128], optimizer[32];
    uint64_t steps;  /* done, as far as logged */
    double loss;     /* the last that was logged: over all rows, or else over the last batches */
    int64_t started; /* seconds since 1970 */
} us_run_entry;
/** The runs directly under a folder, newest first; those that can't be read are left out with a warning in the log.
 * Errors: US_ERR_INPUT (it cannot be read). @param entries [caller releases with us_bytes_release]; NULL when there are none
 */
US_API us_status us_runs_list(us_context *context, const char *folder, us_run_entry **entries, size_t *count);
/** Removes a run's folder; refuses one that is not a run, or is open. Files in it that are not the run's stay, with the
 * folder (US_ERR_IO says so). */
US_API us_status us_run_remove(us_context *context, const char *folder);

#ifdef __cplusplus
}
#endif
#endif
