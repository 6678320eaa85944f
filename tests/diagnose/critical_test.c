#include "support.h"
#include <jansson.h>
#include <unstuck/critical.h>
#include <unstuck/model.h>

enum { MOST = 16 };

static const char *const XYZW[] = {"x", "y", "z", "w"};

/* All critical points of a formula in a box. */
static us_status search(us_context *context, const char *formula, const char *const *names, size_t n, const double *low,
                        const double *high, const us_critical_options *options, us_critical_points **points) {
    us_problem *problem = NULL;
    *points = NULL;
    us_status status = us_problem_create_formula(&problem, context, formula, names, n);
    if (status == US_OK) status = us_critical_search(points, problem, low, high, options);
    us_problem_destroy(problem);
    return status;
}

/* Formulas whose critical points can be counted by hand, in the box ±size. */
static const struct {
    const char *formula;
    size_t n;
    double size;
    size_t minima, maxima, saddles, degenerate;
} COUNTS[] = {
    {"x^2-y^2", 2, 3, 0, 0, 1, 0},
    {"sin(x)*sin(y)", 2, 6, 8, 8, 9, 0}, /* ±π/2, ±3π/2 in both: 16; 0, ±π in both: 9 */
    {"abs(x)+abs(y)", 2, 1, 0, 0, 0, 0}, /* a kink is no critical point, though the formula's gradient there is 0 */
    {"abs(x-0.3)+y^2", 2, 1, 0, 0, 0, 0},
    {"abs(x)*x+y^2", 2, 1, 0, 0, 0, 1},   /* but here the gradient is continuous */
    {"exp(-x^2-y^2)", 2, 40, 0, 1, 0, 0}, /* the plateau underflows to 0 */
    {"exp(-x^2)", 1, 1000, 0, 1, 0, 0},
    {"1/(x^2+y^2)+x^2+y^2-x", 2, 3, 1, 0, 1, 0}, /* a pole; r⁴(2r∓1) = 2r: on the axis on either side of it */
    {"x^3-3*x+y^2", 2, 1, 1, 0, 1, 0},           /* both on the edge of the box: x = ±1 */
    {"log(x)-x+log(y)-y", 2, 3, 0, 1, 0, 0},     /* undefined on three quarters of the box */
    {"3*x+y", 2, 1, 0, 0, 0, 0},
    {"x^4+y^4", 2, 1, 0, 0, 0, 1},
    {"1e-9*(x^2-y^2)+1e9", 2, 1, 0, 0, 1, 0}, /* small beside a large constant */
    {"sin(x)^4", 1, 9, 0, 6, 0, 5},           /* 0, ±π, ±2π flat minima; maxima at ±π/2, ±3π/2, ±5π/2 */
};

static void counted_points_are_found(void **state) {
    us_context *context = support_plain_context();
    for (size_t i = 0; i < sizeof COUNTS / sizeof COUNTS[0]; i++) {
        double low[4], high[4];
        size_t kinds[6] = {0};
        us_critical_points *points;
        for (size_t j = 0; j < COUNTS[i].n; j++) low[j] = -COUNTS[i].size, high[j] = COUNTS[i].size;
        us_status status = search(context, COUNTS[i].formula, XYZW, COUNTS[i].n, low, high, NULL, &points);
        if (status != US_OK) fail_msg("%s: %s", COUNTS[i].formula, us_context_error(context));
        for (size_t k = 0; k < points->count; k++) {
            kinds[points->points[k]->kind]++;
            for (size_t j = 0; j < COUNTS[i].n; j++)
                assert_true(fabs(points->points[k]->theta[j]) <= COUNTS[i].size * (1 + 1e-8));
            if (k > 0) assert_true(points->points[k]->value >= points->points[k - 1]->value);
        }
        if (kinds[US_KIND_MINIMUM] != COUNTS[i].minima || kinds[US_KIND_MAXIMUM] != COUNTS[i].maxima ||
            kinds[US_KIND_SADDLE] != COUNTS[i].saddles || kinds[US_KIND_DEGENERATE] != COUNTS[i].degenerate)
            fail_msg("%s: %zu minima, %zu maxima, %zu saddles, %zu degenerate", COUNTS[i].formula, kinds[US_KIND_MINIMUM],
                     kinds[US_KIND_MAXIMUM], kinds[US_KIND_SADDLE], kinds[US_KIND_DEGENERATE]);
        us_critical_points_destroy(points);
    }
    us_context_destroy(context);
}

static void of_lines_and_surfaces_some_places_are_kept(void **state) {
    us_context *context = support_plain_context();
    static const double LOW[] = {-2, -2, -2}, HIGH[] = {2, 2, 2};
    us_critical_points *points;
    for (size_t n = 2; n <= 3; n++) {
        const char *formula = n == 2 ? "(x^2+y^2-1)^2" : "(x^2+y^2+z^2-1)^2";
        assert_int_equal(search(context, formula, XYZW, n, LOW, HIGH, NULL, &points), US_OK);
        assert_true(points->count >= 8 && points->count <= 70);
        size_t middle = 0;
        for (size_t k = 0; k < points->count; k++) {
            const us_point *p = points->points[k];
            double radius = 0;
            for (size_t j = 0; j < n; j++) radius = hypot(radius, p->theta[j]);
            middle += p->kind == US_KIND_MAXIMUM;
            if (p->kind == US_KIND_MAXIMUM)
                assert_near(radius, 0, 0, 1e-9);
            else
                assert_near(radius, 1, 1e-7, 0);
        }
        assert_int_equal(middle, 1);
        us_critical_points_destroy(points);
    }
    us_context_destroy(context);
}

static bool kind_is_expected(const us_point *p, const json_t *expected) {
    const json_t *any = json_object_get(expected, "kind_any"), *one = json_object_get(expected, "kind"), *item;
    if (!any) return strcmp(us_kind_name(p->kind), json_string_value(one)) == 0;
    size_t i;
    json_array_foreach(any, i, item) if (strcmp(us_kind_name(p->kind), json_string_value(item)) == 0) return true;
    return false;
}

static double tolerance_of(const json_t *item, const char *name, double otherwise) {
    const json_t *value = json_object_get(json_object_get(item, "tol"), name);
    return value ? json_number_value(value) : otherwise;
}

/* The shared reference cases with a box: every point there, once, of its kind; where the list is complete, no other. */
static void check_case(us_context *context, const json_t *item) {
    const char *names[MOST], *name, *id = json_string_value(json_object_get(item, "id"));
    double low[MOST], high[MOST];
    json_t *side, *box = json_object_get(item, "box"), *expect = json_object_get(item, "expect"), *expected;
    size_t n = 0, i, matched = 0;
    if (json_is_null(box)) return;
    json_object_foreach(box, name, side) {
        names[n] = name;
        low[n] = json_number_value(json_array_get(side, 0)), high[n] = json_number_value(json_array_get(side, 1));
        n++;
    }
    us_critical_points *points;
    us_critical_options options = US_CRITICAL_OPTIONS_INIT;
    options.starts = 1000; /* half of the default, and still enough */
    us_status status =
        search(context, json_string_value(json_object_get(item, "formula")), names, n, low, high, &options, &points);
    if (status != US_OK) fail_msg("%s: %s", id, us_context_error(context));
    json_array_foreach(json_object_get(expect, "points"), i, expected) {
        size_t near = 0;
        for (size_t k = 0; k < points->count; k++) {
            bool here = true;
            for (size_t j = 0; j < n; j++) {
                double at = json_number_value(json_object_get(json_object_get(expected, "at"), names[j]));
                double allowed = tolerance_of(item, "at_rtol", 1e-6) * fabs(at) + tolerance_of(item, "at_atol", 1e-6);
                here = here && fabs(points->points[k]->theta[j] - at) <= allowed;
            }
            if (!here) continue;
            near++;
            if (!kind_is_expected(points->points[k], expected))
                fail_msg("%s: point %zu is %s", id, i, us_kind_name(points->points[k]->kind));
        }
        if (near != 1) fail_msg("%s: point %zu was found %zu times", id, i, near);
        matched++;
    }
    if (json_is_true(json_object_get(expect, "complete")) && points->count != matched)
        fail_msg("%s: %zu points, expected %zu", id, points->count, matched);
    us_critical_points_destroy(points);
}

static void reference_cases_pass(void **state) {
    const char *path = support_shared("oracles/critical.json");
    if (!path) return;
    us_context *context = support_plain_context();
    json_t *cases = json_load_file(path, 0, NULL), *item;
    size_t i;
    assert_non_null(cases);
    json_array_foreach(cases, i, item) check_case(context, item);
    json_decref(cases);
    us_context_destroy(context);
}

static void cancel_progress(void *user, size_t done, size_t starts, size_t found) {
    if (done >= 32) us_context_cancel(user);
}

static void options_and_ends(void **state) {
    us_context *context = support_plain_context();
    us_critical_options options = US_CRITICAL_OPTIONS_INIT;
    us_critical_points *points;
    double low[] = {-5, -5}, high[] = {5, 5}, bad[] = {-5, (double)NAN};
    const char *himmelblau = "(x^2+y-11)^2+(x+y^2-7)^2";
    options.starts = 7;
    assert_int_equal(search(context, himmelblau, XYZW, 2, low, high, &options, &points), US_OK);
    assert_int_equal(points->starts, 7);
    us_critical_points_destroy(points);

    options = (us_critical_options)US_CRITICAL_OPTIONS_INIT;
    options.progress = cancel_progress, options.progress_user = context;
    assert_int_equal(search(context, himmelblau, XYZW, 2, low, high, &options, &points), US_INTERRUPTED);
    assert_true(points->count > 0 && points->starts < 100); /* what was found is named */
    us_critical_points_destroy(points);
    us_context_resume(context);

    assert_int_equal(search(context, himmelblau, XYZW, 2, low, bad, NULL, &points), US_ERR_ARGUMENT);
    assert_int_equal(search(context, himmelblau, XYZW, 2, high, low, NULL, &points), US_ERR_ARGUMENT);
    options = (us_critical_options)US_CRITICAL_OPTIONS_INIT;
    options.seconds = 0;
    assert_int_equal(search(context, himmelblau, XYZW, 2, low, high, &options, &points), US_ERR_ARGUMENT);
    assert_null(points);
    us_context_destroy(context);
}

static us_status critical_body(us_context *context, void *user) {
    static const double LOW[] = {-2, -2}, HIGH[] = {2, 2};
    us_critical_options options = US_CRITICAL_OPTIONS_INIT;
    us_critical_points *points = NULL;
    options.starts = 4;
    us_status status = search(context, user, XYZW, 2, LOW, HIGH, &options, &points);
    us_critical_points_destroy(points);
    return status;
}

static void failing_allocations_are_survived(void **state) { support_fail_each_allocation(critical_body, "x^4-x^2+y^2"); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counted_points_are_found),
        cmocka_unit_test(of_lines_and_surfaces_some_places_are_kept),
        cmocka_unit_test(reference_cases_pass),
        cmocka_unit_test(options_and_ends),
        cmocka_unit_test(failing_allocations_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
