/* How far beyond what was seen the spectrum may reach, given a random start.
 *
 * Lanczos' method from b, ‖b‖ = 1, gives the polynomials that are orthonormal over b's parts along the eigenvectors, by the
 * recurrence β_{j+1}π_{j+1}(x) = (x − αⱼ)πⱼ(x) − βⱼπ_{j−1}(x), π₀ = 1, that T holds. For a polynomial p of degree k at most,
 * ‖p(A)b‖² ≥ p(μ)²⟨w, b⟩² at an eigenvalue μ with eigenvector w; the p that says the most of it gives
 *     ⟨w, b⟩² ≤ 1/Σ_{j≤k} πⱼ(μ)²,
 * Christoffel's function. Beyond the Ritz values the sum grows with the distance. So, unless b has hardly a component along
 * the outermost eigenvector, which is improbable, that eigenvalue is no farther out than where the sum comes to the square
 * of 1/(the component that is missed with the probability left). That holds whenever one stops, and knows the spectrum as it
 * is: a few eigenvalues far out cost one product each.
 *
 * A block has no such scalar recurrence, and before anything is known there is none: there the bound of Kuczyński and
 * Woźniakowski, for the worst spectrum of its width, serves.
 * Sources: Szegő 1939, "Orthogonal polynomials", section 3.4; Kuczyński & Woźniakowski 1992, SIAM J. Matrix Anal. Appl.
 * 13(4), theorem 4.2. */
#include "curvature/lanczos.h"
#include <float.h>
#include <math.h>

double us__lanczos_resolution(const us_lanczos *l) {
    double turned = sqrt((double)l->n * (double)(1 + l->restarts)) * DBL_EPSILON; /* V is computed anew by each restart */
    return l->noise + (4 * l->o.epsilon + turned) * l->scale + l->o.sampling_error;
}

static double bounds_starts(const us_lanczos *l) { return l->o.start && l->rounds == 0 ? 1 : (double)l->block; }

/* 1.648·√n, n seen through the start. A miss needs a start with hardly a component along the wanted eigenvector u. Where it
 * is s + τ·g, ‖s‖ = ‖g‖ = 1, g random, |⟨u, s + τg⟩| is small with at most the probability that |⟨u, τg⟩| is (the density of
 * ⟨u, g⟩ is symmetric and falls on both sides), while the length is at most 1 + τ. */
static double bounds_root(const us_lanczos *l) {
    double root = 1.648 * sqrt((double)l->n);
    return l->o.start && l->rounds == 0 ? root * (1 + US__LANCZOS_START) / US__LANCZOS_START : root;
}

/* Probability that (λmax − ξ)/(λmax − λmin) > relative: at most 1.648·√n·exp(−√relative·(2k−1)). Theorem 4.2. The Krylov
 * space of a block holds those of its columns, whose starts are independent: all of them must miss. */
double us__lanczos_failure(const us_lanczos *l, size_t k, double relative) {
    if (k == 0 || !(relative > 0)) return 1;
    return pow(fmin(1, bounds_root(l) * exp(-sqrt(relative) * (2 * (double)k - 1))), bounds_starts(l));
}

size_t us_lanczos_products(size_t n, double resolution, double confidence) {
    if (!(resolution > 0 && resolution < 1 && confidence > 0 && confidence < 1)) return SIZE_MAX;
    double k = ceil(0.5 + log(1.648 * sqrt((double)n) / (1 - confidence)) / (2 * sqrt(resolution)));
    return k < (double)n ? (size_t)k : n;
}

/* The smallest relative error that k steps exclude at both ends with the confidence; may be above 1. */
static double bounds_relative(const us_lanczos *l, size_t k) {
    double failure = pow(0.5 * (1 - l->o.confidence), 1 / bounds_starts(l)); /* of one column */
    double root = log(bounds_root(l) / failure) / (2 * (double)k - 1);
    return root * root;
}

/* 1/c, where a random start of length 1 has |⟨w, b⟩| < c with the probability δ at most that is left for one end: on the
 * sphere the density of ⟨w, b⟩ is largest at 0, and less than √(n/(2π)) there. Where it was guessed: see bounds_root. */
static double bounds_component(const us_lanczos *l) {
    double component = sqrt(2 / M_PI * (double)l->n) / (0.5 * (1 - l->o.confidence));
    return l->o.start ? component * (1 + US__LANCZOS_START) / US__LANCZOS_START : component;
}

/* Is Σ πⱼ(x)² above limit²? A β of 0, at most 10·ε·scale in truth, ends the chain: the space is used up. */
static bool bounds_exclude(const us_lanczos *l, double x, double limit) {
    double before = 0, now = 1, sum = 1, beside = 1;
    for (size_t j = 0; j < l->first_chain && sum <= limit * limit; j++) {
        double next = (x - l->alpha[j]) * now - (j ? beside * before : 0);
        beside = l->beta[j] > 0 ? l->beta[j] : 10 * l->o.epsilon * l->scale;
        before = now, now = next / beside;
        sum += now * now;
        if (l->beta[j] == 0) break;
    }
    return sum > limit * limit;
}

/* How far beyond `edge`, its outermost Ritz value, an end may lie. @param side  −1 or 1 */
static double bounds_beyond(const us_lanczos *l, double edge, int side) {
    double limit = bounds_component(l), near = 0, far = DBL_MIN + l->scale;
    while (!bounds_exclude(l, edge + side * far, limit))
        if (!((far *= 2) < 1e300)) return HUGE_VAL; /* nothing was seen but zeros */
    for (int i = 0; i < 60 && near < far * (1 - 1e-3); i++) {
        double middle = 0.5 * (near + far);
        *(bounds_exclude(l, edge + side * middle, limit) ? &far : &near) = middle;
    }
    return far;
}

void us__lanczos_bounds(const us_lanczos *l, double *low, double *high) {
    double first = l->lowest, last = l->highest, below = 0, above = 0;
    if (l->size < l->n && l->block == 1 && l->first_chain) {
        below = bounds_beyond(l, first, -1), above = bounds_beyond(l, last, 1);
    } else if (l->size < l->n) { /* with probability 1 − 2δ both are missed by at most e·(λmax − λmin) */
        double e = l->first_chain ? bounds_relative(l, l->first_chain) : 1;
        below = above = e < 0.5 ? e * (last - first) / (1 - 2 * e) : HUGE_VAL;
    }
    *low = first - below - us__lanczos_resolution(l);
    *high = last + above + us__lanczos_resolution(l);
}
