/* How large a rate does Adam bear? Trains a small network a while, then compares three curvatures at where it stands: the
 * Hessian, the Gauss-Newton matrix, the empirical Fisher matrix; and the Hessian as Adam sees it, divided by what Adam
 * divides its steps by. */
#include <math.h>
#include <stdio.h>
#include <unstuck/unstuck.h>

enum { ROWS = 200 };

/* The largest eigenvalue; preconditioned by d where it is not NULL. */
static us_status largest(us_problem *problem, us_product product, const us_vec *theta, const double *d, double *value) {
    us_hessian_operator *a = NULL;
    us_eigenpairs *pairs = NULL;
    us_lanczos_options options = US_LANCZOS_OPTIONS_INIT;
    options.bottom = 0;
    us_status status = us_product_operator_create(&a, problem, product, theta, US_BATCH_ALL, 1);
    if (status == US_OK && d) status = us_hessian_operator_precondition(a, d);
    if (status == US_OK)
        status = us_lanczos_solve(&pairs, us_problem_context(problem), us_hessian_operator_get(a), &options);
    if (status == US_OK) *value = pairs->values[0];
    us_eigenpairs_destroy(pairs);
    us_hessian_operator_destroy(a);
    return status;
}

int main(void) {
    us_context *context = NULL;
    us_dataset *data = NULL;
    us_model *model = NULL;
    us_problem *problem = NULL;
    us_vec *theta = NULL, *d = NULL;
    us_training *training = NULL;
    double hessian = 0, gauss_newton = 0, fisher = 0, seen = 0, elements[256];
    us_status status = us_context_create(&context, NULL);
    if (status == US_OK) status = us_dataset_create(&data, context, US_F64, ROWS, 2, US_REGRESSION, 1);
    if (status != US_OK) goto done;
    us_rng rng = us_rng_init(1, 1);
    double *x = us_dataset_features(data), *y = us_dataset_targets(data);
    for (size_t i = 0; i < ROWS; i++) {
        x[2 * i] = us_rng_normal(&rng), x[2 * i + 1] = us_rng_normal(&rng);
        y[i] = sin(2 * x[2 * i]) * x[2 * i + 1];
    }
    us_model_options form = US_MODEL_OPTIONS_INIT;
    form.text = "mlp:16:tanh", form.inputs = 2, form.outputs = 1, form.task = US_REGRESSION;
    if ((status = us_model_create(&model, context, &form)) != US_OK) goto done;
    if ((status = us_model_problem(&problem, model, data)) != US_OK) goto done;
    size_t groups, n = us_problem_dimension(problem);
    const us_group *group = us_problem_groups(problem, &groups);
    if ((status = us_vec_create(&theta, context, US_F64, n)) != US_OK) goto done;
    if ((status = us_vec_create(&d, context, US_F64, n)) != US_OK) goto done;
    if ((status = us_model_initialize(model, NULL, group, groups, &rng, theta)) != US_OK) goto done;

    us_training_options how = US_TRAINING_OPTIONS_INIT;
    how.rule = us_rule_find("adam"), how.learning_rate = 0.003;
    if ((status = us_training_create(&training, problem, theta, &how)) != US_OK) goto done;
    if ((status = us_training_advance(training, 500)) != US_OK) goto done;

    const us_vec *at = us_training_theta(training);
    if ((status = us_training_preconditioner(training, d)) != US_OK) goto done;
    us_vec_read_f64(d, elements);
    if ((status = largest(problem, US_HESSIAN, at, NULL, &hessian)) != US_OK) goto done;
    if ((status = largest(problem, US_GAUSS_NEWTON, at, NULL, &gauss_newton)) != US_OK) goto done;
    if ((status = largest(problem, US_FISHER, at, NULL, &fisher)) != US_OK) goto done;
    if ((status = largest(problem, US_HESSIAN, at, elements, &seen)) != US_OK) goto done;
    const us_rule *rule = us_training_rule(training);
    double bears = rule->stability(us_training_hyper(training)) / seen;
    printf("largest eigenvalue: Hessian %.4g, Gauss-Newton %.4g, empirical Fisher %.4g\n", hessian, gauss_newton, fisher);
    printf("as Adam sees the Hessian: %.4g, so that it bears rates up to %.3g (0.003 is in use)\n", seen, bears);
done:
    if (status != US_OK) fprintf(stderr, "%s\n", context ? us_context_error(context) : us_status_meaning(status));
    us_training_destroy(training);
    us_vec_destroy(d);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    us_model_destroy(model);
    us_dataset_destroy(data);
    us_context_destroy(context);
    return status == US_OK && fisher > 0 && seen > 0 && gauss_newton > 0.5 * hessian ? 0 : 1;
}
