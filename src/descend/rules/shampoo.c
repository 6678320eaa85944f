/* Shampoo: a matrix is preconditioned from both sides. In each group of two axes or more, as [first axis × others], with
 * L = ε I, R = ε I and M = 0 at the start:
 *   L ← L + G Gᵀ,  R ← R + Gᵀ G,  M ← μ M + L^(−1/4) G R^(−1/4),  θ ← θ − α M,
 * the roots being those of steps 1, 1+k, 1+2k, .. . A side of more than 1024 has its diagonal only (the paper's appendix),
 * and so have groups of one axis: there the step is g/√(ε + Σ g²), Adagrad's.
 *
 * Source: Gupta, Koren & Singer 2018, ICML, arXiv:1802.09568, algorithm 1, with the momentum of its experiments. Later
 * programs (Anil et al. 2020) graft another rule's length onto the step and take means in place of sums; this does not. */
#include "descend/rules/matrix.h"
#include "descend/rules/rules.h"
#include <string.h>

typedef struct US_REAL(shampoo_group) {
    us_real keep, rate, epsilon;
    us_real *theta, *m, *sum;
    const us_real *gradient;
} US_REAL(shampoo_group);

/* A side of a matrix: its statistics and their root, [n×n] each, or the statistics' diagonal [n] alone. */
typedef struct US_REAL(shampoo_side) {
    size_t n;
    bool full;
    us_real *statistics, *root;
} US_REAL(shampoo_side);

US_KERNEL static void shampoo_vector(void *user, size_t from, size_t count) {
    const US_REAL(shampoo_group) *p = user;
    us_real *restrict theta = p->theta + from, *restrict m = p->m + from, *restrict sum = p->sum + from;
    const us_real *restrict g = p->gradient + from;
    for (size_t i = 0; i < count; i++) {
        sum[i] += g[i] * g[i];
        m[i] = p->keep * m[i] + g[i] / us_real_sqrt(sum[i] + p->epsilon);
        theta[i] -= p->rate * m[i];
    }
}

US_KERNEL static void shampoo_move(void *user, size_t from, size_t count) {
    const US_REAL(shampoo_group) *p = user;
    us_real *restrict theta = p->theta + from, *restrict m = p->m + from;
    const us_real *restrict g = p->gradient + from;
    for (size_t i = 0; i < count; i++) {
        m[i] = p->keep * m[i] + g[i];
        theta[i] -= p->rate * m[i];
    }
}

/* Adds G Gᵀ to the statistics of the left side, Gᵀ G to those of the right, or its diagonal. */
static void shampoo_gather(us_context *context, const US_REAL(shampoo_side) * side, bool right, size_t rows, size_t columns,
                           const us_real *g) {
    if (side->full) {
        US_REAL(us__matrix_square)(context, right, side->n, right ? rows : columns, 1, g, 1, side->statistics);
        return;
    }
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) side->statistics[right ? j : i] += g[i * columns + j] * g[i * columns + j];
}

/* root = (ε I + statistics)^(−1/4). @param work [n² + n + us__matrix_work(n)] */
static us_status shampoo_root(us_context *context, const US_REAL(shampoo_side) * side, double epsilon, us_real *work) {
    size_t n = side->n;
    us_real *vectors = work, *values = work + n * n;
    memcpy(vectors, side->statistics, n * n * sizeof *vectors);
    us_status status = US_REAL(us__matrix_eigen)(context, n, vectors, values, values + n);
    if (status != US_OK) return status;
    for (size_t i = 0; i < n; i++) {
        /* An eighth of the power for each of two factors; what rounding made negative is zero. */
        us_real scale = (us_real)pow(fmax((double)values[i], 0) + epsilon, -0.125);
        for (size_t j = 0; j < n; j++) vectors[i * n + j] *= scale;
    }
    US_REAL(us__matrix_square)(context, true, n, n, 1, vectors, 0, side->root);
    return US_OK;
}

/* Multiplies G by the root from its side. Where the product is: `other` or g. */
static us_real *shampoo_precondition(us_context *context, const US_REAL(shampoo_side) * side, bool right, size_t rows,
                                     size_t columns, double epsilon, us_real *g, us_real *other) {
    if (side->full) {
        US_REAL(us__matrix_multiply)
        (context, CblasNoTrans, CblasNoTrans, rows, columns, side->n, 1, right ? g : side->root, side->n,
         right ? side->root : g, columns, other, columns);
        return other;
    }
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            g[i * columns + j] *= (us_real)pow((double)side->statistics[right ? j : i] + epsilon, -0.25);
    return g;
}

us_status US_REAL(us__shampoo_whole)(const us_rule_whole *w) {
    const double *hyper = w->step->hyper;
    bool refresh = (w->step->step - 1) % (uint64_t)hyper[2] == 0;
    us_real *memory = (us_real *)(void *)w->memory, *scratch = (us_real *)(void *)w->scratch;
    US_REAL(shampoo_group)
    p = {.keep = (us_real)hyper[0], .rate = (us_real)w->step->learning_rate, .epsilon = (us_real)hyper[1]};
    for (size_t k = 0; k < w->group_count; k++) {
        const us_group *group = &w->groups[k];
        size_t sides[2], at = group->offset;
        const us_real *gradient = (const us_real *)w->gradient + at;
        p.theta = (us_real *)w->theta + at, p.m = (us_real *)w->state[0] + at;
        if (!us__rule_matrix(group, &sides[0], &sides[1])) {
            p.gradient = gradient, p.sum = memory;
            us__rule_blocks(w->context, group->count, shampoo_vector, &p);
            memory += group->count;
            continue;
        }
        US_REAL(shampoo_side) side[2];
        for (int right = 0; right < 2; right++) {
            size_t n = sides[right];
            side[right] = (US_REAL(shampoo_side)){n, n <= US__MATRIX_SIDE_MOST, memory, memory + n * n};
            memory += side[right].full ? 2 * n * n : n;
            shampoo_gather(w->context, &side[right], right, sides[0], sides[1], gradient);
            us_status status = US_OK;
            if (refresh && side[right].full) status = shampoo_root(w->context, &side[right], hyper[1], scratch);
            if (status != US_OK) return status;
        }
        us_real *g = scratch, *other = scratch + group->count;
        memcpy(g, gradient, group->count * sizeof *g);
        for (int right = 0; right < 2; right++) {
            us_real *at_now = shampoo_precondition(w->context, &side[right], right, sides[0], sides[1], hyper[1], g, other);
            if (at_now != g) US__SWAP(us_real *, g, other);
        }
        p.gradient = g;
        us__rule_blocks(w->context, group->count, shampoo_move, &p);
    }
    return US_OK;
}

#if US_REAL_BITS == 64
static const us_hyperparameter shampoo_hyperparameters[] = {
    {"momentum", 0.9, 0, 0.999999, "share of the last step that is kept"},
    {"epsilon", 1e-4, 1e-30, 1e6, "the preconditioners' start, times the identity"},
    {"every", 10, 1, 1e6, "steps from one computation of the roots to the next"},
};

static size_t shampoo_memory(const us_group *groups, size_t count) {
    size_t total = 0, sides[2];
    for (size_t k = 0; k < count; k++) {
        if (!us__rule_matrix(&groups[k], &sides[0], &sides[1])) {
            total += groups[k].count;
            continue;
        }
        for (int i = 0; i < 2; i++) total += sides[i] <= US__MATRIX_SIDE_MOST ? 2 * sides[i] * sides[i] : sides[i];
    }
    return total;
}

static size_t shampoo_scratch(const us_group *groups, size_t count) {
    size_t most = 0, sides[2];
    for (size_t k = 0; k < count; k++) {
        if (!us__rule_matrix(&groups[k], &sides[0], &sides[1])) continue;
        most = 2 * groups[k].count > most ? 2 * groups[k].count : most;
        for (int i = 0; i < 2; i++) {
            size_t n = sides[i] <= US__MATRIX_SIDE_MOST ? sides[i] * sides[i] + sides[i] + us__matrix_work(sides[i]) : 0;
            most = n > most ? n : most;
        }
    }
    return most;
}

US__RULE_BY_PRECISION(shampoo)

const us_rule us__rule_shampoo = {
    .name = "shampoo",
    .title = "Shampoo",
    .formula = "matrices: L = epsilon I + sum of G G', R = epsilon I + sum of G' G\n"
               "M <- mu M + L^(-1/4) G R^(-1/4), the roots computed every k-th step\n"
               "theta <- theta - alpha M\n"
               "sides of more than 1024: the diagonal of L or R\n"
               "groups of one axis: M <- mu M + g / sqrt(epsilon + sum of g^2)",
    .latex = "L_t = L_{t-1} + G_t G_t^\\top,\\quad R_t = R_{t-1} + G_t^\\top G_t,\\quad L_0 = R_0 = \\epsilon I \\\\ "
             "M_t = \\mu M_{t-1} + L_t^{-1/4} G_t R_t^{-1/4} \\\\ "
             "\\theta_t = \\theta_{t-1} - \\alpha M_t",
    .source = "Gupta, Koren & Singer 2018, algorithm 1",
    .advice = "Layers of moderate width where steps are dear: fewer steps than Adagrad, for products and roots of matrices.",
    .learning_rate = 0.01,
    .hyperparameters = shampoo_hyperparameters,
    .hyperparameter_count = 3,
    .states = 1,
    .update = shampoo_update,
    .memory = shampoo_memory,
    .scratch = shampoo_scratch,
};
#endif
