/* Samples a second of training a small convolutional network (3×3×16, relu, pool, 3×3×32, relu, pool, dense 10 on 28×28)
 * with cross-entropy on random images, one thread, by CPU time.
 * usage: cnn BATCH [RULE]           prints the median of five measurements, the least and the most
 *        cnn BATCH RULE threads     by the wall: one thread, two threads, by turns; medians */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unstuck/graph.h>
#include <unstuck/train.h>

enum { ROWS = 8192, SIDE = 28, CLASSES = 10, REPEATS = 5 };

#define TRY(call)                                                                               \
    do {                                                                                        \
        us_status try_status = (call);                                                          \
        if (try_status != US_OK) {                                                              \
            fprintf(stderr, "%s: %s\n", us_status_name(try_status), us_context_error(context)); \
            exit(1);                                                                            \
        }                                                                                       \
    } while (0)

static us_context *context;

static double cnn_clock(clockid_t which) {
    struct timespec t;
    clock_gettime(which, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int cnn_compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Convolution 3×3 that keeps the size, relu, pool 2×2. */
static us_node cnn_layer(us_graph *g, us_node x, int number, size_t inputs, size_t outputs) {
    us_convolution how = US_CONVOLUTION_INIT;
    char name[32];
    how.padding[0] = how.padding[1] = 1;
    snprintf(name, sizeof name, "layer%d.weight", number);
    us_node w = us_graph_parameter(g, name, 4, (size_t[]){outputs, inputs, 3, 3});
    snprintf(name, sizeof name, "layer%d.bias", number);
    us_node b = us_graph_parameter(g, name, 3, (size_t[]){outputs, 1, 1});
    return us_graph_max_pool(g, us_graph_apply(g, "relu", us_graph_add(g, us_graph_convolution(g, x, w, &how), b)), NULL);
}

static us_node cnn_graph(us_graph *g) {
    us_node x = us_graph_reshape(g, us_graph_features(g, SIDE * SIDE), 4, (size_t[]){US_SAMPLES, 1, SIDE, SIDE});
    x = cnn_layer(g, cnn_layer(g, x, 1, 1, 16), 2, 16, 32);
    size_t inputs = 32 * (SIDE / 4) * (SIDE / 4);
    x = us_graph_reshape(g, x, 2, (size_t[]){US_SAMPLES, inputs});
    us_node w = us_graph_parameter(g, "layer3.weight", 2, (size_t[]){CLASSES, inputs});
    us_node b = us_graph_parameter(g, "layer3.bias", 1, (size_t[]){CLASSES});
    us_node logits = us_graph_add(g, us_graph_matmul(g, x, false, w, true), b);
    return us_graph_cross_entropy(g, logits, us_graph_labels(g, CLASSES));
}

/* Seconds a step: of this process, so that other load on the machine does not count, or by the wall. */
static double cnn_steps(us_training *training, int threads, bool wall) {
    clockid_t clock = wall ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID;
    TRY(us_context_set_threads(context, threads));
    TRY(us_training_advance(training, 3));
    double start = cnn_clock(clock), now;
    size_t steps = 0;
    do {
        TRY(us_training_advance(training, 4));
        steps += 4;
        now = cnn_clock(clock);
    } while (now - start < 0.4);
    return (now - start) / (double)steps;
}

int main(int count, char **words) {
    if (count < 2 || us_context_create(&context, NULL) != US_OK) return 2;
    size_t batch = strtoul(words[1], NULL, 10);
    us_dataset *data;
    us_rng rng = us_rng_init(1, 1);
    TRY(us_dataset_create(&data, context, US_F32, ROWS, SIDE * SIDE, US_CLASSIFICATION, CLASSES));
    float *x = us_dataset_features(data);
    for (size_t i = 0; i < (size_t)ROWS * SIDE * SIDE; i++) x[i] = (float)us_rng_uniform(&rng) * 3.46f - 1.73f;
    for (size_t i = 0; i < ROWS; i++) us_dataset_labels(data)[i] = us_rng_below(&rng, CLASSES);

    us_graph *g;
    us_problem *problem;
    us_training *training;
    us_vec *theta;
    TRY(us_graph_create(&g, context));
    us_graph_set_loss(g, cnn_graph(g));
    TRY(us_problem_create_graph(&problem, g, data, US_F32));
    TRY(us_vec_create(&theta, context, US_F32, us_problem_dimension(problem)));
    us_vec_fill_normal(theta, &rng);
    us_vec_scale(theta, 0.05);
    us_training_options options = US_TRAINING_OPTIONS_INIT;
    options.rule = us_rule_find(count > 2 ? words[2] : "sgd");
    options.batch = batch;
    options.learning_rate = 0.001;
    TRY(us_training_create(&training, problem, theta, &options));
    double seconds[2][REPEATS];
    bool threads = count > 3;
    for (int r = 0; r < REPEATS; r++)
        for (int t = 0; t <= threads; t++) seconds[t][r] = cnn_steps(training, t + 1, threads) / (double)batch;
    for (int t = 0; t <= threads; t++) qsort(seconds[t], REPEATS, sizeof **seconds, cnn_compare);
    if (threads)
        printf("%.0f %.0f\n", 1 / seconds[0][REPEATS / 2], 1 / seconds[1][REPEATS / 2]);
    else
        printf("%.0f samples/s [%.0f-%.0f]\n", 1 / seconds[0][REPEATS / 2], 1 / seconds[0][REPEATS - 1], 1 / seconds[0][0]);
    us_vec_destroy(theta);
    us_training_destroy(training);
    us_problem_destroy(problem);
    us_dataset_destroy(data);
    us_context_destroy(context);
    return 0;
}
