/* AdaHessian: Adam with the Hessian's diagonal in place of the gradient in v. With D the diagonal's sample u ⊙ Hu, |D|
 * averaged over the two last axes of groups of four (the kernels of convolutions), at steps 1, 1+k, 1+2k, .. of which s is
 * the number up to now:
 *   v ← β₂ v + (1−β₂) D²,  m ← β₁ m + (1−β₁) g,  θ ← θ − α (m̂ / (v̂^(p/2) + ε) + λ θ),  m̂ = m/(1−β₁ᵗ),  v̂ = v/(1−β₂ˢ).
 *
 * Source: Yao et al. 2021, AAAI, arXiv:2006.00719, algorithm 1, with the averages over kernels of the authors' program. */
#include "descend/rules/rules.h"
#include "vec/real.h"

typedef struct US_REAL(adahessian_group) {
    us_real keep1, take1, keep2, take2, rate, correction, power, epsilon, stay;
    us_real *theta, *m, *v;
    const us_real *gradient, *diagonal; /* diagonal NULL: not at this step */
    size_t kernel;                      /* so many elements have one average */
} US_REAL(adahessian_group);

/* Of so many kernels. */
US_KERNEL static void adahessian_block(void *user, size_t from, size_t count) {
    const US_REAL(adahessian_group) *s = user;
    from *= s->kernel, count *= s->kernel;
    us_real *restrict theta = s->theta + from, *restrict m = s->m + from, *restrict v = s->v + from;
    const us_real *restrict gradient = s->gradient + from;
    const us_real *restrict d = s->diagonal ? s->diagonal + from : NULL;
    if (d && s->kernel == 1)
        for (size_t i = 0; i < count; i++) v[i] = s->keep2 * v[i] + s->take2 * (d[i] * d[i]);
    else if (d)
        for (size_t i = 0; i < count; i += s->kernel) {
            us_real mean = 0;
            for (size_t k = 0; k < s->kernel; k++) mean += us_real_fabs(d[i + k]);
            mean /= (us_real)s->kernel;
            for (size_t k = 0; k < s->kernel; k++) v[i + k] = s->keep2 * v[i + k] + s->take2 * (mean * mean);
        }
    for (size_t i = 0; i < count; i++) {
        us_real root = us_real_sqrt(v[i]) * s->correction;
        if (s->power != 1) root = US_LIBM(pow)(root, s->power);
        m[i] = s->keep1 * m[i] + s->take1 * gradient[i];
        theta[i] = s->stay * theta[i] - s->rate * m[i] / (root + s->epsilon);
    }
}

us_status US_REAL(us__adahessian_whole)(const us_rule_whole *w) {
    const double *hyper = w->step->hyper;
    double t = (double)w->step->step, rate = w->step->learning_rate, samples = floor((t - 1) / hyper[5]) + 1;
    US_REAL(adahessian_group)
    s = {.keep1 = (us_real)hyper[0],
         .take1 = (us_real)(1 - hyper[0]),
         .keep2 = (us_real)hyper[1],
         .take2 = (us_real)(1 - hyper[1]),
         .rate = (us_real)(rate / (1 - pow(hyper[0], t))),
         .correction = (us_real)(1 / sqrt(1 - pow(hyper[1], samples))),
         .power = (us_real)hyper[3],
         .epsilon = (us_real)hyper[2],
         .stay = (us_real)(1 - rate * hyper[4])};
    for (size_t k = 0; k < w->group_count; k++) {
        const us_group *group = &w->groups[k];
        size_t at = group->offset;
        s.theta = (us_real *)w->theta + at, s.m = (us_real *)w->state[0] + at, s.v = (us_real *)w->state[1] + at;
        s.gradient = (const us_real *)w->gradient + at;
        s.diagonal = w->diagonal ? (const us_real *)w->diagonal + at : NULL;
        s.kernel = group->rank == 4 ? group->shape[2] * group->shape[3] : 1;
        us__rule_blocks(w->context, group->count / s.kernel, adahessian_block, &s);
    }
    return US_OK;
}

#if US_REAL_BITS == 64
static const us_hyperparameter adahessian_hyperparameters[] = {
    {"beta1", 0.9, 0, 0.999999, "decay of the mean of gradients"},
    {"beta2", 0.999, 0, 0.999999, "decay of the mean of squares of the diagonal"},
    {"epsilon", 1e-4, 1e-30, 1, "added to the root, so that a curvature of zero divides by no zero"},
    {"power", 1, 0, 1, "of the curvature that a step is divided by"},
    {"weight-decay", 0, 0, 1, "share of theta that a step takes away for each unit of alpha"},
    {"every", 1, 1, 1e6, "steps from one sample of the diagonal to the next, which costs a Hessian-vector product"},
};

static bool adahessian_wants(const us_rule_step *step) { return (step->step - 1) % (uint64_t)step->hyper[5] == 0; }

US__RULE_BY_PRECISION(adahessian)

static double adahessian_preconditioner(const us_rule_step *step, const double *state) {
    double samples = floor(((double)step->step - 1) / step->hyper[5]) + 1;
    return pow(state[1] / (1 - pow(step->hyper[1], samples)), 0.5 * step->hyper[3]) + step->hyper[2];
}

static double adahessian_stability(const double *hyper) { return 2 * (1 + hyper[0]) / (1 - hyper[0]); } /* as Adam */

static double adahessian_growth(const double *hyper, double b) { return us__growth_mean(hyper[0], b); }

const us_rule us__rule_adahessian = {
    .name = "adahessian",
    .title = "AdaHessian",
    .formula = "D = u * Hu for random signs u, every k-th step; |D| averaged over kernels of convolutions\n"
               "v <- beta2 v + (1 - beta2) D^2, of which there were s\n"
               "m <- beta1 m + (1 - beta1) g\n"
               "theta <- theta - alpha ((m / (1 - beta1^t)) / ((v / (1 - beta2^s))^(p/2) + epsilon) + lambda theta)",
    .latex = "D_t = u \\odot H_t u,\\quad u_i = \\pm 1 \\\\ "
             "v_t = \\beta_2 v_{t-1} + (1-\\beta_2) D_t^2 \\\\ "
             "m_t = \\beta_1 m_{t-1} + (1-\\beta_1) g_t \\\\ "
             "\\theta_t = \\theta_{t-1} - \\alpha\\left(\\frac{m_t/(1-\\beta_1^t)}{(v_t/(1-\\beta_2^s))^{p/2}+\\epsilon} + "
             "\\lambda\\theta_{t-1}\\right)",
    .source = "Yao et al. 2021, algorithm 1",
    .advice = "Where curvatures differ between parameters; a step costs a Hessian-vector product, fewer with --set every.",
    .learning_rate = 0.15,
    .hyperparameters = adahessian_hyperparameters,
    .hyperparameter_count = 6,
    .states = 2,
    .update = adahessian_update,
    .wants_diagonal = adahessian_wants,
    .preconditioner = adahessian_preconditioner,
    .stability = adahessian_stability,
    .growth = adahessian_growth,
};
#endif
