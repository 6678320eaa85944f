/* Condition number and effective dimension, each with its error. */
#include <math.h>
#include <unstuck/condition.h>

us_condition us_spectrum_condition(const us_spectrum *s) {
    double largest = 0, smallest = HUGE_VAL, r = s->resolution;
    for (size_t i = 0; i < s->n; i++) {
        largest = fmax(largest, fabs(s->values[i]));
        smallest = fmin(smallest, fabs(s->values[i]));
    }
    bool singular = !(smallest > r);
    return (us_condition){.value = singular ? HUGE_VAL : largest / smallest,
                          .low = fmax(1, (largest - r) / (smallest + r)),
                          .high = singular ? HUGE_VAL : (largest + r) / (smallest - r)};
}

us_condition us_eigenpairs_condition(const us_eigenpairs *p) {
    us_condition c = {.value = (double)NAN, .low = 1, .high = HUGE_VAL};
    if (p->bottom == 0 || p->top == 0) return c;
    size_t last = p->bottom + p->top - 1;
    double bottom = p->values[0], top = p->values[last], r = p->resolution;
    double reach = fmax(fabs(bottom) - p->residuals[0], fabs(top) - p->residuals[last]) - r;
    /* The eigenvalues that were seen bound κ from below, whatever lies between. */
    double nearest = HUGE_VAL;
    for (size_t i = 0; i <= last; i++) nearest = fmin(nearest, fabs(p->values[i]) + p->residuals[i]);
    c.low = fmax(1, reach / (nearest + r));
    /* Definite: the end next to zero is the smallest. */
    bool positive = p->low_bound > r, negative = p->high_bound < -r;
    if (positive || negative) {
        c.value = positive ? top / bottom : bottom / top;
        c.high = (fmax(-p->low_bound, p->high_bound) + r) / ((positive ? p->low_bound : -p->high_bound) - r);
    } else if (nearest <= r) {
        c.value = HUGE_VAL;
    }
    return c;
}

us_effective_dimension us_spectrum_effective_dimension(const us_spectrum *s, double tau) {
    us_effective_dimension d = {0, 0};
    for (size_t i = 0; i < s->n; i++) { /* the derivative by λ is τ/(λ + τ)²; below zero it is 0, and just above 1/τ */
        double lambda = fmax(s->values[i], 0), near = fmax(lambda - s->resolution, 0);
        d.value += lambda / (lambda + tau);
        if (s->values[i] > -s->resolution) d.error += s->resolution * tau / ((near + tau) * (near + tau));
    }
    return d;
}

us_effective_dimension us_density_effective_dimension(const us_density *density, double tau) {
    double mean = 0, squares = 0;
    for (size_t p = 0; p < density->probes; p++) {
        double sum = 0;
        for (size_t i = p * density->steps; i < (p + 1) * density->steps; i++) {
            double lambda = fmax(density->nodes[i], 0);
            sum += density->weights[i] * lambda / (lambda + tau);
        }
        double delta = sum - mean; /* Welford 1962 */
        mean += delta / (double)(p + 1);
        squares += delta * (sum - mean);
    }
    double n = (double)density->n, probes = (double)density->probes;
    return (us_effective_dimension){n * mean, n * sqrt(squares / (probes - 1) / probes)};
}
