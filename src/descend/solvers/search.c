/* Finds a step α > 0 with φ(α) ≤ φ(0) + cα·φ'(0) and |φ'(α)| ≤ d·|φ'(0)|, in a bracket that shrinks by safeguarded cubic and
 * quadratic interpolation.
 * Source: Moré & Thuente 1994, "Line search algorithms with guaranteed sufficient decrease", ACM TOMS 20(3): the algorithm
 * of section 2 and the trial values of section 4. */
#include "descend/solvers/search.h"
#include <math.h>

static double search_clamp(double x, double low, double high) { return fmin(fmax(x, low), high); }

/* The minimiser of the cubic through (a, fa, ga) and (b, fb, gb): a + r·(b − a). */
static double search_cubic(double a, double fa, double ga, double b, double fb, double gb) {
    double theta = 3 * (fa - fb) / (b - a) + ga + gb, size = fmax(fabs(theta), fmax(fabs(ga), fabs(gb)));
    double gamma = size * sqrt(fmax(0, (theta / size) * (theta / size) - (ga / size) * (gb / size)));
    if (b < a) gamma = -gamma;
    return a + ((gamma - ga) + theta) / ((gamma - ga) + gamma + gb) * (b - a);
}

/* The next step from the bracket's ends x, y and the step t just tried; moves the ends. */
static double search_trial(us__search *s, double t, double ft, double gt) {
    double secant = t - gt / (gt - s->gx) * (t - s->x), next, sign = gt * copysign(1, s->gx);
    if (ft > s->fx) { /* 1: higher, so the minimum is bracketed */
        double cubic = search_cubic(s->x, s->fx, s->gx, t, ft, gt);
        double quadratic = s->x + s->gx / ((s->fx - ft) / (t - s->x) + s->gx) / 2 * (t - s->x);
        next = fabs(cubic - s->x) < fabs(quadratic - s->x) ? cubic : cubic + (quadratic - cubic) / 2;
        s->bracketed = true;
    } else if (sign < 0) { /* 2: lower, and the slope has changed its sign */
        double cubic = search_cubic(t, ft, gt, s->x, s->fx, s->gx);
        next = fabs(cubic - t) > fabs(secant - t) ? cubic : secant;
        s->bracketed = true;
    } else if (fabs(gt) < fabs(s->gx)) { /* 3: lower, same sign, flatter */
        double theta = 3 * (s->fx - ft) / (t - s->x) + s->gx + gt;
        double size = fmax(fabs(theta), fmax(fabs(s->gx), fabs(gt)));
        double gamma = size * sqrt(fmax(0, (theta / size) * (theta / size) - (s->gx / size) * (gt / size)));
        if (t > s->x) gamma = -gamma;
        double r = ((gamma - gt) + theta) / ((gamma + (s->gx - gt)) + gamma), cubic;
        cubic = r < 0 && gamma != 0 ? t + r * (s->x - t) : t > s->x ? s->high : s->low;
        if (s->bracketed) {
            next = fabs(cubic - t) < fabs(secant - t) ? cubic : secant;
            double far = t + 0.66 * (s->y - t);
            next = t > s->x ? fmin(far, next) : fmax(far, next);
        } else {
            next = search_clamp(fabs(cubic - t) > fabs(secant - t) ? cubic : secant, s->low, s->high);
        }
    } else { /* 4: lower, same sign, steeper */
        next = s->bracketed ? search_cubic(t, ft, gt, s->y, s->fy, s->gy) : t > s->x ? s->high : s->low;
    }
    if (ft > s->fx) {
        s->y = t, s->fy = ft, s->gy = gt;
    } else {
        if (sign < 0) s->y = s->x, s->fy = s->fx, s->gy = s->gx;
        s->x = t, s->fx = ft, s->gx = gt;
    }
    return next;
}

void us__search_begin(us__search *s, double value, double slope, double step, double curvature) {
    *s = (us__search){.decrease = 1e-4,
                      .curvature = curvature,
                      .tolerance = 1e-16,
                      .step = step,
                      .least = 0,
                      .most = 1e20,
                      .value = value,
                      .slope = slope,
                      .fx = value,
                      .gx = slope,
                      .fy = value,
                      .gy = slope,
                      .width = 1e20,
                      .width_before = 2e20,
                      .high = 5 * step};
}

us__search_end us__search_next(us__search *s, double value, double slope) {
    double test = s->decrease * s->slope, line = s->value + s->step * test, t = s->step, next;
    if (!s->second && value <= line && slope >= 0) s->second = true;
    if (value <= line && fabs(slope) <= -s->curvature * s->slope) return US__SEARCH_DONE;
    bool stuck = s->bracketed && (t <= s->low || t >= s->high || s->high - s->low <= s->tolerance * s->high);
    if (stuck || (t == s->most && value <= line && slope <= test) || t <= s->least) {
        s->step = s->x;
        return US__SEARCH_FAILED;
    }
    if (!s->second && value <= s->fx && value > line) { /* ψ(α) = φ(α) − cα·φ'(0) instead of φ */
        s->fx -= s->x * test, s->gx -= test;
        s->fy -= s->y * test, s->gy -= test;
        next = search_trial(s, t, value - t * test, slope - test);
        s->fx += s->x * test, s->gx += test;
        s->fy += s->y * test, s->gy += test;
    } else {
        next = search_trial(s, t, value, slope);
    }
    if (s->bracketed) {
        if (fabs(s->y - s->x) >= 0.66 * s->width_before) next = s->x + 0.5 * (s->y - s->x);
        s->width_before = s->width;
        s->width = fabs(s->y - s->x);
        s->low = fmin(s->x, s->y), s->high = fmax(s->x, s->y);
    } else {
        s->low = next + 1.1 * (next - s->x), s->high = next + 4 * (next - s->x);
    }
    next = search_clamp(next, s->least, s->most);
    bool spent = s->bracketed && (next <= s->low || next >= s->high || s->high - s->low <= s->tolerance * s->high);
    s->step = spent || !isfinite(next) ? s->x : next;
    return US__SEARCH_MORE;
}
