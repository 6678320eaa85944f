/* The gradient noise scale. */
#ifndef US_DIAGNOSE_NOISE_H
#define US_DIAGNOSE_NOISE_H

#include "base/base.h"

/* tr(Σ) of the gradients of single rows, from the mean squared lengths of gradients of two batch sizes, without bias:
 *   E|g_b|² = |g|² + tr(Σ)/b,  so  tr(Σ) = (E|g_b|² − E|g_B|²)/(1/b − 1/B)
 * Drawn without repetition from n rows, B = n is the whole, and Σ that of the sample.
 * Source: McCandlish, Kaplan, Amodei 2018, "An empirical model of large-batch training", appendix A.1. */
double us__noise_trace(double small_square, size_t small, double large_square, size_t large);

#endif
