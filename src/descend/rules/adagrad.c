/* Adagrad: s ← s + g², θ ← θ − α g / (√s + ε), element by element, with s = 0 at the start.
 *
 * On a constant gradient step t has length α/√t: the rate decays by itself.
 * Source: Duchi, Hazan & Singer 2011, JMLR 12, 2121-2159, the diagonal case of figure 1 (ε is their δ). */
#include "descend/rules/rules.h"
#include "vec/real.h"

US_KERNEL void US_REAL(us__adagrad_update)(const us_rule_step *step, us_real *restrict theta,
                                           const us_real *restrict gradient, us_real *const *state, size_t n) {
    us_real rate = (us_real)step->learning_rate, epsilon = (us_real)step->hyper[0];
    us_real *restrict s = state[0];
    for (size_t i = 0; i < n; i++) {
        us_real g = gradient[i];
        s[i] += g * g;
        theta[i] -= rate * g / (us_real_sqrt(s[i]) + epsilon);
    }
}

#if US_REAL_BITS == 64
static const us_hyperparameter adagrad_hyperparameters[] = {
    {"epsilon", 1e-10, 1e-30, 1, "added to the root, so that a gradient of zero divides by no zero"},
};

static double adagrad_preconditioner(const us_rule_step *step, const double *state) {
    return sqrt(state[0]) + step->hyper[0];
}
static double adagrad_stability(const double *hyper) { return (void)hyper, 2; }

static double adagrad_growth(const double *hyper, double b) { return (void)hyper, us__growth_plain(b); }

const us_rule us__rule_adagrad = {
    .name = "adagrad",
    .title = "Adagrad",
    .formula = "s <- s + g^2\n"
               "theta <- theta - alpha g / (sqrt(s) + epsilon)",
    .latex = "s_t = s_{t-1} + g_t^2 \\\\ "
             "\\theta_t = \\theta_{t-1} - \\frac{\\alpha g_t}{\\sqrt{s_t}+\\epsilon}",
    .source = "Duchi, Hazan & Singer 2011, figure 1, diagonal",
    .advice = "For sparse features and unequal scales; its rate only ever falls, so a long training may come to crawl.",
    .learning_rate = 0.01,
    .hyperparameters = adagrad_hyperparameters,
    .hyperparameter_count = 1,
    .states = 1,
    .update_f32 = us__adagrad_update_f32,
    .update_f64 = us__adagrad_update_f64,
    .preconditioner = adagrad_preconditioner,
    .stability = adagrad_stability,
    .growth = adagrad_growth,
};
#endif
