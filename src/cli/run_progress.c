#include "run_progress.h"
#include <math.h>
#include <stdio.h>

static bool run_progress_show(void *user, const us_run_progress *p) {
    char text[256], left[32];
    cli_duration(left, sizeof left, p->seconds_left);
    double share = isfinite(p->seconds_left) ? p->seconds / (p->seconds + p->seconds_left) : -1;
    if (p->steps && p->steps != UINT64_MAX) share = (double)p->step / (double)p->steps;
    snprintf(text, sizeof text, "step %llu  epoch %.2f  loss %.6g  lr %.3g  %.3g rows/s  %s left",
             (unsigned long long)p->step, p->epoch, p->loss, p->learning_rate, p->samples_per_second, left);
    cli_progress_show(user, share, text, false);
    return true;
}

us_status cli_run_advance(us_run *run, bool quiet) {
    cli_progress progress = cli_progress_start(quiet);
    us_status status = us_run_advance(run, run_progress_show, &progress);
    cli_progress_end(&progress);
    return status;
}
