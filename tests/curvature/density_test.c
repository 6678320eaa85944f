#include "support.h"
#include <unstuck/curvature.h>
#include <unstuck/density.h>

/* A dense symmetric matrix, or a diagonal one, or that between two reflections. */
typedef struct matrix {
    size_t n, products, nan_at;
    const double *a, *d;
    bool reflected;
} matrix;

/* y ← (I − 2uu')·x with uᵢ ~ sin(i² + 1), which no sign knows. */
static void matrix_reflect(size_t n, const double *x, double *y) {
    double along = 0, square = 0;
    for (size_t i = 0; i < n; i++) along += sin((double)(i * i + 1)) * x[i], square += pow(sin((double)(i * i + 1)), 2);
    for (size_t i = 0; i < n; i++) y[i] = x[i] - 2 * along / square * sin((double)(i * i + 1));
}

static us_status matrix_apply(void *user, const double *x, double *y, size_t k) {
    matrix *m = user;
    for (size_t j = 0; j < k; j++, x += m->n, y += m->n) {
        double *z = malloc(m->n * sizeof *z);
        memcpy(z, x, m->n * sizeof *z);
        if (m->reflected) matrix_reflect(m->n, x, z);
        for (size_t i = 0; i < m->n; i++) {
            y[i] = m->d ? m->d[i] * z[i] : 0;
            for (size_t c = 0; m->a && c < m->n; c++) y[i] += m->a[i * m->n + c] * x[c];
        }
        memcpy(z, y, m->n * sizeof *z);
        if (m->reflected) matrix_reflect(m->n, z, y);
        free(z);
        if (++m->products == m->nan_at) y[0] = (double)NAN;
    }
    return US_OK;
}

static us_operator matrix_operator(matrix *m) {
    us_operator a = US_OPERATOR_INIT;
    a.n = m->n, a.user = m, a.apply = matrix_apply;
    return a;
}

enum { N = 500 };
static double dense[N * N], diagonal[N];

/* Wigner's semicircle: (X + X')/√(2n) has the density √(4 − x²)/(2π) in the limit. */
static void goe_is_a_semicircle(void **state) {
    us_context *context = support_plain_context();
    us_rng rng = us_rng_init(1, 1);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j <= i; j++)
            dense[i * N + j] = dense[j * N + i] = us_rng_normal(&rng) / sqrt(N) * (i == j ? M_SQRT2 : 1);
    matrix m = {.n = N, .a = dense};
    us_operator a = matrix_operator(&m);
    us_density_options o = US_DENSITY_OPTIONS_INIT;
    o.width = 0.03, o.steps = 60;
    us_density *d;
    assert_int_equal(us_density_create(&d, context, &a, &o), US_OK);
    assert_near(d->lowest, -2, 0, 0.06);
    assert_near(d->highest, 2, 0, 0.06);
    assert_int_equal(d->products, m.products);
    double area = 0;
    for (size_t i = 0; i < d->points; i++) {
        double x = d->at[i];
        if (fabs(x) < 1.6) assert_near(d->density[i], sqrt(4 - x * x) / (2 * M_PI), 0, 0.02 + 4 * d->standard_error[i]);
        if (fabs(x) > 2.4) assert_true(d->density[i] < 0.01);
        assert_true(d->standard_error[i] >= 0 && d->standard_error[i] < 0.05);
        if (i) area += 0.5 * (d->density[i] + d->density[i - 1]) * (d->at[i] - d->at[i - 1]);
    }
    assert_near(area, 1, 0.01, 0);
    double error, share = us_density_below(d, 0, &error);
    assert_near(share, 0.5, 0, 2 * error);
    assert_true(error < 0.05);
    assert_true(us_density_below(d, 3, NULL) > 1 - 1e-12);
    assert_true(us_density_below(d, -3, NULL) == 0);
    us_density_destroy(d);
    us_context_destroy(context);
}

/* Marchenko-Pastur: XX'/n of a p×n matrix has its eigenvalues between (1 ∓ √(p/n))². */
static void marchenko_pastur_has_its_edges(void **state) {
    us_context *context = support_plain_context();
    enum { P = 300, COLUMNS = 1200 };
    static double x[P * COLUMNS];
    us_rng rng = us_rng_init(2, 2);
    for (size_t i = 0; i < P * COLUMNS; i++) x[i] = us_rng_normal(&rng);
    for (size_t i = 0; i < P; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = 0;
            for (size_t k = 0; k < COLUMNS; k++) sum += x[i * COLUMNS + k] * x[j * COLUMNS + k];
            dense[i * P + j] = dense[j * P + i] = sum / COLUMNS;
        }
    matrix m = {.n = P, .a = dense};
    us_operator a = matrix_operator(&m);
    us_density *d;
    assert_int_equal(us_density_create(&d, context, &a, NULL), US_OK);
    assert_near(d->lowest, 0.25, 0, 0.04);
    assert_near(d->highest, 2.25, 0, 0.1);
    us_density_destroy(d);
    us_trace_estimate t;
    assert_int_equal(us_trace(&t, context, &a, NULL), US_OK);
    double trace = 0;
    for (size_t i = 0; i < P; i++) trace += dense[i * P + i];
    assert_near(t.value, trace, 0, 4 * t.standard_error);
    assert_true(t.standard_error < 0.02 * trace);
    us_context_destroy(context);
}

/* The index: 37 of 500 eigenvalues are negative, in two clusters that the quadrature resolves. */
static void negative_eigenvalues_are_counted(void **state) {
    us_context *context = support_plain_context();
    for (size_t i = 0; i < N; i++) diagonal[i] = i < 30 ? -1 : i < 37 ? -0.1 : i < 300 ? 0.5 : 2;
    matrix m = {.n = N, .d = diagonal, .reflected = true};
    us_operator a = matrix_operator(&m);
    us_density_options o = US_DENSITY_OPTIONS_INIT;
    o.probes = 30, o.steps = 20;
    us_density *d;
    assert_int_equal(us_density_create(&d, context, &a, &o), US_OK);
    double error, share = us_density_below(d, -1e-9, &error);
    assert_near(share * N, 37, 0, 4 * error * N);
    assert_true(error * N < 5 && error > 0);
    us_density_destroy(d);
    us_context_destroy(context);
}

/* Zero and the identity: no width of their own, nothing that is not finite. */
static void single_points_have_a_density(void **state) {
    us_context *context = support_plain_context();
    for (int one = 0; one < 2; one++)
        for (size_t n = 1; n < 60; n += 29) {
            for (size_t i = 0; i < n; i++) diagonal[i] = one;
            matrix m = {.n = n, .d = diagonal};
            us_operator a = matrix_operator(&m);
            us_density *d;
            us_trace_estimate t;
            assert_int_equal(us_density_create(&d, context, &a, NULL), US_OK);
            for (size_t i = 0; i < d->points; i++) assert_true(isfinite(d->density[i]) && isfinite(d->standard_error[i]));
            assert_near(us_density_below(d, one - 0.01, NULL), 0, 0, 1e-12);
            assert_near(us_density_below(d, one + 0.01, NULL), 1, 0, 1e-12);
            us_density_destroy(d);
            assert_int_equal(us_trace(&t, context, &a, NULL), US_OK);
            assert_near(t.value, one * (double)n, 1e-12, 0);
            assert_true(t.standard_error <= 1e-10 * (double)n);
        }
    us_context_destroy(context);
}

/* Over many seeds the estimates are unbiased, and the stated error is the true one; a low rank is exact. */
static void traces_come_with_their_error(void **state) {
    us_context *context = support_plain_context();
    enum { RUNS = 200, SIZE = 120 };
    matrix m = {.n = SIZE, .d = diagonal, .reflected = true};
    us_operator a = matrix_operator(&m);
    us_trace_options o = US_TRACE_OPTIONS_INIT;
    o.products = 40;
    static const double DECAYS[] = {0, 0.02, 0.2};
    for (size_t c = 0; c < 3; c++) {
        double trace = 0, mean = 0, square = 0, stated = 0;
        for (size_t i = 0; i < SIZE; i++) trace += diagonal[i] = (i % 7 == 3 ? -0.4 : 1) * exp(-DECAYS[c] * (double)i);
        for (uint64_t seed = 1; seed <= RUNS; seed++) {
            us_trace_estimate t;
            o.seed = seed;
            assert_int_equal(us_trace(&t, context, &a, &o), US_OK);
            assert_int_equal(t.products, 40);
            mean += (t.value - trace) / RUNS;
            square += (t.value - trace) * (t.value - trace) / RUNS;
            stated += t.standard_error * t.standard_error / RUNS;
        }
        assert_near(mean, 0, 0, 4 * sqrt(square / RUNS));
        assert_true(stated > 0.8 * square && stated < 3 * square);
        /* Hutchinson's estimator with normal vectors has the variance 2‖A‖_F²/products: beaten by far where A decays */
        double frobenius = 0;
        for (size_t i = 0; i < SIZE; i++) frobenius += diagonal[i] * diagonal[i];
        if (c == 2) assert_true(square < 1e-2 * 2 * frobenius / 40);
    }
    for (size_t i = 0; i < SIZE; i++) diagonal[i] = i % 20 == 0 ? (double)i - 50 : 0; /* rank 6 */
    us_trace_estimate t;
    assert_int_equal(us_trace(&t, context, &a, &o), US_OK);
    assert_near(t.value, 0 + 20 + 40 + 60 + 80 + 100 - 300, 0, 1e-11);
    assert_true(t.standard_error < 1e-9);
    o.products = 1000;
    for (size_t i = 0; i < SIZE; i++) diagonal[i] = (double)i;
    assert_int_equal(us_trace(&t, context, &a, &o), US_OK);
    assert_near(t.value, SIZE * (SIZE - 1) / 2, 1e-12, 0);
    assert_int_equal(t.products, 2 * SIZE);
    us_context_destroy(context);
}

static void failures_are_told(void **state) {
    us_context *context = support_plain_context();
    for (size_t i = 0; i < 50; i++) diagonal[i] = (double)i;
    matrix m = {.n = 50, .d = diagonal, .nan_at = 13};
    us_operator a = matrix_operator(&m);
    us_density *d;
    us_trace_estimate t;
    us_trace_options o = US_TRACE_OPTIONS_INIT;
    assert_int_equal(us_trace(&t, context, &a, &o), US_ERR_NONFINITE);
    assert_non_null(strstr(us_context_error(context), "product 13"));
    assert_true(isnan(t.value));
    m.products = 0;
    assert_int_equal(us_density_create(&d, context, &a, NULL), US_ERR_NONFINITE);
    assert_null(d);
    o.products = 3;
    assert_int_equal(us_trace(&t, context, &a, &o), US_ERR_ARGUMENT);
    us_density_options p = US_DENSITY_OPTIONS_INIT;
    p.probes = 1;
    assert_int_equal(us_density_create(&d, context, &a, &p), US_ERR_ARGUMENT);
    us_context_cancel(context);
    m.nan_at = 0;
    assert_int_equal(us_density_create(&d, context, &a, NULL), US_INTERRUPTED);
    assert_int_equal(us_trace(&t, context, &a, NULL), US_INTERRUPTED);
    us_context_destroy(context);
}

static us_status both(us_context *context, void *user) {
    us_operator a = matrix_operator(user);
    us_trace_estimate t;
    us_status status = us_trace(&t, context, &a, NULL);
    if (status) return status;
    us_density *d;
    status = us_density_create(&d, context, &a, NULL);
    us_density_destroy(d);
    return status;
}

static void allocations_may_fail(void **state) {
    for (size_t i = 0; i < 20; i++) diagonal[i] = (double)i;
    matrix m = {.n = 20, .d = diagonal};
    support_fail_each_allocation(both, &m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goe_is_a_semicircle),
        cmocka_unit_test(marchenko_pastur_has_its_edges),
        cmocka_unit_test(negative_eigenvalues_are_counted),
        cmocka_unit_test(single_points_have_a_density),
        cmocka_unit_test(traces_come_with_their_error),
        cmocka_unit_test(failures_are_told),
        cmocka_unit_test(allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
