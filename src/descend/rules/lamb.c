/* LAMB: AdamW whose step is as long as the group's weights. In each group
 *   m ← β₁ m + (1−β₁) g,  v ← β₂ v + (1−β₂) g²,  u = m̂ / (√v̂ + ε) + λ θ,  θ ← θ − α (‖θ‖/‖u‖) u,
 * with Adam's correction of bias, and 1 for ‖θ‖/‖u‖ where one of them is zero.
 *
 * Source: You et al. 2020, ICLR, arXiv:1904.00962, algorithm 2, with φ(z) = z. */
#include "descend/rules/rules.h"
#include "vec/real.h"

typedef struct US_REAL(lamb_group) {
    us_real keep1, take1, keep2, take2, correction1, correction2, epsilon, decay, rate;
    us_real *theta, *m, *v;
    const us_real *gradient;
} US_REAL(lamb_group);

/* u; it is worked out twice, for to keep it costs as much as to read m and v again. */
static inline us_real lamb_at(const US_REAL(lamb_group) * s, us_real m, us_real v, us_real theta) {
    return s->correction1 * m / (us_real_sqrt(v) * s->correction2 + s->epsilon) + s->decay * theta;
}

/* m, v; ‖θ‖², ‖u‖². */
US_KERNEL static void lamb_direction(void *user, size_t from, size_t count, double *sums) {
    const US_REAL(lamb_group) *s = user;
    us_real *restrict m = s->m + from, *restrict v = s->v + from;
    const us_real *restrict gradient = s->gradient + from, *restrict theta = s->theta + from;
    double a = 0, b = 0;
#pragma omp simd reduction(+ : a, b)
    for (size_t i = 0; i < count; i++) {
        us_real g = gradient[i];
        m[i] = s->keep1 * m[i] + s->take1 * g;
        v[i] = s->keep2 * v[i] + s->take2 * (g * g);
        us_real u = lamb_at(s, m[i], v[i], theta[i]);
        a += (double)theta[i] * (double)theta[i];
        b += (double)u * (double)u;
    }
    sums[0] = a, sums[1] = b;
}

US_KERNEL static void lamb_move(void *user, size_t from, size_t count) {
    const US_REAL(lamb_group) *s = user;
    us_real *restrict theta = s->theta + from;
    const us_real *restrict m = s->m + from, *restrict v = s->v + from;
    for (size_t i = 0; i < count; i++) theta[i] -= s->rate * lamb_at(s, m[i], v[i], theta[i]);
}

us_status US_REAL(us__lamb_whole)(const us_rule_whole *w) {
    const double *hyper = w->step->hyper;
    double t = (double)w->step->step, sums[US__RULE_SUMS];
    US_REAL(lamb_group)
    s = {.keep1 = (us_real)hyper[0],
         .take1 = (us_real)(1 - hyper[0]),
         .keep2 = (us_real)hyper[1],
         .take2 = (us_real)(1 - hyper[1]),
         .correction1 = (us_real)(1 / (1 - pow(hyper[0], t))),
         .correction2 = (us_real)(1 / sqrt(1 - pow(hyper[1], t))),
         .epsilon = (us_real)hyper[2],
         .decay = (us_real)hyper[3]};
    for (size_t k = 0; k < w->group_count; k++) {
        size_t at = w->groups[k].offset, n = w->groups[k].count;
        s.theta = (us_real *)w->theta + at, s.gradient = (const us_real *)w->gradient + at;
        s.m = (us_real *)w->state[0] + at, s.v = (us_real *)w->state[1] + at;
        us__rule_sums(w->context, n, lamb_direction, &s, w->scratch, sums);
        double ratio = sums[0] > 0 && sums[1] > 0 ? sqrt(sums[0]) / sqrt(sums[1]) : 1;
        s.rate = (us_real)(w->step->learning_rate * ratio);
        us__rule_blocks(w->context, n, lamb_move, &s);
    }
    return US_OK;
}

#if US_REAL_BITS == 64
static const us_hyperparameter lamb_hyperparameters[] = {
    {"beta1", 0.9, 0, 0.999999, "decay of the mean of gradients"},
    {"beta2", 0.999, 0, 0.999999, "decay of the mean of squared gradients"},
    {"epsilon", 1e-6, 1e-30, 1, "added to the root, so that a gradient of zero divides by no zero"},
    {"weight-decay", 0.01, 0, 1, "added to the direction, times theta"},
};

US__RULE_BY_PRECISION(lamb)

const us_rule us__rule_lamb = {
    .name = "lamb",
    .title = "LAMB (layer-wise adaptive moments)",
    .formula = "m <- beta1 m + (1 - beta1) g\n"
               "v <- beta2 v + (1 - beta2) g^2\n"
               "u = (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon) + lambda theta\n"
               "in each group: theta <- theta - alpha (|theta| / |u|) u, the ratio being 1 where theta or u is 0",
    .latex = "m_t = \\beta_1 m_{t-1} + (1-\\beta_1) g_t \\\\ "
             "v_t = \\beta_2 v_{t-1} + (1-\\beta_2) g_t^2 \\\\ "
             "u_t = \\frac{m_t/(1-\\beta_1^t)}{\\sqrt{v_t/(1-\\beta_2^t)}+\\epsilon} + \\lambda\\theta_{t-1} \\\\ "
             "\\theta_t = \\theta_{t-1} - \\alpha\\,\\frac{\\|\\theta_{t-1}\\|}{\\|u_t\\|}\\,u_t",
    .source = "You et al. 2020, algorithm 2",
    .advice = "AdamW for very large batches: each layer moves by a share of its own size.",
    .learning_rate = 0.001,
    .hyperparameters = lamb_hyperparameters,
    .hyperparameter_count = 4,
    .states = 2,
    .update = lamb_update,
    .scratch = us__rule_sums_scratch,
};
#endif
