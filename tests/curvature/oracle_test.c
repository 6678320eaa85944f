/* Spectra that are known from elsewhere: closed forms, ARPACK-NG, LAPACK and PyTorch (tests/oracle/spectra.py). */
#include "support.h"
#include <jansson.h>
#include <unstuck/unstuck.h>

static json_t *oracle_open(const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/tests/oracle/spectra.json", getenv("UNSTUCK_SOURCE_ROOT"));
    json_t *root = json_load_file(path, 0, NULL);
    assert_non_null(root);
    json_t *part = json_incref(json_object_get(root, name));
    assert_non_null(part);
    json_decref(root);
    return part;
}

static double real(const json_t *list, size_t i) {
    assert_true(i < json_array_size(list));
    return json_number_value(json_array_get(list, i));
}

/* ------------------------------------------------------------------ matrices */

typedef struct matrix {
    size_t n;
    double *a;
    const double *d; /* instead of a: a diagonal */
    bool single;     /* products rounded to f32 */
} matrix;

static us_status matrix_apply(void *user, const double *x, double *y, size_t k) {
    matrix *m = user;
    for (size_t j = 0; j < k; j++, x += m->n, y += m->n)
        for (size_t i = 0; i < m->n; i++) {
            y[i] = m->d ? m->d[i] * x[i] : 0;
            for (size_t c = 0; m->a && c < m->n; c++) y[i] += m->a[i * m->n + c] * x[c];
            if (m->single) y[i] = (double)(float)y[i];
        }
    return US_OK;
}

static us_eigenpairs *solve(us_context *context, matrix *m, const us_lanczos_options *o) {
    us_operator a = US_OPERATOR_INIT;
    a.n = m->n, a.user = m, a.apply = matrix_apply, a.epsilon = m->single ? 0x1p-23 : 0x1p-52;
    us_eigenpairs *p;
    assert_true(us_lanczos_solve(&p, context, &a, o) >= 0);
    return p;
}

static void fill(matrix *m, const char *name) {
    size_t n = m->n;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            double p = (double)(i + 1), q = (double)(j + 1), *at = &m->a[i * n + j];
            if (*name == 's')
                *at = sin(p * q);
            else if (name[2] == 'i') { /* the 14×14 grid */
                size_t rows = i / 14 > j / 14 ? i / 14 - j / 14 : j / 14 - i / 14;
                size_t columns = i % 14 > j % 14 ? i % 14 - j % 14 : j % 14 - i % 14;
                *at = i == j ? 4 : rows + columns == 1 ? -1 : 0;
            } else
                *at = 1 / (p + q - 1) + (i == j ? (i % 2 ? 1 : -1) * p * p * p : 0);
        }
}

static void arpack_and_lapack_agree(void **state) {
    us_context *context = support_plain_context();
    json_t *all = oracle_open("arpack"), *expected;
    const char *name;
    json_object_foreach(all, name, expected) {
        matrix m = {.n = *name == 's' ? 200 : name[2] == 'i' ? 196 : 150};
        m.a = malloc(m.n * m.n * sizeof *m.a);
        fill(&m, name);
        for (size_t block = 1; block <= 4; block += 3) {
            us_lanczos_options o = US_LANCZOS_OPTIONS_INIT;
            o.bottom = o.top = 6, o.tolerance = 1e-10, o.products = 20000, o.block = block;
            us_eigenpairs *p = solve(context, &m, &o);
            assert_true(p->verified);
            for (size_t i = 0; i < 6; i++) {
                assert_near(p->values[i], real(json_object_get(expected, "low"), i), 0, 2e-10 * p->norm);
                assert_near(p->values[6 + i], real(json_object_get(expected, "high"), i), 0, 2e-10 * p->norm);
            }
            assert_near(p->values[0], json_number_value(json_object_get(expected, "arpack_low")), 0, 2e-10 * p->norm);
            assert_near(p->values[11], json_number_value(json_object_get(expected, "arpack_high")), 0, 2e-10 * p->norm);
            us_eigenpairs_destroy(p);
        }
        free(m.a);
    }
    json_decref(all);
    us_context_destroy(context);
}

/* λmin = −10⁻⁷·λmax: products in single precision leave the sign open, whichever it is; doubles tell it. */
static void rounding_of_the_products_hides_signs(void **state) {
    us_context *context = support_plain_context();
    enum { N = 300 };
    double d[N];
    size_t told = 0;
    for (uint64_t seed = 1; seed <= 5; seed++)
        for (int sign = -1; sign <= 1; sign++)
            for (int single = 0; single <= 1; single++) {
                us_rng rng = us_rng_init(seed, 8);
                double size = pow(10, -8 + 4 * us_rng_uniform(&rng));
                for (size_t i = 0; i < N; i++) d[i] = 0.5 + 0.5 * us_rng_uniform(&rng);
                d[0] = 1, d[us_rng_below(&rng, N - 1) + 1] = sign * size;
                matrix m = {.n = N, .d = d, .single = single};
                us_lanczos_options o = US_LANCZOS_OPTIONS_INIT;
                o.below = 0, o.seed = seed, o.products = o.basis = N; /* at last the whole space */
                us_eigenpairs *p = solve(context, &m, &o);
                if (p->below == US_BELOW_FOUND) assert_true(sign < 0);
                if (p->below == US_BELOW_NONE) assert_true(sign > 0);
                if (!single && sign) assert_int_equal(p->below, sign < 0 ? US_BELOW_FOUND : US_BELOW_NONE);
                if (sign == 0 || (single && size < 1e-7)) {
                    assert_int_equal(p->below, US_BELOW_UNDECIDED);
                    assert_int_equal(p->needs, US_NEEDS_PRECISION);
                }
                told += single && p->below != US_BELOW_UNDECIDED;
                us_eigenpairs_destroy(p);
            }
    assert_true(told > 0); /* single precision is not mute, either */
    us_context_destroy(context);
}

/* ------------------------------------------------------------------ functions */

/* Styblinski & Tang 1990: f = ½Σ(x⁴ − 16x² + 5x), whose Hessian is diag(6x² − 16). */
static int tang_value(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss) {
    const double *x = theta;
    *loss = 0;
    for (size_t i = 0; i < *(size_t *)user; i++) *loss += 0.5 * x[i] * (x[i] * x[i] * x[i] - 16 * x[i] + 5);
    return 0;
}

static int tang_gradient(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss, void *gradient) {
    const double *x = theta;
    for (size_t i = 0; i < *(size_t *)user; i++) ((double *)gradient)[i] = 2 * x[i] * (x[i] * x[i] - 8) + 2.5;
    return tang_value(user, theta, rows, count, loss);
}

static int tang_hvp(void *user, const void *theta, const uint32_t *rows, size_t count, const void *v, void *hv) {
    const double *x = theta;
    for (size_t i = 0; i < *(size_t *)user; i++) ((double *)hv)[i] = (6 * x[i] * x[i] - 16) * ((const double *)v)[i];
    return 0;
}

static void styblinski_tang_of_a_hundred_thousand(void **state) {
    us_context *context = support_plain_context();
    static const double ROOTS[] = {-2.9035340277711770, 0.15673125910669448, 2.7468027686644826};
    size_t n = 100000;
    us_callback_problem callback = US_CALLBACK_PROBLEM_INIT;
    callback.dimension = n, callback.user = &n;
    callback.value = tang_value, callback.gradient = tang_gradient, callback.hvp = tang_hvp;
    us_problem *problem;
    us_vec *theta;
    assert_int_equal(us_problem_create_callback(&problem, context, &callback), US_OK);
    assert_int_equal(us_vec_create(&theta, context, US_F64, n), US_OK);
    for (size_t maxima = 0; maxima <= 2; maxima += 2) { /* coordinates at the bump between the two wells */
        us_rng rng = us_rng_init(maxima, 1);
        for (size_t i = 0; i < n; i++) us_vec_set(theta, i, ROOTS[us_rng_u32(&rng) & 1 ? 0 : 2]);
        for (size_t k = 0; k < maxima; k++) us_vec_set(theta, 77 + 5000 * k, ROOTS[1]);
        double low = 6 * ROOTS[1] * ROOTS[1] - 16, middle = 6 * ROOTS[2] * ROOTS[2] - 16,
               high = 6 * ROOTS[0] * ROOTS[0] - 16;
        us_hessian_operator *h;
        assert_int_equal(us_hessian_operator_create(&h, problem, theta, US_BATCH_ALL, 4), US_OK);
        us_lanczos_options o = US_LANCZOS_OPTIONS_INIT;
        o.bottom = 3, o.top = 2, o.block = 4, o.basis = 40;
        us_eigenpairs *p;
        assert_int_equal(us_lanczos_solve(&p, context, us_hessian_operator_get(h), &o), US_OK);
        for (size_t i = 0; i < 3; i++) assert_near(p->values[i], i < maxima ? low : middle, 1e-9, 0);
        for (size_t i = 3; i < 5; i++) assert_near(p->values[i], high, 1e-9, 0);
        us_eigenpairs_destroy(p);
        us_hessian_operator_destroy(h);
        us_lowest *l;
        assert_int_equal(us_hessian_lowest(&l, problem, theta, NULL), US_OK);
        assert_int_equal(l->below, maxima ? US_BELOW_FOUND : US_BELOW_NONE);
        us_lowest_destroy(l);
    }
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    us_context_destroy(context);
}

/* H = diag(1, −1) at (1, 0): the gradient is an eigenvector of 1, and its Krylov space never sees −1. A random start does.
 */
static void the_gradient_may_be_blind(void **state) {
    us_context *context = support_plain_context();
    static const char *const NAMES[] = {"x", "y"};
    us_problem *problem;
    us_vec *theta;
    assert_int_equal(us_problem_create_formula(&problem, context, "(x^2-y^2)/2", NAMES, 2), US_OK);
    assert_int_equal(us_vec_create(&theta, context, US_F64, 2), US_OK);
    us_vec_set(theta, 0, 1);
    for (uint64_t seed = 1; seed <= 50; seed++) {
        static const double GRADIENT[] = {1, 0};
        us_hessian_operator *h;
        assert_int_equal(us_hessian_operator_create(&h, problem, theta, US_BATCH_ALL, 1), US_OK);
        us_lanczos_options o = US_LANCZOS_OPTIONS_INIT;
        o.below = 0, o.seed = seed;
        if (seed % 2) o.start = GRADIENT; /* a guess is never the whole start */
        us_eigenpairs *p;
        assert_int_equal(us_lanczos_solve(&p, context, us_hessian_operator_get(h), &o), US_OK);
        assert_int_equal(p->below, US_BELOW_FOUND);
        us_eigenpairs_destroy(p);
        us_hessian_operator_destroy(h);
    }
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    us_context_destroy(context);
}

/* ------------------------------------------------------------------ networks */

static us_problem *network_problem(us_context *context, const json_t *net, us_dataset **data, us_vec **theta) {
    const json_t *sizes = json_object_get(net, "sizes"), *x = json_object_get(net, "x"), *y = json_object_get(net, "y");
    size_t layers = json_array_size(sizes) - 1, rows = (size_t)json_integer_value(json_object_get(net, "rows"));
    size_t inputs = (size_t)real(sizes, 0), outputs = (size_t)real(sizes, layers);
    bool classes = !strcmp(json_string_value(json_object_get(net, "loss")), "cross-entropy");
    us_task task = classes ? US_CLASSIFICATION : US_REGRESSION;
    assert_int_equal(us_dataset_create(data, context, US_F64, rows, inputs, task, outputs), US_OK);
    for (size_t i = 0; i < rows * inputs; i++) ((double *)us_dataset_features(*data))[i] = real(x, i);
    for (size_t i = 0; i < rows * (classes ? 1 : outputs); i++)
        if (classes)
            us_dataset_labels(*data)[i] = (uint32_t)real(y, i);
        else
            ((double *)us_dataset_targets(*data))[i] = real(y, i);
    char text[64] = "mlp:";
    for (size_t l = 1; l < layers; l++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%.0f", l > 1 ? "," : "", real(sizes, l));
    snprintf(text + strlen(text), sizeof text - strlen(text), ":%s", json_string_value(json_object_get(net, "activation")));
    us_model_options o = US_MODEL_OPTIONS_INIT;
    o.text = text, o.inputs = inputs, o.outputs = outputs, o.task = task;
    us_model *model;
    us_problem *problem;
    assert_int_equal(us_model_create(&model, context, &o), US_OK);
    assert_int_equal(us_model_problem(&problem, model, *data), US_OK);
    us_model_destroy(model);
    assert_int_equal(us_vec_create(theta, context, US_F64, us_problem_dimension(problem)), US_OK);
    for (size_t i = 0; i < us_vec_size(*theta); i++) us_vec_set(*theta, i, real(json_object_get(net, "theta"), i));
    return problem;
}

/* PyTorch's dense Hessians: all eigenvalues, the inertia, the trace, both ends by products alone, and the sign. */
static void networks_agree_with_pytorch(void **state) {
    us_context *context = support_plain_context();
    json_t *all = oracle_open("networks"), *net;
    size_t index;
    json_array_foreach(all, index, net) {
        const json_t *values = json_object_get(net, "eigenvalues");
        us_dataset *data;
        us_vec *theta;
        us_problem *problem = network_problem(context, net, &data, &theta);
        size_t n = us_problem_dimension(problem);
        double norm = fmax(fabs(real(values, 0)), fabs(real(values, n - 1))), trace = 0;
        us_spectrum *dense;
        assert_int_equal(us_spectrum_dense(&dense, problem, theta, NULL), US_OK);
        for (size_t i = 0; i < n; i++) {
            assert_near(dense->values[i], real(values, i), 0, 1e-13 * norm + dense->resolution);
            trace += real(values, i);
        }
        us_inertia inertia;
        us_spectrum_options so = US_SPECTRUM_OPTIONS_INIT;
        so.resolution = dense->resolution;
        assert_int_equal(us_hessian_inertia(&inertia, problem, theta, &so), US_OK);
        assert_int_equal(inertia.negative, dense->negative);
        assert_int_equal(inertia.zero, dense->zero);
        assert_int_equal(inertia.positive, dense->positive);

        us_hessian_operator *h;
        assert_int_equal(us_hessian_operator_create(&h, problem, theta, US_BATCH_ALL, 3), US_OK);
        us_lanczos_options o = US_LANCZOS_OPTIONS_INIT;
        o.bottom = 2, o.top = 3, o.basis = 22, o.block = 1 + index % 3, o.tolerance = 1e-10, o.products = 20000;
        us_eigenpairs *p;
        assert_int_equal(us_lanczos_solve(&p, context, us_hessian_operator_get(h), &o), US_OK);
        for (size_t i = 0; i < 5; i++) assert_near(p->values[i], real(values, i < 2 ? i : n - 5 + i), 0, 1e-9 * norm);
        us_eigenpairs_destroy(p);
        o = (us_lanczos_options)US_LANCZOS_OPTIONS_INIT, o.below = 0;
        assert_true(us_lanczos_solve(&p, context, us_hessian_operator_get(h), &o) >= 0);
        if (p->below == US_BELOW_FOUND) assert_true(dense->negative > 0);
        if (p->below == US_BELOW_NONE) assert_true(dense->negative == 0 && dense->zero == 0);
        us_eigenpairs_destroy(p);
        us_trace_estimate t;
        us_trace_options to = US_TRACE_OPTIONS_INIT;
        to.products = 2 * n;
        assert_int_equal(us_trace(&t, context, us_hessian_operator_get(h), &to), US_OK);
        assert_near(t.value, trace, 0, 1e-11 * norm);
        us_hessian_operator_destroy(h);
        us_spectrum_destroy(dense);
        us_vec_destroy(theta);
        us_problem_destroy(problem);
        us_dataset_destroy(data);
    }
    json_decref(all);
    us_context_destroy(context);
}

/* ½‖W_L···W₁ − S‖²_F of 2×2 matrices, S = diag(3, 1); wᵢ of layer l in row-major order are al, bl, cl, dl. */
static us_problem *deep_linear(us_context *context, size_t layers) {
    char formula[20000] = "0.5*(", variables[12][8];
    const char *names[12];
    for (size_t l = 0; l < layers; l++)
        for (size_t e = 0; e < 4; e++) {
            snprintf(variables[4 * l + e], 8, "w%zu%zu%zu", l, e / 2, e % 2);
            names[4 * l + e] = variables[4 * l + e];
        }
    char *at = formula + strlen(formula), *end = formula + sizeof formula;
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < 2; j++) {
            at += snprintf(at, (size_t)(end - at), "%s(%d", i + j ? "+" : "", i != j ? 0 : i ? -1 : -3);
            for (size_t k = 0; k < 2; k++)
                for (size_t m = 0; m < (layers > 2 ? 2 : 1); m++)
                    at += layers == 2 ? snprintf(at, (size_t)(end - at), "+w1%zu%zu*w0%zu%zu", i, k, k, j)
                                      : snprintf(at, (size_t)(end - at), "+w2%zu%zu*w1%zu%zu*w0%zu%zu", i, k, k, m, m, j);
            at += snprintf(at, (size_t)(end - at), ")^2");
        }
    snprintf(at, (size_t)(end - at), ")");
    us_problem *problem;
    assert_int_equal(us_problem_create_formula(&problem, context, formula, names, 4 * layers), US_OK);
    return problem;
}

/* Saddles of deep linear networks, from ../shared/oracles/closed-forms.md (Baldi & Hornik 1989). */
static void deep_linear_networks_have_their_saddles(void **state) {
    us_context *context = support_plain_context();
    double third = cbrt(3), root = sqrt(3);
    const struct {
        size_t layers;
        double diagonal[2]; /* every layer is the diagonal matrix with these */
        double values[12];
    } CASES[] = {{2, {0, 0}, {-3, -3, -1, -1, 1, 1, 3, 3}},
                 {2, {root, 0}, {-1, 0, 0, 0, 1, 2, 4, 6}},
                 {2, {0, 1}, {-3, -2, 0, 0, 0, 2, 3, 4}},
                 {2, {root, 1}, {0, 0, 0, 0, 2, 4, 4, 6}},
                 {3, {0, 0}, {0}},
                 {3, {third, 0}, {0, 0, 0, 0, 0, 0, 0, 0, 0, 2.884499141, 5.768998281, 12.98024613}}};
    for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
        us_problem *problem = deep_linear(context, CASES[c].layers);
        size_t n = us_problem_dimension(problem), negative = 0;
        us_vec *theta;
        assert_int_equal(us_vec_create(&theta, context, US_F64, n), US_OK);
        for (size_t i = 0; i < n; i++)
            us_vec_set(theta, i, i % 4 == 0 ? CASES[c].diagonal[0] : i % 4 == 3 ? CASES[c].diagonal[1] : 0);
        us_hessian_operator *h;
        assert_int_equal(us_hessian_operator_create(&h, problem, theta, US_BATCH_ALL, 2), US_OK);
        us_lanczos_options o = US_LANCZOS_OPTIONS_INIT;
        o.bottom = o.top = n / 2, o.block = 2;
        us_eigenpairs *p;
        assert_int_equal(us_lanczos_solve(&p, context, us_hessian_operator_get(h), &o), US_OK);
        for (size_t i = 0; i < n; i++) {
            assert_near(p->values[i], CASES[c].values[i], 0, 1e-8);
            negative += CASES[c].values[i] < 0;
        }
        us_eigenpairs_destroy(p);
        us_hessian_operator_destroy(h);
        us_inertia inertia;
        assert_int_equal(us_hessian_inertia(&inertia, problem, theta, NULL), US_OK);
        assert_int_equal(inertia.negative, negative);
        us_lowest *l;
        assert_true(us_hessian_lowest(&l, problem, theta, NULL) >= 0);
        assert_int_equal(l->below, negative ? US_BELOW_FOUND : US_BELOW_UNDECIDED);
        if (!negative) assert_int_equal(l->needs, US_NEEDS_PRECISION);
        us_lowest_destroy(l);
        us_vec_destroy(theta);
        us_problem_destroy(problem);
    }
    us_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arpack_and_lapack_agree),
        cmocka_unit_test(rounding_of_the_products_hides_signs),
        cmocka_unit_test(styblinski_tang_of_a_hundred_thousand),
        cmocka_unit_test(the_gradient_may_be_blind),
        cmocka_unit_test(networks_agree_with_pytorch),
        cmocka_unit_test(deep_linear_networks_have_their_saddles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
