/* What the commands share. The command line uses the public headers only. */
#ifndef US_CLI_CLI_H
#define US_CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <unstuck/unstuck.h>

/* Exit statuses, as in DESIGN.md. */
enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_INPUT = 3, CLI_DIVERGED = 4, CLI_INTERRUPTED = 130 };

/* Where a problem has a training form, too. */
#define CLI_EVALUATION_FORM "in evaluation form: dropout off, batch normalisation by its running values"

/* ------------------------------------------------------------------ commands */

typedef struct cli_command {
    const char *name;
    const char *arguments;                                                /* "DATA" */
    const char *line;                                                     /* one line of help */
    const char *text;                                                     /* the rest of the help: what it does, examples */
    int (*run)(const struct cli_command *command, int argc, char **argv); /* argv without "unstuck train" */
} cli_command;

extern const cli_command cli_train, cli_diagnose, cli_unstick, cli_predict, cli_critical, cli_minimize, cli_optimizers,
    cli_race, cli_report, cli_runs, cli_spectrum, cli_landscape, cli_lecture, cli_watch;

/* ------------------------------------------------------------------ options: one table drives parsing and --help */

typedef enum cli_kind {
    CLI_SECTION, /* a heading in the help: name */
    CLI_FLAG,    /* bool *: becomes true */
    CLI_UNFLAG,  /* bool *: becomes false */
    CLI_TEXT,    /* const char ** */
    CLI_NUMBER,  /* double *, minimum to maximum */
    CLI_RATE,    /* double *: a number, or "auto" for -1 */
    CLI_COUNT,   /* uint64_t *, minimum to maximum */
    CLI_BATCH,   /* size_t *: a count from 1, or "full" for 0 */
    CLI_CHOICE   /* int *: index into choices, "a|b|c" */
} cli_kind;

typedef struct cli_option {
    cli_kind kind;
    const char *name;     /* "--lr" */
    const char *argument; /* "X", for the help */
    void *target;
    const char *help;
    double minimum, maximum; /* 0 and 0: any; the minimum itself is allowed unless `above` */
    bool above;              /* the value must be above the minimum */
    const char *choices;
    bool *given; /* becomes true when the option was given; may be NULL */
} cli_option;

enum { CLI_GO_ON = -1 };

/* Parses argv. Fills the positional arguments (at most `most`; fewer than `least` is wrong usage). Returns CLI_GO_ON, or
 * the exit status to end with (--help was asked for, or the usage was wrong and has been told). */
int cli_parse(const cli_command *command, const cli_option *options, size_t count, int argc, char **argv,
              const char **positional, size_t least, size_t most, size_t *given);

/* Tells wrong usage in one line on standard error: "unstuck train: ...". Returns CLI_USAGE. */
int cli_usage(const cli_command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Tells that memory is out. Returns CLI_FAILED. */
int cli_no_memory(const cli_command *command);

/* ------------------------------------------------------------------ context, signals, errors */

/* A context that tells messages on standard error (unless quiet), and that Ctrl-C cancels; a second Ctrl-C ends the
 * process at once. NULL (told) when there is no memory. */
us_context *cli_context(bool quiet, uint64_t threads);
void cli_context_destroy(us_context *context);

/* Processors that there are for this program, 1 to 64. */
uint64_t cli_processors(void);

/* Work that begins now is cancelled after so many seconds: it then ends with US_INTERRUPTED, of which cli_error says
 * nothing. cli_deadline_end ends the deadline, takes such a cancel back, and tells whether it came to that (not after a
 * Ctrl-C). */
void cli_deadline_set(double seconds);
bool cli_deadline_end(us_context *context);

/* Tells the context's error in one line, and returns the exit status that fits. */
int cli_error(const cli_command *command, us_context *context, us_status status);

/* Opens a run to measure it and to note what was found; it may be open elsewhere, which is told unless quiet.
 * @param data  --data, or NULL */
us_status cli_run_look(us_run **out, us_context *context, const char *folder, const char *data, bool quiet);
#define CLI_DATA_HELP "the training file, where it was moved (the same bytes); the run remembers it"

/* ------------------------------------------------------------------ output */

bool cli_is_terminal(int fd);
/* Escape sequences, or "" where standard output (or error) is no terminal or NO_COLOR is set. */
typedef struct cli_style {
    const char *bold, *dim, *red, *green, *yellow, *cyan, *reset;
} cli_style;
cli_style cli_style_of(int fd);

/* A line on standard error that is written over while work goes on; nothing when quiet. */
typedef struct cli_progress {
    bool quiet, terminal;
    double last, started;
    int last_tenth;
    size_t width; /* of what stands there */
} cli_progress;
cli_progress cli_progress_start(bool quiet);
/* share 0..1, or negative when unknown. `force` shows it now. */
void cli_progress_show(cli_progress *progress, double share, const char *text, bool force);
void cli_progress_end(cli_progress *progress);

/* "1 h 02 min", "3 min 20 s", "4.1 s". */
void cli_duration(char *text, size_t size, double seconds);

/* A number for JSON: null when it is not finite. */
json_t *cli_real(double value);
json_t *cli_text(const char *text); /* null for NULL */
/* A word of a shell command: quoted where the shell would read more than a word in it. @param room  CLI_WORD bytes, in
 * which it is made where it must be @returns the word, or room */
enum { CLI_WORD = 16400 };
const char *cli_shell(const char *word, char room[CLI_WORD]);
/* Prints the object and releases it. Returns CLI_DONE, or CLI_FAILED when standard output failed. */
int cli_print_json(json_t *object);
/* Flushes standard output; CLI_FAILED (told) when writing failed. */
int cli_finish(const cli_command *command, int status);

/* ------------------------------------------------------------------ what several commands print */

/* Eigenvalues as a line of columns, by sign and size. @param blocks  with block characters; else as counts */
void cli_spectrum_picture(const double *values, size_t n, double resolution, bool blocks);

json_t *cli_verdict_json(const us_diagnosis *diagnosis, const us_training *training, const us_trials *trials,
                         const char *folder);
void cli_verdict_print(const us_diagnosis *diagnosis, const us_run *run, const us_trials *trials, const char *folder,
                       bool all_signs);
/* Columns of the run's data that differ much in scale, or lie far from 0, where they are not standardised: null, or {"widest",
 * "narrowest", "ratio", "farthest"}; and a line of it, or nothing. */
json_t *cli_columns_json(const us_run *run);
void cli_columns_print(const us_run *run);
/* Keeps what a diagnosis measured beside its verdict in the run, for reports: all eigenvalues where they were computed, and
 * what the units of each layer do. Failures are told unless quiet, and are no reason to stop. */
void cli_results_keep(const cli_command *command, us_run *run, const us_diagnosis *diagnosis, bool quiet);
/* CLI_GO_ON, or tells that this program has no page: to be asked before work that it would show. */
int cli_page_check(const cli_command *command);
/* Writes the page with its data to a file, which is replaced when all is written ("-": to standard output), and says so.
 * Returns CLI_DONE or the status to end with. */
int cli_page_save(const cli_command *command, us_context *context, const char *path, const char *json, bool quiet);
/* What us_diagnose and us_remedy_try call to show where they are; user is a cli_progress. */
void cli_what_progress(void *user, const char *what, double share);

/* Training rows that curvature is measured on unless told otherwise: all, but of a text no more than 4,096 characters. */
size_t cli_rows_bound(const us_run *run);
/* --rows M|all, or NULL. Returns CLI_GO_ON or the status to end with. */
int cli_rows(const cli_command *command, const char *text, const us_run *run, size_t *rows);

/* A diagnosis, and the remedies that were tried where it is stuck (else NULL). */
typedef struct cli_judgement {
    us_diagnosis *diagnosis;
    us_trials *trials;
    json_t *json; /* both, as the run was then: a remedy that is taken may change its model */
} cli_judgement;
typedef enum cli_trying {
    CLI_TRY_NOTHING,
    CLI_TRY_STUCK,  /* remedies where the verdict is that it is stuck */
    CLI_TRY_ALWAYS, /* also at a minimum, that a lower one may be found; not while the loss falls */
    CLI_TRY_WORTH   /* likewise, unless all that can be gained is too little to matter: see cli_worth */
} cli_trying;
/* Diagnoses a run with progress, tries remedies where `try` says so (or where `trying->only` names one), and keeps the
 * verdict in the run. NULL options: defaults. Returns CLI_DONE or the status to end with; release in any case. */
int cli_judge(cli_judgement *out, const cli_command *command, us_run *run, const us_diagnose_options *options,
              const us_trial_options *trying, cli_trying try, bool quiet);
void cli_judgement_release(cli_judgement *judgement);
/* What a gain must come to to matter: a thousandth of what lies between the loss of the best constant and the least that the
 * data allow, or, where that is not known, of the loss before the first step. */
double cli_worth(const us_diagnosis *diagnosis, double loss_first);

/* Remedies taken one after the other. */
enum { CLI_ROUNDS = 16 };
typedef struct cli_action {
    const char *remedy;
    double loss_before, loss_after;
    uint64_t steps;
} cli_action;
typedef struct cli_rounds {
    cli_judgement first; /* what was found before anything was done */
    cli_action actions[CLI_ROUNDS];
    size_t count;
    double loss_after, seconds;
    double unit[2]; /* losses of the run are now in units of unit[0]·unit[1] of those here; see us_trial */
    uint64_t steps;
    bool stuck; /* by the last verdict, and nothing that was tried helped */
} cli_rounds;
/* Diagnoses the run, tries remedies as `try` says, and lets the run go on from the best one that helps, each logged as an
 * event "remedy"; at most `rounds` times, while there is time of `trying->seconds`. Each trial may take trying->steps steps
 * (20 times those of the run as it is now). What helps nothing leaves the run as it was. Returns CLI_DONE or the status to
 * end with; release in any case. With CLI_TRY_WORTH a gain that does not matter is not taken. */
int cli_rounds_run(cli_rounds *rounds, const cli_command *command, us_run *run, const us_trial_options *trying,
                   cli_trying try, uint64_t count, bool quiet);
/* The one that took most off the loss; NULL when none was taken. */
const cli_action *cli_rounds_best(const cli_rounds *rounds);
void cli_rounds_release(cli_rounds *rounds);

/* "x=1,y=-2.5" to names and numbers. Returns CLI_GO_ON or the status to end with. The names are copied into `text`'s own
 * storage: release *storage with free. */
typedef struct cli_assignment {
    const char *name;
    double value, high; /* high: the upper end where a range low:high was asked for */
} cli_assignment;
int cli_assignments(const cli_command *command, const char *option, const char *text, bool ranges, char **storage,
                    cli_assignment **list, size_t *count);
/* Puts assignments into the order of names; every name must be there exactly once. */
int cli_assignments_order(const cli_command *command, const char *option, const cli_assignment *list, size_t count,
                          char *const *names, size_t names_count, double *values, double *highs);

#endif
