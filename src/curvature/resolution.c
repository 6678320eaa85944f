/* How small an eigenvalue of a measured Hessian can be told from zero.
 *
 * H is computed in floating point at a θ that is itself rounded. An entry that is the difference of two large terms is
 * off by their rounding, which ε·‖H‖ knows nothing of. So it is measured: with θ' = θ nudged by up to 16 units in the last
 * place (one would often round the same way) and z of random signs, the entries of
 *     d = H(θ')·z − H(θ)·z
 * have E[dᵢ²] = Σⱼ Eᵢⱼ² for an error E of independent entries (Hutchinson's estimator), thus E‖d‖² = ‖E‖_F² ≥ ‖E‖₂²,
 * and by Weyl no eigenvalue is off by more than ‖E‖₂. The largest of a few draws is taken, doubled. With a scale, the same
 * is done for D⁻¹HD⁻¹. */
#include "curvature/curvature.h"
#include <cblas.h>
#include <float.h>
#include <math.h>

enum { RESOLUTION_DRAWS = 6, RESOLUTION_UNITS = 16 };

void us__nudge(us_vec *out, const us_vec *theta, uint32_t units, us_rng *rng) {
    double epsilon = us_precision_epsilon(us_vec_precision(theta));
    for (size_t i = 0; i < us_vec_size(theta); i++) {
        double by = (1 + us_rng_below(rng, units)) * epsilon;
        us_vec_set(out, i, us_vec_get(theta, i) * (us_rng_u32(rng) & 1 ? 1 + by : 1 - by));
    }
}

us_status us__hessian_rounding(us_problem *problem, const us_vec *theta, const us_spectrum_options *options, const double *h,
                               const double *scale, double *rounding, size_t *products) {
    us_context *context = us_problem_context(problem);
    size_t n = us_problem_dimension(problem);
    us_rng rng = us_rng_init(1, 0x4e0d6e);
    us_vec *near = NULL;
    double *z = us__alloc(context, 2 * n, sizeof *z), *d = z ? z + n : NULL, largest = 0;
    us_status status = z ? us_vec_create(&near, context, us_vec_precision(theta), n) : US_ERR_NOMEM;
    for (size_t draw = 0; !status && draw < RESOLUTION_DRAWS; draw++) {
        us__nudge(near, theta, RESOLUTION_UNITS, &rng);
        for (size_t i = 0; i < n; i++) z[i] = (us_rng_u32(&rng) & 1 ? 1 : -1) * (scale ? scale[i] : 1);
        us_spectrum_options quiet = *options;
        quiet.progress = NULL;
        status = us__hessian_products(problem, near, &quiet, z, d, 1, draw, RESOLUTION_DRAWS);
        if (status) break;
        cblas_dsymv(CblasColMajor, CblasLower, (int)n, -1, h, (int)n, z, 1, 1, d, 1);
        for (size_t i = 0; scale && i < n; i++) d[i] *= scale[i];
        largest = fmax(largest, cblas_dnrm2((int)n, d, 1));
        ++*products;
    }
    *rounding = 2 * largest;
    us_vec_destroy(near);
    us__release(context, z);
    return status;
}
