/* When does a remedy help? When, each by more than the noise, it ends below where it began, does not end above carrying on,
 * and is below it on the average of ten looks: to be sooner where carrying on comes in the end is a help, too. Where it has
 * a price, for more parameters, it must gain that in both. A remedy whose training counts its losses in another unit is
 * compared in that unit, in which it does not overflow, and told in the unit of the training as it was. */
#include "remedy/loss_path.h"
#include <math.h>

enum { LOSS_PATH_PIECES = 10 }; /* of the steps between two looks, after which somebody hears */

us_status us__loss_path_advance(us_problem *f64, us_training *training, uint64_t steps, us__loss_path_heard *heard,
                                void *user, us__loss_path *path) {
    us_context *context = us_problem_context(f64);
    us_vec *theta = NULL;
    uint64_t begin = us_training_steps(training), pieces = US__LOSS_PATH_LOOKS * LOSS_PATH_PIECES;
    us_status status = us_vec_create(&theta, context, US_F64, us_problem_dimension(f64));
    for (int k = 1; k <= US__LOSS_PATH_LOOKS; k++) path->losses[k] = HUGE_VAL;
    for (uint64_t piece = 0; piece <= pieces && !status; piece++) {
        uint64_t target = steps / pieces * piece + steps % pieces * piece / pieces,
                 done = us_training_steps(training) - begin;
        status = us_training_advance(training, target - done);
        if (!status && heard && !heard(user, target - done)) status = us__fail(context, US_INTERRUPTED, "interrupted");
        if (status || piece % LOSS_PATH_PIECES) continue;
        us_vec_copy(theta, us_training_theta(training));
        double *loss = &path->losses[piece / LOSS_PATH_PIECES];
        status = us_problem_value(f64, theta, US_BATCH_ALL, loss);
        if (!status && piece && !isfinite(*loss)) break;
    }
    if (status == US_ERR_NONFINITE) us_context_error_clear(context), status = US_OK;
    if (!isfinite(path->losses[US__LOSS_PATH_LOOKS])) path->losses[US__LOSS_PATH_LOOKS] = HUGE_VAL;
    us_vec_destroy(theta);
    return status;
}

static double loss_path_mean(const us__loss_path *path) {
    double sum = 0;
    for (int k = 1; k <= US__LOSS_PATH_LOOKS; k++) sum += path->losses[k] / US__LOSS_PATH_LOOKS;
    return sum;
}

/* A millionth of the loss, and what the path jitters by about its own trend: half the median of the second differences
 * over its second half. */
static double loss_path_noise(const us__loss_path *path) {
    double second[US__LOSS_PATH_LOOKS / 2], noise = 1e-6 * fabs(path->losses[0]);
    int count = 0;
    for (int k = US__LOSS_PATH_LOOKS / 2; k < US__LOSS_PATH_LOOKS; k++) {
        double d = fabs(path->losses[k - 1] - 2 * path->losses[k] + path->losses[k + 1]);
        int at = count++;
        for (; at > 0 && second[at - 1] > d; at--) second[at] = second[at - 1];
        second[at] = d;
    }
    double jitter = 0.5 * second[count / 2];
    return isfinite(jitter) ? noise + jitter : isfinite(noise) ? noise : 0;
}

void us__loss_path_compare(us_trial *t, const us__loss_path *path, const us__loss_path *carrying_on) {
    us__loss_path beside;
    for (int k = 0; k <= US__LOSS_PATH_LOOKS; k++) beside.losses[k] = carrying_on->losses[k] / t->unit[0] / t->unit[1];
    double noise = loss_path_noise(&beside), end = path->losses[US__LOSS_PATH_LOOKS],
           price = t->price / t->unit[0] / t->unit[1];
    t->loss_with_remedy = isinf(end) ? (double)NAN : end * t->unit[0] * t->unit[1];
    t->helps = end < beside.losses[0] - loss_path_noise(path) - price &&
               end < beside.losses[US__LOSS_PATH_LOOKS] + noise - price &&
               loss_path_mean(path) < loss_path_mean(&beside) - noise / 2; /* a mean of ten is surer than one */
}
