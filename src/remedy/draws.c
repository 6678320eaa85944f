/* A race of draws, one after the other, so that memory stays that of one copy. */
#include "remedy/draws.h"
#include <math.h>

enum { DRAWS_LONGEST = 2000 };

/* The loss after going on from theta for `steps`; inf when that does not stay finite. */
static us_status draws_loss(const us_training *training, const us_vec *theta, uint64_t steps, double *loss) {
    us_problem *problem = us_training_problem(training);
    us_training *copy = NULL;
    us_status status = us_training_copy(&copy, training, NULL);
    if (!status) status = us_training_set_theta(copy, theta, true);
    if (!status) status = us_training_advance(copy, steps);
    if (!status) status = us_problem_value(problem, us_training_theta(copy), US_BATCH_ALL, loss);
    us_training_destroy(copy);
    if (status == US_ERR_NONFINITE) {
        us_context_error_clear(us_problem_context(problem));
        status = US_OK, *loss = HUGE_VAL;
    }
    if (!status && !isfinite(*loss)) *loss = HUGE_VAL;
    return status;
}

us_status us__draws_race(us_training *training, uint64_t steps, us__draw *draw, void *user) {
    us_problem *problem = us_training_problem(training);
    us_context *context = us_problem_context(problem);
    size_t n = us_problem_dimension(problem);
    uint64_t length = steps / US__DRAWS < DRAWS_LONGEST ? steps / US__DRAWS : DRAWS_LONGEST;
    us_vec *theta = NULL, *best = NULL;
    double *values = us__alloc(context, n, sizeof *values), lowest = HUGE_VAL, loss = HUGE_VAL;
    us_status status = values ? US_OK : US_ERR_NOMEM;
    if (!status) status = us_vec_create(&theta, context, US_F64, n);
    if (!status) status = us_vec_create(&best, context, US_F64, n);
    for (uint64_t k = 0; k < US__DRAWS && !status; k++) {
        us_rng rng = us_rng_init(us_training_steps(training), 0xd4a3 + k);
        us_vec_read_f64(us_training_theta(training), values);
        draw(user, k, &rng, values);
        for (size_t i = 0; i < n; i++) us_vec_set(theta, i, values[i]);
        status = draws_loss(training, theta, length ? length : 1, &loss);
        if (!status && loss < lowest) lowest = loss, us_vec_copy(best, theta);
    }
    if (!status && !(lowest < HUGE_VAL))
        status = us__fail(context, US_ERR_NUMERIC, "none of %d draws stayed finite; lower the learning rate", US__DRAWS);
    if (!status) status = us_training_set_theta(training, best, true);
    us_vec_destroy(best);
    us_vec_destroy(theta);
    us__release(context, values);
    return status;
}
