/* Sophia-H: momentum divided by a running mean of the Hessian's diagonal, no element by more than α. With D = u ⊙ Hu at
 * steps 1, 1+k, 1+2k, ..:
 *   h ← β₂ h + (1−β₂) D,  m ← β₁ m + (1−β₁) g,  θ ← (1 − α λ) θ − α clip(m / max(γ h, ε), 1).
 *
 * Source: Liu et al. 2023, arXiv:2305.14342, algorithm 3 with algorithm 1 for D. The authors' program divides by
 * γ max(h, 0) + ε and corrects the bias of m; the paper does neither, nor does this. */
#include "descend/rules/rules.h"
#include "vec/real.h"

typedef struct US_REAL(sophia_h_step) {
    us_real keep1, take1, keep2, take2, rate, gamma, epsilon, stay;
    us_real *theta, *m, *h;
    const us_real *gradient, *diagonal; /* diagonal NULL: not at this step */
} US_REAL(sophia_h_step);

US_KERNEL static void sophia_h_block(void *user, size_t from, size_t count) {
    const US_REAL(sophia_h_step) *s = user;
    us_real *restrict theta = s->theta + from, *restrict m = s->m + from, *restrict h = s->h + from;
    const us_real *restrict gradient = s->gradient + from, *restrict d = s->diagonal;
    if (d)
        for (size_t i = 0; i < count; i++) h[i] = s->keep2 * h[i] + s->take2 * d[from + i];
    for (size_t i = 0; i < count; i++) {
        m[i] = s->keep1 * m[i] + s->take1 * gradient[i];
        us_real bottom = s->gamma * h[i];
        us_real move = m[i] / (bottom > s->epsilon ? bottom : s->epsilon);
        move = move > 1 ? 1 : move;
        theta[i] = s->stay * theta[i] - s->rate * (move < -1 ? -1 : move);
    }
}

us_status US_REAL(us__sophia_h_whole)(const us_rule_whole *w) {
    const double *hyper = w->step->hyper;
    double rate = w->step->learning_rate;
    us__rule_blocks(w->context, w->n, sophia_h_block,
                    &(US_REAL(sophia_h_step)){.keep1 = (us_real)hyper[0],
                                              .take1 = (us_real)(1 - hyper[0]),
                                              .keep2 = (us_real)hyper[1],
                                              .take2 = (us_real)(1 - hyper[1]),
                                              .rate = (us_real)rate,
                                              .gamma = (us_real)hyper[2],
                                              .epsilon = (us_real)hyper[3],
                                              .stay = (us_real)(1 - rate * hyper[4]),
                                              .theta = w->theta,
                                              .m = w->state[0],
                                              .h = w->state[1],
                                              .gradient = w->gradient,
                                              .diagonal = w->diagonal});
    return US_OK;
}

#if US_REAL_BITS == 64
static const us_hyperparameter sophia_h_hyperparameters[] = {
    {"beta1", 0.96, 0, 0.999999, "decay of the mean of gradients"},
    {"beta2", 0.99, 0, 0.999999, "decay of the mean of the diagonal"},
    {"gamma", 0.01, 1e-12, 1e12, "of the curvature that a step is divided by: the smaller, the more elements move by alpha"},
    {"epsilon", 1e-12, 1e-30, 1, "least divisor"},
    {"weight-decay", 0, 0, 1, "share of theta that a step takes away for each unit of alpha"},
    {"every", 10, 1, 1e6, "steps from one sample of the diagonal to the next, which costs a Hessian-vector product"},
};

static bool sophia_h_wants(const us_rule_step *step) { return (step->step - 1) % (uint64_t)step->hyper[5] == 0; }

US__RULE_BY_PRECISION(sophia_h)

const us_rule us__rule_sophia_h = {
    .name = "sophia-h",
    .title = "Sophia-H",
    .formula = "D = u * Hu for random signs u, every k-th step\n"
               "h <- beta2 h + (1 - beta2) D\n"
               "m <- beta1 m + (1 - beta1) g\n"
               "theta <- (1 - alpha lambda) theta - alpha clip(m / max(gamma h, epsilon), -1, 1)",
    .latex = "D_t = u \\odot H_t u,\\quad u_i = \\pm 1 \\\\ "
             "h_t = \\beta_2 h_{t-1} + (1-\\beta_2) D_t \\\\ "
             "m_t = \\beta_1 m_{t-1} + (1-\\beta_1) g_t \\\\ "
             "\\theta_t = (1-\\alpha\\lambda)\\theta_{t-1} - "
             "\\alpha\\,\\mathrm{clip}\\left(\\frac{m_t}{\\max(\\gamma h_t, \\epsilon)}, 1\\right)",
    .source = "Liu et al. 2023, algorithm 3",
    .advice = "Transformers: as cheap as Adam, with the curvature looked at every ten steps; tune gamma so that about a "
              "third of the elements are not clipped.",
    .learning_rate = 0.001,
    .hyperparameters = sophia_h_hyperparameters,
    .hyperparameter_count = 6,
    .states = 2,
    .update = sophia_h_update,
    .wants_diagonal = sophia_h_wants,
};
#endif
