/* Naming a point by both ends of its spectrum alone: never the opposite of what the whole spectrum says. */
#include "support.h"
#include <jansson.h>
#include <unstuck/critical.h>
#include <unstuck/diagnose.h>
#include <unstuck/model.h>
#include <unstuck/solve.h>

#include "net.h"

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

    diagonal[1234] = 0; /* a flat direction, with the resolution that the bound leaves */
    assert_int_equal(form_classify(context, &f, 0, &o, &p), US_OK);
    assert_int_equal(p->kind, US_KIND_DEGENERATE);
    assert_int_equal(p->null_space, US_NULL_FLAT);
    assert_null(p->undecided_because);
    assert_true(p->ends->resolution >= fabs(p->ends->values[0]) && p->ends->resolution < 1e-9);
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
    assert_int_equal(p->kind, US_KIND_MAXIMUM); /* the other end is asked for, too */
    assert_true(p->escape && p->ends->high_bound < -p->ends->resolution && p->ends->high_bound >= p->ends->values[1]);
    us_point_destroy(p);
    f.d[77] = 1e-3; /* and one that curves upwards is found */
    assert_int_equal(form_classify(context, &f, 0, &o, &p), US_OK);
    assert_int_equal(p->kind, US_KIND_SADDLE);
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

/* One point, with the whole spectrum and with its ends. */
typedef struct tally {
    size_t decided, undecided, wrong;
} tally;

static void compare_point(us_context *context, us_problem *problem, const us_vec *theta, const char *id, tally *t) {
    us_point *whole = NULL, *ends = NULL;
    us_point_options o = US_POINT_OPTIONS_INIT;
    us_status first = us_point_classify(&whole, problem, theta, &o);
    o.spectrum.limit = 0;
    us_status second = us_point_classify(&ends, problem, theta, &o);
    assert_int_equal(first, second);
    if (whole && ends->kind == US_KIND_UNDECIDED)
        t->undecided++;
    else if (whole && ends->kind == whole->kind)
        t->decided++;
    else if (whole) {
        t->wrong++;
        print_error("%s: %s by its ends, %s by the whole\n", id, us_kind_name(ends->kind), us_kind_name(whole->kind));
    }
    us_point_destroy(whole);
    us_point_destroy(ends);
}

static void compare_formula(us_context *context, const json_t *reference, const json_t *at, tally *t) {
    const char *names[64], *name, *formula = json_string_value(json_object_get(reference, "formula"));
    double theta[64];
    size_t n = 0;
    const json_t *coordinate;
    json_object_foreach((json_t *)(uintptr_t)at, name, coordinate) names[n] = name,
                                                                   theta[n++] = json_number_value(coordinate);
    us_problem *problem;
    us_vec *x;
    assert_int_equal(us_problem_create_formula(&problem, context, formula, names, n), US_OK);
    assert_int_equal(us_vec_wrap(&x, context, US_F64, n, theta), US_OK);
    const char *id = json_string_value(json_object_get(reference, "id"));
    compare_point(context, problem, x, id ? id : formula, t);
    us_vec_destroy(x);
    us_problem_destroy(problem);
}

/* Zero as far as can be told: named by the loss along it, but for a rise by the square of the distance, which may be that of
 * a positive eigenvalue. */
static void what_rounding_hides_is_not_called_zero(void **state) {
    us_context *context = support_plain_context();
    static const struct {
        const char *formula;
        us_kind ends, whole;
        us_null_space found;
    } CASES[] = {
        {"1e10*x^2+1e-7*y^2", US_KIND_UNDECIDED, US_KIND_MINIMUM, US_NULL_NOT_PROBED},
        {"1e10*x^2+y^4", US_KIND_DEGENERATE, US_KIND_DEGENERATE, US_NULL_NOT_PROBED},
        {"1e10*x^2-y^4", US_KIND_DEGENERATE, US_KIND_DEGENERATE, US_NULL_WAY_DOWN},
        {"1e10*x^2+y^3", US_KIND_DEGENERATE, US_KIND_DEGENERATE, US_NULL_WAY_DOWN},
        {"1e10*x^2+0*y", US_KIND_DEGENERATE, US_KIND_DEGENERATE, US_NULL_FLAT},
        {"-x^2+0*y", US_KIND_DEGENERATE, US_KIND_DEGENERATE, US_NULL_NOT_PROBED},
    };
    static const char *const NAMES[] = {"x", "y"};
    for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
        us_problem *problem;
        us_vec *theta;
        us_point *whole, *ends;
        us_point_options o = US_POINT_OPTIONS_INIT;
        assert_int_equal(us_problem_create_formula(&problem, context, CASES[c].formula, NAMES, 2), US_OK);
        assert_int_equal(us_vec_create(&theta, context, US_F64, 2), US_OK);
        assert_int_equal(us_point_classify(&whole, problem, theta, &o), US_OK);
        o.spectrum.limit = 0;
        assert_int_equal(us_point_classify(&ends, problem, theta, &o), US_OK);
        if (ends->kind != CASES[c].ends || whole->kind != CASES[c].whole || ends->null_space != CASES[c].found)
            fail_msg("%s: %s by its ends (%d), %s by the whole", CASES[c].formula, us_kind_name(ends->kind),
                     (int)ends->null_space, us_kind_name(whole->kind));
        assert_true((ends->kind == US_KIND_UNDECIDED) == (ends->undecided_because != NULL));
        assert_true(!!ends->escape == (ends->null_space == US_NULL_WAY_DOWN || CASES[c].formula[0] == '-'));
        us_point_destroy(whole);
        us_point_destroy(ends);
        us_vec_destroy(theta);
        us_problem_destroy(problem);
    }
    us_context_destroy(context);
}

static json_t *oracles(const char *file) {
    const char *path = support_shared(file);
    if (!path) skip();
    json_t *cases = json_load_file(path, 0, NULL);
    assert_non_null(cases);
    return cases;
}

/* Every point of ../shared/oracles/critical.json: those that are given, and those that a search finds; and the minima and
 * starts (many of them saddles) of minimize.json. */
static void the_ends_never_say_the_opposite(void **state) {
    json_t *cases = oracles("oracles/critical.json"), *reference, *point; /* skips where there is none */
    us_context *context = support_plain_context();
    tally given = {0}, found = {0}, minima = {0}, starts = {0};
    size_t c, i;
    json_array_foreach(cases, c, reference) {
        const json_t *at = json_object_get(reference, "at");
        if (json_is_object(at))
            compare_formula(context, reference, at, &given);
        else
            json_array_foreach(json_object_get(json_object_get(reference, "expect"), "points"), i, point)
                compare_formula(context, reference, json_object_get(point, "at"), &found);
    }
    json_decref(cases);
    cases = oracles("oracles/minimize.json");
    json_array_foreach(cases, c, reference) {
        if (json_object_size(json_object_get(reference, "start")) > 64) continue;
        if (json_is_object(json_object_get(reference, "best_at")))
            compare_formula(context, reference, json_object_get(reference, "best_at"), &minima);
        if (json_is_object(json_object_get(reference, "start")))
            compare_formula(context, reference, json_object_get(reference, "start"), &starts);
    }
    json_decref(cases);
    print_message("%zu, %zu, %zu and %zu named, %zu, %zu, %zu and %zu left open\n", given.decided, found.decided,
                  minima.decided, starts.decided, given.undecided, found.undecided, minima.undecided, starts.undecided);
    us_context_destroy(context);
    assert_int_equal(given.wrong + found.wrong + minima.wrong + starts.wrong, 0);
    /* Open are a minimum that doubles cannot resolve without scales, twice, and a quartic whose rise is all rounding. */
    assert_true(given.undecided + found.undecided + minima.undecided + starts.undecided <= 3);
    assert_true(found.decided > 200);
}

static void net_line(us_rng *rng, const double *x, double *y) {
    (void)rng;
    *y = x[0] * x[1] - 0.5 * x[0] + 0.3 * sin(x[1]);
}

static void net_side(us_rng *rng, const double *x, double *y) {
    (void)rng;
    *y = x[0] * x[1] > 0;
}

/* Small networks: saddles where all weights are zero and the output is the best constant, and minima of the penalised loss.
 */
static void networks_agree_with_their_whole_spectrum(void **state) {
    us_context *context = support_plain_context();
    static const char *const MODELS[] = {"mlp:4:tanh", "mlp:3,3:sigmoid", "mlp:5:linear", "mlp:4:gelu", "mlp:6:relu"};
    tally saddles = {0}, minima = {0};
    for (uint64_t seed = 1; seed <= 4; seed++)
        for (size_t m = 0; m < sizeof MODELS / sizeof *MODELS; m++)
            for (int classes = 0; classes < 2; classes++) {
                net s;
                net_make(&s, context, MODELS[m], classes ? US_CLASSIFICATION : US_REGRESSION, 30, 30, 2,
                         classes ? net_side : net_line, seed);
                us_vec_scale(s.theta, 2);
                us_problem *penalised;
                us_vec *theta;
                us_minimize_options o = US_MINIMIZE_OPTIONS_INIT;
                us_minimize_result result;
                o.iterations = 300;
                assert_int_equal(us_problem_create_l2(&penalised, s.problem, 1e-2, false), US_OK);
                assert_int_equal(us_vec_create(&theta, context, US_F64, us_vec_size(s.theta)), US_OK);
                us_vec_copy(theta, s.theta);
                if (us_minimize(penalised, theta, &o, &result) == US_OK)
                    compare_point(context, penalised, theta, MODELS[m], &minima);
                us_problem_destroy(penalised);
                us_vec_fill(theta, 0);
                double mean = 0;
                for (size_t i = 0; i < 30 && !classes; i++) mean += ((double *)us_dataset_targets(s.data))[i] / 30;
                for (size_t i = 0; i < 30 && classes; i++) mean += us_dataset_labels(s.data)[i] / 30.0;
                us_vec_set(theta, us_vec_size(theta) - 1, classes ? log(mean / (1 - mean)) : mean);
                compare_point(context, s.problem, theta, MODELS[m], &saddles);
                us_vec_destroy(theta);
                net_close(&s);
            }
    print_message("%zu saddles and %zu minima named, %zu and %zu left open\n", saddles.decided, minima.decided,
                  saddles.undecided, minima.undecided);
    us_context_destroy(context);
    assert_int_equal(saddles.wrong + minima.wrong, 0);
    /* Open are kinks of relu, and valleys beside which the smallest eigenvalue changes its sign. */
    assert_true(saddles.undecided + minima.undecided <= 12);
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

static void half_x(us_rng *rng, const double *x, double *y) { *y = 0.5 * x[0] + us_rng_normal(rng); }
static void nothing(us_rng *rng, const double *x, double *y) { *y = 0; }

/* Between ends_first and the limit the ends come first, and the whole where they leave the kind open. 681 parameters. */
static void the_whole_comes_last(void **state) {
    us_context *context = support_plain_context();
    for (int kind = 0; kind < 3; kind++) { /* a saddle; a minimum; zeros all around */
        net s;
        us_problem *problem;
        us_point *ends, *whole;
        net_make(&s, context, kind == 1 ? "mlp:20:gelu" : "mlp:20:tanh", US_REGRESSION, 40, 40, 32,
                 kind == 2 ? nothing : half_x, 5);
        size_t n = us_problem_dimension(s.problem);
        assert_int_equal(n, 681);
        us_vec_fill(s.theta, 0);
        if (kind == 0) {
            double mean = 0;
            for (size_t i = 0; i < 40; i++) mean += ((double *)us_dataset_targets(s.data))[i] / 40;
            net_fill(&s, "layer2.bias", 0, 1, mean);
        }
        assert_int_equal(us_problem_create_l2(&problem, s.problem, kind == 1 ? 2.0 : 0, false), US_OK);
        if (kind == 1) { /* the penalty is stronger than the couplings, but for the output's bias */
            us_nearest *f;
            assert_int_equal(us_critical_nearest(&f, problem, s.theta, NULL), US_OK);
            us_vec_write_f64(s.theta, f->point->theta);
            us_nearest_destroy(f);
        }
        us_point_options o = US_POINT_OPTIONS_INIT;
        assert_int_equal(us_point_classify(&ends, problem, s.theta, &o), US_OK);
        o.ends_first = SIZE_MAX;
        assert_int_equal(us_point_classify(&whole, problem, s.theta, &o), US_OK);
        assert_int_equal(ends->kind, whole->kind);
        assert_int_equal(whole->kind, kind == 0 ? US_KIND_SADDLE : kind == 1 ? US_KIND_MINIMUM : US_KIND_DEGENERATE);
        assert_true(whole->spectrum && !whole->ends);
        assert_true(kind == 2 ? ends->spectrum && !ends->ends : !ends->spectrum && ends->ends);
        if (kind == 0) {
            assert_int_equal(whole->spectrum->negative, 20);
            assert_near(ends->ends->values[0], whole->spectrum->values[0], 0.1, 0);
        }
        us_point_destroy(ends);
        us_point_destroy(whole);
        us_problem_destroy(problem);
        net_close(&s);
    }
    us_context_destroy(context);
}

/* A verdict does not depend on whether the ends came first: beside the saddle of equal units, on the way down, at rest,
 * dead. */
static void verdicts_agree_with_the_whole(void **state) {
    us_context *context = support_plain_context();
    for (int kind = 0; kind < 4; kind++) {
        net s;
        us_diagnosis *ends, *whole;
        net_make(&s, context, kind == 3 ? "mlp:20:relu" : "mlp:20:tanh", US_REGRESSION, 60, 60, 32, half_x, 7);
        if (kind == 0) us_vec_fill(s.theta, 0);
        if (kind == 3) net_fill(&s, "layer1.bias", 0, 20, -100);
        net_train(&s, kind == 2 ? "adam" : "sgd", kind == 2 ? 0.01 : 0.1, 60, kind == 1 ? 20 : kind == 2 ? 3000 : 60);
        us_diagnose_options o = US_DIAGNOSE_OPTIONS_INIT;
        assert_int_equal(us_diagnose(&ends, s.training, &o), US_OK);
        o.point.ends_first = SIZE_MAX;
        assert_int_equal(us_diagnose(&whole, s.training, &o), US_OK);
        assert_true(whole->point->spectrum != NULL);
        net_assert(ends, "the ends first", whole->verdict.name, whole->verdict.cause);
        us_diagnosis_destroy(ends);
        us_diagnosis_destroy(whole);
        net_close(&s);
    }
    us_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_comes_last),
        cmocka_unit_test(verdicts_agree_with_the_whole),
        cmocka_unit_test(large_points_are_named),
        cmocka_unit_test(near_a_root_of_higher_order_nothing_is_claimed),
        cmocka_unit_test(what_rounding_hides_is_not_called_zero),
        cmocka_unit_test(the_ends_never_say_the_opposite),
        cmocka_unit_test(networks_agree_with_their_whole_spectrum),
        cmocka_unit_test(allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
