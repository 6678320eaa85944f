/* Muon: momentum, made orthogonal. In each group of two axes or more, as a matrix [first axis × others]:
 *   M ← μ M + (1−μ) G,  U = (1−μ) G + μ M,  X = U/(‖U‖ + 10⁻⁷),
 *   k times:  A = X Xᵀ,  X ← a X + (b A + c A²) X,  (a, b, c) = (3.4445, −4.7750, 2.0315),
 *   θ ← (1 − α λ) θ − α √max(1, rows/columns) X,
 * with Xᵀ X and from the other side where there are more rows than columns. X's singular values end between 0.7 and 1.2.
 * Other groups (biases, gains) take AdamW's step with the rate α·r, and keep AdamW's second mean in the rule's memory. So do
 * embeddings and the output layer (us_group.outer), as the authors have it, unless outer = 1.
 *
 * Source: Jordan et al. 2024, kellerjordan.github.io/posts/muon, and the authors' program (SingleDeviceMuonWithAuxAdam), in
 * full precision in place of bfloat16. */
#include "descend/rules/matrix.h"
#include "descend/rules/rules.h"
#include <string.h>

typedef struct US_REAL(muon_group) {
    us_real keep, take, scale, stay, rate;
    us_real *theta, *m, *u;
    const us_real *gradient, *x;
} US_REAL(muon_group);

/* M and U; ‖U‖². */
US_KERNEL static void muon_momentum(void *user, size_t from, size_t count, double *sums) {
    const US_REAL(muon_group) *p = user;
    us_real *restrict m = p->m + from, *restrict to = p->u + from;
    const us_real *restrict g = p->gradient + from;
    double a = 0;
#pragma omp simd reduction(+ : a)
    for (size_t i = 0; i < count; i++) {
        m[i] = p->keep * m[i] + p->take * g[i];
        us_real u = p->take * g[i] + p->keep * m[i];
        to[i] = u;
        a += (double)u * (double)u;
    }
    sums[0] = a;
}

US_KERNEL static void muon_normalise(void *user, size_t from, size_t count) {
    const US_REAL(muon_group) *p = user;
    us_real *restrict u = p->u + from;
    for (size_t i = 0; i < count; i++) u[i] *= p->scale;
}

US_KERNEL static void muon_move(void *user, size_t from, size_t count) {
    const US_REAL(muon_group) *p = user;
    us_real *restrict theta = p->theta + from;
    const us_real *restrict x = p->x + from;
    for (size_t i = 0; i < count; i++) theta[i] = p->stay * theta[i] - p->rate * x[i];
}

/* k rounds from x [rows×columns]; where it ends, x or y. @param square [2·side²] */
static us_real *muon_orthogonal(us_context *context, size_t rows, size_t columns, int rounds, us_real *x, us_real *y,
                                us_real *square) {
    bool tall = rows > columns;
    size_t side = tall ? columns : rows, other = tall ? rows : columns;
    us_real *a = square, *b = square + side * side;
    for (int k = 0; k < rounds; k++) {
        US_REAL(us__matrix_square)(context, tall, side, other, 1, x, 0, a);
        memcpy(b, a, side * side * sizeof *b);
        US_REAL(us__matrix_square)(context, false, side, side, 2.0315, a, -4.7750, b); /* A is symmetric: A² = AAᵀ */
        for (size_t i = 0; i < side; i++) b[i * side + i] += (us_real)3.4445;
        US_REAL(us__matrix_multiply)
        (context, CblasNoTrans, CblasNoTrans, rows, columns, side, 1, tall ? x : b, side, tall ? b : x, columns, y, columns);
        US__SWAP(us_real *, x, y);
    }
    return x;
}

/* Whether a group keeps AdamW's second mean: also where outer = 1 has no use for it, for memory is laid out without. */
static bool US_REAL(muon_keeps)(const us_group *group) {
    size_t rows, columns;
    return group->outer || !us__rule_matrix(group, &rows, &columns);
}

us_status US_REAL(us__muon_whole)(const us_rule_whole *w) {
    const double *hyper = w->step->hyper;
    double alpha = w->step->learning_rate, sums[US__RULE_SUMS];
    const double adam[] = {hyper[4], hyper[5], hyper[6], hyper[2]};
    us_rule_step small = {.step = w->step->step, .learning_rate = alpha * hyper[3], .hyper = adam};
    us_real *second = (us_real *)(void *)w->memory;
    for (size_t k = 0; k < w->group_count; k++) {
        const us_group *group = &w->groups[k];
        size_t rows, columns, at = group->offset;
        US_REAL(muon_group) p = {.keep = (us_real)hyper[0], .take = (us_real)(1 - hyper[0])};
        p.theta = (us_real *)w->theta + at, p.m = (us_real *)w->state[0] + at;
        p.gradient = (const us_real *)w->gradient + at;
        us_real *const state[] = {p.m, second};
        if (US_REAL(muon_keeps)(group)) second += group->count;
        if (!us__rule_matrix(group, &rows, &columns) || (group->outer && hyper[7] < 0.5)) {
            US_REAL(us__adamw_update)(&small, p.theta, p.gradient, state, group->count);
            continue;
        }
        us_real *y = (us_real *)(void *)(w->scratch + us__rule_partials(group->count));
        p.u = y + group->count;
        us__rule_sums(w->context, group->count, muon_momentum, &p, w->scratch, sums);
        p.scale = (us_real)(1 / (sqrt(sums[0]) + 1e-7));
        us__rule_blocks(w->context, group->count, muon_normalise, &p);
        p.x = muon_orthogonal(w->context, rows, columns, (int)hyper[1], p.u, y, p.u + group->count);
        p.stay = (us_real)(1 - alpha * hyper[2]);
        p.rate = (us_real)(alpha * sqrt(fmax(1, (double)rows / (double)columns)));
        us__rule_blocks(w->context, group->count, muon_move, &p);
    }
    return US_OK;
}

#if US_REAL_BITS == 64
static const us_hyperparameter muon_hyperparameters[] = {
    {"momentum", 0.95, 0, 0.999999, "decay of the mean of gradients of matrices"},
    {"rounds", 5, 1, 20, "of the iteration that makes it orthogonal"},
    {"weight-decay", 0, 0, 1, "share of theta that a step takes away for each unit of alpha"},
    {"adam-rate", 0.015, 0, 1e3, "rate of the groups that AdamW steps, in units of alpha"},
    {"beta1", 0.9, 0, 0.999999, "of those groups: decay of the mean of gradients"},
    {"beta2", 0.95, 0, 0.999999, "of those groups: decay of the mean of squared gradients"},
    {"epsilon", 1e-10, 1e-30, 1, "of those groups: added to the root"},
    {"outer", 0, 0, 1, "1: embeddings and the output layer are matrices as others are; 0: they are AdamW's"},
};

static size_t muon_memory(const us_group *groups, size_t count) {
    size_t n = 0;
    for (size_t k = 0; k < count; k++) n += muon_keeps_f64(&groups[k]) ? groups[k].count : 0;
    return n;
}

static size_t muon_scratch(const us_group *groups, size_t count) {
    size_t most = 0, rows, columns;
    for (size_t k = 0; k < count; k++) {
        if (!us__rule_matrix(&groups[k], &rows, &columns)) continue;
        size_t side = rows < columns ? rows : columns;
        size_t n = us__rule_partials(groups[k].count) + 2 * groups[k].count + 2 * side * side;
        most = n > most ? n : most;
    }
    return most;
}

US__RULE_BY_PRECISION(muon)

const us_rule us__rule_muon = {
    .name = "muon",
    .title = "Muon (momentum made orthogonal)",
    .formula = "hidden matrices: M <- mu M + (1 - mu) G, U = (1 - mu) G + mu M, X = U / |U|\n"
               "k times: A = X X', X <- 3.4445 X + (-4.7750 A + 2.0315 A^2) X\n"
               "theta <- (1 - alpha lambda) theta - alpha sqrt(max(1, rows / columns)) X\n"
               "other groups (biases, gains, embeddings, the output layer): AdamW with the rate alpha r",
    .latex = "M_t = \\mu M_{t-1} + (1-\\mu) G_t,\\quad U_t = (1-\\mu) G_t + \\mu M_t,\\quad X_0 = U_t/\\|U_t\\| \\\\ "
             "A = X_i X_i^\\top,\\quad X_{i+1} = 3.4445\\,X_i + (-4.7750\\,A + 2.0315\\,A^2) X_i \\\\ "
             "\\theta_t = (1-\\alpha\\lambda)\\theta_{t-1} - \\alpha\\sqrt{\\max(1, n/m)}\\,X_k",
    .source = "Jordan et al. 2024",
    .advice = "Hidden layers of transformers and convolutional networks: fewer steps than AdamW, with half its memory.",
    .learning_rate = 0.02,
    .hyperparameters = muon_hyperparameters,
    .hyperparameter_count = 8,
    .states = 1,
    .update = muon_update,
    .memory = muon_memory,
    .scratch = muon_scratch,
};
#endif
