/* The octopus function of Du, Jin, Lee, Jordan, Singh & Póczos 2017, "Gradient descent can take exponential time to escape
 * saddle points", NeurIPS: d saddles in a row, each left along the next coordinate, and a minimum at 4τ(1, .., 1). In the
 * positive orthant (f is even in every coordinate), with k coordinates beyond 2τ from the front and y the next one:
 *
 *   Σ_{j<k} L(xⱼ − 4τ)² − kν  +  −Ly² + Σ γxⱼ²                  y ≤ τ
 *                             +  g₁(y) + g₂(y)·x² + Σ γxⱼ²       τ ≤ y ≤ 2τ, x the one after it
 *
 * g₁ and g₂ are the polynomials that make value, slope and curvature continuous, ν what makes the pieces meet. τ = e, γ = 1.
 *
 * Plain descent and perturbed descent as in the paper (rate 1/4L, radius e/100 where the gradient is below e/100), and
 * solvers of the library, from ten starts uniform in [0, 1]^d, until the loss is within 1e-3 of the minimum: iterations,
 * medians. usage: bench_octopus */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unstuck/solve.h>

enum { MOST = 10, STARTS = 10, DESCENT_MOST = 100000 };
static const double TAU = 2.718281828459045, GAMMA = 1;

typedef struct octopus {
    size_t d;
    double L;
    size_t evaluations;
    size_t reached_at; /* gradients until the minimum was near */
} octopus;

static double octopus_bottom(const octopus *o) { return -(double)o->d * 25.0 / 3 * o->L * TAU * TAU; }

/* Value, gradient and the Hessian times v (either may be NULL). */
static double octopus_look(const octopus *o, const double *theta, double *g, const double *v, double *hv) {
    size_t d = o->d, k = 0;
    double L = o->L, x[MOST], slope[MOST], diagonal[MOST], beside = 0, f = octopus_bottom(o) / (double)d;
    for (size_t j = 0; j < d; j++) x[j] = fabs(theta[j]), slope[j] = 2 * GAMMA * x[j], diagonal[j] = 2 * GAMMA;
    while (k < d && x[k] >= 2 * TAU) k++;
    f *= (double)k;
    for (size_t j = 0; j < d; j++) {
        double away = x[j] - 4 * TAU;
        if (j < k) f += L * away * away, slope[j] = 2 * L * away, diagonal[j] = 2 * L;
        if (j > k + 1 || (j == k + 1 && x[k] <= TAU)) f += GAMMA * x[j] * x[j];
    }
    if (k < d && x[k] <= TAU) {
        f -= L * x[k] * x[k];
        slope[k] = -2 * L * x[k], diagonal[k] = -2 * L;
    } else if (k < d) {
        double y = x[k] - TAU, t = y / TAU, a = -4 * L / (3 * TAU), b = L / (TAU * TAU), m = L + GAMMA;
        f += -L * TAU * TAU - 2 * L * TAU * y - L * y * y + a * y * y * y + b * y * y * y * y;
        slope[k] = -2 * L * TAU - 2 * L * y + 3 * a * y * y + 4 * b * y * y * y;
        diagonal[k] = -2 * L + 6 * a * y + 12 * b * y * y;
        if (k + 1 < d) {
            double next = x[k + 1], g2 = GAMMA - m * t * t * t * (10 - 15 * t + 6 * t * t);
            double g2s = -m * 30 * t * t * (1 - t) * (1 - t) / TAU;
            f += g2 * next * next;
            slope[k] += g2s * next * next;
            diagonal[k] += -m * 60 * t * (1 - t) * (1 - 2 * t) / (TAU * TAU) * next * next;
            slope[k + 1] = 2 * g2 * next, diagonal[k + 1] = 2 * g2;
            beside = 2 * g2s * next * (theta[k] < 0 ? -1 : 1) * (theta[k + 1] < 0 ? -1 : 1);
        }
    }
    for (size_t j = 0; g && j < d; j++) g[j] = theta[j] < 0 ? -slope[j] : slope[j];
    for (size_t j = 0; hv && j < d; j++) {
        hv[j] = diagonal[j] * v[j];
        if (j == k && k + 1 < d) hv[j] += beside * v[k + 1];
        if (j == k + 1) hv[j] += beside * v[k];
    }
    return f;
}

static double octopus_value(octopus *o, const double *theta, double *g) {
    double f = octopus_look(o, theta, g, NULL, NULL);
    o->evaluations += g != NULL;
    if (!o->reached_at && f - octopus_bottom(o) < 1e-3) o->reached_at = o->evaluations;
    return f;
}

/* ------------------------------------------------------------------ the paper's */

static double octopus_norm(const double *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i] * x[i];
    return sqrt(sum);
}

/* Plain descent, or (perturb) with noise where the gradient is small. */
static void descend(octopus *o, double *theta, bool perturb, us_rng *rng) {
    double g[MOST], noise[MOST];
    for (size_t step = 0; step < DESCENT_MOST && !o->reached_at; step++) {
        octopus_value(o, theta, g);
        if (perturb && octopus_norm(g, o->d) < GAMMA * exp(1) / 100) {
            for (size_t i = 0; i < o->d; i++) noise[i] = us_rng_normal(rng);
            double length = exp(1) / 100 * pow(us_rng_uniform(rng), 1 / (double)o->d) / octopus_norm(noise, o->d);
            for (size_t i = 0; i < o->d; i++) theta[i] += length * noise[i];
            octopus_value(o, theta, g);
        }
        for (size_t i = 0; i < o->d; i++) theta[i] -= g[i] / (4 * o->L);
    }
}

/* ------------------------------------------------------------------ ours */

static size_t solve(us_context *context, octopus *o, const char *name, double *theta, size_t *products) {
    us_minimize_options options = US_MINIMIZE_OPTIONS_INIT;
    us_solver *solver;
    const us_request *q;
    us_solver_sizes sizes = {o->d, 0, 1};
    if (us_solver_create(&solver, context, name, sizes, theta, &options) != US_OK) exit(2);
    while (!o->reached_at && us_solver_next(solver, &q) == US_OK && q->ask != US_ASK_NOTHING) {
        if (q->ask == US_ASK_VALUE) *q->value = octopus_value(o, q->theta, NULL);
        if (q->ask == US_ASK_GRADIENT) *q->value = octopus_value(o, q->theta, q->gradient);
        for (size_t j = 0; q->ask == US_ASK_PRODUCTS && j < q->count; j++)
            octopus_look(o, q->theta, NULL, q->v + j * o->d, q->hv + j * o->d);
    }
    size_t iterations = us_solver_result(solver)->iterations;
    *products = us_solver_result(solver)->products;
    us_solver_destroy(solver);
    return iterations;
}

static int compare(const void *a, const void *b) {
    const size_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

int main(void) {
    static const char *const NAMES[] = {"plain descent",      "perturbed descent (Jin 2017)",
                                        "perturbed-gradient", "negative-curvature",
                                        "saddle-free",        "trust-region"};
    us_context *context;
    if (us_context_create(&context, NULL) != US_OK) return 2;
    printf("| d | L | method | iterations | gradients | products | reached |\n|---|---|---|---|---|---|---|\n");
    for (size_t d = 5; d <= 10; d += 5)
        for (double L = 1; L <= 3; L += L == 1 ? 0.5 : L == 1.5 ? 0.5 : 1)
            for (size_t k = 0; k < sizeof NAMES / sizeof *NAMES; k++) {
                size_t iterations[STARTS], gradients[STARTS], products[STARTS], reached = 0;
                for (size_t start = 0; start < STARTS; start++) {
                    us_rng rng = us_rng_init(start + 1, 0);
                    octopus o = {.d = d, .L = L};
                    double theta[MOST];
                    for (size_t i = 0; i < d; i++) theta[i] = us_rng_uniform(&rng);
                    products[start] = 0;
                    if (k < 2)
                        descend(&o, theta, k == 1, &rng);
                    else
                        iterations[start] = solve(context, &o, NAMES[k], theta, &products[start]);
                    gradients[start] = o.evaluations;
                    if (k < 2) iterations[start] = o.evaluations;
                    reached += o.reached_at != 0;
                }
                qsort(iterations, STARTS, sizeof *iterations, compare);
                qsort(gradients, STARTS, sizeof *gradients, compare);
                qsort(products, STARTS, sizeof *products, compare);
                printf("| %zu | %g | %s | %zu | %zu | %zu | %zu of %d |\n", d, L, NAMES[k], iterations[STARTS / 2],
                       gradients[STARTS / 2], products[STARTS / 2], reached, STARTS);
            }
    us_context_destroy(context);
    return 0;
}
