/* The points of ../shared/oracles/critical.json that are given ("at"), each with its kind, eigenvalues and escape derived
 * there in 50 digits. */
#include "support.h"
#include <jansson.h>
#include <unstuck/diagnose.h>
#include <unstuck/model.h>

enum { REFERENCE_MAX = 16 };

static double number(const json_t *object, const char *key, double otherwise) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : otherwise;
}

static bool kind_fits(const json_t *expected, us_kind kind) {
    const json_t *any = json_object_get(expected, "kind_any"), *one = json_object_get(expected, "kind");
    for (size_t i = 0; i < json_array_size(any); i++)
        if (strcmp(json_string_value(json_array_get(any, i)), us_kind_name(kind)) == 0) return true;
    return one && json_is_string(one) && strcmp(json_string_value(one), us_kind_name(kind)) == 0;
}

/* What is wrong with the point, or NULL. */
static const char *compare(const us_point *p, const json_t *expected, const json_t *tolerance, const char *const *names,
                           size_t n) {
    if (!kind_fits(expected, p->kind)) return us_kind_name(p->kind);
    const json_t *eigenvalues = json_object_get(expected, "eigenvalues");
    double value = number(expected, "value", 0), largest = 0;
    if (fabs(p->value - value) > 1e-9 * fabs(value) + number(tolerance, "value_atol", 1e-9)) return "value";
    for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs(json_number_value(json_array_get(eigenvalues, i))));
    for (size_t i = 0; i < n; i++) {
        double e = json_number_value(json_array_get(eigenvalues, i));
        if (fabs(p->spectrum->values[i] - e) > 1e-6 * fabs(e) + 1e-12 * largest + number(tolerance, "eig_atol", 0))
            return "eigenvalue";
    }
    const json_t *escape = json_object_get(expected, "escape");
    if (p->kind == US_KIND_MINIMUM && p->escape) return "a minimum with an escape";
    if (!json_is_object(escape)) return NULL;
    double cosine = 0, length = 0;
    for (size_t i = 0; i < n && p->escape; i++) {
        double reference = number(escape, names[i], 0);
        cosine += p->escape[i] * reference;
        length += reference * reference;
    }
    return fabs(cosine) >= 0.9999 * sqrt(length) && length > 0 ? NULL : "escape";
}

static void every_given_point_is_named(void **state) {
    const char *path = support_shared("oracles/critical.json");
    if (!path) skip();
    json_error_t error;
    json_t *cases = json_load_file(path, 0, &error);
    assert_non_null(cases);
    us_context *context = support_plain_context();
    size_t looked_at = 0, wrong = 0;
    for (size_t c = 0; c < json_array_size(cases); c++) {
        const json_t *reference = json_array_get(cases, c), *at = json_object_get(reference, "at"), *coordinate;
        const json_t *expect = json_object_get(reference, "expect");
        if (!json_is_object(at)) continue;
        const char *names[REFERENCE_MAX], *name, *id = json_string_value(json_object_get(reference, "id"));
        double theta[REFERENCE_MAX];
        size_t n = 0;
        json_object_foreach((json_t *)(uintptr_t)at, name, coordinate) names[n] = name,
                                                                       theta[n++] = json_number_value(coordinate);
        us_problem *problem = NULL;
        us_vec *x = NULL;
        us_point *point = NULL;
        assert_int_equal(
            us_problem_create_formula(&problem, context, json_string_value(json_object_get(reference, "formula")), names, n),
            US_OK);
        assert_int_equal(us_vec_wrap(&x, context, US_F64, n, theta), US_OK);
        us_status status = us_point_classify(&point, problem, x, NULL);
        const char *why = NULL;
        if (json_is_true(json_object_get(expect, "error_ok")))
            why = status == US_ERR_NONFINITE ||
                          (!status && (point->kind == US_KIND_NOT_CRITICAL || point->kind == US_KIND_UNDECIDED))
                      ? NULL
                      : "should fail";
        else
            why = status ? us_status_name(status)
                         : compare(point, json_array_get(json_object_get(expect, "points"), 0),
                                   json_object_get(reference, "tol"), names, n);
        if (why) {
            wrong++;
            print_error("%s: %s\n", id, why);
            if (point)
                print_error("    lowest %g, resolution %g, gradient %g\n", point->spectrum->values[0],
                            point->spectrum->resolution, point->gradient_norm);
        }
        looked_at++;
        us_point_destroy(point);
        us_vec_destroy(x);
        us_problem_destroy(problem);
    }
    us_context_destroy(context);
    json_decref(cases);
    assert_true(looked_at > 25);
    assert_int_equal(wrong, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_given_point_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
