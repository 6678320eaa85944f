/** What a spectrum comes to: its condition number, and how many dimensions it has beyond a scale; with their errors. */
#ifndef UNSTUCK_CONDITION_H
#define UNSTUCK_CONDITION_H

#include <unstuck/curvature.h>
#include <unstuck/density.h>
#include <unstuck/lanczos.h>

#ifdef __cplusplus
extern "C" {
#endif

/** κ = max|λ| / min|λ|. */
typedef struct us_condition {
    double value;     /* inf where the smallest |λ| cannot be told from zero; NaN where it was not seen: eigenvalues between
                         the ends of an operator that is not definite */
    double low, high; /* κ lies between; high is inf where zero cannot be ruled out */
} us_condition;

US_API us_condition us_spectrum_condition(const us_spectrum *spectrum);
/** From both ends (bottom and top ≥ 1, else NaN within [1, inf]). low and high hold with the pairs' own confidence. */
US_API us_condition us_eigenpairs_condition(const us_eigenpairs *pairs);

/** The effective dimension Σ λ/(λ + τ) over the positive eigenvalues: how many directions the data determine beyond a prior,
 * or a penalty, of strength τ > 0. Source: MacKay 1992, "Bayesian interpolation", Neural Computation 4(3), equation 4.9. */
typedef struct us_effective_dimension {
    double value;
    double error; /* from a dense spectrum: a bound, by the resolution; from a density: the standard error over its probes */
} us_effective_dimension;

US_API us_effective_dimension us_spectrum_effective_dimension(const us_spectrum *spectrum, double tau);
/** τ far below (highest − lowest)/steps² is finer than the density sees, and no error tells of that. */
US_API us_effective_dimension us_density_effective_dimension(const us_density *density, double tau);

#ifdef __cplusplus
}
#endif
#endif
