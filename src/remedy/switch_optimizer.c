/* switch-optimizer: Adam, at the smallest of five rates that gains more than half of what the best does in some hundred
 * steps on copies: a larger one is less steady later on. It scales each parameter by itself, so it minds no units. Source:
 * Kingma & Ba 2015, "Adam: a method for stochastic optimization". */
#include "remedy/remedy.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const double RATES[] = {0.001, 0.01, 0.05, 0.3, 1};
enum { SWITCH_RATES = sizeof RATES / sizeof *RATES, SWITCH_STEPS = 300 };

static bool switch_applies(const us_diagnosis *d, char *why, size_t why_size) {
    static const char *const CAUSES[] = {"momentum-too-high", "ill-conditioned", "lr-decayed"};
    for (size_t i = 0; d->verdict.cause && i < sizeof CAUSES / sizeof *CAUSES; i++)
        if (strcmp(d->verdict.cause, CAUSES[i]) == 0) {
            snprintf(why, why_size, "Adam scales each parameter by itself; its rate is the best of five tried in %d steps",
                     SWITCH_STEPS);
            return true;
        }
    return false;
}

static us_status switch_to(us_training *training, double rate) {
    us_schedule schedule;
    us_status status = us_schedule_parse(us_problem_context(us_training_problem(training)), "constant", 0, &schedule);
    if (!status) status = us_training_set_rule(training, us_rule_find("adam"), NULL);
    if (!status) status = us_training_set_learning_rate(training, rate, true);
    return status ? status : us_training_set_schedule(training, &schedule);
}

static us_status switch_loss(const us_training *training, double rate, double *loss) {
    us_training *copy;
    us_status status = us_training_copy(&copy, training, NULL);
    if (status) return status;
    if (!(status = switch_to(copy, rate))) status = us_training_advance(copy, SWITCH_STEPS);
    if (!status) status = us_problem_value(us_training_problem(copy), us_training_theta(copy), US_BATCH_ALL, loss);
    us_training_destroy(copy);
    if (status != US_ERR_NONFINITE) return status;
    us_context_error_clear(us_problem_context(us_training_problem(training)));
    *loss = HUGE_VAL;
    return US_OK;
}

static us_status switch_apply(us_training *training, const us_diagnosis *d, uint64_t steps) {
    (void)steps;
    double losses[SWITCH_RATES], best = d->evidence.loss;
    size_t i;
    for (i = 0; i < SWITCH_RATES; i++) {
        us_status status = switch_loss(training, RATES[i], &losses[i]);
        if (status) return status;
        best = fmin(best, losses[i]);
    }
    for (i = 0; i + 1 < SWITCH_RATES; i++)
        if (d->evidence.loss - losses[i] > 0.5 * (d->evidence.loss - best)) break;
    return switch_to(training, RATES[i]);
}

const us_remedy us__remedy_switch_optimizer = {
    .name = "switch-optimizer",
    .does = "goes on with Adam, at a rate that was tried",
    .applies = switch_applies,
    .apply = switch_apply,
};
