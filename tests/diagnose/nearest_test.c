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
        assert_true(f->flatness < 1e-3 && f->bend > 1.9 && f->bend < 2.1);
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
        assert_true(f->end == US_NEAREST_CRITICAL || (f->end == US_NEAREST_STALLED && f->bend < 1.5));
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

typedef struct large_case {
    us_context *context;
    us_problem *problem;
    us_vec *theta;
    double *scratch; /* [LARGE] */
} large_case;

static large_case large_create(us_callback_problem *callback) {
    large_case l = {.context = support_plain_context(), .scratch = malloc(LARGE * sizeof *l.scratch)};
    callback->dimension = LARGE, callback->user = l.scratch;
    assert_int_equal(us_problem_create_callback(&l.problem, l.context, callback), US_OK);
    assert_int_equal(us_vec_create(&l.theta, l.context, US_F64, LARGE), US_OK);
    return l;
}

static void large_destroy(large_case *l) {
    us_vec_destroy(l->theta);
    us_problem_destroy(l->problem);
    free(l->scratch);
    us_context_destroy(l->context);
}

static void a_hundred_thousand_parameters(void **state) {
    large_case l = large_create(&(us_callback_problem){.version = 1,
                                                       .samples = 1,
                                                       .precision = US_F64,
                                                       .value = large_value,
                                                       .gradient = large_gradient,
                                                       .hvp = large_hvp});
    us_nearest *f;
    us_rng rng = us_rng_init(9, 9);
    for (size_t i = 0; i < LARGE; i++) {
        static const double PLACES[] = {-2.903534, 2.746803, 0.156731};
        us_vec_set(l.theta, i, PLACES[i % 1000 == 17 ? 2 : us_rng_u32(&rng) & 1] + 0.02 * us_rng_normal(&rng));
    }
    us_nearest_options o = US_NEAREST_OPTIONS_INIT;
    o.basis = 20;
    assert_int_equal(us_critical_nearest(&f, l.problem, l.theta, &o), US_OK);
    assert_int_equal(f->end, US_NEAREST_CRITICAL);
    assert_int_equal(f->point->kind, US_KIND_SADDLE);
    assert_true(f->point->gradient_norm < 1e-9 && f->products < 100);
    assert_near(f->distance, 0.02 * sqrt(LARGE), 0.05, 0);
    us_nearest_destroy(f);
    large_destroy(&l);
}

/* ¼‖XX' − M‖² for X [m×r], M = diag(λ), at whose critical points the columns of X span r of the axes, those of a set S with
 * λ > 0, each as long as √λ. There the value is ¼Σ λᵢ² over the others, and the eigenvalues outside of S's rows are λⱼ − λᵢ:
 * as many are negative as there are pairs of an axis i left out and a smaller j taken in. Rotations of the columns make
 * r(r−1)/2 zeros. (Baldi & Hornik 1989; Li et al. 2019, "Symmetry, saddle points and global optimization landscape of
 * nonconvex matrix factorization", IEEE Trans. Inf. Theory 65(6).) */
typedef struct factors {
    size_t m, r;
    double *lambda;       /* [m] */
    double *gram, *other; /* [r×r] */
} factors;

/* y += (AB')C with A, B, C [m×r] row by row, for A = B = C = X the half of the gradient */
static void factors_add(const factors *f, const double *a, const double *b, const double *c, double *y) {
    memset(f->gram, 0, f->r * f->r * sizeof *f->gram);
    for (size_t i = 0; i < f->m; i++)
        for (size_t j = 0; j < f->r; j++)
            for (size_t k = 0; k < f->r; k++) f->gram[j * f->r + k] += b[i * f->r + j] * c[i * f->r + k];
    for (size_t i = 0; i < f->m; i++)
        for (size_t j = 0; j < f->r; j++)
            for (size_t k = 0; k < f->r; k++) y[i * f->r + k] += a[i * f->r + j] * f->gram[j * f->r + k];
}

static int factors_gradient(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss,
                            void *gradient) {
    const factors *f = user;
    const double *x = theta;
    double *g = gradient;
    *loss = 0;
    memset(g, 0, f->m * f->r * sizeof *g);
    factors_add(f, x, x, x, g);
    for (size_t k = 0; k < f->r * f->r; k++) *loss += f->gram[k] * f->gram[k] / 4;
    for (size_t i = 0; i < f->m; i++) {
        *loss += f->lambda[i] * f->lambda[i] / 4;
        for (size_t k = i * f->r; k < (i + 1) * f->r; k++)
            *loss -= f->lambda[i] * x[k] * x[k] / 2, g[k] -= f->lambda[i] * x[k];
    }
    return 0;
}

static int factors_value(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss) {
    return factors_gradient(user, theta, rows, count, loss, ((factors *)user)->other);
}

static int factors_hvp(void *user, const void *theta, const uint32_t *rows, size_t count, const void *v, void *hv) {
    const factors *f = user;
    const double *x = theta, *a = v;
    double *y = hv;
    memset(y, 0, f->m * f->r * sizeof *y);
    factors_add(f, a, x, x, y);
    factors_add(f, x, a, x, y);
    factors_add(f, x, x, a, y);
    for (size_t i = 0; i < f->m; i++)
        for (size_t k = i * f->r; k < (i + 1) * f->r; k++) y[k] -= f->lambda[i] * a[k];
    return 0;
}

/* Saddles of matrix factorisation with 2,000 and 100,000 parameters: the axes left out are the ones in `out`. */
static void factorisations_of_known_index(void **state) {
    enum { R = 10, OUT = 3 };
    static const size_t ROWS[] = {200, 10000}, out[OUT] = {0, 4, 7};
    us_context *context = support_plain_context();
    for (int large = 0; large < 2; large++) {
        factors f = {.m = ROWS[large], .r = R};
        size_t n = f.m * f.r, taken[R], count = 0, index = 0;
        us_callback_problem callback = US_CALLBACK_PROBLEM_INIT;
        us_problem *problem;
        us_vec *theta;
        us_nearest *found;
        double value = 0;
        f.lambda = malloc(f.m * sizeof *f.lambda), f.gram = malloc(R * R * sizeof *f.gram);
        f.other = malloc(n * sizeof *f.other);
        for (size_t i = 0, o = 0; i < f.m; i++) {
            f.lambda[i] = i < 2 * R ? 3 - 0.1 * (double)i : 0.5 * exp(-0.01 * (double)i);
            bool left_out = (o < OUT && out[o] == i && ++o) || count == R;
            if (left_out)
                value += f.lambda[i] * f.lambda[i] / 4;
            else
                taken[count++] = i;
        }
        for (size_t i = 0; i < OUT; i++)
            for (size_t j = 0; j < R; j++) index += f.lambda[out[i]] > f.lambda[taken[j]];
        callback.dimension = n, callback.user = &f;
        callback.value = factors_value, callback.gradient = factors_gradient, callback.hvp = factors_hvp;
        assert_int_equal(us_problem_create_callback(&problem, context, &callback), US_OK);
        assert_int_equal(us_vec_create(&theta, context, US_F64, n), US_OK);
        us_rng rng = us_rng_init(5, 5);
        for (size_t i = 0; i < n; i++) us_vec_set(theta, i, 0.1 / sqrt((double)n) * us_rng_normal(&rng));
        for (size_t j = 0; j < R; j++) {
            size_t k = taken[j] * R + j;
            us_vec_set(theta, k, us_vec_get(theta, k) + sqrt(f.lambda[taken[j]]));
        }
        us_nearest_options o = US_NEAREST_OPTIONS_INIT;
        o.point.ends_first = SIZE_MAX;
        assert_int_equal(us_critical_nearest(&found, problem, theta, &o), US_OK);
        assert_int_equal(found->end, US_NEAREST_CRITICAL);
        assert_int_equal(found->point->kind, US_KIND_SADDLE);
        assert_near(found->point->value, value, 1e-12, 0);
        assert_true(found->point->gradient_norm < 1e-9 && found->distance < 0.11 && found->products < 450);
        double lowest = f.lambda[taken[R - 1]] - f.lambda[0];
        if (large)
            assert_near(found->point->ends->values[0], lowest, 0.1 * fabs(lowest), 0);
        else {
            assert_near(found->point->spectrum->values[0], lowest, 1e-9, 0);
            assert_int_equal(found->point->spectrum->negative, index);
            assert_int_equal(found->point->spectrum->zero, R * (R - 1) / 2);
        }
        us_nearest_destroy(found);
        us_vec_destroy(theta);
        us_problem_destroy(problem);
        free(f.lambda), free(f.gram), free(f.other);
    }
    us_context_destroy(context);
}

static void noisy_sum(us_rng *rng, const double *x, double *y) { *y = 0.7 * x[0] - 0.4 * x[1] + 0.5 * us_rng_normal(rng); }

/* Where all weights of a net with one hidden layer are zero and the output is the mean of the targets, y is constant, and
 * the Hessian couples each unit's weight out with its weights in, by c = σ'(0)·mean of (ȳ − y)x: eigenvalues ±‖c‖ for every
 * unit. Of 99,001 parameters. */
static void wide_nets_at_zero(void **state) {
    enum { COLUMNS = 64, UNITS = 1500, ROWS = 80 };
    static const char *const MODELS[] = {"mlp:1500:tanh", "mlp:1500:gelu"};
    us_context *context = support_plain_context();
    for (int k = 0; k < 2; k++) {
        net s;
        us_nearest *found;
        net_make(&s, context, MODELS[k], US_REGRESSION, ROWS, ROWS, COLUMNS, noisy_sum, 3);
        size_t n = us_problem_dimension(s.problem);
        assert_int_equal(n, UNITS * (COLUMNS + 2) + 1);
        const double *x = us_dataset_features(s.data), *y = us_dataset_targets(s.data);
        double mean = 0, square = 0, c[COLUMNS] = {0}, coupling = 0;
        for (size_t i = 0; i < ROWS; i++) mean += y[i] / ROWS;
        for (size_t i = 0; i < ROWS; i++) {
            square += (mean - y[i]) * (mean - y[i]) / ROWS;
            for (size_t j = 0; j < COLUMNS; j++) c[j] += (k ? 0.5 : 1) * (mean - y[i]) * x[i * COLUMNS + j] / ROWS;
        }
        for (size_t j = 0; j < COLUMNS; j++) coupling += c[j] * c[j];
        us_rng rng = us_rng_init(11, 2);
        for (size_t i = 0; i < n; i++) us_vec_set(s.theta, i, 0.1 / sqrt((double)n) * us_rng_normal(&rng));
        net_fill(&s, "layer2.bias", 0, 1, mean + 0.01);
        assert_int_equal(us_critical_nearest(&found, s.problem, s.theta, NULL), US_OK);
        double scale = found->point->value / square; /* of half-mse or mse */
        assert_true(fabs(scale - 1) < 1e-12 || fabs(scale - 0.5) < 1e-12);
        assert_int_equal(found->point->kind, US_KIND_SADDLE);
        assert_near(found->point->ends->values[0], -2 * scale * sqrt(coupling), 1e-2 * sqrt(coupling), 0);
        assert_true(found->point->gradient_norm < 1e-9 && found->distance < 0.12 && found->products < 200);
        us_nearest_destroy(found);
        net_close(&s);
    }
    us_context_destroy(context);
}

/* The gradient-flat place of ¼x⁴ − 3x² + 9x beside 99,999 coordinates that are where they should be, or nearly. */
static int flat_gradient(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss, void *gradient) {
    const double *x = theta;
    double *g = gradient;
    *loss = pow(x[0], 4) / 4 - 3 * x[0] * x[0] + 9 * x[0];
    g[0] = pow(x[0], 3) - 6 * x[0] + 9;
    for (size_t i = 1; i < LARGE; i++) {
        double a = 0.1 + 5 * (double)i / LARGE;
        *loss += 0.5 * a * x[i] * x[i];
        g[i] = a * x[i];
    }
    return 0;
}

static int flat_value(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss) {
    return flat_gradient(user, theta, rows, count, loss, user);
}

static int flat_hvp(void *user, const void *theta, const uint32_t *rows, size_t count, const void *v, void *hv) {
    const double *x = theta, *a = v;
    double *y = hv;
    y[0] = (3 * x[0] * x[0] - 6) * a[0];
    for (size_t i = 1; i < LARGE; i++) y[i] = (0.1 + 5 * (double)i / LARGE) * a[i];
    return 0;
}

static void a_large_gradient_flat_place_is_told(void **state) {
    large_case l = large_create(&(us_callback_problem){
        .version = 1, .samples = 1, .precision = US_F64, .value = flat_value, .gradient = flat_gradient, .hvp = flat_hvp});
    us_nearest *f;
    us_rng rng = us_rng_init(4, 4);
    for (size_t i = 0; i < LARGE; i++) us_vec_set(l.theta, i, i ? 1e-3 * us_rng_normal(&rng) : 2);
    assert_int_equal(us_critical_nearest(&f, l.problem, l.theta, NULL), US_NOT_CONVERGED);
    if (f->end != US_NEAREST_GRADIENT_FLAT) fail_msg("%s at %g", us_nearest_end_name(f->end), f->point->theta[0]);
    assert_near(f->point->theta[0], M_SQRT2, 0, 0.02);
    assert_near(f->point->gradient_norm, 9 - 4 * M_SQRT2, 1e-3, 0);
    assert_int_equal(f->point->kind, US_KIND_NOT_CRITICAL);
    us_nearest_destroy(f);
    large_destroy(&l);
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
        cmocka_unit_test(saddles_are_reached_from_beside),
        cmocka_unit_test(gradient_flat_places_are_told),
        cmocka_unit_test(xor_s_point_of_symmetry),
        cmocka_unit_test(kinks_do_not_end_the_search),
        cmocka_unit_test(a_hundred_thousand_parameters),
        cmocka_unit_test(factorisations_of_known_index),
        cmocka_unit_test(wide_nets_at_zero),
        cmocka_unit_test(a_large_gradient_flat_place_is_told),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
