/* Momentum, the heavy ball: m ← λ m − α g, θ ← θ + m, with m = 0 at the start.
 *
 * The learning rate is inside the velocity, so that a change of the rate acts on new gradients only.
 * Source: Polyak 1964, USSR Comput. Math. Math. Phys. 4(5), eq. (9); Sutskever et al. 2013, ICML, eqs. (1) and (2). */
#include "descend/rules/rules.h"
#include "vec/real.h"

US_KERNEL void US_REAL(us__momentum_update)(const us_rule_step *step, us_real *restrict theta,
                                            const us_real *restrict gradient, us_real *const *state, size_t n) {
    us_real rate = (us_real)step->learning_rate, keep = (us_real)step->hyper[0];
    us_real *restrict m = state[0];
    for (size_t i = 0; i < n; i++) {
        m[i] = keep * m[i] - rate * gradient[i];
        theta[i] += m[i];
    }
}

#if US_REAL_BITS == 64
static const us_hyperparameter momentum_hyperparameters[] = {
    {"momentum", 0.9, 0, 0.999999, "lambda: the share of the last movement that is kept"},
};

/* Polyak 1964: 2(1 + λ). */
static double momentum_stability(const double *hyper) { return 2 * (1 + hyper[0]); }

static double momentum_growth(const double *hyper, double b) { return us__growth_heavy_ball(hyper[0], b); }

const us_rule us__rule_momentum = {
    .name = "momentum",
    .title = "Momentum (heavy ball)",
    .formula = "m <- lambda m - alpha g\n"
               "theta <- theta + m",
    .latex = "m_t = \\lambda m_{t-1} - \\alpha g_t \\\\ "
             "\\theta_t = \\theta_{t-1} + m_t",
    .source = "Polyak 1964, eq. (9); Sutskever et al. 2013, eqs. (1), (2)",
    .advice = "Faster than sgd along narrow valleys and past small bumps; stable up to a rate of 2(1 + lambda)/(largest "
              "curvature).",
    .learning_rate = 0.01,
    .hyperparameters = momentum_hyperparameters,
    .hyperparameter_count = 1,
    .states = 1,
    .update_f32 = us__momentum_update_f32,
    .update_f64 = us__momentum_update_f64,
    .stability = momentum_stability,
    .growth = momentum_growth,
};
#endif
