/* Adafactor: RMSProp whose mean of squares is kept as its sums over rows and over columns, so that a matrix of [n×m] needs
 * n + m numbers of state. In each group, with b = 1 − t^(−c) and V from zero, G² + ε₁ going into
 *   a matrix:      r ← b r + (1−b) row sums,  s ← b s + (1−b) column sums,  V = r sᵀ / Σr,
 *   another group: V ← b V + (1−b)(G² + ε₁),
 *   U = G/√V,  θ ← (1 − α λ) θ − α max(ε₂, rms θ) U / max(1, rms U / d),  rms x = ‖x‖/√n.
 * A group of more than two axes counts as [first × others]. The paper's rate is α = min(0.01, 1/√t).
 *
 * Source: Shazeer & Stern 2018, ICML, arXiv:1804.04235, algorithms 4 to 6, without momentum; λ is PyTorch's addition. */
#include "descend/rules/rules.h"
#include "vec/real.h"

enum { ADAFACTOR_STRIPS = 16, ADAFACTOR_TO_SHARE = 1 << 17, ADAFACTOR_ROWS = 8, ADAFACTOR_COLUMNS = 256 };

typedef struct US_REAL(adafactor_group) {
    double keep, take, tiny, total;
    size_t rows, columns, strip; /* a matrix's, and rows a strip */
    us_real *theta;
    const us_real *gradient;
    double *r, *s;   /* [rows], [columns]; of another group: r [count] is V */
    double *partial; /* [strips × columns] */
    us_real *scale;  /* [columns] 1/√s */
    double *squares; /* [strips × 2] ‖U‖², ‖θ‖² */
    us_real rate, stay;
} US_REAL(adafactor_group);

/* Row sums into r, and this strip's column sums. Squares are added in the precision of θ within a tile of ADAFACTOR_ROWS ×
 * ADAFACTOR_COLUMNS, 8 to 16 of them, and in double from there on. */
US_KERNEL static void adafactor_sums(void *user, size_t strip, size_t thread) {
    const US_REAL(adafactor_group) *p = user;
    size_t from = strip * p->strip, to = from + p->strip < p->rows ? from + p->strip : p->rows;
    double *restrict columns = p->partial + strip * p->columns;
    (void)thread;
    for (size_t j = 0; j < p->columns; j++) columns[j] = 0;
    for (size_t top = from; top < to; top += ADAFACTOR_ROWS) {
        size_t rows = to - top < ADAFACTOR_ROWS ? to - top : ADAFACTOR_ROWS;
        double sums[ADAFACTOR_ROWS] = {0};
        for (size_t left = 0; left < p->columns; left += ADAFACTOR_COLUMNS) {
            size_t width = p->columns - left < ADAFACTOR_COLUMNS ? p->columns - left : ADAFACTOR_COLUMNS;
            us_real below[ADAFACTOR_COLUMNS] = {0};
            for (size_t i = 0; i < rows; i++) {
                const us_real *restrict g = p->gradient + (top + i) * p->columns + left;
                us_real sum = 0;
#pragma omp simd reduction(+ : sum)
                for (size_t j = 0; j < width; j++) {
                    us_real square = g[j] * g[j];
                    sum += square;
                    below[j] += square;
                }
                sums[i] += (double)sum;
            }
            for (size_t j = 0; j < width; j++) columns[left + j] += (double)below[j];
        }
        for (size_t i = 0; i < rows; i++)
            p->r[top + i] = p->keep * p->r[top + i] + p->take * (sums[i] + p->tiny * (double)p->columns);
    }
    for (size_t j = 0; j < p->columns; j++) columns[j] += p->tiny * (double)(to - from);
}

/* ‖U‖² and ‖θ‖². U is not kept: it is g times two numbers, and a write costs more than that. */
US_KERNEL static void adafactor_norms(void *user, size_t strip, size_t thread) {
    const US_REAL(adafactor_group) *p = user;
    size_t from = strip * p->strip, to = from + p->strip < p->rows ? from + p->strip : p->rows;
    double a = 0, b = 0;
    (void)thread;
    for (size_t i = from; i < to; i++) {
        const us_real *restrict g = p->gradient + i * p->columns, *restrict theta = p->theta + i * p->columns;
        const us_real *restrict scale = p->scale;
        us_real row = (us_real)sqrt(p->total / p->r[i]);
        for (size_t left = 0; left < p->columns; left += ADAFACTOR_COLUMNS) {
            size_t end = p->columns - left < ADAFACTOR_COLUMNS ? p->columns : left + ADAFACTOR_COLUMNS;
            us_real u2 = 0, theta2 = 0;
#pragma omp simd reduction(+ : u2, theta2)
            for (size_t j = left; j < end; j++) {
                us_real u = g[j] * row * scale[j];
                u2 += u * u;
                theta2 += theta[j] * theta[j];
            }
            a += (double)u2, b += (double)theta2;
        }
    }
    p->squares[2 * strip] = a, p->squares[2 * strip + 1] = b;
}

US_KERNEL static void adafactor_move_rows(void *user, size_t strip, size_t thread) {
    const US_REAL(adafactor_group) *p = user;
    size_t from = strip * p->strip, to = from + p->strip < p->rows ? from + p->strip : p->rows;
    (void)thread;
    for (size_t i = from; i < to; i++) {
        const us_real *restrict g = p->gradient + i * p->columns, *restrict scale = p->scale;
        us_real *restrict theta = p->theta + i * p->columns;
        us_real row = (us_real)sqrt(p->total / p->r[i]) * p->rate;
        for (size_t j = 0; j < p->columns; j++) theta[j] = p->stay * theta[j] - g[j] * row * scale[j];
    }
}

/* The same for a group that is no matrix. */
US_KERNEL static void adafactor_vector(void *user, size_t from, size_t count, double *sums) {
    const US_REAL(adafactor_group) *p = user;
    const us_real *restrict g = p->gradient + from, *restrict theta = p->theta + from;
    double *restrict v = p->r + from, a = 0, b = 0;
#pragma omp simd reduction(+ : a, b)
    for (size_t i = 0; i < count; i++) {
        v[i] = p->keep * v[i] + p->take * ((double)g[i] * (double)g[i] + p->tiny);
        double u = (double)g[i] / sqrt(v[i]);
        a += u * u;
        b += (double)theta[i] * (double)theta[i];
    }
    sums[0] = a, sums[1] = b;
}

US_KERNEL static void adafactor_move(void *user, size_t from, size_t count) {
    const US_REAL(adafactor_group) *p = user;
    us_real *restrict theta = p->theta + from;
    const us_real *restrict g = p->gradient + from;
    const double *restrict v = p->r + from;
    for (size_t i = 0; i < count; i++) theta[i] = p->stay * theta[i] - p->rate * (us_real)((double)g[i] / sqrt(v[i]));
}

static size_t adafactor_threads(us_context *context, const US_REAL(adafactor_group) * p) {
    return p->rows * p->columns < ADAFACTOR_TO_SHARE ? 1 : (size_t)us_context_threads(context);
}

static void adafactor_matrix(us_context *context, US_REAL(adafactor_group) * p, double *sums) {
    size_t strips = (p->rows + p->strip - 1) / p->strip;
    size_t threads = adafactor_threads(context, p);
    us__parallel(context, threads, strips, adafactor_sums, p);
    p->total = 0;
    for (size_t i = 0; i < p->rows; i++) p->total += p->r[i];
    for (size_t j = 0; j < p->columns; j++) {
        double sum = 0;
        for (size_t k = 0; k < strips; k++) sum += p->partial[k * p->columns + j];
        p->s[j] = p->keep * p->s[j] + p->take * sum;
        p->scale[j] = (us_real)(1 / sqrt(p->s[j]));
    }
    us__parallel(context, threads, strips, adafactor_norms, p);
    sums[0] = sums[1] = 0;
    for (size_t k = 0; k < 2 * strips; k++) sums[k % 2] += p->squares[k];
}

us_status US_REAL(us__adafactor_whole)(const us_rule_whole *w) {
    const double *hyper = w->step->hyper;
    double b = 1 - pow((double)w->step->step, -hyper[0]), sums[US__RULE_SUMS];
    double *memory = w->memory;
    for (size_t k = 0; k < w->group_count; k++) {
        const us_group *group = &w->groups[k];
        double n = (double)group->count;
        if (group->count == 0) continue;
        US_REAL(adafactor_group) p = {.keep = b, .take = 1 - b, .tiny = hyper[1], .r = memory};
        p.theta = (us_real *)w->theta + group->offset, p.gradient = (const us_real *)w->gradient + group->offset;
        if (us__rule_matrix(group, &p.rows, &p.columns)) {
            p.strip = (p.rows + ADAFACTOR_STRIPS - 1) / ADAFACTOR_STRIPS;
            p.s = p.r + p.rows;
            p.squares = w->scratch;
            p.scale = (us_real *)(void *)(p.squares + (size_t)2 * ADAFACTOR_STRIPS);
            p.partial = p.squares + (size_t)2 * ADAFACTOR_STRIPS + p.columns;
            memory += p.rows + p.columns;
            adafactor_matrix(w->context, &p, sums);
        } else {
            memory += group->count;
            us__rule_sums(w->context, group->count, adafactor_vector, &p, w->scratch, sums);
        }
        double size = fmax(hyper[2], sqrt(sums[1] / n)), length = fmax(1, sqrt(sums[0] / n) / hyper[3]);
        p.rate = (us_real)(w->step->learning_rate * size / length);
        p.stay = (us_real)(1 - w->step->learning_rate * hyper[4]);
        if (p.strip > 0)
            us__parallel(w->context, adafactor_threads(w->context, &p), (p.rows + p.strip - 1) / p.strip,
                         adafactor_move_rows, &p);
        else
            us__rule_blocks(w->context, group->count, adafactor_move, &p);
    }
    return US_OK;
}

#if US_REAL_BITS == 64
static const us_hyperparameter adafactor_hyperparameters[] = {
    {"decay", 0.8, 0.001, 10, "c: the mean of squares forgets by 1 - t^-c"},
    {"epsilon1", 1e-30, 1e-300, 1, "added to squared gradients"},
    {"epsilon2", 1e-3, 1e-30, 1, "least size of weights that a step is measured by"},
    {"clip", 1, 1e-6, 1e6, "d: longest root mean square of a step, in units of alpha times the size of the weights"},
    {"weight-decay", 0, 0, 1, "share of theta that a step takes away for each unit of alpha"},
};

static size_t adafactor_memory(const us_group *groups, size_t count) {
    size_t n = 0, rows, columns;
    for (size_t k = 0; k < count; k++) n += us__rule_matrix(&groups[k], &rows, &columns) ? rows + columns : groups[k].count;
    return n;
}

static size_t adafactor_scratch(const us_group *groups, size_t count) {
    size_t most = us__rule_sums_scratch(groups, count), rows, columns;
    for (size_t k = 0; k < count; k++) {
        if (!us__rule_matrix(&groups[k], &rows, &columns)) continue;
        size_t n = (size_t)2 * ADAFACTOR_STRIPS + columns + (size_t)ADAFACTOR_STRIPS * columns;
        most = n > most ? n : most;
    }
    return most;
}

US__RULE_BY_PRECISION(adafactor)

const us_rule us__rule_adafactor = {
    .name = "adafactor",
    .title = "Adafactor",
    .formula = "b = 1 - t^-c\n"
               "matrices: r <- b r + (1 - b) row sums of g^2 + epsilon1, s <- the same with columns, v = r s' / sum(r)\n"
               "other groups: v <- b v + (1 - b) (g^2 + epsilon1)\n"
               "u = g / sqrt(v)\n"
               "in each group: theta <- (1 - alpha lambda) theta - alpha max(epsilon2, rms(theta)) u / max(1, rms(u) / d)",
    .latex = "\\hat\\beta_t = 1 - t^{-c} \\\\ "
             "R_t = \\hat\\beta_t R_{t-1} + (1-\\hat\\beta_t)(G_t^2+\\epsilon_1)\\mathbf 1,\\quad "
             "C_t = \\hat\\beta_t C_{t-1} + (1-\\hat\\beta_t)\\mathbf 1^\\top(G_t^2+\\epsilon_1),\\quad "
             "V_t = \\frac{R_t C_t}{\\mathbf 1^\\top R_t} \\\\ "
             "U_t = G_t/\\sqrt{V_t} \\\\ "
             "\\theta_t = (1-\\alpha\\lambda)\\theta_{t-1} - \\alpha\\max(\\epsilon_2, \\mathrm{rms}(\\theta_{t-1}))"
             "\\frac{U_t}{\\max(1, \\mathrm{rms}(U_t)/d)}",
    .source = "Shazeer & Stern 2018, algorithms 4 to 6",
    .advice = "Large models that leave no room for Adam's two vectors: next to no state for matrices.",
    .learning_rate = 0.01,
    .hyperparameters = adafactor_hyperparameters,
    .hyperparameter_count = 5,
    .update = adafactor_update,
    .memory = adafactor_memory,
    .scratch = adafactor_scratch,
};
#endif
