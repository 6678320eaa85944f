/* The spectrum of an operator that is a function of this program: a chain of 200 springs, (Ax)ᵢ = 2xᵢ − xᵢ₋₁ − xᵢ₊₁, whose
 * eigenvalues are 2 − 2cos(kπ/201). */
#include <math.h>
#include <stdio.h>
#include <unstuck/unstuck.h>

enum { N = 200 };

static us_status springs(void *user, const double *x, double *y, size_t k) {
    (void)user;
    for (size_t j = 0; j < k; j++, x += N, y += N)
        for (size_t i = 0; i < N; i++) y[i] = 2 * x[i] - (i > 0 ? x[i - 1] : 0) - (i + 1 < N ? x[i + 1] : 0);
    return US_OK;
}

int main(void) {
    us_context *context = NULL;
    us_eigenpairs *pairs = NULL;
    us_density *density = NULL;
    us_trace_estimate trace = {0};
    us_operator a = US_OPERATOR_INIT;
    a.n = N;
    a.apply = springs;
    us_lanczos_options options = US_LANCZOS_OPTIONS_INIT;
    options.bottom = 0;
    options.top = 3;

    us_status status = us_context_create(&context, NULL);
    if (status == US_OK) status = us_lanczos_solve(&pairs, context, &a, &options);
    if (status == US_OK) status = us_trace(&trace, context, &a, NULL);
    if (status == US_OK) status = us_density_create(&density, context, &a, NULL);
    if (status != US_OK) fprintf(stderr, "%s\n", context ? us_context_error(context) : us_status_meaning(status));
    bool right = status == US_OK;
    for (size_t i = 0; right && i < 3; i++) {
        double exact = 2 - 2 * cos((double)(N - 2 + i) * acos(-1) / (N + 1));
        printf("%.12f within %.1g (exactly %.12f)\n", pairs->values[i], pairs->residuals[i], exact);
        right = fabs(pairs->values[i] - exact) <= pairs->residuals[i];
    }
    if (right) {
        double error, share = us_density_below(density, 2, &error);
        printf("%zu products\n", pairs->products);
        printf("trace %.1f ± %.1f (exactly 400); %.3f ± %.3f of the eigenvalues are below 2 (exactly 0.5)\n", trace.value,
               trace.standard_error, share, error);
        right = fabs(trace.value - 400) < 5 * trace.standard_error && fabs(share - 0.5) < 0.05;
    }
    us_density_destroy(density);
    us_eigenpairs_destroy(pairs);
    us_context_destroy(context);
    return right ? 0 : 1;
}
