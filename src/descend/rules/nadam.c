/* NAdam: Adam with Nesterov's look ahead. With μₜ = β₁(1 − ½·0.96^(tψ)) and Π the product of all μ so far:
 *   θ ← θ − α (μₜ₊₁ m/(1 − Π μₜ₊₁) + (1 − μₜ) g/(1 − Π)) / (√(v/(1−β₂ᵗ)) + ε).
 *
 * Source: Dozat 2016, ICLR workshop, algorithm 2, with its schedule of μ, as PyTorch has it. */
#include "descend/rules/rules.h"
#include "vec/real.h"

/* What a step is for all elements. */
typedef struct US_REAL(nadam_step) {
    us_real keep1, take1, keep2, take2, rate_mean, rate_gradient, correction, epsilon;
    us_real *theta, *m, *v;
    const us_real *gradient;
} US_REAL(nadam_step);

US_KERNEL static void nadam_block(void *user, size_t from, size_t count) {
    const US_REAL(nadam_step) *s = user;
    us_real *restrict theta = s->theta + from, *restrict m = s->m + from, *restrict v = s->v + from;
    const us_real *restrict gradient = s->gradient + from;
    for (size_t i = 0; i < count; i++) {
        us_real g = gradient[i];
        m[i] = s->keep1 * m[i] + s->take1 * g;
        v[i] = s->keep2 * v[i] + s->take2 * (g * g);
        theta[i] -= (s->rate_mean * m[i] + s->rate_gradient * g) / (us_real_sqrt(v[i]) * s->correction + s->epsilon);
    }
}

us_status US_REAL(us__nadam_whole)(const us_rule_whole *w) {
    const double *hyper = w->step->hyper;
    double beta1 = hyper[0], beta2 = hyper[1], t = (double)w->step->step, rate = w->step->learning_rate;
    double mu = beta1 * (1 - 0.5 * pow(0.96, t * hyper[3])), ahead = beta1 * (1 - 0.5 * pow(0.96, (t + 1) * hyper[3]));
    double *product = &w->memory[0]; /* 1 − Π, so that zeros are the start */
    double part = (1 - *product) * mu;
    *product = 1 - part;
    us__rule_blocks(w->context, w->n, nadam_block,
                    &(US_REAL(nadam_step)){.keep1 = (us_real)beta1,
                                           .take1 = (us_real)(1 - beta1),
                                           .keep2 = (us_real)beta2,
                                           .take2 = (us_real)(1 - beta2),
                                           .rate_mean = (us_real)(rate * ahead / (1 - part * ahead)),
                                           .rate_gradient = (us_real)(rate * (1 - mu) / (1 - part)),
                                           .correction = (us_real)(1 / sqrt(1 - pow(beta2, t))),
                                           .epsilon = (us_real)hyper[2],
                                           .theta = w->theta,
                                           .m = w->state[0],
                                           .v = w->state[1],
                                           .gradient = w->gradient});
    return US_OK;
}

#if US_REAL_BITS == 64
static const us_hyperparameter nadam_hyperparameters[] = {
    {"beta1", 0.9, 0, 0.999999, "decay of the mean of gradients"},
    {"beta2", 0.999, 0, 0.999999, "decay of the mean of squared gradients"},
    {"epsilon", 1e-8, 1e-30, 1, "added to the root, so that a gradient of zero divides by no zero"},
    {"psi", 0.004, 0, 1, "how fast the momentum rises to beta1"},
};

static size_t nadam_memory(const us_group *groups, size_t count) {
    (void)groups, (void)count;
    return 1;
}

US__RULE_BY_PRECISION(nadam)

static double nadam_preconditioner(const us_rule_step *step, const double *state) {
    return sqrt(state[1] / (1 - pow(step->hyper[1], (double)step->step))) + step->hyper[2];
}

/* Nesterov's momentum with (1 − β₁)α for the rate, once μ has risen to β₁. */
static double nadam_stability(const double *hyper) { return (2 + 2 * hyper[0]) / ((1 + 2 * hyper[0]) * (1 - hyper[0])); }

const us_rule us__rule_nadam = {
    .name = "nadam",
    .title = "NAdam (Adam with Nesterov momentum)",
    .formula = "mu(t) = beta1 (1 - 1/2 0.96^(t psi)), P = product of mu(1) .. mu(t)\n"
               "m <- beta1 m + (1 - beta1) g\n"
               "v <- beta2 v + (1 - beta2) g^2\n"
               "theta <- theta - alpha (mu(t+1) m / (1 - P mu(t+1)) + (1 - mu(t)) g / (1 - P)) / (sqrt(v / (1 - beta2^t)) + "
               "epsilon)",
    .latex = "\\mu_t = \\beta_1\\left(1 - \\tfrac12 0.96^{t\\psi}\\right),\\quad P_t = \\prod_{i=1}^{t}\\mu_i \\\\ "
             "m_t = \\beta_1 m_{t-1} + (1-\\beta_1) g_t \\\\ "
             "v_t = \\beta_2 v_{t-1} + (1-\\beta_2) g_t^2 \\\\ "
             "\\theta_t = \\theta_{t-1} - \\alpha\\,\\frac{\\mu_{t+1} m_t/(1-P_t\\mu_{t+1}) + (1-\\mu_t) g_t/(1-P_t)}"
             "{\\sqrt{v_t/(1-\\beta_2^t)}+\\epsilon}",
    .source = "Dozat 2016, algorithm 2",
    .advice = "Adam that looks ahead: often a little faster at first; else as Adam.",
    .learning_rate = 0.002,
    .hyperparameters = nadam_hyperparameters,
    .hyperparameter_count = 4,
    .states = 2,
    .update = nadam_update,
    .memory = nadam_memory,
    .preconditioner = nadam_preconditioner,
    .stability = nadam_stability,
};
#endif
