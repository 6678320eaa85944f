#include "support.h"
#include <unstuck/curvature.h>
#include <unstuck/lanczos.h>
#include <unstuck/linear.h>

/* ------------------------------------------------------------------ operators with a known spectrum */

typedef struct matrix { /* diagonal d, and next to it e (NULL: 0); or a dense symmetric a */
    size_t n, calls;
    const double *d, *a;
    double e;
    size_t nan_at, fail_at; /* the call that is not finite, or fails; 0: none */
    us_context *cancel;     /* cancelled in the third call */
} matrix;

static us_status matrix_apply(void *user, const double *x, double *y, size_t k) {
    matrix *m = user;
    for (size_t j = 0; j < k; j++, x += m->n, y += m->n) {
        m->calls++;
        for (size_t i = 0; i < m->n; i++) {
            if (m->a) {
                y[i] = 0;
                for (size_t c = 0; c < m->n; c++) y[i] += m->a[i * m->n + c] * x[c];
            } else {
                y[i] = m->d[i] * x[i];
                if (i > 0) y[i] += m->e * x[i - 1];
                if (i + 1 < m->n) y[i] += m->e * x[i + 1];
            }
        }
        if (m->calls == m->nan_at) y[m->n / 2] = (double)NAN;
        if (m->calls == m->fail_at) return US_ERR_CALLBACK;
        if (m->cancel && m->calls == 3) us_context_cancel(m->cancel);
    }
    return US_OK;
}

static us_operator matrix_operator(matrix *m) {
    us_operator a = US_OPERATOR_INIT;
    a.n = m->n, a.user = m, a.apply = matrix_apply;
    return a;
}

static int ascending(const void *a, const void *b) {
    return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

/* The pairs are those of the sorted `values`, orthonormal, and their residuals are what they say. */
static void check_pairs(const us_eigenpairs *p, matrix *m, const double *values, double tolerance) {
    double *y = malloc(m->n * sizeof *y);
    for (size_t i = 0; i < p->bottom + p->top; i++) {
        size_t at = i < p->bottom ? i : m->n - p->bottom - p->top + i;
        assert_near(p->values[i], values[at], 0, tolerance);
        const double *v = p->vectors + i * m->n;
        matrix_apply(m, v, y, 1);
        double residual = 0;
        for (size_t k = 0; k < m->n; k++) residual = hypot(residual, y[k] - p->values[i] * v[k]);
        if (!(residual <= p->residuals[i] * 1.01))
            print_message("pair %zu of %zu+%zu: value %.17g residual %g, stated %g, %zu products\n", i, p->bottom, p->top,
                          p->values[i], residual, p->residuals[i], p->products);
        assert_true(residual <= p->residuals[i] * 1.01);
        for (size_t j = 0; j <= i && m->n >= p->bottom + p->top; j++) {
            double dot = 0;
            for (size_t k = 0; k < m->n; k++) dot += v[k] * p->vectors[j * m->n + k];
            assert_near(dot, i == j, 0, 1e-10);
        }
    }
    free(y);
}

static us_eigenpairs *solve(us_context *context, matrix *m, const us_lanczos_options *o, us_status expected) {
    us_operator a = matrix_operator(m);
    us_eigenpairs *p;
    us_status status = us_lanczos_solve(&p, context, &a, o);
    if (status != expected)
        print_message("%s: %s; %zu products, verified %d, basis %zu, seed %d\n", us_status_name(status),
                      us_context_error(context), p ? p->products : 0, p && p->verified, o->basis, (int)o->seed);
    for (size_t i = 0; status != expected && i < p->bottom + p->top; i++)
        print_message("  %.17g %g %d\n", p->values[i], p->residuals[i], p->converged[i]);
    assert_int_equal(status, expected);
    return p;
}

/* 2 − 2cos(kπ/(n+1)) at both ends, restarts and all. */
static void laplacian_has_its_cosines(void **state) {
    us_context *context = support_plain_context();
    enum { N = 300 };
    static double d[N], values[N];
    for (size_t i = 0; i < N; i++) d[i] = 2, values[i] = 2 - 2 * cos((double)(i + 1) * M_PI / (N + 1));
    matrix m = {.n = N, .d = d, .e = -1};
    for (size_t block = 1; block <= 7; block += 3) {
        us_lanczos_options o = US_LANCZOS_OPTIONS_INIT;
        o.bottom = 4, o.top = 3, o.tolerance = 1e-9, o.products = 5000, o.block = block;
        us_eigenpairs *p = solve(context, &m, &o, US_OK);
        check_pairs(p, &m, values, 1e-10);
        assert_true(p->products > 60); /* it did restart */
        assert_true(p->verified);
        assert_true(p->low_bound <= values[0] && p->high_bound >= values[N - 1]);
        us_eigenpairs_destroy(p);
    }
    us_context_destroy(context);
}

/* W21+: its top two differ by 7e-14, the next two by 3e-9. 60-digit bisection; see Wilkinson 1965, p. 308. */
static void wilkinson_has_its_pairs(void **state) {
    us_context *context = support_plain_context();
    double d[21], values[21] = {[0] = -1.125441522119984222,
                                [17] = 9.210678647304918594,
                                9.210678647361332108,
                                10.746194182903321832,
                                10.746194182903393432};
    for (size_t i = 0; i < 21; i++) d[i] = fabs((double)i - 10);
    matrix m = {.n = 21, .d = d, .e = 1};
    for (uint64_t seed = 1; seed <= 20; seed++)
        for (size_t basis = 20; basis <= 21; basis++) {
            us_lanczos_options o = US_LANCZOS_OPTIONS_INIT;
            o.bottom = 1, o.top = 4, o.seed = seed, o.tolerance = 1e-12, o.basis = basis, o.block = 1 + seed % 2;
            us_eigenpairs *p = solve(context, &m, &o, US_OK);
            check_pairs(p, &m, values, 1e-13);
            us_eigenpairs_destroy(p);
        }
    us_context_destroy(context);
}

/* No copy of a multiple eigenvalue is lost, none is invented. */
static void multiplicities_and_clusters_are_right(void **state) {
    us_context *context = support_plain_context();
    enum { N = 400 };
    static double d[N], values[N];
    static const struct {
        double low, high, rest;
        size_t lows, highs;
    } CASES[] = {{-1, 1, 0.5, 1, 1}, {-1e-7, 1, 0.3, 1, 3}, {-2, 7, 1, 3, 3},
                 {0, 1, 0, 1, 5},    {-3, 4, 1, 6, 2},      {-1, 1, 0, 40, 1}};
    for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++)
        for (uint64_t seed = 1; seed <= 5; seed++) {
            us_rng rng = us_rng_init(seed, c);
            for (size_t i = 0; i < N; i++) /* half of the rest is one cluster, the other half spread */
                d[i] = i < CASES[c].lows                    ? CASES[c].low
                       : i < CASES[c].lows + CASES[c].highs ? CASES[c].high
                       : i % 2                              ? CASES[c].rest
                                                            : CASES[c].rest * us_rng_uniform(&rng);
            memcpy(values, d, sizeof d);
            qsort(values, N, sizeof *values, ascending);
            matrix m = {.n = N, .d = d};
            us_lanczos_options o = US_LANCZOS_OPTIONS_INIT;
            o.bottom = 5, o.top = 5, o.seed = seed, o.tolerance = 1e-8, o.block = seed, o.products = 5000;
            us_eigenpairs *p = solve(context, &m, &o, US_OK);
            check_pairs(p, &m, values, 1e-7);
            assert_true(p->verified);
            us_eigenpairs_destroy(p);
        }
    us_context_destroy(context);
}

/* Random dense matrices, beside LAPACK. */
static void dense_matrices_agree_with_lapack(void **state) {
    us_context *context = support_plain_context();
    enum { MOST = 120 };
    static double a[MOST * MOST], v[MOST * MOST], values[MOST];
    static const size_t SIZES[] = {1, 2, 3, 4, 7, 12, 60, MOST};
    for (size_t c = 0; c < sizeof SIZES / sizeof *SIZES; c++)
        for (size_t bottom = 0; bottom <= 3; bottom++)
            for (size_t top = bottom == 0; top <= 3; top += 1 + bottom) {
                size_t n = SIZES[c];
                us_rng rng = us_rng_init(c, bottom);
                for (size_t i = 0; i < n; i++)
                    for (size_t j = 0; j <= i; j++) a[i * n + j] = a[j * n + i] = us_rng_normal(&rng);
                memcpy(v, a, n * n * sizeof *a);
                assert_int_equal(us_symmetric_eigen(context, n, v, values), US_OK);
                matrix m = {.n = n, .a = a};
                us_lanczos_options o = US_LANCZOS_OPTIONS_INIT;
                o.bottom = bottom, o.top = top, o.basis = 26, o.tolerance = 1e-10, o.block = 1 + (bottom + 2 * top) % 4;
                us_eigenpairs *p = solve(context, &m, &o, US_OK);
                assert_int_equal(p->bottom, bottom < n ? bottom : n);
                assert_int_equal(p->top, top < n ? top : n);
                for (size_t i = 0; i < p->bottom; i++) assert_near(p->values[i], values[i], 0, 1e-9);
                for (size_t i = 0; i < p->top; i++) assert_near(p->values[p->bottom + i], values[n - p->top + i], 0, 1e-9);
                assert_true(p->low_bound <= values[0] + 1e-12 && p->high_bound >= values[n - 1] - 1e-12);
                us_eigenpairs_destroy(p);
            }
    us_context_destroy(context);
}

/* Invariant subspaces at once: 0, the identity, diag(1,−1), rank one, whatever the scale. */
static void invariant_subspaces_are_left(void **state) {
    us_context *context = support_plain_context();
    static double d[50], values[50];
    for (int kind = 0; kind < 4; kind++)
        for (int scale = 0; scale < 3; scale++) {
            double unit = scale == 0 ? 1 : scale == 1 ? 1e200 : 1e-200;
            size_t n = kind == 2 ? 2 : 50;
            for (size_t i = 0; i < n; i++)
                d[i] = unit * (kind == 0 ? 0 : kind == 1 ? 1 : kind == 2 ? (i ? -1 : 1) : i == 13);
            memcpy(values, d, sizeof d);
            qsort(values, n, sizeof *values, ascending);
            matrix m = {.n = n, .d = d};
            us_lanczos_options o = US_LANCZOS_OPTIONS_INIT;
            o.bottom = o.top = kind == 2 ? 1 : 3, o.block = 1 + (size_t)scale;
            us_eigenpairs *p = solve(context, &m, &o, US_OK);
            check_pairs(p, &m, values, 1e-12 * unit);
            us_eigenpairs_destroy(p);
        }
    us_context_destroy(context);
}

/* 300 saddles, their only way out along one axis: all are found, and proved. */
static void axis_aligned_escapes_are_found(void **state) {
    us_context *context = support_plain_context();
    enum { N = 500 };
    static double d[N];
    size_t products = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        us_rng rng = us_rng_init(seed, 5);
        double size = pow(10, -3 * us_rng_uniform(&rng));
        for (size_t i = 0; i < N; i++) d[i] = us_rng_uniform(&rng);
        size_t axis = us_rng_below(&rng, N);
        d[axis] = -size;
        matrix m = {.n = N, .d = d};
        us_lanczos_options o = US_LANCZOS_OPTIONS_INIT;
        o.below = 0, o.basis = 200, o.products = 400, o.seed = seed;
        us_eigenpairs *p = solve(context, &m, &o, US_OK);
        assert_int_equal(p->below, US_BELOW_FOUND);
        assert_true(p->values[0] < -p->resolution);
        double quotient = 0;
        for (size_t i = 0; i < N; i++) quotient += d[i] * p->vectors[i] * p->vectors[i];
        assert_true(quotient < 0);
        products += p->products;
        us_eigenpairs_destroy(p);
    }
    print_message("%.1f products on the average\n", (double)products / 300);
    us_context_destroy(context);
}

/* "None" is said with its bound, which holds; what is not excluded is undecided, with the products that would do. */
static void none_is_a_bound(void **state) {
    us_context *context = support_plain_context();
    enum { N = 2000 };
    static double d[N];
    for (size_t i = 0; i < N; i++) d[i] = (double)i / (N - 1);
    matrix m = {.n = N, .d = d};
    us_lanczos_options o = US_LANCZOS_OPTIONS_INIT;
    o.below = 0.01, o.basis = o.products = 200;
    us_eigenpairs *p = solve(context, &m, &o, US_OK);
    assert_int_equal(p->below, US_BELOW_NONE);
    assert_true(p->low_bound >= -0.01 - 1e-12);
    assert_true(p->low_bound <= 0 && p->high_bound >= 1);
    size_t used = p->products;
    us_eigenpairs_destroy(p);

    o.basis = o.products = 20;
    p = solve(context, &m, &o, US_NOT_CONVERGED);
    assert_int_equal(p->below, US_BELOW_UNDECIDED);
    assert_true(p->products_needed >= used - 20 && p->products_needed <= used + 20);
    us_eigenpairs_destroy(p);

    o.below = 0, o.basis = o.products = 60; /* beyond any resolution: 0 itself is an eigenvalue */
    p = solve(context, &m, &o, US_NOT_CONVERGED);
    assert_int_equal(p->below, US_BELOW_UNDECIDED);
    us_eigenpairs_destroy(p);
    us_context_destroy(context);
}

/* How often does a start miss by more than the bound allows? Never more often than it says: over hard eigenvalues (a single
 * large one) and over a few that are far out, from random starts and from a guess that is orthogonal to the end that it is
 * to find. And the formula turned round is the formula. */
static void the_bound_is_kept(void **state) {
    us_context *context = support_plain_context();
    enum { N = 100, RUNS = 400 };
    static double d[N], guess[N];
    for (size_t i = 0; i < N; i++) guess[i] = i == 30 || i == 60 ? M_SQRT1_2 : 0;
    for (int far = 0; far < 2; far++)
        for (int guessed = 0; guessed < 2; guessed++) {
            size_t missed = 0;
            for (size_t i = 0; i < N; i++)
                d[i] = i < N - 5 ? 0.8 * (double)i / N : far ? (double)(i * i) : i < N - 1 ? 0.8 : 1;
            for (uint64_t seed = 1; seed <= RUNS; seed++) {
                matrix m = {.n = N, .d = d};
                us_lanczos_options o = US_LANCZOS_OPTIONS_INIT;
                o.basis = o.products = 13, o.seed = seed, o.confidence = 0.9, o.tolerance = 1e-14, o.verify = false;
                if (guessed) o.start = guess;
                us_eigenpairs *p = solve(context, &m, &o, US_NOT_CONVERGED);
                assert_true(isfinite(p->low_bound));
                missed += p->low_bound > d[0] || p->high_bound < d[N - 1];
                us_eigenpairs_destroy(p);
            }
            assert_true(missed <= RUNS / 10);
        }
    /* n = 10⁵, ε = 10⁻², confidence 0.999: ½ + ln(1.648·316.23·1000)/0.2 = 66.3 */
    assert_int_equal(us_lanczos_products(100000, 1e-2, 0.999), 67);
    assert_int_equal(us_lanczos_products(10, 1e-9, 0.999), 10);
    assert_true(us_lanczos_products(10, 0, 0.999) == SIZE_MAX);
    us_context_destroy(context);
}

/* Eigenvalues far out cost one product each, and no precision at the other end: of 3,000 the worst spectrum of this width
 * would take 2,000 products to exclude what 60 do. */
static void bounds_know_the_spectrum_as_it_is(void **state) {
    us_context *context = support_plain_context();
    enum { N = 3000 };
    static double d[N];
    for (size_t i = 0; i < N; i++) d[i] = i < N - 8 ? -0.1 + (double)i / N : 1e3 * (double)(i - N + 9);
    matrix m = {.n = N, .d = d};
    us_lanczos_options o = US_LANCZOS_OPTIONS_INIT;
    o.top = 0, o.basis = o.products = 60, o.tolerance = 1e-14;
    us_eigenpairs *p = solve(context, &m, &o, US_NOT_CONVERGED);
    assert_true(p->low_bound <= d[0] && p->low_bound > -0.2);
    assert_true(us_lanczos_products(N, 0.1 / 8000, 0.999) > 1500);
    us_eigenpairs_destroy(p);
    o.block = 2; /* has the bound for the worst */
    p = solve(context, &m, &o, US_NOT_CONVERGED);
    assert_true(p->low_bound < -100);
    us_eigenpairs_destroy(p);
    /* The identity: one product, and every bound is exact. */
    for (size_t i = 0; i < N; i++) d[i] = 2.5;
    o = (us_lanczos_options)US_LANCZOS_OPTIONS_INIT;
    o.verify = false, o.products = 1;
    p = solve(context, &m, &o, US_NOT_CONVERGED);
    assert_near(p->low_bound, 2.5, 1e-6, 0);
    assert_near(p->high_bound, 2.5, 1e-6, 0);
    us_eigenpairs_destroy(p);
    us_context_destroy(context);
}

/* Two values at -1e-7 of the largest are resolved in doubles, and only there. */
static void small_negative_eigenvalues_are_seen_in_doubles(void **state) {
    us_context *context = support_plain_context();
    static double d[200];
    us_rng rng = us_rng_init(3, 3);
    for (size_t i = 0; i < 200; i++) d[i] = i == 77 ? -1e-7 : i < 20 ? 1 : 0.4 + 1e-3 * us_rng_uniform(&rng);
    matrix m = {.n = 200, .d = d};
    us_lanczos_options o = US_LANCZOS_OPTIONS_INIT;
    o.below = 0;
    us_eigenpairs *p = solve(context, &m, &o, US_OK);
    assert_int_equal(p->below, US_BELOW_FOUND);
    us_eigenpairs_destroy(p);
    o.epsilon = 0x1p-23; /* the same products, said to be of single precision */
    p = solve(context, &m, &o, US_NOT_CONVERGED);
    assert_int_equal(p->below, US_BELOW_UNDECIDED);
    assert_true(p->resolution > 1e-7);
    us_eigenpairs_destroy(p);
    us_context_destroy(context);
}

/* Ask/tell: next is idempotent, products that are not finite are refused and can be given anew, the end is NULL. */
static void asking_and_telling(void **state) {
    us_context *context = support_plain_context();
    enum { N = 64 };
    double d[N], y[N];
    for (size_t i = 0; i < N; i++) d[i] = (double)(i * i);
    us_lanczos *l;
    us_lanczos_options o = US_LANCZOS_OPTIONS_INIT;
    o.bottom = 2, o.top = 1, o.basis = 14;
    assert_int_equal(us_lanczos_create(&l, context, N, &o), US_OK);
    us_eigenpairs *p;
    assert_int_equal(us_lanczos_result(&p, l), US_ERR_ARGUMENT);
    size_t given = 0;
    for (const double *x; (x = us_lanczos_next(l)); given++) {
        assert_ptr_equal(us_lanczos_next(l), x);
        for (size_t i = 0; i < N; i++) y[i] = d[i] * x[i];
        if (given % 7 == 3) {
            y[5] = (double)NAN;
            assert_int_equal(us_lanczos_give(l, y), US_ERR_NONFINITE);
            y[5] = d[5] * us_lanczos_next(l)[5];
        }
        assert_int_equal(us_lanczos_give(l, y), US_OK);
        if (given % 5 == 0) { /* looking at it changes nothing */
            us_status status = us_lanczos_result(&p, l);
            assert_true(status >= 0);
            assert_true(p->values[0] >= -1e-9);
            us_eigenpairs_destroy(p);
        }
    }
    assert_int_equal(us_lanczos_give(l, y), US_ERR_ARGUMENT);
    assert_int_equal(us_lanczos_result(&p, l), US_OK);
    assert_int_equal(p->products, given);
    assert_near(p->values[0], 0, 0, 1e-2);
    assert_near(p->values[1], 1, 0, 1e-2);
    assert_near(p->values[2], 63 * 63, 0, 1e-6);
    us_eigenpairs_destroy(p);
    us_lanczos_destroy(l);
    us_lanczos_destroy(NULL);
    us_context_destroy(context);
}

static void failures_are_told(void **state) {
    us_context *context = support_plain_context();
    static double d[30];
    for (size_t i = 0; i < 30; i++) d[i] = (double)i;
    matrix m = {.n = 30, .d = d, .nan_at = 4};
    assert_null(solve(context, &m, NULL, US_ERR_NONFINITE));
    assert_non_null(strstr(us_context_error(context), "product 4"));
    m = (matrix){.n = 30, .d = d, .fail_at = 2};
    assert_null(solve(context, &m, NULL, US_ERR_CALLBACK));
    m = (matrix){.n = 30, .d = d, .cancel = context};
    us_eigenpairs *p = solve(context, &m, NULL, US_INTERRUPTED);
    assert_int_equal(p->products, 3);
    us_eigenpairs_destroy(p);
    us_context_resume(context);
    us_lanczos *l;
    us_lanczos_options o = US_LANCZOS_OPTIONS_INIT;
    o.basis = 11;
    assert_int_equal(us_lanczos_create(&l, context, 30, &o), US_ERR_ARGUMENT);
    assert_null(l);
    o = (us_lanczos_options)US_LANCZOS_OPTIONS_INIT, o.bottom = o.top = 0;
    assert_int_equal(us_lanczos_create(&l, context, 30, &o), US_ERR_ARGUMENT);
    o = (us_lanczos_options)US_LANCZOS_OPTIONS_INIT, o.tolerance = (double)NAN;
    assert_int_equal(us_lanczos_create(&l, context, 30, &o), US_ERR_ARGUMENT);
    assert_int_equal(us_lanczos_create(&l, context, 0, NULL), US_ERR_ARGUMENT);
    us_context_destroy(context);
}

/* ------------------------------------------------------------------ Hessians */

/* A softmax regression: matrix-free in both precisions beside the dense spectrum in f64. */
static void hessians_agree_with_the_dense_spectrum(void **state) {
    us_context *context = support_plain_context();
    enum { ROWS = 60, FEATURES = 7, CLASSES = 4 };
    us_rng rng = us_rng_init(9, 9);
    us_dataset *data;
    us_problem *single, *problem;
    assert_int_equal(us_dataset_create(&data, context, US_F32, ROWS, FEATURES, US_CLASSIFICATION, CLASSES), US_OK);
    float *x = us_dataset_features(data);
    for (size_t i = 0; i < ROWS * FEATURES; i++) x[i] = (float)us_rng_normal(&rng);
    for (size_t i = 0; i < ROWS; i++) us_dataset_labels(data)[i] = us_rng_below(&rng, CLASSES);
    assert_int_equal(us_problem_create_linear(&single, data, US_LINEAR_SOFTMAX), US_OK);
    assert_int_equal(us_problem_recast(&problem, single, US_F64), US_OK);
    size_t n = us_problem_dimension(problem);
    us_vec *theta, *theta32;
    assert_int_equal(us_vec_create(&theta, context, US_F64, n), US_OK);
    assert_int_equal(us_vec_create(&theta32, context, US_F32, n), US_OK);
    us_vec_fill_normal(theta32, &rng);
    us_vec_copy(theta, theta32);
    us_spectrum *dense;
    assert_int_equal(us_spectrum_dense(&dense, problem, theta, NULL), US_OK);
    double resolution[2];
    for (int f32 = 0; f32 < 2; f32++) {
        us_hessian_operator *h;
        us_problem *which = f32 ? single : problem;
        assert_int_equal(us_hessian_operator_create(&h, which, f32 ? theta32 : theta, US_BATCH_ALL, 1), US_OK);
        us_lanczos_options o = US_LANCZOS_OPTIONS_INIT;
        o.bottom = 2, o.top = 3, o.basis = 20, o.tolerance = 1e-7;
        us_eigenpairs *p;
        us_status status = us_lanczos_solve(&p, context, us_hessian_operator_get(h), &o);
        assert_true(status >= 0);
        resolution[f32] = p->resolution;
        for (size_t i = 0; i < 3; i++)
            assert_near(p->values[2 + i], dense->values[n - 3 + i], 0, p->residuals[2 + i] + 1e-12);
        assert_near(p->values[0], 0, 0, p->residuals[0]); /* the classes' common shift */
        us_quotient q;
        assert_int_equal(us_hessian_quotient(&q, which, f32 ? theta32 : theta, US_BATCH_ALL, p->vectors + 4 * n), US_OK);
        assert_near(q.value, dense->values[n - 1], 0, q.error + q.residual * q.residual);
        assert_true(q.error < (f32 ? 1e-4 : 1e-12));
        assert_true(f32 ? q.error > 1e-9 : q.error > 0);
        us_eigenpairs_destroy(p);
        us_hessian_operator_destroy(h);
    }
    assert_true(resolution[1] > 1e3 * resolution[0]);
    us_spectrum_destroy(dense);
    us_vec_destroy(theta32);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    us_problem_destroy(single);
    us_dataset_destroy(data);
    us_context_destroy(context);
}

static us_status solve_all(us_context *context, void *user) {
    us_operator a = matrix_operator(user);
    us_lanczos_options o = US_LANCZOS_OPTIONS_INIT;
    o.bottom = 2, o.top = 1;
    us_eigenpairs *p;
    us_status status = us_lanczos_solve(&p, context, &a, &o);
    us_eigenpairs_destroy(p);
    return status;
}

static void allocations_may_fail(void **state) {
    static double d[20];
    for (size_t i = 0; i < 20; i++) d[i] = (double)i;
    matrix m = {.n = 20, .d = d};
    support_fail_each_allocation(solve_all, &m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(laplacian_has_its_cosines),
        cmocka_unit_test(wilkinson_has_its_pairs),
        cmocka_unit_test(multiplicities_and_clusters_are_right),
        cmocka_unit_test(dense_matrices_agree_with_lapack),
        cmocka_unit_test(invariant_subspaces_are_left),
        cmocka_unit_test(axis_aligned_escapes_are_found),
        cmocka_unit_test(none_is_a_bound),
        cmocka_unit_test(the_bound_is_kept),
        cmocka_unit_test(bounds_know_the_spectrum_as_it_is),
        cmocka_unit_test(small_negative_eigenvalues_are_seen_in_doubles),
        cmocka_unit_test(asking_and_telling),
        cmocka_unit_test(failures_are_told),
        cmocka_unit_test(hessians_agree_with_the_dense_spectrum),
        cmocka_unit_test(allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
