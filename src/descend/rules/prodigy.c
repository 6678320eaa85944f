/* Prodigy: as D-Adaptation, with an estimate d of the distance that grows faster. With d = d₀ and r = 0 at the start,
 * β₃ = √β₂, all vectors but θ₀ from zero:
 *   r ← β₃ r + α (d²/d₀) ⟨g, θ₀ − θ⟩,  s ← β₃ s + α (d²/d₀) g,
 *   m ← β₁ m + (1−β₁) d g,  v ← β₂ v + (1−β₂) d² g²,  e = d,  d ← max(d, c r / Σ |s|),
 *   θ ← (1 − α e λ) θ − α e m / (√v + d ε).
 *
 * Source: Mishchenko & Defazio 2024, ICML, arXiv:2306.06101, algorithm 4, as the authors' reference program has it (s and r
 * over d₀, no correction of bias). */
#include "descend/rules/rules.h"
#include "vec/real.h"
#include <string.h>

typedef struct US_REAL(prodigy_step) {
    us_real keep1, take1, keep2, take2, keep3, take3, rate, epsilon, stay;
    us_real *theta, *start, *m, *v, *s;
    const us_real *gradient;
} US_REAL(prodigy_step);

/* The means; ⟨g, θ₀ − θ⟩, Σ |s|. */
US_KERNEL static void prodigy_means(void *user, size_t from, size_t count, double *sums) {
    const US_REAL(prodigy_step) *p = user;
    us_real *restrict m = p->m + from, *restrict v = p->v + from, *restrict s = p->s + from;
    const us_real *restrict gradient = p->gradient + from, *restrict theta = p->theta + from;
    const us_real *restrict start = p->start + from;
    double a = 0, b = 0;
#pragma omp simd reduction(+ : a, b)
    for (size_t i = 0; i < count; i++) {
        us_real g = gradient[i];
        a += (double)g * ((double)start[i] - (double)theta[i]);
        m[i] = p->keep1 * m[i] + p->take1 * g;
        v[i] = p->keep2 * v[i] + p->take2 * (g * g);
        s[i] = p->keep3 * s[i] + p->take3 * g;
        b += (double)us_real_fabs(s[i]);
    }
    sums[0] = a, sums[1] = b;
}

US_KERNEL static void prodigy_move(void *user, size_t from, size_t count) {
    const US_REAL(prodigy_step) *p = user;
    us_real *restrict theta = p->theta + from;
    const us_real *restrict m = p->m + from, *restrict v = p->v + from;
    for (size_t i = 0; i < count; i++) theta[i] = p->stay * theta[i] - p->rate * m[i] / (us_real_sqrt(v[i]) + p->epsilon);
}

us_status US_REAL(us__prodigy_whole)(const us_rule_whole *w) {
    const double *hyper = w->step->hyper;
    double *d = &w->memory[0], *numerator = &w->memory[1], sums[US__RULE_SUMS];
    double beta3 = sqrt(hyper[1]), alpha = w->step->learning_rate, d0 = hyper[4];
    if (w->step->step == 1) {
        *d = d0;
        memcpy(w->state[0], w->theta, w->n * sizeof(us_real));
    }
    double rate = alpha * *d;
    US_REAL(prodigy_step)
    p = {.keep1 = (us_real)hyper[0],
         .take1 = (us_real)(*d * (1 - hyper[0])),
         .keep2 = (us_real)hyper[1],
         .take2 = (us_real)(*d * *d * (1 - hyper[1])),
         .keep3 = (us_real)beta3,
         .take3 = (us_real)(rate * *d / d0),
         .rate = (us_real)rate,
         .stay = (us_real)(1 - rate * hyper[3]),
         .theta = w->theta,
         .start = w->state[0],
         .m = w->state[1],
         .v = w->state[2],
         .s = w->state[3],
         .gradient = w->gradient};
    us__rule_sums(w->context, w->n, prodigy_means, &p, w->scratch, sums);
    if (sums[1] == 0) return US_OK; /* no gradient so far */
    *numerator = beta3 * *numerator + rate * *d / d0 * sums[0];
    *d = fmax(*d, hyper[5] * *numerator / sums[1]);
    p.epsilon = (us_real)(*d * hyper[2]);
    us__rule_blocks(w->context, w->n, prodigy_move, &p);
    return US_OK;
}

#if US_REAL_BITS == 64
static const us_hyperparameter prodigy_hyperparameters[] = {
    {"beta1", 0.9, 0, 0.999999, "decay of the mean of gradients"},
    {"beta2", 0.999, 0, 0.999999, "decay of the mean of squared gradients; its root is that of the estimate"},
    {"epsilon", 1e-8, 1e-30, 1, "added to the root, so that a gradient of zero divides by no zero"},
    {"weight-decay", 0, 0, 1, "share of theta that a step takes away for each unit of alpha d"},
    {"d0", 1e-6, 1e-30, 1e6, "first estimate of the distance; must be below it"},
    {"d-coefficient", 1, 1e-6, 1e6, "factor on the estimate: what to change for longer or shorter steps"},
};

static size_t prodigy_memory(const us_group *groups, size_t count) {
    (void)groups, (void)count;
    return 2;
}

US__RULE_BY_PRECISION(prodigy)

const us_rule us__rule_prodigy = {
    .name = "prodigy",
    .title = "Prodigy",
    .formula = "d = d0 at the start, beta3 = sqrt(beta2), e = d before the step\n"
               "r <- beta3 r + alpha (e^2 / d0) <g, theta0 - theta>\n"
               "s <- beta3 s + alpha (e^2 / d0) g\n"
               "m <- beta1 m + (1 - beta1) e g\n"
               "v <- beta2 v + (1 - beta2) e^2 g^2\n"
               "d <- max(e, c r / sum|s|)\n"
               "theta <- (1 - alpha e lambda) theta - alpha e m / (sqrt(v) + d epsilon)",
    .latex =
        "r_t = \\sqrt{\\beta_2}\\,r_{t-1} + \\alpha\\frac{d_{t-1}^2}{d_0}\\langle g_t, \\theta_0 - \\theta_{t-1}\\rangle "
        "\\\\ s_t = \\sqrt{\\beta_2}\\,s_{t-1} + \\alpha\\frac{d_{t-1}^2}{d_0} g_t \\\\ "
        "m_t = \\beta_1 m_{t-1} + (1-\\beta_1) d_{t-1} g_t \\\\ "
        "v_t = \\beta_2 v_{t-1} + (1-\\beta_2) d_{t-1}^2 g_t^2 \\\\ "
        "d_t = \\max\\left(d_{t-1}, \\frac{c\\,r_t}{\\|s_t\\|_1}\\right) \\\\ "
        "\\theta_t = (1-\\alpha d_{t-1}\\lambda)\\theta_{t-1} - "
        "\\alpha d_{t-1}\\frac{m_t}{\\sqrt{v_t}+d_t\\epsilon}",
    .source = "Mishchenko & Defazio 2024, algorithm 4",
    .advice = "Adam without a rate to tune: leave --lr at 1, with --schedule cosine:STEPS.",
    .learning_rate = 1,
    .hyperparameters = prodigy_hyperparameters,
    .hyperparameter_count = 6,
    .states = 4,
    .update = prodigy_update,
    .memory = prodigy_memory,
    .scratch = us__rule_sums_scratch,
    .finds_rate = true,
};
#endif
