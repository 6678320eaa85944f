/* The critical point nearest to a place: saddles of known value and index, reached from perturbed starts; gradient-flat
 * places told as what they are. Values and indices: closed forms (Baldi & Hornik 1989 for linear networks). */
#include "support.h"
#include <unstuck/critical.h>
#include <unstuck/model.h>

#include "net.h"

enum { MOST = 16 };

static us_problem *formula(us_context *context, const char *text, size_t *n) {
    char **names;
    us_problem *problem;
    assert_int_equal(us_formula_variables(context, text, &names, n), US_OK);
    if (us_problem_create_formula(&problem, context, text, (const char *const *)names, *n) != US_OK)
        fail_msg("%s", us_context_error(context));
    us_names_release(context, names, *n);
    return problem;
}

/* From `at`, moved by `by` in a random direction. */
static us_nearest *nearest_from(us_problem *problem, const double *at, size_t n, double by, uint64_t seed,
                                us_status *status) {
    us_context *context = us_problem_context(problem);
    us_vec *theta;
    us_nearest *found;
    us_rng rng = us_rng_init(seed, 77);
    double d[MOST], length = 0;
    assert_int_equal(us_vec_create(&theta, context, US_F64, n), US_OK);
    for (size_t i = 0; i < n; i++) d[i] = us_rng_normal(&rng), length += d[i] * d[i];
    for (size_t i = 0; i < n; i++) us_vec_set(theta, i, at[i] + (by > 0 ? by * d[i] / sqrt(length) : 0));
    *status = us_critical_nearest(&found, problem, theta, NULL);
    if (*status < 0) fail_msg("%s", us_context_error(context));
    us_vec_destroy(theta);
    return found;
}

typedef struct saddle {
    const char *what, *formula; /* variables in the order in which they come */
    double at[MOST], value;
    size_t negative; /* eigenvalues */
    us_kind kind;
} saddle;

/* ½‖W₂W₁ − diag(3,1)‖², W₂ = [a b; c d], W₁ = [p q; r s]; variables come as a p b r q s c d. */
#define LINEAR_TWO "((a*p+b*r-3)^2+(a*q+b*s)^2+(c*p+d*r)^2+(c*q+d*s-1)^2)/2"
/* ¼‖xxᵀ − diag(3,2,1)‖² */
#define SYMMETRIC "((x^2-3)^2+(y^2-2)^2+(z^2-1)^2+2*x^2*y^2+2*x^2*z^2+2*y^2*z^2)/4"
/* Phase retrieval, |x*| = 1 along x: ¼(3s² + 3 − 2(s + 2x²)), s = |x|². */
#define PHASE "(3*(x^2+y^2+z^2)^2+3-2*(x^2+y^2+z^2+2*x^2))/4"

static const saddle SADDLES[] = {
    {"linear, origin", LINEAR_TWO, {0}, 5, 4, US_KIND_SADDLE},
    {"linear, the top alone", LINEAR_TWO, {1.7320508, 1.7320508}, 0.5, 1, US_KIND_SADDLE},
    {"linear, the lower alone", LINEAR_TWO, {0, 0, 0, 0, 0, 1, 0, 1}, 4.5, 2, US_KIND_SADDLE},
    {"symmetric, origin", SYMMETRIC, {0}, 3.5, 3, US_KIND_MAXIMUM},
    {"symmetric, second", SYMMETRIC, {0, 1.41421356, 0}, 2.5, 1, US_KIND_SADDLE},
    {"symmetric, third", SYMMETRIC, {0, 0, 1}, 3.25, 2, US_KIND_SADDLE},
    {"symmetric, first", SYMMETRIC, {1.7320508, 0, 0}, 1.25, 0, US_KIND_MINIMUM},
    {"phase retrieval, ring", PHASE, {0, 0.57735, 0}, 2.0 / 3, 1, US_KIND_SADDLE},
    {"phase retrieval, origin", PHASE, {0}, 0.75, 3, US_KIND_MAXIMUM},
};

static void saddles_are_reached_from_beside(void **state) {
    us_context *context = support_plain_context();
    for (size_t s = 0; s < sizeof SADDLES / sizeof *SADDLES; s++) {
        size_t n;
        const saddle *w = &SADDLES[s];
        us_problem *problem = formula(context, w->formula, &n);
        for (uint64_t seed = 1; seed <= 10; seed++) {
            us_status status;
            double by = seed <= 5 ? 0.01 : 0.15;
            us_nearest *f = nearest_from(problem, w->at, n, by, seed, &status);
            if (status != US_OK || f->end != US_NEAREST_CRITICAL || f->point->kind != w->kind ||
                f->point->spectrum->negative != w->negative || fabs(f->point->value - w->value) > 1e-12)
                fail_msg("%s, %llu: %s, %s, %zu negative, value %.15g, distance %g, |g| %g", w->what,
                         (unsigned long long)seed, us_nearest_end_name(f->end), us_kind_name(f->point->kind),
                         f->point->spectrum->negative, f->point->value, f->distance, f->point->gradient_norm);
            assert_true(f->distance < 1.5 * by + 1e-6 && f->point->gradient_norm < 1e-10);
            assert_true(f->steps <= 12 && f->products <= 12 * n);
            us_nearest_destroy(f);
        }
        us_problem_destroy(problem);
    }
    us_context_destroy(context);
}

/* ¼x⁴ − 3x² + 9x: |f'| has a local minimum at √2, where f'' = 0 and f' = 9 − 4√2, and its only zero at −3. Beside it, y²
 * makes it two-dimensional, and √2 no nearer. */
static void gradient_flat_places_are_told(void **state) {
    static const char *const TEXTS[] = {"x^4/4-3*x^2+9*x", "x^4/4-3*x^2+9*x+y^2"};
    us_context *context = support_plain_context();
    for (int k = 0; k < 2; k++) {
        size_t n;
        us_status status;
        us_problem *problem = formula(context, TEXTS[k], &n);
        us_nearest *f = nearest_from(problem, (double[]){2, 0.7}, n, 0, 1, &status);
        assert_int_equal(status, US_NOT_CONVERGED);
        if (f->end != US_NEAREST_GRADIENT_FLAT) fail_msg("%s at %g", us_nearest_end_name(f->end), f->point->theta[0]);
        assert_near(f->point->theta[0], M_SQRT2, 0, 0.02);
        assert_int_equal(f->point->kind, US_KIND_NOT_CRITICAL);
        assert_near(f->point->gradient_norm, 9 - 4 * M_SQRT2, 1e-3, 0);
        assert_true(f->flatness < 1e-3);
        us_nearest_destroy(f);
        f = nearest_from(problem, (double[]){-2.2, 0.7}, n, 0, 1, &status);
        assert_int_equal(status, US_OK);
        assert_near(f->point->theta[0], -3, 1e-10, 0);
        assert_int_equal(f->point->kind, US_KIND_MINIMUM);
        assert_near(f->distance, hypot(0.8, k ? 0.7 : 0), 1e-8, 0);
        us_nearest_destroy(f);
        us_problem_destroy(problem);
    }
    us_context_destroy(context);
}

/* XOR by two tanh units: all weights zero and the output's bias ½ is critical, flat to the fourth order. */
static void xor_s_point_of_symmetry(void **state) {
    us_context *context = support_plain_context();
    us_dataset *data;
    us_model *model;
    us_problem *problem;
    us_model_options o = US_MODEL_OPTIONS_INIT;
    o.text = "mlp:2:tanh", o.inputs = 2, o.outputs = 1, o.task = US_REGRESSION;
    assert_int_equal(us_dataset_create(&data, context, US_F64, 4, 2, US_REGRESSION, 1), US_OK);
    memcpy(us_dataset_features(data), (double[8]){0, 0, 0, 1, 1, 0, 1, 1}, 8 * sizeof(double));
    memcpy(us_dataset_targets(data), (double[4]){0, 1, 1, 0}, 4 * sizeof(double));
    assert_int_equal(us_model_create(&model, context, &o), US_OK);
    assert_int_equal(us_model_problem(&problem, model, data), US_OK);
    double at[9] = {0};
    at[8] = 0.5;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        us_status status;
        us_nearest *f = nearest_from(problem, at, 9, 0.01, seed, &status);
        assert_int_equal(status, US_OK);
        assert_true(f->point->kind == US_KIND_DEGENERATE || f->point->kind == US_KIND_SADDLE);
        assert_near(f->point->value, 0.125, 1e-7, 0);
        assert_true(f->distance < 0.02 && f->point->gradient_norm < 1e-8);
        us_nearest_destroy(f);
    }
    us_problem_destroy(problem);
    us_model_destroy(model);
    us_dataset_destroy(data);
    us_context_destroy(context);
}

static void relu_side(us_rng *rng, const double *x, double *y) {
    (void)rng;
    *y = x[0] * x[1] > 0;
}

/* relu's kinks make the gradient jump: a search that keeps to one side of each ends far from where it wants to go (at up to
 * 0.047 of the gradient that it began with, and at a mean logarithm of -7.3). */
static void kinks_do_not_end_the_search(void **state) {
    us_context *context = support_plain_context();
    double shorter = 0;
    for (uint64_t seed = 1; seed <= 24; seed++) {
        net s;
        us_problem *problem;
        us_nearest *f;
        net_make(&s, context, "mlp:12:relu", US_CLASSIFICATION, 200, 200, 2, relu_side, seed);
        assert_int_equal(us_problem_create_l2(&problem, s.problem, 1e-2, false), US_OK);
        assert_true(us_critical_nearest(&f, problem, s.theta, NULL) >= 0);
        double left = f->point->gradient_norm / f->start_gradient;
        assert_true(f->end == US_NEAREST_CRITICAL ? left < 1e-10 : f->end != US_NEAREST_LIMIT && left < 0.03);
        shorter += log(fmax(left, 1e-4)) / 24;
        us_nearest_destroy(f);
        us_problem_destroy(problem);
        net_close(&s);
    }
    assert_true(shorter < -7.7);
    us_context_destroy(context);
}

/* Styblinski & Tang 1990 in 100,000 dimensions, chained to its neighbours by a little: every coordinate sits in one of three
 * places, those in the middle one making the index. */
enum { LARGE = 100000 };
#define CHAIN 0.01

static int large_gradient(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss, void *gradient) {
    const double *x = theta;
    double *g = gradient;
    *loss = 0;
    for (size_t i = 0; i < LARGE; i++) {
        double next = x[(i + 1) % LARGE], last = x[(i + LARGE - 1) % LARGE];
        *loss += 0.5 * (pow(x[i], 4) - 16 * x[i] * x[i] + 5 * x[i]) + CHAIN * x[i] * next;
        g[i] = 2 * pow(x[i], 3) - 16 * x[i] + 2.5 + CHAIN * (next + last);
    }
    return 0;
}

static int large_value(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss) {
    return large_gradient(user, theta, rows, count, loss, user);
}

static int large_hvp(void *user, const void *theta, const uint32_t *rows, size_t count, const void *v, void *hv) {
    const double *x = theta, *a = v;
    for (size_t i = 0; i < LARGE; i++)
        ((double *)hv)[i] = (6 * x[i] * x[i] - 16) * a[i] + CHAIN * (a[(i + 1) % LARGE] + a[(i + LARGE - 1) % LARGE]);
    return 0;
}

static void a_hundred_thousand_parameters(void **state) {
    us_context *context = support_plain_context();
    us_callback_problem callback = US_CALLBACK_PROBLEM_INIT;
    us_problem *problem;
    us_vec *theta;
    us_nearest *f;
    double *scratch = malloc(LARGE * sizeof *scratch);
    callback.dimension = LARGE, callback.user = scratch;
    callback.value = large_value, callback.gradient = large_gradient, callback.hvp = large_hvp;
    assert_int_equal(us_problem_create_callback(&problem, context, &callback), US_OK);
    assert_int_equal(us_vec_create(&theta, context, US_F64, LARGE), US_OK);
    us_rng rng = us_rng_init(9, 9);
    for (size_t i = 0; i < LARGE; i++) {
        static const double PLACES[] = {-2.903534, 2.746803, 0.156731};
        us_vec_set(theta, i, PLACES[i % 1000 == 17 ? 2 : us_rng_u32(&rng) & 1] + 0.02 * us_rng_normal(&rng));
    }
    us_nearest_options o = US_NEAREST_OPTIONS_INIT;
    o.basis = 20;
    assert_int_equal(us_critical_nearest(&f, problem, theta, &o), US_OK);
    assert_int_equal(f->end, US_NEAREST_CRITICAL);
    assert_int_equal(f->point->kind, US_KIND_SADDLE);
    assert_true(f->point->gradient_norm < 1e-9 && f->products < 100);
    assert_near(f->distance, 0.02 * sqrt(LARGE), 0.05, 0);
    us_nearest_destroy(f);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    free(scratch);
    us_context_destroy(context);
}

static void limits_are_kept(void **state) {
    us_context *context = support_plain_context();
    size_t n;
    us_problem *problem = formula(context, LINEAR_TWO, &n);
    us_vec *theta;
    us_nearest *f;
    us_nearest_options o = US_NEAREST_OPTIONS_INIT;
    us_rng rng = us_rng_init(3, 1);
    assert_int_equal(us_vec_create(&theta, context, US_F64, n), US_OK);
    us_vec_fill_normal(theta, &rng);
    o.products = 3;
    assert_int_equal(us_critical_nearest(&f, problem, theta, &o), US_NOT_CONVERGED);
    assert_int_equal(f->end, US_NEAREST_LIMIT);
    assert_int_equal(f->products, 3);
    us_nearest_destroy(f);
    o = (us_nearest_options)US_NEAREST_OPTIONS_INIT;
    o.tolerance = 0;
    assert_int_equal(us_critical_nearest(&f, problem, theta, &o), US_ERR_ARGUMENT);
    assert_null(f);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    us_context_destroy(context);
}

static us_status body(us_context *context, void *user) {
    us_problem *problem = NULL;
    us_vec *theta = NULL;
    us_nearest *f = NULL;
    static const char *const NAMES[] = {"x", "y"};
    us_status status = us_problem_create_formula(&problem, context, "x^2-y^2+x*y^3", NAMES, 2);
    if (!status) status = us_vec_create(&theta, context, US_F64, 2);
    if (!status) us_vec_write_f64(theta, (double[]){0.1, 0.2});
    if (!status) status = us_critical_nearest(&f, problem, theta, NULL);
    us_nearest_destroy(f);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    return status;
}

static void every_allocation_may_fail(void **state) { support_fail_each_allocation(body, NULL); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(saddles_are_reached_from_beside), cmocka_unit_test(gradient_flat_places_are_told),
        cmocka_unit_test(xor_s_point_of_symmetry),         cmocka_unit_test(kinks_do_not_end_the_search),
        cmocka_unit_test(a_hundred_thousand_parameters),   cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
