/* Curvature for a program with a framework of its own: the library asks for Hessian-vector products, and the program makes
 * them wherever it likes. Here f(θ) = ½ Σ (θᵢ⁴ − 16θᵢ² + 5θᵢ) (Styblinski & Tang 1990) in 100,000 dimensions, at a critical
 * point that is a minimum along all axes but one. Is it a minimum? */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unstuck/unstuck.h>

enum { N = 100000, ODD_ONE = 61803 };

/* The stand-in for a framework: hv ← ∇²f(θ)·v. */
static void my_product(const double *theta, const double *v, double *hv) {
    for (size_t i = 0; i < N; i++) hv[i] = (6 * theta[i] * theta[i] - 16) * v[i];
}

int main(void) {
    us_context *context = NULL;
    us_lanczos *lanczos = NULL;
    us_eigenpairs *pairs = NULL;
    us_lanczos_options options = US_LANCZOS_OPTIONS_INIT;
    options.below = 0; /* ask only: is there an eigenvalue below zero? */
    double *theta = malloc(N * sizeof *theta), *hv = malloc(N * sizeof *hv);
    if (!theta || !hv) return 1;
    for (size_t i = 0; i < N; i++) theta[i] = i == ODD_ONE ? 0.156731 : -2.903534; /* roots of 4x³ − 32x + 5 */

    us_status status = us_context_create(&context, NULL);
    if (status == US_OK) status = us_lanczos_create(&lanczos, context, N, &options);
    const double *v;
    while (status == US_OK && (v = us_lanczos_next(lanczos))) {
        my_product(theta, v, hv);
        status = us_lanczos_give(lanczos, hv);
    }
    if (status == US_OK) status = us_lanczos_result(&pairs, lanczos);
    if (status != US_OK) fprintf(stderr, "%s\n", context ? us_context_error(context) : us_status_meaning(status));
    bool right = false;
    if (pairs) {
        size_t most = 0;
        for (size_t i = 0; i < N; i++)
            if (fabs(pairs->vectors[i]) > fabs(pairs->vectors[most])) most = i;
        printf("after %zu products: v'Hv = %.6g (zero within %.1g), mostly along axis %zu\n", pairs->products,
               pairs->values[0], pairs->resolution, most);
        right = pairs->below == US_BELOW_FOUND && most == ODD_ONE;
        printf(right ? "a saddle, and the way out\n" : "not what was expected\n");
    }
    us_eigenpairs_destroy(pairs);
    us_lanczos_destroy(lanczos);
    us_context_destroy(context);
    free(theta);
    free(hv);
    return right ? 0 : 1;
}
