#include "support.h"
#include <jansson.h>
#include <unstuck/model.h>
#include <unstuck/solve.h>

#include "descend/solvers/subproblem.h"

enum { MOST = 16 };

/* Minimises a formula of `count` variables from x, which becomes the end. */
static us_status minimize_formula(us_context *context, const char *formula, const char *const *names, size_t count,
                                  double *x, const us_minimize_options *options, us_minimize_result *result) {
    us_problem *problem = NULL;
    us_vec *theta = NULL;
    us_status status = us_problem_create_formula(&problem, context, formula, names, count);
    if (status == US_OK) status = us_vec_wrap(&theta, context, US_F64, count, x);
    if (status == US_OK) status = us_minimize(problem, theta, options, result);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    return status;
}

static const char *const XYZW[] = {"x", "y", "z", "w"};

/* Start points and least values of Moré, Garbow & Hillstrom 1981 ("Testing unconstrained optimization software", ACM TOMS
 * 7(1)), and starts on saddles, maxima and where all derivatives up to the second vanish, whose answers are algebra. */
static const struct {
    const char *formula;
    size_t n;
    double start[4], value, tolerance;
} CLASSICS[] = {
    {"(10*(y-x^2))^2+(1-x)^2", 2, {-1.2, 1}, 0, 1e-20},
    {"(-13+x+((5-y)*y-2)*y)^2+(-29+x+((y+1)*y-14)*y)^2", 2, {0.5, -2}, 48.9842536792400, 1e-9},
    {"(x-1e6)^2+(y-2e-6)^2+(x*y-2)^2", 2, {1, 1}, 0, 1e-12},
    {"(x+10*y)^2+5*(z-w)^2+(y-2*z)^4+10*(x-w)^4", 4, {3, -1, 0, 1}, 0, 1e-20},
    {"100*(y-x^2)^2+(1-x)^2+90*(w-z^2)^2+(1-z)^2+10*(y+w-2)^2+0.1*(y-w)^2", 4, {-3, -1, -3, -1}, 0, 1e-18},
    {"x^2/2-y^2/2+y^4/4", 2, {1, 0}, -0.25, 1e-14},                           /* runs into the saddle at 0 */
    {"(1-x*y)^2", 2, {0, 0}, 0, 1e-18},                                       /* a saddle */
    {"-cos(x)-cos(y)", 2, {3.141592653589793, 3.141592653589793}, -2, 1e-14}, /* a maximum */
    {"x^3-3*x*y^2+(x^2+y^2)^2", 2, {0, 0}, -0.10546875, 1e-14},               /* a monkey saddle: −27/256 at x = −3/4 */
    {"x^4-x^3", 1, {0}, -0.10546875, 1e-14},                                  /* falls on one side only */
    {"x^6-y^4+x^2", 2, {0.3, 0}, -HUGE_VAL, 0},                               /* no minimum: see below */
    {"x^2+y^2-1/(1+1e4*(x-1)^2)", 2, {-3, 2}, 0, 1e-3},       /* a narrow hole beside the way, which it need not find */
    {"exp(x)-2*x+0*y", 2, {5, 3}, 0.6137056388801094, 1e-14}, /* 2 − 2 ln 2; nothing depends on y */
    {"x*log(x)+y^2", 2, {5, 1}, -0.36787944117144233, 1e-14}, /* −1/e; NaN for x < 0 */
    {"x^2+1/x^2+(y-1)^2", 2, {9, 0}, 2, 1e-14},               /* a pole at 0 */
    {"x+y^2", 2, {3, 0}, -HUGE_VAL, 0},
    {"1e8+(x-1)^2+y^2", 2, {-4, 9}, 1e8, 1e-7},
    {"1e-14*((10*(y-x^2))^2+(1-x)^2)", 2, {-1.2, 1}, 0, 1e-16},
};

static void classics_end_in_their_minimum(void **state) {
    us_context *context = support_plain_context();
    for (size_t i = 0; i < sizeof CLASSICS / sizeof CLASSICS[0]; i++) {
        double x[4];
        us_minimize_result result;
        memcpy(x, CLASSICS[i].start, sizeof x);
        us_status status = minimize_formula(context, CLASSICS[i].formula, XYZW, CLASSICS[i].n, x, NULL, &result);
        if (isinf(CLASSICS[i].value)) {
            assert_int_equal(status, US_NOT_CONVERGED);
            assert_true(result.value < -1e40);
            continue;
        }
        if (status != US_OK) fail_msg("%s: %s, %s", CLASSICS[i].formula, us_status_name(status), result.reason);
        if (fabs(result.value - CLASSICS[i].value) > CLASSICS[i].tolerance)
            fail_msg("%s: %.17g, expected %.17g; %s", CLASSICS[i].formula, result.value, CLASSICS[i].value, result.reason);
        assert_true(result.values > 0 && result.gradients > 0 && result.products > 0 && result.reason);
    }
    us_context_destroy(context);
}

/* Each of the shared reference cases; the value, as its checker demands it (a known local minimum passes). */
static void reference_cases_pass(void **state) {
    const char *path = support_shared("oracles/minimize.json");
    if (!path) return;
    us_context *context = support_plain_context();
    json_t *cases = json_load_file(path, 0, NULL), *item, *known, *start, *value;
    assert_non_null(cases);
    size_t i, k;
    json_array_foreach(cases, i, item) {
        const char *names[MOST], *name, *id = json_string_value(json_object_get(item, "id"));
        double x[MOST], rtol = json_number_value(json_object_get(item, "rtol"));
        double best = json_number_value(json_object_get(item, "best_value"));
        json_t *atol = json_object_get(item, "atol");
        size_t n = 0;
        start = json_object_get(item, "start");
        json_object_foreach(start, name, value) names[n] = name, x[n++] = json_number_value(value);
        us_minimize_result result;
        us_status status =
            minimize_formula(context, json_string_value(json_object_get(item, "formula")), names, n, x, NULL, &result);
        if (status != US_OK) fail_msg("%s: %s, %s", id, us_status_name(status), result.reason);
        bool passed = fabs(result.value - best) <= rtol * fabs(best) + (atol ? json_number_value(atol) : 1e-12);
        json_array_foreach(json_object_get(item, "other_known_minima"), k, known) {
            double local = json_number_value(json_object_get(known, "value"));
            if (json_is_null(json_object_get(known, "at"))) continue;
            passed = passed || fabs(result.value - local) <= fmax(rtol, 1e-6) * fabs(local);
        }
        if (!passed) fail_msg("%s: %.17g, best known %.17g; %s", id, result.value, best, result.reason);
    }
    json_decref(cases);
    us_context_destroy(context);
}

/* Σ (xᵢ²−1)²/4 + c/2 Σ (xᵢ−xᵢ₊₁)² in more dimensions than a dense Hessian is made for: 0 is critical, with negative
 * eigenvalues; the least value is 0. */
typedef struct chain {
    size_t n;
    double coupling;
} chain;

static int chain_value(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss) {
    const chain *c = user;
    const double *x = theta;
    *loss = 0;
    for (size_t i = 0; i < c->n; i++) {
        double well = x[i] * x[i] - 1, slope = i + 1 < c->n ? x[i] - x[i + 1] : 0;
        *loss += 0.25 * well * well + 0.5 * c->coupling * slope * slope;
    }
    return 0;
}
static int chain_gradient(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss, void *gradient) {
    const chain *c = user;
    const double *x = theta;
    double *g = gradient;
    for (size_t i = 0; i < c->n; i++) {
        g[i] = x[i] * (x[i] * x[i] - 1);
        if (i > 0) g[i] += c->coupling * (x[i] - x[i - 1]);
        if (i + 1 < c->n) g[i] += c->coupling * (x[i] - x[i + 1]);
    }
    return chain_value(user, theta, rows, count, loss);
}
static int chain_hvp(void *user, const void *theta, const uint32_t *rows, size_t count, const void *v, void *hv) {
    const chain *c = user;
    const double *x = theta, *p = v;
    double *h = hv;
    for (size_t i = 0; i < c->n; i++) {
        h[i] = (3 * x[i] * x[i] - 1) * p[i];
        if (i > 0) h[i] += c->coupling * (p[i] - p[i - 1]);
        if (i + 1 < c->n) h[i] += c->coupling * (p[i] - p[i + 1]);
    }
    return 0;
}

static void many_parameters_leave_their_saddle(void **state) {
    us_context *context = support_plain_context();
    chain c = {600, 20};
    us_callback_problem callback = US_CALLBACK_PROBLEM_INIT;
    callback.dimension = c.n, callback.user = &c;
    callback.value = chain_value, callback.gradient = chain_gradient, callback.hvp = chain_hvp;
    us_problem *problem;
    us_vec *theta;
    us_minimize_result result;
    assert_int_equal(us_problem_create_callback(&problem, context, &callback), US_OK);
    assert_int_equal(us_vec_create(&theta, context, US_F64, c.n), US_OK);
    assert_int_equal(us_minimize(problem, theta, NULL, &result), US_OK); /* from 0 */
    /* The eigenvector has no node or few: it ends on +1 or −1 all along, or with walls between, which are minima, too. */
    double plus = us_vec_get(theta, 0);
    assert_true(result.value < 0.25 * (double)c.n * 0.5);
    assert_near(fabs(plus), 1, 1e-3, 0);
    assert_true(result.gradient_norm < 1e-8);
    us_vec_fill(theta, 0.4);
    assert_int_equal(us_minimize(problem, theta, NULL, &result), US_OK);
    assert_near(result.value, 0, 0, 1e-14);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    us_context_destroy(context);
}

/* m(p) over the ball, by a fine search in two dimensions. */
static double brute_force(const double *values, const double *gradient, double radius) {
    double best = 0;
    for (int r = 0; r <= 400; r++)
        for (int a = 0; a < 4000; a++) {
            double length = radius * r / 400, angle = 6.283185307179586 * a / 4000;
            double p[2] = {length * cos(angle), length * sin(angle)};
            double m = gradient[0] * p[0] + gradient[1] * p[1] + 0.5 * (values[0] * p[0] * p[0] + values[1] * p[1] * p[1]);
            best = fmin(best, m);
        }
    return best;
}

static void the_step_is_the_best_within_the_radius(void **state) {
    static const struct {
        double values[2], gradient[2], radius;
    } CASES[] = {
        {{1, 3}, {0.5, -0.2}, 2},    /* inside */
        {{1, 3}, {5, -2}, 0.7},      /* on the boundary */
        {{-2, 3}, {0.3, 1}, 1.1},    /* indefinite */
        {{-2, 3}, {0, 1}, 1.1},      /* the hard case */
        {{-2, 3}, {1e-300, 1}, 1.1}, /* nearly */
        {{-2, 3}, {0, 50}, 1.1},     /* no gradient along the first, yet not hard */
        {{-2, -2}, {0, 0}, 0.4},     /* a maximum */
        {{0, 3}, {0, 1}, 2},         {{0, 3}, {0.1, 1}, 2}, {{0, 0}, {3, 4}, 0.5}, {{-7, 2.5}, {-1e-14, 1e-14}, 1e-3},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        double p[2];
        us__subproblem s = us__subproblem_solve(2, CASES[i].values, CASES[i].gradient, CASES[i].radius, p);
        double best = -brute_force(CASES[i].values, CASES[i].gradient, CASES[i].radius), length = hypot(p[0], p[1]);
        assert_true(length <= CASES[i].radius * (1 + 1e-9));
        assert_near(length, s.length, 1e-12, 0);
        assert_true(s.on_boundary == (length >= CASES[i].radius * (1 - 1e-9)));
        assert_true(s.predicted >= best * (1 - 1e-12)); /* at least what the search found, */
        assert_near(s.predicted, best, 1e-3, 0);        /* and hardly more */
    }
    /* Far apart: nearly all of the length along the first, and the second's own minimiser. */
    const double values[] = {-1e-9, 1e9}, gradient[] = {1e-12, 1e3};
    double p[2];
    us__subproblem s = us__subproblem_solve(2, values, gradient, 10, p);
    assert_near(p[0], -10, 1e-9, 0);
    assert_near(p[1], -1e-6, 1e-9, 0);
    assert_near(s.predicted, 1e-11 + 0.5e-7 + 0.5e-3, 1e-9, 0);
}

static void count_progress(void *user, size_t iteration, double value, double gradient_norm) {
    assert_true(isfinite(value) && gradient_norm >= 0);
    ++*(size_t *)user;
}

static void cancel_progress(void *user, size_t iteration, double value, double gradient_norm) {
    if (iteration == 3) us_context_cancel(user);
}

static void ends_are_told(void **state) {
    us_context *context = support_plain_context();
    us_minimize_options options = US_MINIMIZE_OPTIONS_INIT;
    us_minimize_result result;
    size_t heard = 0;
    const char *rosenbrock = CLASSICS[0].formula;
    double x[2] = {-1.2, 1};
    options.iterations = 5;
    options.progress = count_progress, options.progress_user = &heard;
    assert_int_equal(minimize_formula(context, rosenbrock, XYZW, 2, x, &options, &result), US_NOT_CONVERGED);
    assert_true(result.value < 24.2 && x[0] != -1.2); /* the best so far is there */
    assert_true(heard >= 5 && heard <= 10);

    options = (us_minimize_options)US_MINIMIZE_OPTIONS_INIT;
    options.progress = cancel_progress, options.progress_user = context;
    x[0] = -1.2, x[1] = 1;
    assert_int_equal(minimize_formula(context, rosenbrock, XYZW, 2, x, &options, &result), US_INTERRUPTED);
    assert_int_equal(result.iterations, 4);
    us_context_resume(context);

    double bad[2] = {-1, 0};
    assert_int_equal(minimize_formula(context, "log(x)+y^2", XYZW, 2, bad, NULL, &result), US_ERR_NONFINITE);
    assert_true(bad[0] == -1);
    double kink[2] = {3, 1.5}; /* the gradient never vanishes */
    us_status status = minimize_formula(context, "abs(x-1)+y^2", XYZW, 2, kink, NULL, &result);
    assert_int_equal(status, US_NOT_CONVERGED);
    assert_true(result.value < 0.01);
    options.iterations = 0;
    assert_int_equal(minimize_formula(context, rosenbrock, XYZW, 2, x, &options, &result), US_ERR_ARGUMENT);
    us_context_destroy(context);
}

static us_status minimize_body(us_context *context, void *user) {
    double x[2] = {-1.2, 1};
    us_minimize_result result;
    us_minimize_options options = US_MINIMIZE_OPTIONS_INIT;
    options.iterations = 3;
    us_status status = minimize_formula(context, user, XYZW, 2, x, &options, &result);
    return status == US_NOT_CONVERGED ? US_OK : status;
}

static us_status many_body(us_context *context, void *user) {
    chain c = {450, 2};
    us_callback_problem callback = US_CALLBACK_PROBLEM_INIT;
    callback.dimension = c.n, callback.user = &c;
    callback.value = chain_value, callback.gradient = chain_gradient, callback.hvp = chain_hvp;
    us_problem *problem = NULL;
    us_vec *theta = NULL;
    us_minimize_result result;
    us_minimize_options options = US_MINIMIZE_OPTIONS_INIT;
    options.iterations = 2;
    us_status status = us_problem_create_callback(&problem, context, &callback);
    if (status == US_OK) status = us_vec_create(&theta, context, US_F64, c.n);
    if (status == US_OK) us_vec_fill(theta, 0.7);
    if (status == US_OK) status = us_minimize(problem, theta, &options, &result);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    return status == US_NOT_CONVERGED ? US_OK : status;
}

static void failing_allocations_are_survived(void **state) {
    support_fail_each_allocation(minimize_body, (void *)(uintptr_t)CLASSICS[0].formula);
    support_fail_each_allocation(many_body, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classics_end_in_their_minimum),
        cmocka_unit_test(reference_cases_pass),
        cmocka_unit_test(many_parameters_leave_their_saddle),
        cmocka_unit_test(the_step_is_the_best_within_the_radius),
        cmocka_unit_test(ends_are_told),
        cmocka_unit_test(failing_allocations_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
