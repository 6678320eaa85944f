/* Naming a point by both ends of its spectrum alone: never the opposite of what the whole spectrum says. */
#include "support.h"
#include <jansson.h>
#include <unstuck/diagnose.h>
#include <unstuck/model.h>

/* f = ½ Σ dᵢ·(u·x)ᵢ² with a reflection that hides the axes, plus Σ xᵢ⁴/4 where `quartic` */
typedef struct form {
    size_t n;
    double *d, *u;
    double quartic;
    size_t products;
} form;

static void form_reflect(const form *f, const double *x, double *y) {
    double dot = 0;
    for (size_t i = 0; i < f->n; i++) dot += f->u[i] * x[i];
    for (size_t i = 0; i < f->n; i++) y[i] = x[i] - 2 * dot * f->u[i];
}

static void form_product(const form *f, const double *x, const double *v, double *hv) {
    double *y = malloc(f->n * sizeof *y);
    form_reflect(f, v, y);
    for (size_t i = 0; i < f->n; i++) y[i] *= f->d[i];
    form_reflect(f, y, hv);
    for (size_t i = 0; x && i < f->n; i++) hv[i] += 3 * f->quartic * x[i] * x[i] * v[i];
    free(y);
}

static int form_gradient(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss, void *gradient) {
    const form *f = user;
    const double *x = theta;
    double *g = gradient;
    form_product(f, NULL, x, g);
    *loss = 1;
    for (size_t i = 0; i < f->n; i++) {
        *loss += 0.5 * x[i] * g[i] + f->quartic * x[i] * x[i] * x[i] * x[i] / 4;
        g[i] += f->quartic * x[i] * x[i] * x[i];
    }
    return 0;
}

static int form_value(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss) {
    double *g = malloc(((form *)user)->n * sizeof *g);
    form_gradient(user, theta, rows, count, loss, g);
    free(g);
    return 0;
}

static int form_hvp(void *user, const void *theta, const uint32_t *rows, size_t count, const void *v, void *hv) {
    ((form *)user)->products++;
    form_product(user, theta, v, hv);
    return 0;
}

static us_status form_classify(us_context *context, form *f, double distance, const us_point_options *options,
                               us_point **out) {
    us_callback_problem callback = US_CALLBACK_PROBLEM_INIT;
    callback.dimension = f->n, callback.user = f;
    callback.value = form_value, callback.gradient = form_gradient, callback.hvp = form_hvp;
    us_problem *problem = NULL;
    us_vec *theta = NULL;
    *out = NULL;
    us_status status = us_problem_create_callback(&problem, context, &callback);
    if (!status) status = us_vec_create(&theta, context, US_F64, f->n);
    if (!status) {
        us_rng rng = us_rng_init(4, 4);
        us_vec_fill_normal(theta, &rng);
        us_vec_scale(theta, distance);
        status = us_point_classify(out, problem, theta, options);
    }
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    return status;
}

enum { N = 3000 };
static double diagonal[N], unit[N];

static form form_random(uint64_t seed, double low, double high, size_t n) {
    us_rng rng = us_rng_init(seed, 8);
    double length = 0;
    for (size_t i = 0; i < n; i++) {
        diagonal[i] = low + (high - low) * us_rng_uniform(&rng);
        unit[i] = us_rng_normal(&rng);
        length = hypot(length, unit[i]);
    }
    for (size_t i = 0; i < n; i++) unit[i] /= length;
    return (form){.n = n, .d = diagonal, .u = unit};
}

static void large_points_are_named(void **state) {
    us_context *context = support_plain_context();
    us_point_options o = US_POINT_OPTIONS_INIT;
    o.spectrum.limit = 100;
    us_point *p;

    form f =
        form_random(1, 0.3, 1, N); /* well conditioned: the bound on the spectrum proves the minimum, with probability */
    assert_int_equal(form_classify(context, &f, 0, &o, &p), US_OK);
    assert_int_equal(p->kind, US_KIND_MINIMUM);
    assert_null(p->spectrum);
    assert_null(p->escape);
    assert_true(p->ends->low_bound > p->ends->resolution && p->ends->low_bound <= 0.3);
    assert_int_equal(p->ends->products, f.products);
    us_point_destroy(p);

    diagonal[1234] = -0.01; /* one way out of 3000 */
    assert_int_equal(form_classify(context, &f, 0, &o, &p), US_OK);
    assert_int_equal(p->kind, US_KIND_SADDLE);
    assert_null(p->undecided_because);
    double length = 0, *hv = malloc(N * sizeof *hv), quotient = 0;
    form_product(&f, NULL, p->escape, hv);
    for (size_t i = 0; i < N; i++) length += p->escape[i] * p->escape[i], quotient += p->escape[i] * hv[i];
    assert_near(length, 1, 1e-12, 0);
    assert_near(quotient, -0.01, 0.1, 0);
    assert_near(p->ends->values[0], quotient, 1e-9, 0);
    free(hv);
    us_point_destroy(p);

    diagonal[1234] = 0; /* a flat direction: no number of products tells it from a slightly negative one */
    assert_int_equal(form_classify(context, &f, 0, &o, &p), US_OK);
    assert_int_equal(p->kind, US_KIND_UNDECIDED);
    assert_non_null(p->undecided_because);
    us_point_destroy(p);

    assert_int_equal(form_classify(context, &f, 1, &o, &p), US_OK); /* the gradient says it: a few products for the ends */
    assert_int_equal(p->kind, US_KIND_NOT_CRITICAL);
    assert_near(p->ends->values[1], 1, 0.05, 0);
    assert_true(p->ends->products <= 24);
    us_point_destroy(p);

    o.products = 0;
    f.products = 0;
    assert_int_equal(form_classify(context, &f, 0, &o, &p), US_OK);
    assert_int_equal(p->kind, US_KIND_UNDECIDED);
    assert_null(p->ends);
    assert_int_equal(f.products, 0);
    us_point_destroy(p);

    o.products = 200;
    f = form_random(2, -2, -1, N);
    assert_int_equal(form_classify(context, &f, 0, &o, &p), US_OK);
    assert_true(p->kind == US_KIND_UNDECIDED && p->escape); /* no minimum; a maximum or a saddle, the ends cannot tell */
    assert_non_null(strstr(p->undecided_because, "maximum"));
    us_point_destroy(p);
    us_context_destroy(context);
}

/* xᵀ0x + x⁴/4 near 0: the Hessian there is as positive as the gradient is small, and neither says what 0 is. */
static void near_a_root_of_higher_order_nothing_is_claimed(void **state) {
    us_context *context = support_plain_context();
    us_point_options o = US_POINT_OPTIONS_INIT;
    o.spectrum.limit = 0;
    us_point *p;
    form f = form_random(1, 0, 0, 200);
    f.quartic = 1;
    assert_int_equal(form_classify(context, &f, 1e-4, &o, &p), US_OK);
    assert_int_equal(p->kind, US_KIND_UNDECIDED);
    us_point_destroy(p);
    us_context_destroy(context);
}

/* The points of ../shared/oracles/critical.json, with the whole spectrum and with its ends. */
static void the_ends_never_say_the_opposite(void **state) {
    const char *path = support_shared("oracles/critical.json");
    if (!path) skip();
    json_error_t error;
    json_t *cases = json_load_file(path, 0, &error);
    assert_non_null(cases);
    us_context *context = support_plain_context();
    size_t decided = 0, undecided = 0, wrong = 0;
    for (size_t c = 0; c < json_array_size(cases); c++) {
        const json_t *reference = json_array_get(cases, c), *at = json_object_get(reference, "at"), *coordinate;
        if (!json_is_object(at)) continue;
        const char *names[64], *name;
        double theta[64];
        size_t n = 0;
        json_object_foreach((json_t *)(uintptr_t)at, name, coordinate) names[n] = name,
                                                                       theta[n++] = json_number_value(coordinate);
        us_problem *problem = NULL;
        us_vec *x = NULL;
        us_point *whole = NULL, *ends = NULL;
        us_point_options o = US_POINT_OPTIONS_INIT;
        assert_int_equal(
            us_problem_create_formula(&problem, context, json_string_value(json_object_get(reference, "formula")), names, n),
            US_OK);
        assert_int_equal(us_vec_wrap(&x, context, US_F64, n, theta), US_OK);
        us_status first = us_point_classify(&whole, problem, x, &o);
        o.spectrum.limit = 0;
        us_status second = us_point_classify(&ends, problem, x, &o);
        assert_int_equal(first, second);
        if (whole && ends->kind == US_KIND_UNDECIDED)
            undecided++;
        else if (whole && ends->kind == whole->kind)
            decided++;
        else if (whole) {
            wrong++;
            print_error("%s: %s by its ends, %s by the whole\n", json_string_value(json_object_get(reference, "id")),
                        us_kind_name(ends->kind), us_kind_name(whole->kind));
        }
        us_point_destroy(whole);
        us_point_destroy(ends);
        us_vec_destroy(x);
        us_problem_destroy(problem);
    }
    print_message("%zu named, %zu left open\n", decided, undecided);
    us_context_destroy(context);
    json_decref(cases);
    assert_true(decided >= 9); /* all that are not degenerate, but for one that doubles cannot resolve without its scales */
    assert_int_equal(wrong, 0);
}

static us_status classify(us_context *context, void *user) {
    us_point_options o = US_POINT_OPTIONS_INIT;
    o.spectrum.limit = 0;
    us_point *p;
    us_status status = form_classify(context, user, 0, &o, &p);
    us_point_destroy(p);
    return status;
}

static void allocations_may_fail(void **state) {
    form f = form_random(3, -1, 1, 30);
    support_fail_each_allocation(classify, &f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_points_are_named),
        cmocka_unit_test(near_a_root_of_higher_order_nothing_is_claimed),
        cmocka_unit_test(the_ends_never_say_the_opposite),
        cmocka_unit_test(allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
