/* What train --unstick does: where a run stalls on the way, and once it has ended. */
#ifndef US_CLI_TRAIN_UNSTICK_H
#define US_CLI_TRAIN_UNSTICK_H

#include "cli.h"

typedef enum cli_unstick_mode { CLI_UNSTICK_OFF, CLI_UNSTICK_ADVISE, CLI_UNSTICK_AUTO } cli_unstick_mode;

/* How it is to be done. */
typedef struct cli_unsticking {
    cli_unstick_mode mode;
    double share;     /* time, as a share of the training's so far */
    bool share_given; /* where it was not, 10 seconds are allowed in any case */
    bool quiet, json;
} cli_unsticking;

/* Advances the run to its end as us_run_advance does.
 * advise: where it stalls, and at its end, tells verdict and tried remedies; the run itself goes on as it would.
 * auto: where it stalls, has diverged, or ends stuck, takes the remedy that pays, logs each as an event "remedy" and at the
 *   end one "unstick" that says what helped. A run that has diverged is opened anew at its last good checkpoint, and goes on
 *   when a remedy helps. One that is stuck in the end and that nothing helps has the status "stuck".
 * Diagnosing begins only when there is likely time for it.
 * @param run    may become another, or NULL on failure
 * @param ended  how the training ended
 * Returns CLI_DONE or the status to end with (of a failure that is no end of a training, such as out of memory). */
int cli_train_unstick(const cli_command *command, us_run **run, const cli_unsticking *how, us_status *ended);

#endif
