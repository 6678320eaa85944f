/* What train --unstick auto does once the training has ended. */
#ifndef US_CLI_TRAIN_UNSTICK_H
#define US_CLI_TRAIN_UNSTICK_H

#include "cli.h"

/* Takes remedies where the run is stuck or has diverged, in turn, logs each as an event "remedy", and at the end one
 * "unstick" that says what helped. A run that had diverged is opened anew at its last good checkpoint, and goes on to the
 * end that was planned when a remedy helps. A run that is stuck and that nothing helps has the status "stuck".
 * @param run    may become another, or NULL on failure @param share  time, as a share of the training's; at least 10 s
 * @param ended  how the training ended; US_OK when a remedy has mended it
 * Returns CLI_DONE or the status to end with. */
int cli_train_unstick(const cli_command *command, us_run **run, double share, bool quiet, bool json, us_status *ended);

#endif
