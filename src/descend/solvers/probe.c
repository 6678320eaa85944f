/* Where the second order is silent: the loss itself, measured along the eigenvectors of the eigenvalues that are (nearly)
 * zero and along random mixtures of them, both ways, at lengths from 1e-8 to 100 of the size of θ. */
#include "descend/solvers/probe.h"
#include <cblas.h>
#include <math.h>

enum { PROBE_EIGENVECTORS = 32, PROBE_MIXTURES = 12 };

/* The k-th direction, of length 1, in θ's own space. */
static void probe_direction(const us__quadratic *q, const size_t *silent, size_t count, size_t k, us_rng *rng, double *d) {
    size_t single = count < PROBE_EIGENVECTORS ? count : PROBE_EIGENVECTORS;
    for (size_t j = 0; j < q->n; j++) d[j] = 0;
    for (size_t i = 0; i < count; i++) {
        double weight = k < single ? i == k : us_rng_normal(rng);
        if (weight != 0) cblas_daxpy((int)q->n, weight, q->basis + silent[i] * q->n, 1, d, 1);
    }
    cblas_dscal((int)q->n, 1 / cblas_dnrm2((int)q->n, d, 1), d, 1);
}

us_status us__probe_way_down(const us__quadratic *q, us__local *local, const double *theta, double value, double part,
                             uint64_t seed, double *direction, double *trial, double *best_theta, double *best_value) {
    size_t n = q->n, count = 0;
    size_t silent[PROBE_EIGENVECTORS];
    double norm = fmax(fabs(q->values[0]), fabs(q->values[q->m - 1]));
    for (size_t i = 0; i < q->m && count < PROBE_EIGENVECTORS; i++)
        if (fabs(q->values[i]) <= part * norm) silent[count++] = i;
    *best_value = value;
    us_rng rng = us_rng_init(seed, 0x70726f62);
    double size = fmax(1, cblas_dnrm2((int)n, theta, 1));
    size_t directions = count > 1 ? count + PROBE_MIXTURES : count;
    for (size_t k = 0; k < directions; k++) {
        probe_direction(q, silent, count, k, &rng, direction);
        for (double length = 1e-8; length <= 100; length *= 4)
            for (int sign = -1; sign <= 1; sign += 2) {
                double there;
                for (size_t j = 0; j < n; j++) trial[j] = theta[j] + sign * length * size * direction[j];
                us_status status = us__local_value(local, trial, &there);
                if (status != US_OK) return status;
                if (!isfinite(there) || there >= *best_value) continue;
                *best_value = there;
                cblas_dcopy((int)n, trial, 1, best_theta, 1);
            }
    }
    return US_OK;
}
