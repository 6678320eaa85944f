#include "support.h"
#include <unstuck/unstuck.h>

/* Every row has a Hessian of its own, diag(mean + spread·noise): what a sample shows is not what all rows have. */
enum { N = 40, ROWS = 8000 };
typedef struct rows {
    double mean[N], spread;
    double *noise; /* [ROWS×N] */
    double true_lowest;
} rows;

static void rows_diagonal(const rows *r, const uint32_t *which, size_t count, double *d) {
    memset(d, 0, N * sizeof *d);
    for (size_t k = 0; k < count; k++) {
        const double *noise = r->noise + (which ? which[k] : k) * N;
        for (size_t i = 0; i < N; i++) d[i] += (r->mean[i] + r->spread * noise[i]) / (double)count;
    }
}

static int rows_gradient(void *user, const void *theta, const uint32_t *which, size_t count, double *loss, void *gradient) {
    double d[N];
    const double *x = theta;
    rows_diagonal(user, which, which ? count : ROWS, d);
    *loss = 0;
    for (size_t i = 0; i < N; i++) ((double *)gradient)[i] = d[i] * x[i], *loss += 0.5 * d[i] * x[i] * x[i];
    return 0;
}

static int rows_value(void *user, const void *theta, const uint32_t *which, size_t count, double *loss) {
    double scratch[N];
    return rows_gradient(user, theta, which, count, loss, scratch);
}

static int rows_hvp(void *user, const void *theta, const uint32_t *which, size_t count, const void *v, void *hv) {
    double loss;
    return rows_gradient(user, v, which, count, &loss, hv);
}

static us_problem *rows_problem(us_context *context, rows *r, double lowest, double spread, uint64_t seed) {
    us_rng rng = us_rng_init(seed, 4);
    for (size_t i = 0; i < N; i++) r->mean[i] = 0.5 + us_rng_uniform(&rng);
    r->mean[us_rng_below(&rng, N)] = lowest;
    r->spread = spread;
    for (size_t i = 0; i < ROWS * N; i++) r->noise[i] = us_rng_normal(&rng);
    double d[N];
    rows_diagonal(r, NULL, ROWS, d);
    r->true_lowest = HUGE_VAL;
    for (size_t i = 0; i < N; i++) r->true_lowest = fmin(r->true_lowest, d[i]);
    us_callback_problem callback = US_CALLBACK_PROBLEM_INIT;
    callback.dimension = N, callback.samples = ROWS, callback.user = r;
    callback.value = rows_value, callback.gradient = rows_gradient, callback.hvp = rows_hvp;
    us_problem *problem;
    return us_problem_create_callback(&problem, context, &callback) ? NULL : problem;
}

/* The sign is never wrong; it is told from a part of the rows where it can be, and from all of them where it must. */
static void the_sample_grows_until_the_sign_is_told(void **state) {
    us_context *context = support_plain_context();
    static const struct {
        double lowest, spread;
        bool early;
    } CASES[] = {{-0.3, 0.5, true}, {-0.3, 4, false}, {-0.01, 4, false},
                 {0.1, 4, false},   {0.01, 4, false}, {0.3, 0.2, false}};
    rows r = {.noise = malloc(ROWS * N * sizeof(double))};
    us_vec *theta;
    assert_int_equal(us_vec_create(&theta, context, US_F64, N), US_OK);
    for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++)
        for (uint64_t seed = 1; seed <= 8; seed++) {
            us_problem *problem = rows_problem(context, &r, CASES[c].lowest, CASES[c].spread, seed);
            us_lowest_options o = US_LOWEST_OPTIONS_INIT;
            o.rows = 200, o.growth = 3, o.seed = seed;
            us_lowest *l;
            assert_int_equal(us_hessian_lowest(&l, problem, theta, &o), US_OK);
            assert_int_equal(l->below, r.true_lowest < 0 ? US_BELOW_FOUND : US_BELOW_NONE);
            if (CASES[c].early) assert_true(l->rows < ROWS && l->sampling > 0 && l->products < 10);
            if (l->below == US_BELOW_NONE) assert_int_equal(l->rows, ROWS);
            if (l->rows == ROWS) assert_true(l->sampling == 0 && l->value >= r.true_lowest - 1e-12);
            us_lowest_destroy(l);

            o.accuracy = 1e-4;
            assert_int_equal(us_hessian_lowest(&l, problem, theta, &o), US_OK);
            if (l->below == US_BELOW_FOUND) assert_near(l->value, r.true_lowest, 1e-6, 0);
            assert_int_equal(l->rows, ROWS);
            us_lowest_destroy(l);
            us_problem_destroy(problem);
        }
    us_vec_destroy(theta);
    us_context_destroy(context);
    free(r.noise);
}

/* A direction that curves downwards on three rows alone, where a sample has none of them: over all rows it is found, or not
 * excluded by the bound; never lost in silence. And where it is far below the others, it is found. */
static void what_a_sample_misses_is_found_over_all_rows(void **state) {
    us_context *context = support_plain_context();
    rows r = {.noise = malloc(ROWS * N * sizeof(double))};
    us_vec *theta;
    size_t found = 0;
    assert_int_equal(us_vec_create(&theta, context, US_F64, N), US_OK);
    for (int far = 0; far < 2; far++)
        for (uint64_t seed = 1; seed <= 8; seed++) {
            us_problem *problem = rows_problem(context, &r, -0.3, 0.01, seed);
            us_rng rng = us_rng_init(seed, 17);
            size_t hidden = r.mean[7] < 0 ? 8 : 7;
            for (size_t i = 0; i < 3; i++) /* of all rows the mean of their curvature is −0.32, or −2 */
                r.noise[us_rng_below(&rng, ROWS) * N + hidden] -= ((far ? 2 : 0.32) + r.mean[hidden]) * ROWS / 3 / r.spread;
            double d[N], lowest = HUGE_VAL;
            rows_diagonal(&r, NULL, ROWS, d);
            for (size_t i = 0; i < N; i++) lowest = fmin(lowest, d[i]);
            assert_true(lowest == d[hidden]);
            us_lowest_options o = US_LOWEST_OPTIONS_INIT;
            o.rows = 100, o.accuracy = 0.3, o.seed = seed;
            us_lowest *l;
            assert_int_equal(us_hessian_lowest(&l, problem, theta, &o), US_OK);
            assert_int_equal(l->below, US_BELOW_FOUND);
            assert_int_equal(l->rows, ROWS);
            assert_true(l->low_bound <= lowest && l->low_bound >= 3 * l->value);
            found += fabs(l->value / lowest - 1) < 0.05;
            if (far) assert_near(l->value, lowest, 0.05, 0);
            us_lowest_destroy(l);
            us_problem_destroy(problem);
        }
    print_message("%zu of 16 found\n", found);
    us_vec_destroy(theta);
    us_context_destroy(context);
    free(r.noise);
}

/* How far off is what a sample says? Within t standard errors as often as the confidence promises. */
static void the_sampling_error_is_what_it_says(void **state) {
    us_context *context = support_plain_context();
    rows r = {.noise = malloc(ROWS * N * sizeof(double))};
    us_vec *theta;
    assert_int_equal(us_vec_create(&theta, context, US_F64, N), US_OK);
    size_t outside = 0, runs = 200;
    us_problem *problem = rows_problem(context, &r, -0.5, 2, 1);
    for (uint64_t seed = 1; seed <= runs; seed++) {
        us_lowest_options o = US_LOWEST_OPTIONS_INIT;
        o.rows = 400, o.seed = seed, o.confidence = 0.9;
        us_lowest *l;
        assert_int_equal(us_hessian_lowest(&l, problem, theta, &o), US_OK);
        double d[N], truth = 0; /* v'Hv over all rows */
        rows_diagonal(&r, NULL, ROWS, d);
        for (size_t i = 0; i < N; i++) truth += d[i] * l->vector[i] * l->vector[i];
        assert_true(l->rows < ROWS);
        outside += fabs(l->value - truth) > 1.753 * l->sampling; /* t₁₅ at 0.95: one in ten is outside */
        us_lowest_destroy(l);
    }
    assert_true(outside >= 5 && outside <= 40);
    us_problem_destroy(problem);
    us_vec_destroy(theta);
    us_context_destroy(context);
    free(r.noise);
}

static void a_small_budget_says_what_is_missing(void **state) {
    us_context *context = support_plain_context();
    rows r = {.noise = malloc(ROWS * N * sizeof(double))};
    us_vec *theta;
    assert_int_equal(us_vec_create(&theta, context, US_F64, N), US_OK);
    us_problem *problem = rows_problem(context, &r, 0.02, 4, 1);
    us_lowest_options o = US_LOWEST_OPTIONS_INIT;
    o.rows = 200, o.products = 2;
    us_lowest *l;
    assert_int_equal(us_hessian_lowest(&l, problem, theta, &o), US_NOT_CONVERGED);
    assert_int_equal(l->below, US_BELOW_UNDECIDED);
    assert_int_equal(l->needs, US_NEEDS_ROWS);
    assert_true(l->products <= 4 && isinf(l->low_bound));
    us_lowest_destroy(l);
    o.rows = 10;
    assert_int_equal(us_hessian_lowest(&l, problem, theta, &o), US_ERR_ARGUMENT);
    assert_null(l);
    o.rows = 200, o.slack = 0.5;
    assert_int_equal(us_hessian_lowest(&l, problem, theta, &o), US_ERR_ARGUMENT);
    o.slack = 3, o.growth = 1;
    assert_int_equal(us_hessian_lowest(&l, problem, theta, &o), US_ERR_ARGUMENT);
    us_context_cancel(context);
    assert_int_equal(us_hessian_lowest(&l, problem, theta, NULL), US_INTERRUPTED);
    assert_null(l);
    us_problem_destroy(problem);
    us_vec_destroy(theta);
    us_context_destroy(context);
    free(r.noise);
}

static us_status lowest_once(us_context *context, void *user) {
    rows *r = user;
    us_vec *theta = NULL;
    us_lowest *l = NULL;
    us_callback_problem callback = US_CALLBACK_PROBLEM_INIT;
    callback.dimension = N, callback.samples = ROWS, callback.user = r;
    callback.value = rows_value, callback.gradient = rows_gradient, callback.hvp = rows_hvp;
    us_problem *problem;
    us_status status = us_problem_create_callback(&problem, context, &callback);
    if (!status) status = us_vec_create(&theta, context, US_F64, N);
    us_lowest_options o = US_LOWEST_OPTIONS_INIT;
    o.rows = 200;
    if (!status) status = us_hessian_lowest(&l, problem, theta, &o);
    us_inertia inertia;
    if (!status) status = us_hessian_inertia(&inertia, problem, theta, NULL);
    us_lowest_destroy(l);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    return status;
}

static void allocations_may_fail(void **state) {
    us_context *context = support_plain_context();
    rows r = {.noise = malloc(ROWS * N * sizeof(double))};
    us_problem_destroy(rows_problem(context, &r, -0.3, 1, 1));
    support_fail_each_allocation(lowest_once, &r);
    us_context_destroy(context);
    free(r.noise);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sample_grows_until_the_sign_is_told),
        cmocka_unit_test(what_a_sample_misses_is_found_over_all_rows),
        cmocka_unit_test(the_sampling_error_is_what_it_says),
        cmocka_unit_test(a_small_budget_says_what_is_missing),
        cmocka_unit_test(allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
