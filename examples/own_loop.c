/* A loop of its own: the gradient is this program's business, the update rule is the library's.
 *
 * Rosenbrock's valley, f(x, y) = (1 − x)² + 100·(y − x²)², from (−1.2, 1) by Adam; its minimum is at (1, 1). */
#include <math.h>
#include <stdio.h>
#include <unstuck/rule.h>

int main(void) {
    double theta[2] = {-1.2, 1}, gradient[2], m[2] = {0, 0}, v[2] = {0, 0}, f = 0;
    double hyper[US_RULE_HYPERPARAMETERS_MAX];
    const us_rule *adam = us_rule_find("adam");
    us_context *context = NULL;
    us_vec *theta_vec = NULL, *gradient_vec = NULL, *state[2] = {NULL, NULL};
    for (size_t i = 0; i < adam->hyperparameter_count; i++) hyper[i] = adam->hyperparameters[i].default_value;

    us_status status = us_context_create(&context, NULL); /* the vectors lie over the arrays above */
    if (status == US_OK) status = us_vec_wrap(&theta_vec, context, US_F64, 2, theta);
    if (status == US_OK) status = us_vec_wrap(&gradient_vec, context, US_F64, 2, gradient);
    if (status == US_OK) status = us_vec_wrap(&state[0], context, US_F64, 2, m);
    if (status == US_OK) status = us_vec_wrap(&state[1], context, US_F64, 2, v);

    for (uint64_t t = 1; t <= 20000 && status == US_OK; t++) {
        double x = theta[0], y = theta[1];
        f = (1 - x) * (1 - x) + 100 * (y - x * x) * (y - x * x);
        gradient[0] = -2 * (1 - x) - 400 * x * (y - x * x);
        gradient[1] = 200 * (y - x * x);
        if (t % 4000 == 1) printf("step %5llu: f = %.3e at (%.5f, %.5f)\n", (unsigned long long)t, f, x, y);
        us_rule_step step = {.step = t, .learning_rate = 0.01, .hyper = hyper};
        status = us_rule_apply(context, adam, &step, theta_vec, gradient_vec, state);
    }
    printf("at the end: f = %.3e at (%.5f, %.5f)\n", f, theta[0], theta[1]);
    if (status != US_OK) fprintf(stderr, "%s\n", context ? us_context_error(context) : us_status_meaning(status));

    us_vec_destroy(state[1]);
    us_vec_destroy(state[0]);
    us_vec_destroy(gradient_vec);
    us_vec_destroy(theta_vec);
    us_context_destroy(context);
    return status == US_OK && fabs(theta[0] - 1) < 1e-3 && fabs(theta[1] - 1) < 1e-3 ? 0 : 1;
}
