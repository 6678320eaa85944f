/* Conditioning: what lies in directions of so little curvature that the rate, though large for the steepest, needs ten
 * times the run to follow them. Measured, not believed: a line search along the Newton step through those directions.
 * Fading: a rule whose state only grows (Adagrad) takes ever shorter steps; a replay with a fresh state tells what they
 * cost. */
#include "diagnose/replay.h"
#include <cblas.h>
#include <math.h>
#include <string.h>

/* Gradient descent needs 1/(αλ) steps along an eigenvector of λ. */
static us_status conditioning_slow(us__gathering *g) {
    us_evidence *e = &g->diagnosis->evidence;
    const us_spectrum *s = g->diagnosis->point ? g->diagnosis->point->spectrum : NULL;
    if (!s || !(e->effective_rate > 0)) return US_OK;
    size_t n = g->place.n;
    double slow = 0.1 / (e->effective_rate * fmax(1, (double)e->steps_done));
    memset(g->direction, 0, n * sizeof *g->direction);
    for (size_t i = 0; i < n; i++) {
        if (s->values[i] <= s->resolution || s->values[i] > slow) continue;
        const double *v = s->vectors + i * n;
        cblas_daxpy((int)n, -cblas_ddot((int)n, v, 1, g->gradient, 1) / s->values[i], v, 1, g->direction, 1);
        if (isnan(e->condition)) e->condition = e->lambda_max / s->values[i];
    }
    if (isnan(e->condition)) return US_OK;
    us__line line = {0};
    us_status status = us__place_search(&g->place, g->direction, 1e-3, 10, false, &line);
    if (!status) status = us__gathering_confirm(g, g->direction, &line);
    e->decrease_slow = line.decrease;
    return status;
}

static us_status conditioning_fresh(us_training *copy, double unused) {
    (void)unused;
    return us_training_set_theta(copy, us_training_theta(copy), true);
}

static us_status conditioning_fading(us__gathering *g) {
    us_evidence *e = &g->diagnosis->evidence;
    if (strcmp(us_training_rule(g->training)->name, "adagrad") != 0) return US_OK;
    us__replay same, fresh;
    us_status status = us__replay_run(g, NULL, 1, e->steps_carrying_on, &same);
    if (!status) status = us__replay_run(g, conditioning_fresh, 1, e->steps_carrying_on, &fresh);
    if (status || !same.finite || !fresh.finite) return status;
    e->decrease_fresh = e->loss - fresh.mean[1];
    e->decrease_faded = e->loss - same.mean[1];
    return US_OK;
}

us_status us__evidence_conditioning(us__gathering *g) {
    if (!g->diagnosis->evidence.carrying_on_finite || g->diagnosis->evidence.kind != US_KIND_NOT_CRITICAL) return US_OK;
    us_status status = conditioning_slow(g);
    return status ? status : conditioning_fading(g);
}
