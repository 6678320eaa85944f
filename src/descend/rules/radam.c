/* RAdam: Adam without its scaling until the variance of that scaling is known. With ρ∞ = 2/(1−β₂) − 1 and
 * ρ = ρ∞ − 2 t β₂ᵗ/(1−β₂ᵗ):
 *   ρ > 5:  θ ← θ − α r m̂ √(1−β₂ᵗ)/(√v + ε),  r = √((ρ−4)(ρ−2)ρ∞ / ((ρ∞−4)(ρ∞−2)ρ));   else  θ ← θ − α m̂.
 *
 * Source: Liu et al. 2020, ICLR, algorithm 2 (arXiv:1908.03265), where the bound is 4; the authors' program and PyTorch
 * have 5. */
#include "descend/rules/rules.h"
#include "vec/real.h"

/* The rectification times √(1−β₂ᵗ); 0 while v's variance is not known. */
static double radam_rectifier(double beta2, double t) {
    double far = 2 / (1 - beta2) - 1, power = pow(beta2, t), rho = far - 2 * t * power / (1 - power);
    return rho > 5 ? sqrt((rho - 4) * (rho - 2) * far / ((far - 4) * (far - 2) * rho) * (1 - power)) : 0;
}

US_KERNEL void US_REAL(us__radam_update)(const us_rule_step *step, us_real *restrict theta, const us_real *restrict gradient,
                                         us_real *const *state, size_t n) {
    double beta1 = step->hyper[0], beta2 = step->hyper[1], t = (double)step->step;
    us_real keep1 = (us_real)beta1, take1 = (us_real)(1 - beta1), keep2 = (us_real)beta2, take2 = (us_real)(1 - beta2);
    double r = radam_rectifier(beta2, t);
    bool known = r > 0;
    us_real rate = (us_real)(step->learning_rate * (known ? r : 1) / (1 - pow(beta1, t))), epsilon = (us_real)step->hyper[2];
    us_real *restrict m = state[0], *restrict v = state[1];
    for (size_t i = 0; i < n; i++) {
        us_real g = gradient[i];
        m[i] = keep1 * m[i] + take1 * g;
        v[i] = keep2 * v[i] + take2 * (g * g);
        theta[i] -= rate * m[i] / (known ? us_real_sqrt(v[i]) + epsilon : 1);
    }
}

#if US_REAL_BITS == 64
static const us_hyperparameter radam_hyperparameters[] = {
    {"beta1", 0.9, 0, 0.999999, "decay of the mean of gradients"},
    {"beta2", 0.999, 0, 0.999999, "decay of the mean of squared gradients"},
    {"epsilon", 1e-8, 1e-30, 1, "added to the root, so that a gradient of zero divides by no zero"},
};

static double radam_preconditioner(const us_rule_step *step, const double *state) {
    double r = radam_rectifier(step->hyper[1], (double)step->step);
    return r > 0 ? (sqrt(state[1]) + step->hyper[2]) / r : 1;
}

static double radam_stability(const double *hyper) { return 2 * (1 + hyper[0]) / (1 - hyper[0]); } /* as Adam */

static double radam_growth(const double *hyper, double b) { return us__growth_mean(hyper[0], b); }

const us_rule us__rule_radam = {
    .name = "radam",
    .title = "RAdam (rectified Adam)",
    .formula = "m <- beta1 m + (1 - beta1) g\n"
               "v <- beta2 v + (1 - beta2) g^2\n"
               "rho(inf) = 2 / (1 - beta2) - 1, rho = rho(inf) - 2 t beta2^t / (1 - beta2^t)\n"
               "r = sqrt((rho - 4) (rho - 2) rho(inf) / ((rho(inf) - 4) (rho(inf) - 2) rho))\n"
               "rho > 5: theta <- theta - alpha r (m / (1 - beta1^t)) sqrt(1 - beta2^t) / (sqrt(v) + epsilon)\n"
               "else:    theta <- theta - alpha m / (1 - beta1^t)",
    .latex =
        "m_t = \\beta_1 m_{t-1} + (1-\\beta_1) g_t \\\\ "
        "v_t = \\beta_2 v_{t-1} + (1-\\beta_2) g_t^2 \\\\ "
        "\\rho_\\infty = \\tfrac{2}{1-\\beta_2}-1,\\quad \\rho_t = \\rho_\\infty - \\frac{2t\\beta_2^t}{1-\\beta_2^t} \\\\ "
        "r_t = \\sqrt{\\frac{(\\rho_t-4)(\\rho_t-2)\\rho_\\infty}{(\\rho_\\infty-4)(\\rho_\\infty-2)\\rho_t}} \\\\ "
        "\\theta_t = \\theta_{t-1} - \\alpha r_t "
        "\\frac{m_t}{1-\\beta_1^t}\\frac{\\sqrt{1-\\beta_2^t}}{\\sqrt{v_t}+\\epsilon}\\quad(\\rho_t > 5) \\\\ "
        "\\theta_t = \\theta_{t-1} - \\alpha \\frac{m_t}{1-\\beta_1^t}\\quad(\\rho_t \\le 5)",
    .source = "Liu et al. 2020, algorithm 2",
    .advice = "Adam that warms up by itself: where Adam is unsteady in its first steps.",
    .learning_rate = 0.001,
    .hyperparameters = radam_hyperparameters,
    .hyperparameter_count = 3,
    .states = 2,
    .update_f32 = us__radam_update_f32,
    .update_f64 = us__radam_update_f64,
    .preconditioner = radam_preconditioner,
    .stability = radam_stability,
    .growth = radam_growth,
};
#endif
