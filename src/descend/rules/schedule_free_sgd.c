/* Schedule-free SGD: gradients are taken at y, between the iterate z and the average x of all z. θ is y, and x is what
 * predicts. With z = θ at the start, α the rate now, A the largest so far:
 *   W ← W + A²,  c = A²/W,  z ← z − α (g + λ y),  x ← (1 − c) x + c z,  y = (1 − β) z + β x.
 * x is not kept: it is (y − (1−β) z)/β.
 *
 * Source: Defazio et al. 2024, NeurIPS, arXiv:2405.15682, eqs. (1) to (3), with the authors' program's weights c. */
#include "descend/rules/rules.h"
#include "vec/real.h"
#include <string.h>

typedef struct US_REAL(schedule_free_sgd_step) {
    us_real rate, decay, share, take;
    us_real *theta, *z;
    const us_real *gradient;
    us_real *out;
} US_REAL(schedule_free_sgd_step);

/* y ← y + c (z − y) + (1 − β (1 − c)) d for a step d of z. */
US_KERNEL static void schedule_free_sgd_block(void *user, size_t from, size_t count) {
    const US_REAL(schedule_free_sgd_step) *p = user;
    us_real *restrict y = p->theta + from, *restrict z = p->z + from;
    const us_real *restrict gradient = p->gradient + from;
    for (size_t i = 0; i < count; i++) {
        us_real before = z[i], d = -p->rate * (gradient[i] + p->decay * y[i]);
        z[i] = before + d;
        y[i] += p->take * (before - y[i]) + p->share * d;
    }
}

us_status US_REAL(us__schedule_free_sgd_whole)(const us_rule_whole *w) {
    double beta = w->step->hyper[0], rate = w->step->learning_rate, *sum = &w->memory[0], *largest = &w->memory[1];
    *largest = fmax(*largest, rate);
    *sum += *largest * *largest;
    double c = *sum > 0 ? *largest * *largest / *sum : 0;
    if (w->step->step == 1) memcpy(w->state[0], w->theta, w->n * sizeof(us_real));
    us__rule_blocks(w->context, w->n, schedule_free_sgd_block,
                    &(US_REAL(schedule_free_sgd_step)){.rate = (us_real)rate,
                                                       .decay = (us_real)w->step->hyper[1],
                                                       .take = (us_real)c,
                                                       .share = (us_real)(1 - beta * (1 - c)),
                                                       .theta = w->theta,
                                                       .z = w->state[0],
                                                       .gradient = w->gradient});
    return US_OK;
}

US_KERNEL static void schedule_free_sgd_average(void *user, size_t from, size_t count) {
    const US_REAL(schedule_free_sgd_step) *p = user;
    for (size_t i = from; i < from + count; i++)
        p->out[i] = p->z[i] + (p->theta[i] - p->z[i]) * p->take; /* x = z + (y − z)/β */
}

void US_REAL(us__schedule_free_weights)(const us_rule_whole *w, void *out) {
    if (w->step->step == 0) {
        memcpy(out, w->theta, w->n * sizeof(us_real));
        return;
    }
    double beta = w->step->hyper[0];
    us__rule_blocks(
        w->context, w->n, schedule_free_sgd_average,
        &(US_REAL(schedule_free_sgd_step)){.take = (us_real)(1 / beta), .theta = w->theta, .z = w->state[0], .out = out});
}

#if US_REAL_BITS == 64
static const us_hyperparameter schedule_free_sgd_hyperparameters[] = {
    {"beta", 0.9, 0.01, 1, "where gradients are taken: 1 at the average, 0 at the iterate"},
    {"weight-decay", 0, 0, 1, "added to the gradient, times theta"},
};

static size_t schedule_free_sgd_memory(const us_group *groups, size_t count) {
    (void)groups, (void)count;
    return 2;
}

void us__schedule_free_weights(const us_rule_whole *w, void *out) {
    if (w->precision == US_F32)
        us__schedule_free_weights_f32(w, out);
    else
        us__schedule_free_weights_f64(w, out);
}

US__RULE_BY_PRECISION(schedule_free_sgd)

const us_rule us__rule_schedule_free_sgd = {
    .name = "schedule-free-sgd",
    .title = "Schedule-free SGD",
    .formula = "g at y = theta; A = largest alpha so far, W = sum of A^2, c = A^2 / W\n"
               "z <- z - alpha (g + lambda y)\n"
               "x <- (1 - c) x + c z, which predicts\n"
               "y <- (1 - beta) z + beta x",
    .latex = "z_t = z_{t-1} - \\alpha(g(y_{t-1}) + \\lambda y_{t-1}) \\\\ "
             "x_t = (1-c_t) x_{t-1} + c_t z_t,\\quad c_t = A_t^2/\\textstyle\\sum_{i\\le t} A_i^2,\\quad "
             "A_t = \\max_{i\\le t}\\alpha_i \\\\ "
             "y_t = (1-\\beta) z_t + \\beta x_t",
    .source = "Defazio et al. 2024, eqs. (1) to (3)",
    .advice = "Stochastic descent that needs no schedule and no end in sight: what predicts is an average of the iterates.",
    .learning_rate = 0.1,
    .hyperparameters = schedule_free_sgd_hyperparameters,
    .hyperparameter_count = 2,
    .states = 1,
    .update = schedule_free_sgd_update,
    .memory = schedule_free_sgd_memory,
    .weights = us__schedule_free_weights,
};
#endif
