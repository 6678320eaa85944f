/* Ringing: heavy ball with a momentum m near 1 keeps its speed for 1/(1 − m) steps and rolls through the minimum and back.
 * The loss rises and falls; the same steps from rest with momentum 0.9 come down. */
#include "diagnose/replay.h"
#include <math.h>
#include <string.h>

static const double CALM = 0.9;

static size_t ringing_momentum(const us_training *training) {
    const us_rule *rule = us_training_rule(training);
    return strcmp(rule->name, "momentum") == 0 ? us_rule_hyperparameter(rule, "momentum") : SIZE_MAX;
}

static us_status ringing_calm(us_training *copy, double momentum) {
    double hyper[US_RULE_HYPERPARAMETERS_MAX];
    const us_rule *rule = us_training_rule(copy);
    memcpy(hyper, us_training_hyper(copy), rule->hyperparameter_count * sizeof *hyper);
    hyper[ringing_momentum(copy)] = momentum;
    return us_training_set_rule(copy, rule, hyper);
}

us_status us__evidence_ringing(us__gathering *g) {
    us_evidence *e = &g->diagnosis->evidence;
    size_t k = ringing_momentum(g->training);
    if (k == SIZE_MAX || !e->full_batch || !e->carrying_on_finite || e->kind != US_KIND_NOT_CRITICAL) return US_OK;
    if (!(us_training_hyper(g->training)[k] > CALM) || !(e->lambda_max > 0)) return US_OK;
    double period = 2 * acos(-1) / sqrt(e->learning_rate * e->lambda_max); /* of the steepest direction: the shortest */
    if (!(4 * period < (double)e->steps_done)) return US_OK;               /* it has hardly begun */
    uint64_t steps = (uint64_t)fmax(4 * period, (double)e->steps_carrying_on);
    us__replay same, calm;
    us_status status = us__replay_run(g, NULL, 0, steps, &same);
    if (!status) status = us__replay_run(g, ringing_calm, CALM, steps, &calm);
    if (status || !same.finite || !calm.finite) return status;
    e->momentum = us_training_hyper(g->training)[k];
    e->rises = same.rises;
    e->decrease_calm = 0.5 * (same.mean[0] + same.mean[1]) - calm.mean[1] - 2 * hypot(same.error[0], same.error[1]);
    return US_OK;
}
