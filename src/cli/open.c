/* Opening a run to look at it, also while it is being trained. */
#include "cli.h"
#include <stdio.h>

us_status cli_run_look(us_run **out, us_context *context, const char *folder, const char *data, bool quiet) {
    us_run_open_options options = US_RUN_OPEN_OPTIONS_INIT;
    options.data = data;
    options.look = true;
    us_status status = us_run_open_with(out, context, folder, &options);
    if (status == US_OK && !quiet && us_run_is_busy(folder))
        fprintf(stderr, "%s is open in another process, such as its training: this is its last checkpoint, of step %llu\n",
                folder, (unsigned long long)us_training_steps(us_run_training(*out)));
    return status;
}
