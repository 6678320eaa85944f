#include "support.h"
#include <unstuck/curvature.h>

/* ------------------------------------------------------------------ quadratic forms ½xᵀAx with a known spectrum */

typedef struct form {
    size_t n;
    double *a; /* [n×n] */
} form;

static int form_gradient(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss, void *gradient) {
    const form *f = user;
    const double *x = theta;
    double *g = gradient;
    *loss = 0;
    for (size_t i = 0; i < f->n; i++) {
        g[i] = 0;
        for (size_t j = 0; j < f->n; j++) g[i] += f->a[i * f->n + j] * x[j];
        *loss += 0.5 * x[i] * g[i];
    }
    return 0;
}

static int form_value(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss) {
    double *scratch = malloc(((form *)user)->n * sizeof *scratch);
    form_gradient(user, theta, rows, count, loss, scratch);
    free(scratch);
    return 0;
}

static int form_hvp(void *user, const void *theta, const uint32_t *rows, size_t count, const void *v, void *hv) {
    double loss;
    return form_gradient(user, v, rows, count, &loss, hv);
}

static us_problem *form_problem(us_context *context, form *f, bool exact) {
    us_callback_problem callback = US_CALLBACK_PROBLEM_INIT;
    callback.dimension = f->n, callback.user = f;
    callback.value = form_value, callback.gradient = form_gradient, callback.hvp = exact ? form_hvp : NULL;
    us_problem *problem;
    us_status status = us_problem_create_callback(&problem, context, &callback);
    return status ? NULL : problem;
}

/* a ← QᵀΛQ with Q the product of n random reflections, as accurate as doubles allow. */
static void form_prescribe(form *f, const double *values, uint64_t seed) {
    size_t n = f->n;
    us_rng rng = us_rng_init(seed, 3);
    double *u = malloc(n * sizeof *u);
    memset(f->a, 0, n * n * sizeof *f->a);
    for (size_t i = 0; i < n; i++) f->a[i * n + i] = values[i];
    for (size_t k = 0; k < n; k++) {
        double square = 0;
        for (size_t i = 0; i < n; i++) u[i] = us_rng_normal(&rng), square += u[i] * u[i];
        for (int side = 0; side < 2; side++) /* a ← a − 2uuᵀa/‖u‖², and the same from the right by symmetry */
            for (size_t j = 0; j < n; j++) {
                double dot = 0;
                for (size_t i = 0; i < n; i++) dot += u[i] * (side ? f->a[j * n + i] : f->a[i * n + j]);
                for (size_t i = 0; i < n; i++) *(side ? &f->a[j * n + i] : &f->a[i * n + j]) -= 2 * u[i] * dot / square;
            }
    }
    free(u);
}

static us_status form_spectrum(us_context *context, form *f, bool exact, const us_spectrum_options *options,
                               us_spectrum **out) {
    us_problem *problem = form_problem(context, f, exact);
    us_vec *theta = NULL;
    us_status status = problem ? us_vec_create(&theta, context, US_F64, f->n) : US_ERR_NOMEM;
    *out = NULL;
    if (!status) {
        us_rng rng = us_rng_init(7, 7);
        us_vec_fill_normal(theta, &rng);
        status = us_spectrum_dense(out, problem, theta, options);
    }
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    return status;
}

static int ascending(const void *a, const void *b) { return *(const double *)a < *(const double *)b ? -1 : 1; }

/* Prescribed spectra: values, vectors, counts, residuals, and a resolution that neither hides nor invents. */
static void prescribed_spectra_come_back(void **state) {
    static const double SPECTRA[][12] = {
        {5, 4, 3, 2, 1, 1, 1, 1, 1, 1, 1, 1},
        {-3, 1e-6, 2, 2, 2, 2, 5, 7, 9, 11, 13, 1000},
        {-1e-7, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 100},
        {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4},
        {-5, -4, -3, -2, -1, -1, -1, -1, -1e-3, -2, -2, -2},
        {1e300, 2e300, 3e300, -1e300, 4e300, 4e300, 4e300, 4e300, 4e300, 4e300, 4e300, 4e300},
        {1e-140, 2e-140, -3e-140, 1e-140, 1e-140, 1e-140, 1e-140, 1e-140, 1e-140, 1e-140, 1e-140, 1e-140},
    };
    us_context *context = support_plain_context();
    for (size_t c = 0; c < sizeof SPECTRA / sizeof *SPECTRA; c++)
        for (size_t n = 1; n <= 12; n++) {
            double a[144], values[12];
            form f = {n, a};
            form_prescribe(&f, SPECTRA[c], c + 1);
            memcpy(values, SPECTRA[c], sizeof values);
            qsort(values, n, sizeof *values, ascending);
            us_spectrum *s;
            us_spectrum_options options = US_SPECTRUM_OPTIONS_INIT;
            options.block = 1 + n / 3;
            assert_int_equal(form_spectrum(context, &f, true, &options, &s), US_OK);
            size_t counts[3] = {0, 0, 0};
            double norm = fmax(fabs(values[0]), fabs(values[n - 1]));
            for (size_t i = 0; i < n; i++) {
                assert_near(s->values[i], values[i], 0, 1e-13 * norm);
                assert_true(s->residuals[i] <= 1e-14 * norm);
                counts[values[i] < 0 ? 0 : values[i] == 0 ? 1 : 2]++;
                double length = 0;
                for (size_t k = 0; k < n; k++) length += s->vectors[i * n + k] * s->vectors[i * n + k];
                assert_near(length, 1, 1e-13, 0);
            }
            assert_true(s->resolution <= 1e-12 * norm + 1e-150);
            assert_int_equal(s->negative, counts[0]);
            assert_int_equal(s->zero, counts[1]);
            assert_int_equal(s->positive, counts[2]);
            us_spectrum_destroy(s);
        }
    us_context_destroy(context);
}

/* −1 2 −1 on a line: 2 − 2cos(kπ/(n+1)). */
static void laplacian_has_its_cosines(void **state) {
    us_context *context = support_plain_context();
    enum { N = 150 };
    static double a[N * N];
    form f = {N, a};
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++) a[i * N + j] = i == j ? 2 : i + 1 == j || j + 1 == i ? -1 : 0;
    for (int exact = 0; exact < 2; exact++) {
        us_spectrum *s;
        assert_int_equal(form_spectrum(context, &f, exact, NULL, &s), US_OK);
        for (size_t k = 1; k <= N; k++)
            assert_near(s->values[k - 1], 2 - 2 * cos((double)k * M_PI / (N + 1)), 0, exact ? 1e-13 : 1e-7);
        assert_int_equal(s->exact, exact);
        assert_int_equal(s->negative, 0);
        if (exact) assert_int_equal(s->positive, N);
        assert_true(exact ? s->resolution < 1e-12 : s->resolution < 1e-4);
        us_spectrum_destroy(s);
    }
    us_context_destroy(context);
}

/* Scales that differ by more than rounding: certain where the scaled matrix is definite, never a false sign elsewhere. */
static void graded_matrices_keep_their_signs(void **state) {
    us_context *context = support_plain_context();
    static const struct {
        double a[9];
        size_t n, negative, zero, positive;
        double smallest; /* eigenvalue of the smallest size; 0: not resolved */
    } CASES[] = {
        {{1e20, 0, 0, 1}, 2, 0, 0, 2, 1},
        {{-1e20, 0, 0, -1}, 2, 2, 0, 0, -1},
        {{1e20, 0, 0, -1}, 2, 0, 1, 1, 0},
        {{1e20, 1e9, 1e9, 1}, 2, 0, 0, 2, 0.99},                 /* det = 0.99e20 */
        {{1e20, 1e10, 1e10, 1}, 2, 0, 1, 1, 0},                  /* singular */
        {{1e20, 1e10, 1e10, 1.0000000000000004}, 2, 0, 1, 1, 0}, /* definite by two roundings: not to be told */
        {{2e8, 2e8, 2e8, 2e8}, 2, 0, 1, 1, 0},
        {{1e40, 1e19, 1e9, 1e19, 1, 1e-11, 1e9, 1e-11, 1e-20}, 3, 0, 0, 3, 0.972 / 0.99 * 1e-20},
        {{1e200, 0, 0, 1e-200}, 2, 0, 1, 1, 0}, /* beyond what the gradient can show */
    };
    for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
        double a[9];
        memcpy(a, CASES[c].a, sizeof a);
        form f = {CASES[c].n, a};
        us_spectrum *s;
        assert_int_equal(form_spectrum(context, &f, true, NULL, &s), US_OK);
        assert_int_equal(s->negative, CASES[c].negative);
        assert_int_equal(s->zero, CASES[c].zero);
        assert_int_equal(s->positive, CASES[c].positive);
        if (CASES[c].smallest != 0) {
            assert_near(s->values[CASES[c].smallest < 0 ? CASES[c].n - 1 : 0], CASES[c].smallest, 1e-3, 0);
            assert_true(s->resolution < fabs(CASES[c].smallest));
        }
        us_spectrum_destroy(s);
    }
    us_context_destroy(context);
}

/* An entry that is 0, computed from large terms: what comes out is their rounding, and must not be taken for curvature. */
static int cancelling_hvp(void *user, const void *theta, const uint32_t *rows, size_t count, const void *v, void *hv) {
    const double *x = theta, *in = v;
    for (size_t i = 0; i < 6; i++) ((double *)hv)[i] = 1e10 * (sin(x[i]) * sin(x[i]) + cos(x[i]) * cos(x[i]) - 1) * in[i];
    return 0;
}

static void rounding_in_the_products_is_seen(void **state) {
    us_context *context = support_plain_context();
    double a[36] = {0};
    form f = {6, a};
    us_callback_problem callback = US_CALLBACK_PROBLEM_INIT;
    callback.dimension = 6, callback.user = &f;
    callback.value = form_value, callback.gradient = form_gradient, callback.hvp = cancelling_hvp;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        us_problem *problem;
        us_vec *theta;
        us_spectrum *s;
        us_rng rng = us_rng_init(seed, 1);
        assert_int_equal(us_problem_create_callback(&problem, context, &callback), US_OK);
        assert_int_equal(us_vec_create(&theta, context, US_F64, 6), US_OK);
        us_vec_fill_normal(theta, &rng);
        assert_int_equal(us_spectrum_dense(&s, problem, theta, NULL), US_OK);
        assert_int_equal(s->zero, 6);
        assert_true(s->resolution < 1e-3);
        us_spectrum_destroy(s);
        us_vec_destroy(theta);
        us_problem_destroy(problem);
    }
    us_context_destroy(context);
}

static void asymmetry_is_found_and_widens_the_resolution(void **state) {
    us_context *context = support_plain_context();
    double a[] = {1, 0.5, 0.7, 1e-3};
    form f = {2, a};
    us_spectrum *s;
    assert_int_equal(form_spectrum(context, &f, true, NULL, &s), US_OK);
    assert_near(s->asymmetry, 0.2, 1e-15, 0);
    assert_true(s->resolution >= 0.2);
    us_spectrum_destroy(s);
    us_context_destroy(context);
}

static bool heard_last;
static void hear(void *user, size_t done, size_t total) { heard_last = done == total; }

static void options_are_checked(void **state) {
    us_context *context = support_plain_context();
    double a[] = {2, 0, 0, -3};
    form f = {2, a};
    us_spectrum *s;
    us_spectrum_options o = US_SPECTRUM_OPTIONS_INIT;
    o.limit = 1;
    assert_int_equal(form_spectrum(context, &f, true, &o, &s), US_ERR_ARGUMENT);
    assert_null(s);
    o.limit = 2, o.block = 0;
    assert_int_equal(form_spectrum(context, &f, true, &o, &s), US_ERR_ARGUMENT);
    o.block = 16, o.resolution = 2.5, o.progress = hear;
    assert_int_equal(form_spectrum(context, &f, true, &o, &s), US_OK);
    assert_true(heard_last);
    assert_int_equal(s->negative, 1);
    assert_int_equal(s->zero, 1);
    assert_near(s->resolution, 2.5, 0, 0);
    us_spectrum_destroy(s);
    volatile double zero = 0;
    a[3] = zero / zero, o.resolution = 0;
    assert_int_equal(form_spectrum(context, &f, true, &o, &s), US_ERR_NONFINITE);
    a[3] = 1;
    us_context_cancel(context);
    assert_int_equal(form_spectrum(context, &f, true, &o, &s), US_INTERRUPTED);
    us_context_destroy(context);
}

static us_status spectrum_body(us_context *context, void *user) {
    us_spectrum *s;
    us_status status = form_spectrum(context, user, true, NULL, &s);
    us_spectrum_destroy(s);
    return status;
}

static void every_allocation_may_fail(void **state) {
    double a[] = {1e20, 0, 0, 1};
    form f = {2, a};
    support_fail_each_allocation(spectrum_body, &f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prescribed_spectra_come_back),
        cmocka_unit_test(laplacian_has_its_cosines),
        cmocka_unit_test(graded_matrices_keep_their_signs),
        cmocka_unit_test(rounding_in_the_products_is_seen),
        cmocka_unit_test(asymmetry_is_found_and_widens_the_resolution),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
