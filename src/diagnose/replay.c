/* A copy goes on with one thing changed, and its loss on all rows, in f64, is looked at twenty times on the way. */
#include "diagnose/replay.h"
#include <math.h>

enum { REPLAY_LOOKS = 20 };

us_status us__replay_rate(us_training *copy, double factor) {
    return us_training_set_learning_rate(copy, factor * us_training_learning_rate(copy), false);
}

static us_status replay_advance(us__gathering *g, us_training *copy, uint64_t steps, us__replay *r) {
    double square[2] = {0, 0}, count[2] = {0, 0}, before = (double)NAN;
    uint64_t looks = steps < REPLAY_LOOKS ? steps : REPLAY_LOOKS, done = 0;
    for (uint64_t look = 1; look <= looks; look++) {
        uint64_t target = steps / looks * look + steps % looks * look / looks;
        us_status status = us_training_advance(copy, target - done);
        done = target;
        if (!status) status = us__gathering_look(g, copy, &r->end);
        if (status) return status;
        if (!isfinite(r->end)) return US_ERR_NONFINITE;
        int half = 2 * look > looks;
        double off = r->end - r->mean[half]; /* Welford 1962 */
        r->mean[half] += off / ++count[half];
        square[half] += off * (r->end - r->mean[half]);
        r->rises += (r->end > before) / (double)looks;
        before = r->end;
    }
    for (int half = 0; half < 2; half++)
        if (count[half] > 1) r->error[half] = sqrt(square[half] / (count[half] * (count[half] - 1)));
    return US_OK;
}

us_status us__replay_run(us__gathering *g, us__replay_change change, double amount, uint64_t steps, us__replay *r) {
    us_training *copy = NULL;
    *r = (us__replay){.finite = true};
    us_status status = us_training_copy(&copy, g->training, g->own);
    if (!status && change) status = change(copy, amount);
    if (!status) status = replay_advance(g, copy, steps, r);
    if (status == US_ERR_NONFINITE) {
        us_context_error_clear(us_problem_context(g->problem));
        r->finite = false, r->end = r->mean[1] = HUGE_VAL;
        status = US_OK;
    }
    us_training_destroy(copy);
    return status;
}
