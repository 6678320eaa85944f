/* How large a rate a rule bears on a quadratic, measured by bisection with its state held fixed, against α·λmax of the
 * Hessian preconditioned by what the training says it divides by. */
#include "support.h"
#include <unstuck/lanczos.h>
#include <unstuck/train.h>

enum { N = 6, STEPS = 4000 };

/* f = ½ x'Ax, A with eigenvalues from 0.1 to 9, by three reflections. */
static double form_a[N][N];

static void form_make(void) {
    static const double VALUES[N] = {0.1, 0.4, 1, 2.5, 5, 9};
    us_rng rng = us_rng_init(4, 2);
    memset(form_a, 0, sizeof form_a);
    for (size_t i = 0; i < N; i++) form_a[i][i] = VALUES[i];
    for (int k = 0; k < 3; k++) {
        double u[N], square = 0;
        for (size_t i = 0; i < N; i++) u[i] = us_rng_normal(&rng), square += u[i] * u[i];
        for (int side = 0; side < 2; side++)
            for (size_t j = 0; j < N; j++) {
                double dot = 0;
                for (size_t i = 0; i < N; i++) dot += u[i] * (side ? form_a[j][i] : form_a[i][j]);
                for (size_t i = 0; i < N; i++) *(side ? &form_a[j][i] : &form_a[i][j]) -= 2 * u[i] * dot / square;
            }
    }
}

static int form_gradient(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss, void *gradient) {
    const double *x = theta;
    double *g = gradient;
    *loss = 0;
    for (size_t i = 0; i < N; i++) {
        g[i] = 0;
        for (size_t j = 0; j < N; j++) g[i] += form_a[i][j] * x[j];
        *loss += 0.5 * x[i] * g[i];
    }
    return 0;
}

static int form_value(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss) {
    double g[N];
    return form_gradient(user, theta, rows, count, loss, g);
}

static int form_hvp(void *user, const void *theta, const uint32_t *rows, size_t count, const void *v, void *hv) {
    double loss;
    return form_gradient(user, v, rows, count, &loss, hv);
}

/* The largest eigenvalue of D^(-1/2)HD^(-1/2). */
static double largest(us_problem *problem, const us_vec *theta, const double *d) {
    us_hessian_operator *h;
    us_eigenpairs *p;
    assert_int_equal(us_hessian_operator_create(&h, problem, theta, US_BATCH_ALL, 1), US_OK);
    assert_int_equal(us_hessian_operator_precondition(h, d), US_OK);
    assert_int_equal(us_lanczos_solve(&p, us_problem_context(problem), us_hessian_operator_get(h), NULL), US_OK);
    double value = p->values[1];
    us_eigenpairs_destroy(p);
    us_hessian_operator_destroy(h);
    return value;
}

/* Is D made of this part of the state? */
static bool divides_by(const us_rule *rule, const us_rule_step *now, size_t k) {
    double state[US_RULE_STATES_MAX] = {9, 1, 1, 1}, before; /* 9 > 1²: a variance, where that is asked */
    if (!rule->preconditioner) return false;
    before = rule->preconditioner(now, state);
    state[k] = 2;
    return rule->preconditioner(now, state) != before;
}

/* How long θ becomes by steps at this rate on `sign` times f, from a tiny one, over what it was; *growth: the last step's
 * part of that. The part of the state that D is made of is put back before each step: D is constant. */
static double lengthens(const us_training *training, double rate, double sign, int steps, double most, double *growth) {
    const us_rule *rule = us_training_rule(training);
    us_context *context = us_problem_context(us_training_problem(training));
    us_vec *theta, *gradient, *diagonal, *state[US_RULE_STATES_MAX];
    double memory[8] = {0};
    us_rng rng = us_rng_init(1, 1);
    assert_int_equal(us_vec_create(&theta, context, US_F64, N), US_OK);
    assert_int_equal(us_vec_create(&gradient, context, US_F64, N), US_OK);
    assert_int_equal(us_vec_create(&diagonal, context, US_F64, N), US_OK);
    assert_true(!rule->memory || rule->memory(NULL, 0) <= 8);
    for (size_t k = 0; k < rule->states; k++) assert_int_equal(us_vec_create(&state[k], context, US_F64, N), US_OK);
    us_vec_fill_normal(theta, &rng);
    us_vec_scale(theta, 1e-40);
    double start = us_vec_norm2(theta), end = start, before = start;
    us_rule_step now = {.step = us_training_steps(training), .learning_rate = rate, .hyper = us_training_hyper(training)};
    for (int i = -100; i < steps && end < most * start; i++) {
        now.learning_rate = i < 0 ? 1e-9 * rate : rate; /* until what rules remember beside their state has settled */
        double loss, x[N], g[N];
        us_vec_read_f64(theta, x);
        form_gradient(NULL, x, NULL, 0, &loss, g);
        us_vec_write_f64(gradient, g);
        us_vec_scale(gradient, sign);
        before = end;
        for (size_t k = 0; k < rule->states; k++)
            if (divides_by(rule, &now, k)) us_vec_copy(state[k], us_training_state(training, k));
        assert_int_equal(us_rule_apply_whole(context, rule, &now, theta, gradient, state, memory, diagonal, NULL, 0), US_OK);
        end = us_vec_norm2(theta);
    }
    us_vec_destroy(theta);
    us_vec_destroy(gradient);
    us_vec_destroy(diagonal);
    for (size_t k = 0; k < rule->states; k++) us_vec_destroy(state[k]);
    *growth = end / before;
    return end / start;
}

static bool bounded(const us_training *training, double rate) {
    double growth;
    return lengthens(training, rate, 1, STEPS, 1e6, &growth) < 1e3;
}

static void each_rule_bears_what_it_says(void **state) {
    size_t count, told = 0, leaves = 0;
    const us_rule *const *rules = us_rules(&count);
    us_context *context = support_plain_context();
    us_callback_problem callback = US_CALLBACK_PROBLEM_INIT;
    us_problem *problem;
    us_vec *theta, *d;
    form_make();
    callback.dimension = N, callback.value = form_value, callback.gradient = form_gradient, callback.hvp = form_hvp;
    assert_int_equal(us_problem_create_callback(&problem, context, &callback), US_OK);
    assert_int_equal(us_vec_create(&theta, context, US_F64, N), US_OK);
    assert_int_equal(us_vec_create(&d, context, US_F64, N), US_OK);
    us_vec_write_f64(theta, (double[N]){1.3, -0.4, 2.1, 0.7, -1.9, 0.2});
    for (size_t r = 0; r < count; r++) {
        const us_rule *rule = rules[r];
        us_training *training;
        us_training_options o = US_TRAINING_OPTIONS_INIT;
        double hyper[US_RULE_HYPERPARAMETERS_MAX], elements[N];
        if (!rule->stability) continue;
        told++;
        for (size_t k = 0; k < rule->hyperparameter_count; k++) {
            const char *name = rule->hyperparameters[k].name;
            hyper[k] = rule->hyperparameters[k].default_value;
            /* the gradients here are tiny: what is squared is gone, but an average would forget D within the steps */
            if (!strcmp(name, "beta2") || !strcmp(name, "rho")) hyper[k] = 0.999999;
            if (!strcmp(name, "weight-decay")) hyper[k] = 0; /* which adds to the curvature */
            if (!strcmp(name, "psi")) hyper[k] = 1;          /* NAdam's momentum has risen by step 300 */
        }
        o.rule = rule, o.hyper = hyper, o.learning_rate = 1e-3;
        assert_int_equal(us_training_create(&training, problem, theta, &o), US_OK);
        if (rule->preconditioner) assert_int_equal(us_training_preconditioner(training, d), US_ERR_UNSUPPORTED);
        assert_int_equal(us_training_advance(training, 300), US_OK);
        assert_int_equal(us_training_preconditioner(training, d), US_OK);
        us_vec_read_f64(d, elements);
        double predicted = rule->stability(hyper) / largest(problem, theta, elements);
        double low = 0.1 * predicted, high = 10 * predicted;
        if (!bounded(training, low) || bounded(training, high)) fail_msg("%s: not between 0.1 and 10 times", rule->name);
        while (high / low > 1.0005) {
            double middle = sqrt(low * high);
            if (bounded(training, middle))
                low = middle;
            else
                high = middle;
        }
        if (fabs(sqrt(low * high) / predicted - 1) > 5e-3)
            fail_msg("%s: stable up to %.6g, said to be up to %.6g", rule->name, sqrt(low * high), predicted);
        /* upside down, the steepest direction leaves by the factor that it says */
        for (double b = 0.02; rule->growth && b < 1; b *= 8) {
            double rate = b / largest(problem, theta, elements), growth;
            lengthens(training, rate, -1, 100000, 1e30, &growth);
            if (fabs(growth / rule->growth(hyper, b) - 1) > 1e-4)
                fail_msg("%s: grows by %.9g a step, said to be %.9g", rule->name, growth, rule->growth(hyper, b));
        }
        leaves += rule->growth != NULL;
        us_training_destroy(training);
    }
    assert_true(told >= 19 && leaves >= 18);
    assert_near(us_rule_find("adam")->stability((double[]){0.9, 0.999, 1e-8}), 38, 1e-14, 0);
    assert_near(us_rule_find("momentum")->stability((double[]){0.9}), 3.8, 1e-14, 0);
    us_vec_destroy(d);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    us_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_rule_bears_what_it_says)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
