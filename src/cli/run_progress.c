#include "run_progress.h"
#include "curve.h"
#include <math.h>
#include <stdio.h>

enum { RUN_PROGRESS_CURVE = 16 }; /* cells */

typedef struct run_progress {
    cli_progress line;
    cli_curve losses;
} run_progress;

static bool run_progress_show(void *user, const us_run_progress *p) {
    run_progress *r = user;
    char text[384], left[32], curve[3 * RUN_PROGRESS_CURVE + 2] = "";
    cli_duration(left, sizeof left, p->seconds_left);
    double share = isfinite(p->seconds_left) ? p->seconds / (p->seconds + p->seconds_left) : -1;
    if (p->steps && p->steps != UINT64_MAX) share = (double)p->step / (double)p->steps;
    cli_curve_add(&r->losses, p->loss);
    if (r->line.terminal) cli_curve_line(&r->losses, RUN_PROGRESS_CURVE, curve);
    snprintf(text, sizeof text, "step %llu  epoch %.2f  loss %.6g %s%s lr %.3g  %.3g rows/s  %s left",
             (unsigned long long)p->step, p->epoch, p->loss, curve, *curve ? " " : "", p->learning_rate,
             p->samples_per_second, left);
    cli_progress_show(&r->line, share, text, false);
    return true;
}

us_status cli_run_advance(us_run *run, bool quiet) {
    run_progress r = {.line = cli_progress_start(quiet)};
    us_status status = us_run_advance(run, run_progress_show, &r);
    cli_progress_end(&r.line);
    return status;
}
