/* The diagonal of a Hessian, preconditioned operators, condition numbers and effective dimensions: against dense matrices.
 */
#include "support.h"
#include <unstuck/condition.h>
#include <unstuck/operator.h>

enum { MOST = 60 };

/* f = ½ x'Ax */
typedef struct form {
    size_t n;
    double a[MOST * MOST];
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
    double g[MOST];
    return form_gradient(user, theta, rows, count, loss, g);
}

static int form_hvp(void *user, const void *theta, const uint32_t *rows, size_t count, const void *v, void *hv) {
    double loss;
    return form_gradient(user, v, rows, count, &loss, hv);
}

/* Entries normal, the diagonal shifted. */
static void form_random(form *f, size_t n, double shift) {
    us_rng rng = us_rng_init(n, 9);
    f->n = n;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++)
            f->a[i * n + j] = f->a[j * n + i] = us_rng_normal(&rng) + (i == j ? shift * (1 + (double)i) : 0);
}

static us_status form_open(us_context *context, form *f, us_problem **problem, us_vec **theta) {
    us_callback_problem callback = US_CALLBACK_PROBLEM_INIT;
    callback.dimension = f->n, callback.user = f;
    callback.value = form_value, callback.gradient = form_gradient, callback.hvp = form_hvp;
    *problem = NULL, *theta = NULL;
    us_status status = us_problem_create_callback(problem, context, &callback);
    return status == US_OK ? us_vec_create(theta, context, US_F64, f->n) : status;
}

static void the_diagonal_is_estimated_with_its_error(void **state) {
    us_context *context = support_plain_context();
    static form f;
    form_random(&f, 50, 0.5);
    us_problem *problem;
    us_vec *theta;
    double d[MOST], e[MOST], once[MOST];
    assert_int_equal(form_open(context, &f, &problem, &theta), US_OK);
    us_diagonal_options o = US_DIAGONAL_OPTIONS_INIT;
    o.products = 50;
    assert_int_equal(us_curvature_diagonal(d, e, problem, theta, &o), US_OK);
    for (size_t i = 0; i < 50; i++) {
        assert_near(d[i], f.a[i * 51], 1e-15, 0);
        assert_true(e[i] == 0);
    }
    double off[2] = {0, 0}, predicted = 0;
    for (int round = 0; round < 2; round++) { /* 40 draws, blocks that do not divide them; the error is √(Σ A²ᵢⱼ/40) */
        o.products = 40, o.block = round ? 7 : 40, o.seed = 3;
        assert_int_equal(us_curvature_diagonal(d, e, problem, theta, &o), US_OK);
        for (size_t i = 0; i < 50; i++) {
            double variance = 0;
            for (size_t j = 0; j < 50; j++) variance += j == i ? 0 : f.a[i * 50 + j] * f.a[i * 50 + j] / 40;
            assert_true(fabs(d[i] - f.a[i * 51]) < 5 * sqrt(variance));
            assert_near(e[i], sqrt(variance), 0.5, 0);
            off[round] += (d[i] - f.a[i * 51]) * (d[i] - f.a[i * 51]), predicted += variance / 2;
            if (round) assert_near(d[i], once[i], 1e-13, 1e-14);
            once[i] = d[i];
        }
    }
    assert_near(off[0], predicted, 0.5, 0);
    o.products = 1;
    assert_int_equal(us_curvature_diagonal(d, e, problem, theta, &o), US_OK);
    assert_true(isnan(e[0]));
    assert_int_equal(us_curvature_diagonal(d, NULL, problem, theta, &o), US_OK);
    o.products = 0;
    assert_int_equal(us_curvature_diagonal(d, e, problem, theta, &o), US_ERR_ARGUMENT);
    o.products = 1, o.product = US_FISHER;
    assert_int_equal(us_curvature_diagonal(d, e, problem, theta, &o), US_ERR_UNSUPPORTED);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    us_context_destroy(context);
}

static void a_preconditioned_operator_is_the_dense_one(void **state) {
    us_context *context = support_plain_context();
    static form f;
    form_random(&f, 23, -0.2);
    us_problem *problem;
    us_vec *theta;
    us_hessian_operator *h;
    double d[MOST], x[3 * MOST], y[3 * MOST];
    us_rng rng = us_rng_init(8, 8);
    assert_int_equal(form_open(context, &f, &problem, &theta), US_OK);
    assert_int_equal(us_hessian_operator_create(&h, problem, theta, US_BATCH_ALL, 2), US_OK);
    for (size_t i = 0; i < 23; i++) d[i] = exp(3 * us_rng_normal(&rng));
    for (size_t i = 0; i < 69; i++) x[i] = us_rng_normal(&rng);
    assert_int_equal(us_hessian_operator_precondition(h, d), US_OK);
    const us_operator *a = us_hessian_operator_get(h);
    for (int preconditioned = 1; preconditioned >= 0; preconditioned--) {
        assert_int_equal(a->apply(a->user, x, y, 3), US_OK);
        for (size_t v = 0; v < 3; v++)
            for (size_t i = 0; i < 23; i++) {
                double sum = 0, size = 0;
                for (size_t j = 0; j < 23; j++) {
                    double term = f.a[i * 23 + j] * x[v * 23 + j] / (preconditioned ? sqrt(d[i]) * sqrt(d[j]) : 1);
                    sum += term, size += fabs(term);
                }
                assert_near(y[v * 23 + i], sum, 0, 1e-14 * size);
            }
        assert_int_equal(us_hessian_operator_precondition(h, NULL), US_OK);
    }
    d[4] = 0;
    assert_int_equal(us_hessian_operator_precondition(h, d), US_ERR_ARGUMENT);
    us_hessian_operator_destroy(h);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    us_context_destroy(context);
}

/* κ from all eigenvalues and from the ends; Σ λ/(λ + τ) from all of them and from the density. */
static void a_spectrum_comes_to_two_numbers(void **state) {
    static const double SHIFTS[] = {12, 0.1}; /* definite; not */
    us_context *context = support_plain_context();
    for (int which = 0; which < 2; which++) {
        static form f;
        form_random(&f, MOST, SHIFTS[which]);
        us_problem *problem;
        us_vec *theta;
        us_spectrum *s;
        us_hessian_operator *h;
        us_eigenpairs *p;
        us_density *density;
        assert_int_equal(form_open(context, &f, &problem, &theta), US_OK);
        assert_int_equal(us_spectrum_dense(&s, problem, theta, NULL), US_OK);
        us_condition c = us_spectrum_condition(s);
        double low = HUGE_VAL, high = 0, dimension = 0, tau = 0.05 * s->values[MOST - 1];
        for (size_t i = 0; i < MOST; i++) {
            low = fmin(low, fabs(s->values[i])), high = fmax(high, fabs(s->values[i]));
            if (s->values[i] > 0) dimension += s->values[i] / (s->values[i] + tau);
        }
        assert_near(c.value, high / low, 1e-14, 0);
        assert_true(c.low < c.value && c.value < c.high && c.high < c.value * (1 + 1e-9));

        assert_int_equal(us_hessian_operator_create(&h, problem, theta, US_BATCH_ALL, 4), US_OK);
        us_lanczos_options lo = US_LANCZOS_OPTIONS_INIT;
        lo.basis = MOST, lo.tolerance = 1e-10;
        assert_int_equal(us_lanczos_solve(&p, context, us_hessian_operator_get(h), &lo), US_OK);
        us_condition ends = us_eigenpairs_condition(p);
        assert_true(ends.low <= c.value && c.value <= ends.high);
        if (which == 0) {
            assert_near(ends.value, c.value, 1e-8, 0);
            assert_true(ends.high < 10 * c.value);
        } else {
            assert_true(isnan(ends.value) && isinf(ends.high));
        }

        us_effective_dimension all = us_spectrum_effective_dimension(s, tau);
        assert_near(all.value, dimension, 1e-13, 0);
        assert_true(all.error > 0 && all.error < 1e-9 * dimension);
        us_density_options o = US_DENSITY_OPTIONS_INIT;
        o.probes = 30;
        assert_int_equal(us_density_create(&density, context, us_hessian_operator_get(h), &o), US_OK);
        us_effective_dimension seen = us_density_effective_dimension(density, tau);
        assert_near(seen.value, dimension, 0, 4 * seen.error);
        assert_true(seen.error > 0 && seen.error < 0.1 * dimension);
        us_density_destroy(density);
        us_eigenpairs_destroy(p);
        us_hessian_operator_destroy(h);
        us_spectrum_destroy(s);
        us_vec_destroy(theta);
        us_problem_destroy(problem);
    }
    us_context_destroy(context);
}

/* An eigenvalue that cannot be told from zero: κ is infinite, and its lower bound says what is known. */
static void a_singular_spectrum_has_no_condition(void **state) {
    double values[] = {-1e-12, 0.5, 4};
    us_spectrum s = {.n = 3, .values = values, .resolution = 1e-10};
    us_condition c = us_spectrum_condition(&s);
    assert_true(isinf(c.value) && isinf(c.high));
    assert_near(c.low, 4 / 1.01e-10, 1e-6, 0);
    us_effective_dimension d = us_spectrum_effective_dimension(&s, 0.5);
    assert_near(d.value, 0.5 + 4 / 4.5, 1e-15, 0);
    assert_near(d.error, 1e-10 * (2 + 0.5 + 0.5 / 4.5 / 4.5), 1e-6, 0);
}

static us_status everything(us_context *context, void *user) {
    us_problem *problem;
    us_vec *theta;
    us_hessian_operator *h = NULL;
    double d[MOST], e[MOST];
    us_status status = form_open(context, user, &problem, &theta);
    if (status == US_OK) status = us_curvature_diagonal(d, e, problem, theta, NULL);
    if (status == US_OK) status = us_hessian_operator_create(&h, problem, theta, US_BATCH_ALL, 1);
    for (size_t i = 0; i < MOST; i++) d[i] = 2;
    if (status == US_OK) status = us_hessian_operator_precondition(h, d);
    us_hessian_operator_destroy(h);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    return status;
}

static void every_allocation_may_fail(void **state) {
    static form f;
    form_random(&f, 20, 1);
    support_fail_each_allocation(everything, &f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_diagonal_is_estimated_with_its_error),
        cmocka_unit_test(a_preconditioned_operator_is_the_dense_one),
        cmocka_unit_test(a_spectrum_comes_to_two_numbers),
        cmocka_unit_test(a_singular_spectrum_has_no_condition),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
