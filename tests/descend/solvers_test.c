/* Every solver of the table on problems with known ends; the line search against its paper; sums of squares. */
#include "support.h"
#include <unstuck/model.h>
#include <unstuck/solve.h>

#include "descend/solvers/lsq.h"
#include "descend/solvers/search.h"

static const char *const XYZ[] = {"x", "y", "z"};

static us_status solve_formula(us_context *context, const char *solver, const char *formula, size_t n, double *x,
                               size_t iterations, us_minimize_result *result) {
    us_problem *problem = NULL;
    us_vec *theta = NULL;
    us_minimize_options options = US_MINIMIZE_OPTIONS_INIT;
    options.iterations = iterations;
    us_status status = us_problem_create_formula(&problem, context, formula, XYZ, n);
    if (status == US_OK) status = us_vec_wrap(&theta, context, US_F64, n, x);
    if (status == US_OK) status = us_solve(problem, theta, solver, &options, result);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    return status;
}

static bool slow(const char *name) {
    return strcmp(name, "perturbed-gradient") == 0 || strcmp(name, "negative-curvature") == 0;
}

static void every_solver_ends_in_the_minimum(void **state) {
    static const struct {
        const char *formula;
        size_t n;
        double start[3], value;
    } CASES[] = {
        {"100*(y-x^2)^2+(1-x)^2", 2, {-1.2, 1}, 0}, /* Rosenbrock 1960 */
        {"(x+10*y)^2+5*(z-1)^2+(y-2*z)^4", 3, {3, -1, 0.5}, 0},
        {"exp(x-1)-x+cosh(y*0.7-2.385)", 2, {-2, 3}, 1},
        {"log(1+exp(-3*x))+log(1+exp(2*x))+0.05*y^2", 2, {4, 1}, 1.3460230745}, /* below */
    };
    us_context *context = support_plain_context();
    size_t count;
    const us_solver_about *const *solvers = us_solvers(&count);
    for (size_t k = 0; k < count; k++)
        for (size_t i = 0; i < sizeof CASES / sizeof CASES[0] && !solvers[k]->squares; i++) {
            double x[3] = {CASES[i].start[0], CASES[i].start[1], CASES[i].start[2]};
            us_minimize_result result;
            us_status status = solve_formula(context, solvers[k]->name, CASES[i].formula, CASES[i].n, x, 300000, &result);
            print_message("%-20s case %zu: %.12g, %zu iterations, %zu gradients: %s\n", solvers[k]->name, i, result.value,
                          result.iterations, result.gradients, result.reason);
            if (slow(solvers[k]->name) && status == US_NOT_CONVERGED) continue;
            assert_int_equal(status, US_OK);
            /* log(1+e^-3x)+log(1+e^2x) is least where 3/(1+e^3x) = 2/(1+e^-2x). */
            double known = i == 3 ? log(1 + exp(-3 * x[0])) + log(1 + exp(2 * x[0])) : CASES[i].value;
            if (i == 3) assert_near(3 / (1 + exp(3 * x[0])), 2 / (1 + exp(-2 * x[0])), 1e-6, 0);
            assert_true(fabs(result.value - known) <= 1e-7);
            assert_non_null(result.kind); /* with its evidence */
            assert_true(strcmp(result.kind, "minimum") == 0 || strcmp(result.kind, "degenerate") == 0);
            assert_true(result.lowest >= -result.resolution && result.highest > result.lowest);
        }
    us_context_destroy(context);
}

/* Begun on the line that leads into a saddle, in a saddle, on a maximum: no solver may call that success. */
static void no_saddle_is_success(void **state) {
    static const struct {
        const char *formula;
        double start[2], least;
    } CASES[] = {
        {"x^2/2-y^2/2+y^4/4", {1, 0}, -0.25},
        {"x^2/2-y^2/2+y^4/4", {0, 0}, -0.25},
        {"cos(x)+cos(y)", {0, 0}, -2},
        {"(x^2-1)^2/4+y^2", {0, 2}, 0},
        {"x^2/2-y^2/2+y^4/4-1850", {1, 1e-9}, -1850.25}, /* rounding hides what the saddle's last steps bring */
    };
    us_context *context = support_plain_context();
    size_t count;
    const us_solver_about *const *solvers = us_solvers(&count);
    for (size_t k = 0; k < count; k++)
        for (size_t i = 0; i < sizeof CASES / sizeof CASES[0] && !solvers[k]->squares; i++) {
            double x[2] = {CASES[i].start[0], CASES[i].start[1]};
            us_minimize_result result;
            us_status status = solve_formula(context, solvers[k]->name, CASES[i].formula, 2, x, 20000, &result);
            print_message("%-20s case %zu: %.9g, %s: %s\n", solvers[k]->name, i, result.value, us_status_name(status),
                          result.reason);
            if (status == US_OK)
                assert_near(result.value, CASES[i].least, 0, 1e-8);
            else
                assert_int_equal(status, US_NOT_CONVERGED);
            bool first_order =
                strcmp(solvers[k]->name, "l-bfgs") == 0 || strcmp(solvers[k]->name, "conjugate-gradient") == 0;
            if (!first_order) assert_int_equal(status, US_OK); /* the others leave */
            if (first_order && i == 0) assert_true(result.lowest < -0.9 && strstr(result.reason, "saddle"));
            if (first_order && i == 2) assert_true(result.highest < 0 && strstr(result.reason, "maximum"));
        }
    us_context_destroy(context);
}

/* ------------------------------------------------------------------ the line search */

static double first_value(double a, double *slope) {
    *slope = (a * a - 2) / ((a * a + 2) * (a * a + 2));
    return -a / (a * a + 2);
}
static double second_value(double a, double *slope) {
    double t = a + 0.004;
    *slope = 5 * pow(t, 4) - 8 * pow(t, 3);
    return pow(t, 5) - 2 * pow(t, 4);
}

/* Moré & Thuente 1994, tables I and II: evaluations and the step at which they end. */
static void steps_are_those_of_the_paper(void **state) {
    static const struct {
        double (*value)(double, double *);
        double decrease, curvature, first, ends;
        int evaluations;
    } CASES[] = {
        {first_value, 1e-3, 0.1, 1e-3, 1.4, 6},  {first_value, 1e-3, 0.1, 1e-1, 1.4, 3},
        {first_value, 1e-3, 0.1, 1e1, 10, 1},    {first_value, 1e-3, 0.1, 1e3, 37, 4},
        {second_value, 0.1, 0.1, 1e-3, 1.6, 12}, {second_value, 0.1, 0.1, 1e-1, 1.6, 8},
        {second_value, 0.1, 0.1, 1e1, 1.6, 8},   {second_value, 0.1, 0.1, 1e3, 1.6, 11},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        double slope0, slope, value0 = CASES[i].value(0, &slope0), value, tried;
        us__search search;
        us__search_end end;
        int evaluations = 0;
        us__search_begin(&search, value0, slope0, CASES[i].first, CASES[i].curvature);
        search.decrease = CASES[i].decrease;
        do {
            tried = search.step;
            value = CASES[i].value(tried, &slope);
            evaluations++;
            end = us__search_next(&search, value, slope);
        } while (end == US__SEARCH_MORE && evaluations < 50);
        print_message("case %zu: %d evaluations, step %.3g\n", i, evaluations, tried);
        assert_int_equal(end, US__SEARCH_DONE);
        assert_int_equal(evaluations, CASES[i].evaluations);
        assert_near(tried, CASES[i].ends, 0.03, 0);
        assert_true(value <= value0 + CASES[i].decrease * tried * slope0);
        assert_true(fabs(slope) <= -CASES[i].curvature * slope0);
    }
}

/* Nocedal's code takes some 20 iterations from the classic start of Rosenbrock's function with m = 5; a broken search many
 * more. */
static void quasi_newton_is_quick(void **state) {
    us_context *context = support_plain_context();
    double x[2] = {-1.2, 1};
    us_minimize_result result;
    assert_int_equal(solve_formula(context, "l-bfgs", "100*(y-x^2)^2+(1-x)^2", 2, x, 1000, &result), US_OK);
    assert_true(result.gradients <= 60);
    x[0] = -1.2, x[1] = 1;
    assert_int_equal(solve_formula(context, "conjugate-gradient", "100*(y-x^2)^2+(1-x)^2", 2, x, 1000, &result), US_OK);
    assert_true(result.gradients <= 200);
    x[0] = -1.2, x[1] = 1;
    assert_int_equal(solve_formula(context, "newton-cg", "100*(y-x^2)^2+(1-x)^2", 2, x, 1000, &result), US_OK);
    assert_true(result.iterations <= 40);
    us_context_destroy(context);
}

/* ------------------------------------------------------------------ by request */

/* A function of two parameters and its residuals, f = Σr²/2, with all derivatives. */
typedef struct two {
    double value, gradient[2], hessian[4], residuals[2], jacobian[4];
} two;

/* 2x² + xy + y² */
static two bowl(const double *x) {
    double c = sqrt(1.75), r[2] = {2 * x[0] + 0.5 * x[1], c * x[1]};
    return (two){2 * x[0] * x[0] + x[0] * x[1] + x[1] * x[1],
                 {4 * x[0] + x[1], x[0] + 2 * x[1]},
                 {4, 1, 1, 2},
                 {r[0], r[1]},
                 {2, 0.5, 0, c}};
}

/* x²/2 + (y² − 1)²/4: minima at (0, ±1), a saddle between them. */
static two saddle(const double *x) {
    double s = sqrt(0.5), u = x[1] * x[1] - 1;
    return (two){0.5 * x[0] * x[0] + 0.25 * u * u,
                 {x[0], u * x[1]},
                 {1, 0, 0, 3 * x[1] * x[1] - 1},
                 {x[0], s * u},
                 {1, 0, 0, 2 * s * x[1]}};
}

/* Answers until it ends; `sign` −1: first derivatives of the wrong sign. */
static us_status answer(us_solver *solver, two (*function)(const double *), double sign) {
    const us_request *q;
    us_status status;
    while ((status = us_solver_next(solver, &q)) == US_OK && q->ask != US_ASK_NOTHING) {
        two at = function(q->theta);
        if (q->ask == US_ASK_GRADIENT || q->ask == US_ASK_VALUE) *q->value = at.value;
        for (int i = 0; q->ask == US_ASK_GRADIENT && i < 2; i++) q->gradient[i] = sign * at.gradient[i];
        for (size_t j = 0; q->ask == US_ASK_PRODUCTS && j < q->count; j++)
            for (size_t i = 0; i < 2; i++)
                q->hv[2 * j + i] = at.hessian[2 * i] * q->v[2 * j] + at.hessian[2 * i + 1] * q->v[2 * j + 1];
        for (int i = 0; q->residuals && (q->ask == US_ASK_RESIDUALS || q->ask == US_ASK_JACOBIAN) && i < 2; i++)
            q->residuals[i] = at.residuals[i];
        for (int i = 0; q->ask == US_ASK_JACOBIAN && i < 4; i++) q->jacobian[i] = sign * at.jacobian[i];
    }
    return status;
}

static us_solver *by_request(us_context *context, const us_solver_about *about, const double *start) {
    us_solver *solver;
    us_solver_sizes sizes = {2, about->squares ? 2 : 0, 1};
    assert_int_equal(us_solver_create(&solver, context, about->name, sizes, start, NULL), US_OK);
    return solver;
}

static void a_program_may_answer(void **state) {
    us_context *context = support_plain_context();
    us_solver *solver;
    const us_request *q;
    const double start[2] = {3, -4};
    us_solver_sizes sizes = {2, 0, 1};
    assert_int_equal(us_solver_create(&solver, context, "no-such", sizes, start, NULL), US_ERR_ARGUMENT);
    assert_int_equal(us_solver_create(&solver, context, "levenberg-marquardt", sizes, start, NULL), US_ERR_ARGUMENT);
    size_t count;
    const us_solver_about *const *solvers = us_solvers(&count);
    for (size_t k = 0; k < count; k++) {
        solver = by_request(context, solvers[k], start);
        print_message("%s\n", solvers[k]->name);
        assert_int_equal(answer(solver, bowl, 1), US_OK);
        assert_near(us_solver_theta(solver)[0], 0, 0, 1e-8);
        assert_near(us_solver_theta(solver)[1], 0, 0, 1e-8);
        const us_minimize_result *result = us_solver_result(solver);
        assert_string_equal(result->kind, "minimum");
        assert_near(result->lowest, 3 - sqrt(2), 1e-12, 0);
        assert_near(result->highest, 3 + sqrt(2), 1e-12, 0);
        assert_int_equal(us_solver_next(solver, &q), US_OK); /* ended stays ended */
        us_solver_destroy(solver);
        solver = by_request(context, solvers[k], start); /* left in the middle */
        for (int i = 0; i < 2; i++) us_solver_next(solver, &q);
        us_solver_destroy(solver);
    }
    us_context_destroy(context);
}

/* On the line that leads into the saddle, and on it, by request: it is left, or named. */
static void no_saddle_is_success_by_request(void **state) {
    us_context *context = support_plain_context();
    size_t count;
    const us_solver_about *const *solvers = us_solvers(&count);
    for (size_t k = 0; k < count; k++)
        for (int at = 0; at < 2; at++) {
            const double start[2] = {at ? 0 : 1, 0};
            us_solver *solver = by_request(context, solvers[k], start);
            us_status status = answer(solver, saddle, 1);
            const us_minimize_result *result = us_solver_result(solver);
            print_message("%s: %s, %s\n", solvers[k]->name, us_status_name(status), result->reason);
            if (status == US_OK) {
                assert_near(result->value, 0, 0, 1e-12);
                assert_string_equal(result->kind, "minimum");
            } else if (strcmp(solvers[k]->name, "least-squares") == 0) {
                assert_int_equal(status, US_ERR_UNSUPPORTED); /* not linear */
            } else {
                assert_int_equal(status, US_NOT_CONVERGED);
                assert_string_equal(result->kind, "saddle");
                assert_true(result->lowest < -result->resolution && result->highest > result->resolution);
                assert_non_null(strstr(result->reason, "saddle"));
            }
            us_solver_destroy(solver);
        }
    us_context_destroy(context);
}

/* First derivatives of the wrong sign: no search can advance, and none may call that an end. */
static void a_search_that_cannot_advance_is_told(void **state) {
    us_context *context = support_plain_context();
    size_t count;
    const double start[2] = {3, -4};
    const us_solver_about *const *solvers = us_solvers(&count);
    for (size_t k = 0; k < count; k++) {
        if (strcmp(solvers[k]->name, "least-squares") == 0) continue; /* it searches nothing */
        us_solver *solver = by_request(context, solvers[k], start);
        us_status status = answer(solver, bowl, -1);
        const us_minimize_result *result = us_solver_result(solver);
        print_message("%s: %s, %s, at %g\n", solvers[k]->name, us_status_name(status), result->reason, result->value);
        assert_int_equal(status, US_NOT_CONVERGED);
        assert_non_null(strstr(result->reason, "no step lowers the "));
        assert_true(result->value <= bowl(start).value); /* and nothing was lost */
        us_solver_destroy(solver);
    }
    us_context_destroy(context);
}

/* ------------------------------------------------------------------ sums of squares */

/* Hilbert's 8×8 segment, condition 1.5e10: b = A·1 exactly representable where scaled by 360360. */
static void least_squares_is_refined(void **state) {
    enum { M = 10, N = 8 };
    us_context *context = support_plain_context();
    double a[M * N], b[M] = {0}, x[N];
    for (size_t i = 0; i < M; i++)
        for (size_t j = 0; j < N; j++) b[i] += a[i * N + j] = round(12252240.0 / (double)(i + j + 1));
    us__lsq lsq;
    assert_int_equal(us__lsq_open(&lsq, context, M, N, a), US_OK);
    assert_true(lsq.full_rank);
    assert_int_equal(us__lsq_solve(&lsq, b, x), US_OK);
    for (size_t j = 0; j < N; j++) assert_near(x[j], 1, 1e-15, 0);
    us__lsq_close(&lsq);
    us_context_destroy(context);
}

static us_problem *squares_problem(us_context *context, const char *text, us_dataset **dataset, us_model **model,
                                   us_status *status) {
    static const char *const NAMES[] = {"x"};
    us_problem *problem = NULL;
    us_model_options options = US_MODEL_OPTIONS_INIT;
    options.text = text, options.inputs = options.outputs = 1, options.task = US_REGRESSION, options.feature_names = NAMES;
    *status = us_dataset_create(dataset, context, US_F64, 9, 1, US_REGRESSION, 1);
    if (*status != US_OK) return NULL;
    for (size_t i = 0; i < 9; i++) {
        double x = 0.3 * (double)i + 0.05;
        ((double *)us_dataset_features(*dataset))[i] = x;
        ((double *)us_dataset_targets(*dataset))[i] = 2.385 * exp(-0.7 * x) + 0.02 * cos(9 * x);
    }
    *status = us_model_create(model, context, &options);
    if (*status == US_OK) *status = us_model_problem(&problem, *model, *dataset);
    return problem;
}

/* Residuals square to the loss, and the Jacobian is their difference quotient; with a penalty, too. */
static void residuals_are_those_of_the_loss(void **state) {
    static const char *const TEXTS[] = {"formula: a*exp(-b*x)", "linear", "mlp:3:tanh"};
    us_context *context = support_plain_context();
    for (size_t k = 0; k < 6; k++) {
        us_dataset *dataset;
        us_model *model;
        us_status status;
        us_problem *inner = squares_problem(context, TEXTS[k / 2], &dataset, &model, &status), *problem = inner;
        assert_int_equal(status, US_OK);
        if (k % 2) assert_int_equal(us_problem_create_l2(&problem, inner, 0.3, false), US_OK);
        size_t n = us_problem_dimension(problem), m = us_problem_residual_count(problem);
        assert_int_equal(m, k % 2 ? 9 + n : 9);
        double r[64], up[64], down[64], jacobian[64 * 16], loss, sum = 0;
        us_vec *theta;
        assert_int_equal(us_vec_create(&theta, context, US_F64, n), US_OK);
        for (size_t j = 0; j < n; j++) us_vec_set(theta, j, 0.4 + 0.1 * (double)j);
        assert_int_equal(us_problem_residuals(problem, theta, r, jacobian), US_OK);
        assert_int_equal(us_problem_value(problem, theta, US_BATCH_ALL, &loss), US_OK);
        for (size_t i = 0; i < m; i++) sum += r[i] * r[i];
        assert_near(sum / 18, loss, 1e-13, 0);
        for (size_t j = 0; j < n; j++) {
            double at = us_vec_get(theta, j), h = 1e-5;
            us_vec_set(theta, j, at + h);
            assert_int_equal(us_problem_residuals(problem, theta, up, NULL), US_OK);
            us_vec_set(theta, j, at - h);
            assert_int_equal(us_problem_residuals(problem, theta, down, NULL), US_OK);
            us_vec_set(theta, j, at);
            for (size_t i = 0; i < m; i++) assert_near(jacobian[i * n + j], (up[i] - down[i]) / (2 * h), 1e-7, 1e-9);
        }
        us_vec_destroy(theta);
        if (problem != inner) us_problem_destroy(problem);
        us_problem_destroy(inner);
        us_model_destroy(model);
        us_dataset_destroy(dataset);
    }
    us_context_destroy(context);
}

static us_status fit_body(us_context *context, void *user) {
    us_dataset *dataset = NULL;
    us_model *model = NULL;
    us_vec *theta = NULL;
    us_fit *fit = NULL;
    us_status status;
    us_minimize_result result;
    us_problem *problem = squares_problem(context, "formula: a*exp(-b*x)", &dataset, &model, &status);
    if (status == US_OK) status = us_vec_create(&theta, context, US_F64, 2);
    if (status == US_OK) us_vec_fill(theta, 0.5);
    if (status == US_OK) status = us_solve(problem, theta, user, NULL, &result);
    if (status == US_OK) status = us_fit_measure(&fit, problem, theta);
    if (status == US_OK) assert_near(us_vec_get(theta, 0), 2.385, 0.02, 0);
    us_fit_destroy(fit);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    us_model_destroy(model);
    us_dataset_destroy(dataset);
    return status;
}

static us_status solve_body(us_context *context, void *user) {
    double x[2] = {-1.2, 1};
    us_minimize_result result;
    us_status status = solve_formula(context, user, "100*(y-x^2)^2+(1-x)^2", 2, x, 3, &result);
    return status == US_NOT_CONVERGED ? US_OK : status;
}

static void failing_allocations_are_survived(void **state) {
    size_t count;
    const us_solver_about *const *solvers = us_solvers(&count);
    for (size_t k = 0; k < count; k++)
        if (!solvers[k]->squares) support_fail_each_allocation(solve_body, (void *)(uintptr_t)solvers[k]->name);
    support_fail_each_allocation(fit_body, (void *)(uintptr_t) "trust-region");
    support_fail_each_allocation(fit_body, (void *)(uintptr_t) "levenberg-marquardt");
}

static void what_cannot_be_is_told(void **state) {
    us_context *context = support_plain_context();
    us_minimize_result result;
    double x[2] = {1, 2};
    assert_int_equal(solve_formula(context, "l-bgfs", "x^2+y^2", 2, x, 10, &result), US_ERR_ARGUMENT);
    assert_non_null(strstr(us_context_error(context), "did you mean 'l-bfgs'"));
    assert_int_equal(solve_formula(context, "levenberg-marquardt", "x^2+y^2", 2, x, 10, &result), US_ERR_UNSUPPORTED);
    assert_int_equal(solve_formula(context, "least-squares", "x^2+y^2", 2, x, 10, &result), US_ERR_UNSUPPORTED);
    x[0] = -1;
    assert_int_equal(solve_formula(context, "l-bfgs", "log(x)+y^2", 2, x, 10, &result), US_ERR_NONFINITE);
    x[0] = 3;
    x[0] = 1, x[1] = 1;
    assert_int_equal(solve_formula(context, "l-bfgs", "x-y", 2, x, 1000, &result), US_NOT_CONVERGED);
    us_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_solver_ends_in_the_minimum),
        cmocka_unit_test(no_saddle_is_success),
        cmocka_unit_test(steps_are_those_of_the_paper),
        cmocka_unit_test(quasi_newton_is_quick),
        cmocka_unit_test(a_program_may_answer),
        cmocka_unit_test(no_saddle_is_success_by_request),
        cmocka_unit_test(a_search_that_cannot_advance_is_told),
        cmocka_unit_test(least_squares_is_refined),
        cmocka_unit_test(residuals_are_those_of_the_loss),
        cmocka_unit_test(failing_allocations_are_survived),
        cmocka_unit_test(what_cannot_be_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
