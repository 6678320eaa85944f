/* Linear regression on generated data: seconds an epoch takes. Prints one "name seconds" a line; linear.py runs this beside
 * its peers and prints ratios. Usage: bench_linear [ROWS COLUMNS [REPEATS [NAME]]] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unstuck/linear.h>
#include <unstuck/train.h>

/* Of this process: what others do on the machine counts less than in time on the wall. */
static double cpu_seconds(void) { return (double)clock() / CLOCKS_PER_SEC; }

static void check(us_context *context, us_status status) {
    if (status >= 0) return;
    fprintf(stderr, "%s: %s\n", us_status_name(status), us_context_error(context));
    exit(1);
}

/* y = x·w + 1 + noise, features of variance 1. */
static us_dataset *generate(us_context *context, size_t rows, size_t columns) {
    us_dataset *dataset;
    check(context, us_dataset_create(&dataset, context, US_F32, rows, columns, US_REGRESSION, 1));
    float *x = us_dataset_features(dataset), *y = us_dataset_targets(dataset);
    us_rng rng = us_rng_init(1, 0);
    for (size_t i = 0; i < rows; i++) {
        double sum = 1 + us_rng_normal(&rng);
        for (size_t c = 0; c < columns; c++) {
            x[i * columns + c] = (float)((double)us_rng_u32(&rng) * 0x1p-32 - 0.5) * 3.4641016f;
            sum += (double)x[i * columns + c] * (c % 3 ? 0.7 : -1.3);
        }
        y[i] = (float)sum;
    }
    return dataset;
}

/* Steps in the order of the file: the gradient, and the update by itself. */
static double in_order(us_context *context, us_problem *problem, us_vec *theta, us_vec *gradient, size_t batch) {
    size_t samples = us_problem_samples(problem);
    uint32_t *rows = malloc(samples * sizeof *rows);
    for (size_t i = 0; i < samples; i++) rows[i] = (uint32_t)i;
    us_vec_fill(theta, 0);
    double begin = cpu_seconds(), loss;
    for (size_t i = 0; i < samples; i += batch) {
        size_t count = samples - i < batch ? samples - i : batch;
        check(context, us_problem_gradient(problem, theta, (us_batch){rows + i, count}, &loss, gradient));
        us_vec_axpy(theta, -1e-4, gradient);
    }
    double seconds = cpu_seconds() - begin;
    free(rows);
    return seconds;
}

static double epoch(us_context *context, us_problem *problem, const us_vec *theta, size_t batch) {
    us_training *training;
    us_training_options options = US_TRAINING_OPTIONS_INIT;
    options.batch = batch;
    options.learning_rate = 1e-4;
    check(context, us_training_create(&training, problem, theta, &options));
    double begin = cpu_seconds();
    check(context, us_training_advance(training, us_training_steps_per_epoch(training)));
    double seconds = cpu_seconds() - begin;
    us_training_destroy(training);
    return seconds;
}

static double all_rows(us_context *context, us_problem *problem, us_vec *theta, us_vec *gradient) {
    double begin = cpu_seconds(), loss;
    check(context, us_problem_gradient(problem, theta, US_BATCH_ALL, &loss, gradient));
    return cpu_seconds() - begin;
}

int main(int count, char **arguments) {
    size_t rows = count > 1 ? strtoul(arguments[1], NULL, 10) : 1000000,
           columns = count > 2 ? strtoul(arguments[2], NULL, 10) : 100;
    int repeats = count > 3 ? atoi(arguments[3]) : 3;
    const char *only = count > 4 ? arguments[4] : NULL;
    us_context *context;
    us_problem *problem;
    us_vec *theta, *gradient;
    check(NULL, us_context_create(&context, NULL));
    us_dataset *dataset = generate(context, rows, columns);
    check(context, us_problem_create_linear(&problem, dataset, US_LINEAR_HALF_MSE));
    check(context, us_vec_create(&theta, context, US_F32, us_problem_dimension(problem)));
    check(context, us_vec_create(&gradient, context, US_F32, us_problem_dimension(problem)));
    for (int r = 0; r < repeats; r++) {
        static const size_t BATCHES[] = {1, 32, 4096};
        for (size_t b = 0; b < 3; b++) {
            char name[32];
            snprintf(name, sizeof name, "batch-%zu-in-order", BATCHES[b]);
            if (!only || !strcmp(only, name))
                printf("%s %.6f\n", name, in_order(context, problem, theta, gradient, BATCHES[b]));
            us_vec_fill(theta, 0);
            snprintf(name, sizeof name, "batch-%zu-shuffled", BATCHES[b]);
            if (!only || !strcmp(only, name)) printf("%s %.6f\n", name, epoch(context, problem, theta, BATCHES[b]));
        }
        if (!only || !strcmp(only, "all-rows")) printf("all-rows %.6f\n", all_rows(context, problem, theta, gradient));
    }
    us_vec_destroy(theta), us_vec_destroy(gradient);
    us_problem_destroy(problem);
    us_dataset_destroy(dataset);
    us_context_destroy(context);
    return 0;
}
