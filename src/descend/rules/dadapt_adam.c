/* D-Adaptation, Adam's form: Adam whose rate is an estimate d of the distance to the solution, from below. With
 * d = d₀ and n = 0 at the start, γ = α d, all vectors from zero:
 *   m ← β₁ m + (1−β₁) γ g,  v ← β₂ v + (1−β₂) g²,  s ← β₂ s + (1−β₂) γ g,  A = √v + ε,
 *   n ← β₂ n + (1−β₂) γ² Σ g²/A,  d ← max(d, (Σ s²/A / (1−β₂) − n) / Σ |s|),  θ ← (1 − γ λ) θ − m/A.
 *
 * Source: Defazio & Mishchenko 2023, ICML, arXiv:2301.07733, algorithm 5, as the authors' program has it (no correction of
 * bias, β₂ for s, decay of the weights decoupled). */
#include "descend/rules/rules.h"
#include "vec/real.h"

typedef struct US_REAL(dadapt_adam_step) {
    us_real keep1, take1, keep2, take2, take_s, epsilon, stay;
    us_real *theta, *m, *v, *s;
    const us_real *gradient;
} US_REAL(dadapt_adam_step);

/* The means; Σ g²/A, Σ s²/A, Σ |s|. */
US_KERNEL static void dadapt_adam_means(void *user, size_t from, size_t count, double *sums) {
    const US_REAL(dadapt_adam_step) *p = user;
    us_real *restrict m = p->m + from, *restrict v = p->v + from, *restrict s = p->s + from;
    const us_real *restrict gradient = p->gradient + from;
    double a = 0, b = 0, c = 0;
#pragma omp simd reduction(+ : a, b, c)
    for (size_t i = 0; i < count; i++) {
        us_real g = gradient[i];
        m[i] = p->keep1 * m[i] + p->take1 * g;
        v[i] = p->keep2 * v[i] + p->take2 * (g * g);
        s[i] = p->keep2 * s[i] + p->take_s * g;
        us_real root = us_real_sqrt(v[i]) + p->epsilon;
        a += (double)(g * g / root);
        b += (double)s[i] * (double)s[i] / (double)root;
        c += (double)us_real_fabs(s[i]);
    }
    sums[0] = a, sums[1] = b, sums[2] = c;
}

US_KERNEL static void dadapt_adam_move(void *user, size_t from, size_t count) {
    const US_REAL(dadapt_adam_step) *p = user;
    us_real *restrict theta = p->theta + from;
    const us_real *restrict m = p->m + from, *restrict v = p->v + from;
    for (size_t i = 0; i < count; i++) theta[i] = p->stay * theta[i] - m[i] / (us_real_sqrt(v[i]) + p->epsilon);
}

us_status US_REAL(us__dadapt_adam_whole)(const us_rule_whole *w) {
    const double *hyper = w->step->hyper;
    double *d = &w->memory[0], *weighted = &w->memory[1], sums[US__RULE_SUMS], beta2 = hyper[1];
    if (w->step->step == 1) *d = hyper[4];
    double rate = *d * w->step->learning_rate;
    US_REAL(dadapt_adam_step)
    p = {.keep1 = (us_real)hyper[0],
         .take1 = (us_real)(rate * (1 - hyper[0])),
         .keep2 = (us_real)beta2,
         .take2 = (us_real)(1 - beta2),
         .take_s = (us_real)(rate * (1 - beta2)),
         .epsilon = (us_real)hyper[2],
         .stay = (us_real)(1 - rate * hyper[3]),
         .theta = w->theta,
         .m = w->state[0],
         .v = w->state[1],
         .s = w->state[2],
         .gradient = w->gradient};
    us__rule_sums(w->context, w->n, dadapt_adam_means, &p, w->scratch, sums);
    *weighted = beta2 * *weighted + (1 - beta2) * rate * rate * sums[0];
    double estimate = (sums[1] / (1 - beta2) - *weighted) / sums[2];
    if (estimate > *d) *d = estimate; /* not where s = 0 */
    us__rule_blocks(w->context, w->n, dadapt_adam_move, &p);
    return US_OK;
}

#if US_REAL_BITS == 64
static const us_hyperparameter dadapt_adam_hyperparameters[] = {
    {"beta1", 0.9, 0, 0.999999, "decay of the mean of gradients"},
    {"beta2", 0.999, 0, 0.999999, "decay of the mean of squared gradients, and of the estimate"},
    {"epsilon", 1e-8, 1e-30, 1, "added to the root, so that a gradient of zero divides by no zero"},
    {"weight-decay", 0, 0, 1, "share of theta that a step takes away for each unit of alpha d"},
    {"d0", 1e-6, 1e-30, 1e6, "first estimate of the distance; must be below it"},
};

static size_t dadapt_adam_memory(const us_group *groups, size_t count) {
    (void)groups, (void)count;
    return 2;
}

US__RULE_BY_PRECISION(dadapt_adam)

const us_rule us__rule_dadapt_adam = {
    .name = "dadapt-adam",
    .title = "D-Adaptation, Adam's form",
    .formula = "d = d0 at the start\n"
               "m <- beta1 m + (1 - beta1) alpha d g\n"
               "v <- beta2 v + (1 - beta2) g^2, A = sqrt(v) + epsilon\n"
               "s <- beta2 s + (1 - beta2) alpha d g\n"
               "n <- beta2 n + (1 - beta2) (alpha d)^2 sum(g^2 / A)\n"
               "theta <- (1 - alpha d lambda) theta - m / A\n"
               "d <- max(d, (sum(s^2 / A) / (1 - beta2) - n) / sum|s|)",
    .latex = "m_t = \\beta_1 m_{t-1} + (1-\\beta_1)\\alpha d_{t-1} g_t \\\\ "
             "v_t = \\beta_2 v_{t-1} + (1-\\beta_2) g_t^2,\\quad A_t = \\sqrt{v_t} + \\epsilon \\\\ "
             "s_t = \\beta_2 s_{t-1} + (1-\\beta_2)\\alpha d_{t-1} g_t \\\\ "
             "n_t = \\beta_2 n_{t-1} + (1-\\beta_2)(\\alpha d_{t-1})^2 \\|g_t\\|^2_{A_t^{-1}} \\\\ "
             "\\theta_t = (1-\\alpha d_{t-1}\\lambda)\\theta_{t-1} - A_t^{-1} m_t \\\\ "
             "d_t = \\max\\left(d_{t-1}, \\frac{\\|s_t\\|^2_{A_t^{-1}}/(1-\\beta_2) - n_t}{\\|s_t\\|_1}\\right)",
    .source = "Defazio & Mishchenko 2023, algorithm 5",
    .advice = "Adam without a rate to tune: leave --lr at 1; a schedule still helps.",
    .learning_rate = 1,
    .hyperparameters = dadapt_adam_hyperparameters,
    .hyperparameter_count = 5,
    .states = 3,
    .update = dadapt_adam_update,
    .memory = dadapt_adam_memory,
    .scratch = us__rule_sums_scratch,
    .finds_rate = true,
};
#endif
