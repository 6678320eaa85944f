/* An update rule of the program's own, in the library's training: saved, restored to the last bit, copied with another rate,
 * and put to a range test, as the built-in ones are.
 *
 * The rule is the sign of a mean of gradients, m ← βm + (1 − β)g, θ ← θ − α·sign(m); the problem is Σ i·(θᵢ − 1)²/2. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unstuck/range.h>
#include <unstuck/safetensors.h>

enum { N = 5 };

static void signs_f64(const us_rule_step *step, double *theta, const double *gradient, double *const *state, size_t n) {
    double beta = step->hyper[0], *m = state[0];
    for (size_t i = 0; i < n; i++) {
        m[i] = beta * m[i] + (1 - beta) * gradient[i];
        theta[i] -= step->learning_rate * (double)((m[i] > 0) - (m[i] < 0));
    }
}

static void signs_f32(const us_rule_step *step, float *theta, const float *gradient, float *const *state, size_t n) {
    float beta = (float)step->hyper[0], *m = state[0];
    for (size_t i = 0; i < n; i++) {
        m[i] = beta * m[i] + (1 - beta) * gradient[i];
        theta[i] -= (float)step->learning_rate * (float)((m[i] > 0) - (m[i] < 0));
    }
}

static const us_hyperparameter SIGNS_SETTINGS[] = {{"beta", 0.9, 0, 0.999, "decay of the mean of gradients"}};
static const us_rule SIGNS = {
    .name = "signs",
    .title = "the sign of a mean of gradients",
    .formula = "m <- beta m + (1 - beta) g\ntheta <- theta - alpha sign(m)",
    .source = "this example",
    .advice = "To see how a rule is made.",
    .learning_rate = 0.01,
    .hyperparameters = SIGNS_SETTINGS,
    .hyperparameter_count = 1,
    .states = 1,
    .update_f32 = signs_f32,
    .update_f64 = signs_f64,
};

static int bowl_gradient(void *user, const void *at, const uint32_t *rows, size_t count, double *loss, void *gradient) {
    const double *theta = at;
    double *g = gradient;
    (void)user, (void)rows, (void)count;
    *loss = 0;
    for (size_t i = 0; i < N; i++) {
        double away = theta[i] - 1, weight = (double)(i + 1);
        *loss += 0.5 * weight * away * away;
        if (g) g[i] = weight * away;
    }
    return 0;
}

static int bowl_value(void *user, const void *at, const uint32_t *rows, size_t count, double *loss) {
    return bowl_gradient(user, at, rows, count, loss, NULL);
}

static double farthest(const us_training *training) {
    double most = 0;
    for (size_t i = 0; i < N; i++) most = fmax(most, fabs(us_vec_get(us_training_theta(training), i) - 1));
    return most;
}

int main(void) {
    us_context *context = NULL;
    us_problem *problem = NULL;
    us_vec *theta = NULL;
    us_training *training = NULL, *restored = NULL, *slower = NULL;
    us_range *range = NULL;
    void *bytes = NULL;
    size_t size;
    us_callback_problem bowl = US_CALLBACK_PROBLEM_INIT;
    us_training_options options = US_TRAINING_OPTIONS_INIT;
    bowl.dimension = N, bowl.samples = 1, bowl.value = bowl_value, bowl.gradient = bowl_gradient;
    options.rule = &SIGNS;

    us_status status = us_context_create(&context, NULL);
    if (status == US_OK) status = us_problem_create_callback(&problem, context, &bowl);
    if (status == US_OK) status = us_vec_create(&theta, context, US_F64, N);
    if (status == US_OK) status = us_training_create(&training, problem, theta, &options);
    if (status == US_OK) status = us_range_test(&range, training, NULL);
    if (status == US_OK) printf("a rate to begin with: %.3g\n", range->suggestion);

    if (status == US_OK) status = us_training_advance(training, 50);
    if (status == US_OK) status = us_training_to_bytes(training, &bytes, &size);
    if (status == US_OK) status = us_training_from_bytes(&restored, problem, bytes, size, &SIGNS);
    if (status == US_OK) status = us_training_copy(&slower, training, NULL); /* a remedy does this */
    if (status == US_OK) status = us_training_set_learning_rate(slower, 0.001, false);
    if (status == US_OK) status = us_training_advance(training, 100);
    if (status == US_OK) status = us_training_advance(restored, 100);
    if (status == US_OK) status = us_training_advance(slower, 1000);
    bool same = status == US_OK;
    for (size_t i = 0; same && i < N; i++)
        same = us_vec_get(us_training_theta(training), i) == us_vec_get(us_training_theta(restored), i);
    if (status == US_OK)
        printf("150 steps: within %.4f of the minimum; restored at 50: %s; a copy with a tenth of the rate: within %.4f\n",
               farthest(training), same ? "the same bits" : "other bits", farthest(slower));
    else
        fprintf(stderr, "%s\n", context ? us_context_error(context) : us_status_meaning(status));
    bool good = same && farthest(training) < 0.2 && farthest(slower) < 0.02 && range->suggestion > 0;

    us_bytes_release(context, bytes);
    us_range_destroy(range);
    us_training_destroy(slower);
    us_training_destroy(restored);
    us_training_destroy(training);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    us_context_destroy(context);
    return good ? 0 : 1;
}
