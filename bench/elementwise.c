/* A deep chain of elementwise operations over 512 samples of 4096 numbers, as between the products of a transformer: layer
 * normalisation, gelu, a softmax that weighs it, and a residual; value, gradient and product with the Hessian, one thread,
 * by CPU time. usage: elementwise [WIDTH [separate]]; `separate` computes each node by itself. Prints milliseconds. */
#include "graph/graph.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROWS = 512, REPEATS = 7 };

#define TRY(call)                                                                               \
    do {                                                                                        \
        us_status try_status = (call);                                                          \
        if (try_status != US_OK) {                                                              \
            fprintf(stderr, "%s: %s\n", us_status_name(try_status), us_context_error(context)); \
            exit(1);                                                                            \
        }                                                                                       \
    } while (0)

static double elementwise_clock(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int elementwise_compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int count, char **words) {
    us_context *context;
    us_dataset *data;
    us_graph *g;
    us_problem *problem;
    us_vec *theta, *gradient, *hv;
    size_t width = count > 1 ? strtoul(words[1], NULL, 10) : 4096;
    if (us_context_create(&context, NULL) != US_OK) return 2;
    us_rng rng = us_rng_init(1, 1);
    TRY(us_dataset_create(&data, context, US_F32, ROWS, width, US_REGRESSION, 1));
    for (size_t i = 0; i < ROWS * width; i++) ((float *)us_dataset_features(data))[i] = (float)us_rng_normal(&rng);
    TRY(us_graph_create(&g, context));
    g->separate = count > 2 && !strcmp(words[2], "separate");
    us_node x = us_graph_features(g, width), p[6];
    const char *names[] = {"gain", "bias", "up", "shift", "gate", "out"};
    for (size_t k = 0; k < 6; k++) p[k] = us_graph_parameter(g, names[k], 1, &width);
    us_node h = us_graph_layer_norm(g, us_graph_mul(g, x, p[5]), p[0], p[1], 1e-5);
    us_node a = us_graph_apply(g, "gelu", us_graph_add(g, us_graph_mul(g, h, p[2]), p[3]));
    us_node b = us_graph_softmax(g, us_graph_mul(g, h, p[4]));
    us_node y = us_graph_add(g, x, us_graph_mul(g, us_graph_mul(g, a, b), p[5]));
    us_graph_set_loss(g, us_graph_mul(g, us_graph_constant(g, 0.5), us_graph_sum(g, us_graph_mul(g, y, y), 1)));
    TRY(us_problem_create_graph(&problem, g, data, US_F32));
    size_t n = us_problem_dimension(problem);
    TRY(us_vec_create(&theta, context, US_F32, n));
    TRY(us_vec_create(&gradient, context, US_F32, n));
    TRY(us_vec_create(&hv, context, US_F32, n));
    us_vec_fill_normal(theta, &rng);
    double seconds[3][REPEATS], loss = 0;
    for (int r = -1; r < REPEATS; r++) {
        double start = elementwise_clock();
        TRY(us_problem_value(problem, theta, US_BATCH_ALL, &loss));
        double value = elementwise_clock();
        TRY(us_problem_gradient(problem, theta, US_BATCH_ALL, &loss, gradient));
        double slope = elementwise_clock();
        TRY(us_problem_hvp(problem, theta, US_BATCH_ALL, (const us_vec *const *)&theta, &hv, 1));
        double end = elementwise_clock();
        if (r < 0) continue;
        seconds[0][r] = value - start, seconds[1][r] = slope - value, seconds[2][r] = end - slope;
    }
    for (int i = 0; i < 3; i++) qsort(seconds[i], REPEATS, sizeof seconds[i][0], elementwise_compare);
    printf("value %.2f gradient %.2f product %.2f ms\n", 1e3 * seconds[0][REPEATS / 2], 1e3 * seconds[1][REPEATS / 2],
           1e3 * seconds[2][REPEATS / 2]);
    us_vec_destroy(theta), us_vec_destroy(gradient), us_vec_destroy(hv);
    us_problem_destroy(problem);
    us_dataset_destroy(data);
    us_context_destroy(context);
    return 0;
}
