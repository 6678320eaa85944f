/* Limited-memory BFGS. With s = θ' − θ, y = g' − g of the last m steps, ρ = 1/(y's) and γ = s'y/y'y of the last:
 *
 *   q ← g;  newest to oldest: a ← ρ s'q, q ← q − a·y;   q ← γq;   oldest to newest: q ← q + (a − ρ y'q)·s;   d ← −q
 *
 * The update of q by one pair and the inner product with the next are one pass over memory.
 * Source: Nocedal 1980, "Updating quasi-Newton matrices with limited storage", Math. Comp. 35; Liu & Nocedal 1989. */
#include "descend/solvers/line.h"
#include <cblas.h>
#include <float.h>
#include <math.h>

enum { LBFGS_PAIRS = 10 };

typedef struct lbfgs_state {
    size_t count, newest; /* pairs that are kept, and which is the last */
    double rho[LBFGS_PAIRS], a[LBFGS_PAIRS];
} lbfgs_state;

static double *lbfgs_s(const us_solver *s, size_t k) { return ((us__line *)s->state)->memory + (1 + 2 * k) * s->n; }
static double *lbfgs_y(const us_solver *s, size_t k) { return ((us__line *)s->state)->memory + (2 + 2 * k) * s->n; }

/* q ← q + c·x; returns q'z. */
US_KERNEL static double lbfgs_pass(size_t n, double c, const double *restrict x, double *restrict q, const double *z) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++) {
        double next = q[i] + c * x[i];
        q[i] = next;
        sum += next * z[i];
    }
    return sum;
}

/* q ← f·(q + c·x); returns q'z. */
US_KERNEL static double lbfgs_turn(size_t n, double c, const double *restrict x, double f, double *restrict q,
                                   const double *z) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++) {
        double next = f * (q[i] + c * x[i]);
        q[i] = next;
        sum += next * z[i];
    }
    return sum;
}

/* s ← θ' − θ, y ← g' − g; s'y and y'y; q ← −g', and q's. */
US_KERNEL static void lbfgs_pair(size_t n, const double *theta, const double *before, const double *g,
                                 const double *g_before, double *restrict s, double *restrict y, double *restrict q,
                                 double sums[3]) {
    double sy = 0, yy = 0, qs = 0;
#pragma omp simd reduction(+ : sy, yy, qs)
    for (size_t i = 0; i < n; i++) {
        double si = theta[i] - before[i], yi = g[i] - g_before[i];
        s[i] = si, y[i] = yi, q[i] = -g[i];
        sy += si * yi, yy += yi * yi, qs -= g[i] * si;
    }
    sums[0] = sy, sums[1] = yy, sums[2] = qs;
}

static double lbfgs_steepest(us_solver *s) {
    us__line *line = s->state;
    ((lbfgs_state *)line->own)->count = 0;
    line->reset = true;
    for (size_t i = 0; i < s->n; i++) line->direction[i] = -s->gradient[i];
    return 1 / cblas_dnrm2((int)s->n, s->gradient, 1);
}

static double lbfgs_aim(us_solver *s, bool first) {
    us__line *line = s->state;
    lbfgs_state *m = line->own;
    size_t n = s->n;
    double *q = line->direction, sums[3];
    if (first) return lbfgs_steepest(s);
    size_t into = m->count < LBFGS_PAIRS ? m->count : (m->newest + 1) % LBFGS_PAIRS;
    lbfgs_pair(n, s->theta, s->trial, s->gradient, s->trial_gradient, lbfgs_s(s, into), lbfgs_y(s, into), q, sums);
    if (!(sums[0] > DBL_EPSILON * sums[1] * 1e-8) || !isfinite(sums[1])) return lbfgs_steepest(s);
    if (m->count < LBFGS_PAIRS) m->count++;
    m->newest = into;
    m->rho[into] = 1 / sums[0];
    line->reset = false;
    double along = sums[2];
    for (size_t k = 0; k < m->count; k++) {
        size_t at = (m->newest + LBFGS_PAIRS - k) % LBFGS_PAIRS, older = (at + LBFGS_PAIRS - 1) % LBFGS_PAIRS;
        m->a[at] = m->rho[at] * along;
        if (k + 1 < m->count)
            along = lbfgs_pass(n, -m->a[at], lbfgs_y(s, at), q, lbfgs_s(s, older));
        else
            along = lbfgs_turn(n, -m->a[at], lbfgs_y(s, at), sums[0] / sums[1], q, lbfgs_y(s, at));
    }
    for (size_t k = m->count; k-- > 0;) {
        size_t at = (m->newest + LBFGS_PAIRS - k) % LBFGS_PAIRS, newer = (at + 1) % LBFGS_PAIRS;
        double c = m->a[at] - m->rho[at] * along;
        along = lbfgs_pass(n, c, lbfgs_s(s, at), q, k > 0 ? lbfgs_y(s, newer) : s->gradient);
    }
    return 1;
}

static us_status lbfgs_open(us_solver *s) {
    return us__line_open(s, 1 + 2 * LBFGS_PAIRS, sizeof(lbfgs_state), 0.9, lbfgs_aim);
}

const us__method us__method_lbfgs = {
    .about = {.name = "l-bfgs",
              .title = "limited-memory BFGS with Moré and Thuente's line search",
              .formula =
                  "d = -H g, H from the last 10 pairs (theta' - theta, g' - g)\ntheta <- theta + a d,  a by the strong "
                  "Wolfe conditions",
              .latex = "d = -H g,\\quad H \\text{ from the last } m \\text{ pairs } s = \\theta_{k+1} - \\theta_k,\\; y = "
                       "g_{k+1} - g_k \\\\ "
                       "\\theta \\leftarrow \\theta + a d",
              .settings = "m = 10 pairs; strong Wolfe conditions with 1e-4 and 0.9",
              .source =
                  "Liu & Nocedal 1989, On the limited memory BFGS method, Math. Programming 45; Moré & Thuente 1994, ACM "
                  "TOMS 20(3)",
              .advice = "Smooth losses of many parameters, without noise."},
    .open = lbfgs_open,
    .next = us__line_next,
    .close = us__line_close,
};
