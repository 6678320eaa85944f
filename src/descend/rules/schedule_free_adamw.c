/* Schedule-free AdamW: gradients are taken at y, between the iterate z, which moves as RMSProp does, and the average x of
 * all z. θ is y, and x is what predicts. With z = θ and v = 0 at the start, γ = α √(1−β₂ᵗ), A the largest γ so far: W ← W +
 * A²,  c = A²/W,  v ← β₂ v + (1−β₂) g²,  z ← z − γ (g/(√v + ε) + λ y),  x ← (1 − c) x + c z,  y = (1−β₁) z + β₁ x. x is not
 * kept: it is (y − (1−β₁) z)/β₁.
 *
 * Source: Defazio et al. 2024, NeurIPS, arXiv:2405.15682, algorithm 1, with the correction of bias and the weights c of the
 * authors' reference program. */
#include "descend/rules/rules.h"
#include "vec/real.h"
#include <string.h>

typedef struct US_REAL(schedule_free_adamw_step) {
    us_real keep2, take2, epsilon, rate, decay, share, take;
    us_real *theta, *z, *v;
    const us_real *gradient;
} US_REAL(schedule_free_adamw_step);

/* y ← y + c (z − y) + (1 − β₁ (1 − c)) d for a step d of z. */
US_KERNEL static void schedule_free_adamw_block(void *user, size_t from, size_t count) {
    const US_REAL(schedule_free_adamw_step) *p = user;
    us_real *restrict y = p->theta + from, *restrict z = p->z + from, *restrict v = p->v + from;
    const us_real *restrict gradient = p->gradient + from;
    for (size_t i = 0; i < count; i++) {
        us_real g = gradient[i], before = z[i];
        v[i] = p->keep2 * v[i] + p->take2 * (g * g);
        us_real d = -p->rate * (g / (us_real_sqrt(v[i]) + p->epsilon) + p->decay * y[i]);
        z[i] = before + d;
        y[i] += p->take * (before - y[i]) + p->share * d;
    }
}

us_status US_REAL(us__schedule_free_adamw_whole)(const us_rule_whole *w) {
    const double *hyper = w->step->hyper;
    double beta1 = hyper[0], *sum = &w->memory[0], *largest = &w->memory[1];
    double rate = w->step->learning_rate * sqrt(1 - pow(hyper[1], (double)w->step->step));
    *largest = fmax(*largest, rate);
    *sum += *largest * *largest;
    double c = *sum > 0 ? *largest * *largest / *sum : 0;
    if (w->step->step == 1) memcpy(w->state[0], w->theta, w->n * sizeof(us_real));
    us__rule_blocks(w->context, w->n, schedule_free_adamw_block,
                    &(US_REAL(schedule_free_adamw_step)){.keep2 = (us_real)hyper[1],
                                                         .take2 = (us_real)(1 - hyper[1]),
                                                         .epsilon = (us_real)hyper[2],
                                                         .rate = (us_real)rate,
                                                         .decay = (us_real)hyper[3],
                                                         .take = (us_real)c,
                                                         .share = (us_real)(1 - beta1 * (1 - c)),
                                                         .theta = w->theta,
                                                         .z = w->state[0],
                                                         .v = w->state[1],
                                                         .gradient = w->gradient});
    return US_OK;
}

#if US_REAL_BITS == 64
static const us_hyperparameter schedule_free_adamw_hyperparameters[] = {
    {"beta1", 0.9, 0.01, 1, "where gradients are taken: 1 at the average, 0 at the iterate"},
    {"beta2", 0.999, 0, 0.999999, "decay of the mean of squared gradients"},
    {"epsilon", 1e-8, 1e-30, 1, "added to the root, so that a gradient of zero divides by no zero"},
    {"weight-decay", 0, 0, 1, "share of theta that a step takes away for each unit of alpha"},
};

static size_t schedule_free_adamw_memory(const us_group *groups, size_t count) {
    (void)groups, (void)count;
    return 2;
}

US__RULE_BY_PRECISION(schedule_free_adamw)

const us_rule us__rule_schedule_free_adamw = {
    .name = "schedule-free-adamw",
    .title = "Schedule-free AdamW",
    .formula = "g at y = theta; gamma = alpha sqrt(1 - beta2^t), A = largest gamma so far, W = sum of A^2, c = A^2 / W\n"
               "v <- beta2 v + (1 - beta2) g^2\n"
               "z <- z - gamma (g / (sqrt(v) + epsilon) + lambda y)\n"
               "x <- (1 - c) x + c z, which predicts\n"
               "y <- (1 - beta1) z + beta1 x",
    .latex = "v_t = \\beta_2 v_{t-1} + (1-\\beta_2) g(y_{t-1})^2 \\\\ "
             "z_t = z_{t-1} - \\gamma_t\\left(\\frac{g(y_{t-1})}{\\sqrt{v_t}+\\epsilon} + \\lambda y_{t-1}\\right),\\quad "
             "\\gamma_t = \\alpha\\sqrt{1-\\beta_2^t} \\\\ "
             "x_t = (1-c_t) x_{t-1} + c_t z_t,\\quad c_t = A_t^2/\\textstyle\\sum_{i\\le t} A_i^2,\\quad "
             "A_t = \\max_{i\\le t}\\gamma_i \\\\ "
             "y_t = (1-\\beta_1) z_t + \\beta_1 x_t",
    .source = "Defazio et al. 2024, algorithm 1",
    .advice = "AdamW that needs no schedule and no end in sight: what predicts is an average of the iterates; try --warmup.",
    .learning_rate = 0.0025,
    .hyperparameters = schedule_free_adamw_hyperparameters,
    .hyperparameter_count = 4,
    .states = 2,
    .update = schedule_free_adamw_update,
    .memory = schedule_free_adamw_memory,
    .weights = us__schedule_free_weights,
};
#endif
