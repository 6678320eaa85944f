/* The inside of a run, shared by the files of this folder. */
#ifndef US_RUN_RUN_H
#define US_RUN_RUN_H

#include "base/base.h"
#include <jansson.h>
#include <unstuck/run.h>

/* ------------------------------------------------------------------ config.c */

/* Checks everything that can be checked without the data; messages name the option of the command line. */
us_status us__run_config_check(us_context *context, const us_run_config *config);
/* Fills in the defaults that hang on the kind of model. The batch is left: it hangs on the data, too. */
void us__run_config_resolve(us_run_config *config);
/* A new JSON object of all fields (NULL when out of memory), and back: texts then point into the object. What is not in it,
 * such as an option that is younger than the run, takes its default. */
json_t *us__run_config_to_json(const us_run_config *config);
us_status us__run_config_from_json(us_context *context, const json_t *object, us_run_config *config);
/* The rule of a config, its own or by name; NULL: a solver, or not known. */
const us_rule *us__run_config_rule(const us_run_config *config);
/* The rule's hyperparameters as --set says. @param hyper [US_RULE_HYPERPARAMETERS_MAX] */
us_status us__run_config_hyper(us_context *context, const us_rule *rule, const char *set, double *hyper);

/* ------------------------------------------------------------------ pairs.c */

enum { US__PAIR_NAME = 128 };
/* Reads the next "name=value" of a list separated by commas and moves *cursor behind it; US_NOT_FOUND at the end.
 * `option` names the source of the text in errors, which are US_ERR_ARGUMENT. */
us_status us__pair_next(us_context *context, const char *option, const char **cursor, char name[US__PAIR_NAME],
                        double *value);

/* ------------------------------------------------------------------ start.c */

/* Overwrites θ with a start: a file of tensors (each group by name and shape) or "name=value,..." for scalar groups. */
us_status us__run_start(us_context *context, const char *start, const us_group *groups, size_t count, us_vec *theta);
/* Overwrites θ with the tensors of a file: each group by name and shape, and no others. */
us_status us__run_weights(us_context *context, const char *path, const us_group *groups, size_t count, us_vec *theta);

/* ------------------------------------------------------------------ store.c */

/* run.db. Metrics are collected in memory and written by us__store_flush in one transaction; all else is written at once. */
typedef struct us__store us__store;

typedef struct us__metric {
    uint64_t step;
    double epoch;
    double loss;          /* of this step's batch */
    double mean_loss;     /* over the batches since the row before */
    double gradient_norm; /* of this step's batch, clipped */
    double learning_rate;
    double seconds; /* of training */
} us__metric;

us_status us__store_create(us__store **out, us_context *context, const char *folder);
us_status us__store_open(us__store **out, us_context *context, const char *folder);
/* To look only: takes no lock, changes nothing and leaves nothing behind. */
us_status us__store_open_readonly(us__store **out, us_context *context, const char *folder);
void us__store_close(us__store *store);

us_status us__store_set(us__store *store, const char *key, const char *value);
/* @param value [caller releases with us__release]. US_NOT_FOUND: there is none. */
us_status us__store_get(us__store *store, const char *key, char **value);

/* Notes a row in memory; false when there is no room before the next flush. Never allocates or writes. */
bool us__store_metric(us__store *store, const us__metric *metric);
/* The same for a sign. `name` is static, `part` lives until the flush: "" or a group's name. */
bool us__store_sign(us__store *store, uint64_t step, const char *name, const char *part, double value);
size_t us__store_signs_room(const us__store *store); /* signs that can be noted before the next flush */
us_status us__store_flush(us__store *store);
/* Seconds that writing a row took lately. */
double us__store_row_seconds(const us__store *store);

us_status us__store_event(us__store *store, uint64_t step, const char *kind, const char *text);
us_status us__store_verdict(us__store *store, uint64_t step, const char *json);
us_status us__store_result(us__store *store, uint64_t step, const char *kind, const char *name, const char *json);
/* Losses over all rows; NaN where unknown. A known value replaces the one that was there. */
us_status us__store_loss(us__store *store, uint64_t step, double train, double test);
us_status us__store_checkpoint(us__store *store, uint64_t step, double seconds);
/* Forgets what lies beyond a step: metrics, losses, checkpoints, signs. */
us_status us__store_trim(us__store *store, uint64_t step);

/* The run has another config and encoding from now on, logged losses are divided by unit[0]·unit[1], and the files beside
 * hold ("files" is "beside"): all of it, with what is stored until then, when it is done, on the disk, and nothing when it
 * is undone. */
us_status us__store_remake_begin(us__store *store, const char *config, const char *encoding, const double unit[2]);
us_status us__store_remake_done(us__store *store);
void us__store_remake_undo(us__store *store);

/* Seconds of training at the last checkpoint up to `step`; 0 when there is none. */
us_status us__store_seconds(us__store *store, uint64_t step, double *seconds);
typedef struct us__losses {
    double first, best; /* NaN when never measured */
    uint64_t best_step;
    double train, test; /* at the step that was asked for */
} us__losses;
us_status us__store_losses(us__store *store, uint64_t step, us__losses *out);
/* The events as a JSON array, and the verdict that was given at `step` (NULL when none was). New references. */
us_status us__store_events(us__store *store, json_t **out);
us_status us__store_last_verdict(us__store *store, uint64_t step, json_t **out);
/* See us_run_signs. */
us_status us__store_signs(us__store *store, uint64_t from, us_sign_row row, void *user);
/* Hands each row of a query without parameters to `row`, which returns false when it ran out of memory. */
struct sqlite3_stmt;
us_status us__store_each(us__store *store, const char *sql, bool (*row)(void *user, struct sqlite3_stmt *), void *user);
/* As us_run_results; a new reference. */
us_status us__store_results(us__store *store, const char *kind, json_t **out);
/* The last step that was logged, and the last known loss. */
us_status us__store_last(us__store *store, uint64_t *step, double *loss);

/* ------------------------------------------------------------------ lock.c */

/* Locks a run's folder against other processes; the lock ends with the descriptor. US_ERR_IO when it is taken. */
us_status us__run_lock(us_context *context, const char *folder, int *descriptor);
/* US_ERR_ARGUMENT when the run was opened to look only. */
us_status us__run_may_change(const us_run *run);

/* ------------------------------------------------------------------ the run itself */

/* What the observer of a run's training keeps between two looks. */
typedef struct us__recorder {
    us__store *store;
    double samples;            /* rows of an epoch */
    double row_seconds;        /* when the last row was noted; seconds of training */
    double began;              /* us_clock_now() − seconds of training */
    double row_sum, chunk_sum; /* of batch losses since the last row and the last look */
    uint64_t row_step, chunk_step;
    uint64_t next, must; /* steps at which to look at the clock, and to note a row in any case */
    bool whole;          /* steps see the loss over all rows in passing (full batches) */
    double best;         /* the lowest of them */
    uint64_t best_step;
    bool best_new;
} us__recorder;

/* The way that a training took (path.c). */
typedef struct us__path {
    size_t n, bytes;    /* of one θ */
    size_t count, most; /* places; most 0: none are kept */
    uint64_t stride;    /* of the steps of places */
    uint64_t next;      /* step of the next place */
    uint64_t *steps;    /* [most] */
    char *places;       /* [most] of `bytes` each */
} us__path;

/* Remedies that change the problem itself (remake.h). */
typedef struct us__remake us__remake;
enum { US__REMAKES = 2 };

struct us_run {
    us_context *context;
    char *folder;
    int lock;  /* descriptor, −1 when none */
    bool look; /* us_run_open_options.look */
    us__store *store;
    json_t *config_object; /* owns the texts of config */
    us_run_config config;
    char *config_text;
    char rate_text[384]; /* what --lr auto measured and chose; "" when it was not asked */
    char *status;        /* "new", "running", "finished", "stuck", "diverged", "interrupted" */
    us_data *data;
    bool data_borrowed; /* they are another run's, which outlives this one */
    us_model *model;
    us_problem *bare;         /* the model's own problem of the training rows */
    us_problem *problem;      /* the same with its penalty; `bare` itself when there is none */
    us_problem *seen;         /* `problem` over the training rows that losses are measured on: it itself when that is all */
    us_problem *test_problem; /* of the test rows, with its penalty; NULL when there are none */
    us_training *training;
    us_vec *weights; /* see us__run_answer */
    uint64_t steps_planned;
    double seconds_limit;      /* 0: none */
    double seconds;            /* of training so far */
    double evaluation_seconds; /* what the last evaluation took */
    us__recorder recorder;
    us_watch_mode watch_mode;
    us_watch *watch;      /* NULL: neither watched nor stopped at stalls */
    bool stalls, stalled; /* stops at stalls; has just done so */
    uint64_t stall_next;  /* the step to look at it again */
    us__path path;
    us__remake *remakes[US__REMAKES]; /* what was made by each, or NULL */
    bool unsettled;                   /* the files beside could not take their places yet (checkpoint.c) */
};

/* run.c */
us_status us__run_new(us_run **out, us_context *context, const char *folder); /* a half-built run, also on failure */
us_status us__run_take_config(us_run *run, json_t *object); /* takes the object over, also on failure; NULL: out of memory */
/* plan.c: how long it is to go on, from the config; into run.db and back. */
us_status us__run_plan(us_run *run);
us_status us__run_save_plan(us_run *run);
us_status us__run_load_plan(us_run *run);
/* open.c: US_ERR_INPUT when it is no folder; config and encoding as the open run.db has them.
 * @param encoding [caller releases with us__release] */
us_status us__run_check_folder(us_context *context, const char *folder);
us_status us__run_read_config(us_run *run, char **encoding);
/* assemble.c: the model of run->config for the columns of run->data and the task of `dataset`. */
us_status us__run_assemble_model(us_run *run, const us_dataset *dataset);
/* rate.c: sets the rate of a training at its start from what is measured there, in the config, too. */
us_status us__run_choose_rate(us_run *run);
/* assemble.c: data, model, problems and (from `checkpoint`, or new when NULL) the training of run->config. */
us_status us__run_assemble(us_run *run, const char *encoding, const void *checkpoint, size_t size);
/* create.c and open.c: as us_run_create and us_run_open, on data that are loaded already, which must outlive the run. */
us_status us__run_create_on(us_run **out, us_context *context, const char *folder, const us_run_config *config,
                            const us_data *data);
us_status us__run_open_on(us_run **out, us_context *context, const char *folder, const us_run_open_options *options,
                          const us_data *data);
/* advance.c: the observer that fills the log. */
us_status us__run_observe(us_run *run);
/* advance.c: us_run_advance in parts: begins, trains to step `until` or where the run ends (as often as wanted), and ends
 * with what came of it, which is returned. */
typedef struct us__advance {
    double start, seconds_before; /* clock and seconds of training when it began */
    uint64_t step_before;
    double now, flushed, shown, saved, evaluated;          /* clock: now, and when each was done last */
    double smoothed;                                       /* loss, NaN at first */
    double rate;                                           /* steps a second, 0 while unknown */
    bool (*progress)(void *user, const us_run_progress *); /* may be NULL */
    void *user;
} us__advance;
us_status us__run_begin(us_run *run, us__advance *advance);
us_status us__run_steps(us_run *run, us__advance *advance, uint64_t until);
us_status us__run_end(us_run *run, us_status why);
/* checkpoint.c */
us_status us__run_checkpoint_write(us_run *run, const char *folder);
/* Writes it beside the one that is there; once the store says that it holds (us__store_remake_done), it takes its place, for
 * which no memory is needed. Settling is what whoever opens a run does first: it ends what a kill left half done. */
us_status us__run_checkpoint_prepare(us_run *run);
us_status us__run_checkpoint_take(us_run *run);
us_status us__run_checkpoint_settle(us_run *run);
/* A file of a run as it holds now: the one beside, while it waits to take its place. @param path [caller releases] */
us_status us__run_checkpoint_path(const us_run *run, const char *name, char **path);
us_status us__run_checkpoint_read(us_run *run, void **bytes, size_t *size);
/* path.c: room for the path of run->training; it goes on from where the training is, watched from now on; to a folder's
 * path.safetensors with something behind its name, and back from the run's own. */
us_status us__path_create(us_run *run);
us_status us__path_observe(us_run *run);
us_status us__path_write(us_run *run, const char *folder, const char *suffix);
us_status us__path_read(us_run *run);
void us__path_release(us_run *run);
/* evaluate.c: measures and logs the losses over all rows at the current step. */
us_status us__run_evaluate(us_run *run, double *train);
/* text.c: the metrics of a text's rows. */
us_status us__run_text_metrics(us_run *run, bool test, us_metric metrics[US_METRICS_MAX], size_t *count);
/* text.c: the training rows that losses and metrics are measured on, where a batch is not all rows: of a text no more than
 * US__RUN_TEXT_SEEN characters. */
enum { US__RUN_TEXT_SEEN = 1 << 16 };
size_t us__run_text_sample(const us_dataset *dataset);
/* text.c: rows whose predictions are in memory at a time: some 8 MB of them. */
size_t us__run_text_chunk(const us_run *run);
/* text.c: one row of zeros, as the run's text has them. Errors: US_ERR_ARGUMENT (the run is of no text). */
us_status us__run_text_blank(us_run *run, us_dataset **row);
/* predict.c: config, data and model of a run for the rows of a file (NULL: a blank row of a text), and then its weights.
 * @param dataset, theta [caller destroys, also on failure, where not NULL] */
us_status us__run_predict_read(us_run *run, const char *path, us_dataset **dataset);
us_status us__run_predict_weights(us_run *run, us_vec **theta);
/* evaluate.c: the most probable class. */
size_t us__run_class(const double *probabilities, size_t classes);
/* run.c: replaces the first `from` in the context's error, when it is in there. */
void us__run_reword_error(const us_run *run, const char *from, const char *to);
/* run.c: sets a text of the run and its key in the config table. */
us_status us__run_set_text(us_run *run, char **to, const char *key, const char *value);

/* stall.c: has the loss stopped falling, as far as that is asked for and due? Then an event says by what. */
us_status us__run_stalled(us_run *run, bool *stalled);
/* stall.c: makes the watch that was asked for, and takes its signs into the log; or has it go on with another training. */
us_status us__run_watch_begin(us_run *run);
us_status us__run_watch_move(us_run *run, us_training *training);

/* remake.c: which remake this training is of, or NULL; adopts it as us_run_adopt does; and their end. */
us__remake *us__run_remade(const us_run *run, const us_training *training);
us_status us__run_adopt_remade(us_run *run, us__remake *remake, const us_training *training, const char *event_kind,
                               const char *event_text);
void us__run_remakes_release(us_run *run);

/* solve.c: is the optimizer a solver? Then it goes on from θ to the end of the plan: US_OK or US_INTERRUPTED. */
bool us__run_is_solved(const us_run *run);
us_status us__run_solve(us_run *run, bool (*progress)(void *user, const us_run_progress *), void *user);
/* fit.c: a formula's "at", "standard_error", "residual_deviation", "degrees_of_freedom" and "kind". */
us_status us__run_fit(us_run *run, json_t *summary);

/* What is evaluated, stored and predicted with: θ, or the average of it. Of the moment: ask again after a step. */
const us_vec *us__run_answer(us_run *run);

#endif
