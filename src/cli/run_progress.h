/* The progress line of a training that goes on, for train and unstick. */
#ifndef US_CLI_RUN_PROGRESS_H
#define US_CLI_RUN_PROGRESS_H

#include "cli.h"

/* Advances a run with a progress line. Returns the status of us_run_advance. */
us_status cli_run_advance(us_run *run, bool quiet);

#endif
