/* AMSGrad: Adam by the largest v so far, so that a step never grows because a large gradient is forgotten:
 *   m, v as Adam's,  w ← max(w, v),  θ ← θ − α m̂ / (√(w/(1−β₂ᵗ)) + ε).
 *
 * Source: Reddi, Kale & Kumar 2018, ICLR, algorithm 2 (arXiv:1904.09237), which corrects no bias; PyTorch's
 * Adam(amsgrad=True) does, and so does this. */
#include "descend/rules/rules.h"
#include "vec/real.h"

US_KERNEL void US_REAL(us__amsgrad_update)(const us_rule_step *step, us_real *restrict theta,
                                           const us_real *restrict gradient, us_real *const *state, size_t n) {
    double beta1 = step->hyper[0], beta2 = step->hyper[1], t = (double)step->step;
    us_real keep1 = (us_real)beta1, take1 = (us_real)(1 - beta1), keep2 = (us_real)beta2, take2 = (us_real)(1 - beta2);
    us_real rate = (us_real)(step->learning_rate / (1 - pow(beta1, t)));
    us_real correction = (us_real)(1 / sqrt(1 - pow(beta2, t))), epsilon = (us_real)step->hyper[2];
    us_real *restrict m = state[0], *restrict v = state[1], *restrict w = state[2];
    for (size_t i = 0; i < n; i++) {
        us_real g = gradient[i];
        m[i] = keep1 * m[i] + take1 * g;
        v[i] = keep2 * v[i] + take2 * (g * g);
        w[i] = w[i] > v[i] ? w[i] : v[i];
        theta[i] -= rate * m[i] / (us_real_sqrt(w[i]) * correction + epsilon);
    }
}

#if US_REAL_BITS == 64
static const us_hyperparameter amsgrad_hyperparameters[] = {
    {"beta1", 0.9, 0, 0.999999, "decay of the mean of gradients"},
    {"beta2", 0.999, 0, 0.999999, "decay of the mean of squared gradients"},
    {"epsilon", 1e-8, 1e-30, 1, "added to the root, so that a gradient of zero divides by no zero"},
};

static double amsgrad_preconditioner(const us_rule_step *step, const double *state) {
    return sqrt(state[2] / (1 - pow(step->hyper[1], (double)step->step))) + step->hyper[2];
}

static double amsgrad_stability(const double *hyper) { return 2 * (1 + hyper[0]) / (1 - hyper[0]); } /* as Adam */

static double amsgrad_growth(const double *hyper, double b) { return us__growth_mean(hyper[0], b); }

const us_rule us__rule_amsgrad = {
    .name = "amsgrad",
    .title = "AMSGrad",
    .formula = "m <- beta1 m + (1 - beta1) g\n"
               "v <- beta2 v + (1 - beta2) g^2\n"
               "w <- max(w, v)\n"
               "theta <- theta - alpha (m / (1 - beta1^t)) / (sqrt(w / (1 - beta2^t)) + epsilon)",
    .latex = "m_t = \\beta_1 m_{t-1} + (1-\\beta_1) g_t \\\\ "
             "v_t = \\beta_2 v_{t-1} + (1-\\beta_2) g_t^2 \\\\ "
             "w_t = \\max(w_{t-1}, v_t) \\\\ "
             "\\theta_t = \\theta_{t-1} - \\alpha\\frac{m_t/(1-\\beta_1^t)}{\\sqrt{w_t/(1-\\beta_2^t)}+\\epsilon}",
    .source = "Reddi, Kale & Kumar 2018, algorithm 2, with Adam's correction of bias",
    .advice = "Adam that provably converges: where Adam hovers around a minimum because rare large gradients are forgotten.",
    .learning_rate = 0.001,
    .hyperparameters = amsgrad_hyperparameters,
    .hyperparameter_count = 3,
    .states = 3,
    .update_f32 = us__amsgrad_update_f32,
    .update_f64 = us__amsgrad_update_f64,
    .preconditioner = amsgrad_preconditioner,
    .stability = amsgrad_stability,
    .growth = amsgrad_growth,
};
#endif
