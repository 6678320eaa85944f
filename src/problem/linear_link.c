/* The losses of the linear leaf as functions of the logits z of a row: loss, slope d = ∂ℓ/∂z, curvature t = ∂²ℓ/∂z²·u.
 * All in double. A logit that is not finite makes the loss so, too, even where the limit would exist. */
#include "problem/linear.h"
#include <math.h>

/* ½‖z − y‖²: d = z − y, t = u. */
static double half_mse_slope(size_t count, size_t K, const double *z, const double *target, const uint32_t *label,
                             double *d) {
    (void)label;
    double loss = 0;
    for (size_t i = 0; i < count * K; i++) {
        d[i] = z[i] - target[i];
        loss += 0.5 * d[i] * d[i];
    }
    return loss;
}

static void half_mse_weight(size_t count, size_t K, double *z) { (void)count, (void)K, (void)z; }
static void half_mse_curve(size_t count, size_t K, const double *p, double *u) { (void)count, (void)K, (void)p, (void)u; }

const us__linear_link us__linear_half_mse = {half_mse_slope, half_mse_weight, half_mse_curve};

/* log(1 + e^(−sz)), s = ±1, with e = e^(−|z|) so that nothing overflows:
 *   σ(|z|) = 1/(1+e), 1 − σ(|z|) = e/(1+e), d = σ(z) − y, t = σ(z)(1 − σ(z))u = e/(1+e)²·u. */
static double logistic_slope(size_t count, size_t K, const double *z, const double *target, const uint32_t *label,
                             double *d) {
    (void)K, (void)target;
    double loss = 0;
    for (size_t i = 0; i < count; i++) {
        double e = exp(-fabs(z[i])), s = label[i] ? 1 : -1;
        bool wrong = s * z[i] < 0;
        loss += log1p(e) + (wrong ? fabs(z[i]) : 0) + 0 * z[i];
        d[i] = -s * (wrong ? 1 : e) / (1 + e);
    }
    return loss;
}

static void logistic_weight(size_t count, size_t K, double *z) {
    (void)K;
    for (size_t i = 0; i < count; i++) {
        double e = exp(-fabs(z[i]));
        z[i] = e / ((1 + e) * (1 + e));
    }
}

static void logistic_curve(size_t count, size_t K, const double *p, double *u) {
    (void)K;
    for (size_t i = 0; i < count; i++) u[i] *= p[i];
}

const us__linear_link us__linear_logistic = {logistic_slope, logistic_weight, logistic_curve};

static double softmax_largest(size_t K, const double *z) {
    double largest = z[0];
    for (size_t k = 1; k < K; k++) largest = z[k] > largest ? z[k] : largest;
    return largest;
}

/* −log p[label], p = softmax(z) with the largest logit m taken off: d = p − e_label. What the other classes have in
 * common is summed by itself, because 1 − p[label] and log(1 + …) would lose it when the label is nearly certain. */
static double softmax_slope(size_t count, size_t K, const double *z, const double *target, const uint32_t *label,
                            double *d) {
    (void)target;
    double loss = 0;
    for (size_t i = 0; i < count; i++, z += K, d += K) {
        size_t own = label[i];
        double m = softmax_largest(K, z), others = 0, finite = 0;
        for (size_t k = 0; k < K; k++) {
            d[k] = exp(z[k] - m);
            finite += 0 * z[k];
            if (k != own) others += d[k];
        }
        double sum = others + d[own];
        loss += (z[own] == m ? log1p(others) : log(sum) + (m - z[own])) + finite;
        for (size_t k = 0; k < K; k++) d[k] /= sum;
        d[own] = -others / sum;
    }
    return loss;
}

static void softmax_weight(size_t count, size_t K, double *z) {
    for (size_t i = 0; i < count; i++, z += K) {
        double m = softmax_largest(K, z), sum = 0;
        for (size_t k = 0; k < K; k++) sum += z[k] = exp(z[k] - m);
        for (size_t k = 0; k < K; k++) z[k] /= sum;
    }
}

/* t = p∘(u − p·u) */
static void softmax_curve(size_t count, size_t K, const double *p, double *u) {
    for (size_t i = 0; i < count; i++, p += K, u += K) {
        double mean = 0;
        for (size_t k = 0; k < K; k++) mean += p[k] * u[k];
        for (size_t k = 0; k < K; k++) u[k] = p[k] * (u[k] - mean);
    }
}

const us__linear_link us__linear_softmax = {softmax_slope, softmax_weight, softmax_curve};
