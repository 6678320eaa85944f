#include "descend/solvers/subproblem.h"
#include <float.h>
#include <math.h>

/* With s = μ + λ₁ > 0 and gaps dᵢ = λᵢ − λ₁ ≥ 0 nothing cancels: pᵢ = −gᵢ/(dᵢ + s).
 * Returns ‖p‖, and pᵀ(D + sI)⁻¹p, which the derivative of ‖p‖ needs. */
static double subproblem_length(size_t m, const double *values, const double *gradient, double s, double *curvature) {
    double square = 0, weighted = 0;
    for (size_t i = 0; i < m; i++) {
        if (gradient[i] == 0) continue; /* not 0/0 */
        double denominator = values[i] - values[0] + s, p = gradient[i] / denominator;
        square += p * p;
        weighted += p * p / denominator;
    }
    *curvature = weighted;
    return sqrt(square);
}

/* The root s in [low, high] of 1/radius − 1/‖p(s)‖, which rises with s: Newton's method, kept inside a bracket. */
static double subproblem_root(size_t m, const double *values, const double *gradient, double radius, double low,
                              double high) {
    double s = low > 0 ? low : high;
    for (int i = 0; i < 200; i++) {
        double curvature, length = subproblem_length(m, values, gradient, s, &curvature);
        if (length > radius)
            low = s;
        else
            high = s;
        if (fabs(length - radius) <= 1e-12 * radius || high - low <= 4 * DBL_EPSILON * high) break;
        double next = s + (length * length / curvature) * (length - radius) / radius;
        /* From the right of the root Newton may jump below the bracket, where only orders of magnitude help. */
        if (!(next > low && next < high)) next = low > 0 ? sqrt(low) * sqrt(high) : 1e-3 * high;
        if (next == s || next <= DBL_MIN) break;
        s = next;
    }
    return s;
}

us__subproblem us__subproblem_solve(size_t m, const double *values, const double *gradient, double radius, double *step) {
    us__subproblem out = {0};
    double lowest = values[0], unused, norm = 0;
    for (size_t i = 0; i < m; i++) norm = hypot(norm, gradient[i]);

    double s = lowest; /* μ = 0 */
    bool interior = lowest > 0 && subproblem_length(m, values, gradient, lowest, &unused) <= radius;
    if (!interior) {
        double low = lowest > 0 ? lowest : 0, high = fmax(norm / radius, low) * (1 + 4 * DBL_EPSILON);
        /* The hard case: even at s = 0 the step would end inside. */
        bool hard = lowest <= 0 && subproblem_length(m, values, gradient, 0, &unused) < radius;
        s = hard ? 0 : subproblem_root(m, values, gradient, radius, low, high);
    }
    double square = 0;
    for (size_t i = 0; i < m; i++) {
        step[i] = gradient[i] == 0 ? 0 : -gradient[i] / (values[i] - lowest + s);
        square += step[i] * step[i];
    }
    if (!interior && square < radius * radius) { /* the rest of the way along the first eigenvector */
        double first = step[0], rest = square - first * first;
        double along = sqrt(fmax(radius * radius - rest, 0));
        step[0] = gradient[0] > 0 ? -along : along;
        square = rest + along * along;
    }
    double linear = 0, quadratic = 0;
    for (size_t i = 0; i < m; i++) {
        linear += gradient[i] * step[i];
        quadratic += values[i] * step[i] * step[i];
    }
    out.predicted = fmax(-(linear + 0.5 * quadratic), 0);
    out.length = sqrt(square);
    out.on_boundary = !interior;
    out.mirrored = !interior && lowest <= 0 && step[0] != 0 && fabs(gradient[0] * step[0]) <= 1e-10 * out.predicted;
    return out;
}
