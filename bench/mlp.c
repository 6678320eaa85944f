/* Samples a second of training a relu network with cross-entropy on random data, one thread, by CPU time.
 * usage: mlp BATCH RULE D0 D1 ... DL [products K]; prints the median of five measurements, the least and the most. With
 * `products K`, milliseconds of a gradient and of K products with the Hessian on BATCH rows instead. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unstuck/graph.h>
#include <unstuck/train.h>

enum { ROWS = 32768, LAYERS = 8, REPEATS = 5 };

#define TRY(call)                                                                               \
    do {                                                                                        \
        us_status try_status = (call);                                                          \
        if (try_status != US_OK) {                                                              \
            fprintf(stderr, "%s: %s\n", us_status_name(try_status), us_context_error(context)); \
            exit(1);                                                                            \
        }                                                                                       \
    } while (0)

/* CPU seconds of this process: one thread, and other load on the machine does not count. */
static double mlp_clock(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int mlp_compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static us_node mlp_graph(us_graph *g, const size_t *sizes, size_t layers) {
    us_node h = us_graph_features(g, sizes[0]);
    for (size_t l = 1; l <= layers; l++) {
        char name[32];
        snprintf(name, sizeof name, "layer%zu.weight", l);
        us_node w = us_graph_parameter(g, name, 2, (size_t[]){sizes[l], sizes[l - 1]});
        snprintf(name, sizeof name, "layer%zu.bias", l);
        us_node b = us_graph_parameter(g, name, 1, (size_t[]){sizes[l]});
        h = us_graph_add(g, us_graph_matmul(g, h, false, w, true), b);
        if (l < layers) h = us_graph_apply(g, "relu", h);
    }
    return us_graph_cross_entropy(g, h, us_graph_labels(g, sizes[layers]));
}

int main(int count, char **words) {
    us_context *context;
    size_t sizes[LAYERS + 1], layers = 0, products = 0;
    if (count < 5 || us_context_create(&context, NULL) != US_OK) return 2;
    size_t batch = strtoul(words[1], NULL, 10);
    for (int i = 3; i < count && i < 3 + LAYERS; i++, layers++) {
        if (!strcmp(words[i], "products") && i + 1 < count) {
            products = strtoul(words[i + 1], NULL, 10);
            break;
        }
        sizes[layers] = strtoul(words[i], NULL, 10);
    }
    layers--;
    us_dataset *data;
    us_rng rng = us_rng_init(1, 1);
    TRY(us_dataset_create(&data, context, US_F32, ROWS, sizes[0], US_CLASSIFICATION, sizes[layers]));
    float *x = us_dataset_features(data);
    for (size_t i = 0; i < ROWS * sizes[0]; i++) x[i] = (float)us_rng_uniform(&rng) * 3.46f - 1.73f;
    for (size_t i = 0; i < ROWS; i++) us_dataset_labels(data)[i] = us_rng_below(&rng, (uint32_t)sizes[layers]);

    us_graph *g;
    us_problem *problem;
    us_training *training;
    us_vec *theta;
    TRY(us_graph_create(&g, context));
    us_graph_set_loss(g, mlp_graph(g, sizes, layers));
    TRY(us_problem_create_graph(&problem, g, data, US_F32));
    size_t n = us_problem_dimension(problem);
    TRY(us_vec_create(&theta, context, US_F32, n));
    us_vec_fill_normal(theta, &rng);
    us_vec_scale(theta, 0.03);
    double seconds[REPEATS];
    if (products) {
        us_vec *v[64], *hv[64], *gradient;
        double loss, gradients[REPEATS];
        uint32_t *rows = malloc(batch * sizeof *rows);
        for (size_t i = 0; i < batch; i++) rows[i] = (uint32_t)(i * 31 % ROWS);
        us_batch some = {rows, batch};
        TRY(us_vec_create(&gradient, context, US_F32, n));
        for (size_t k = 0; k < products && k < 64; k++) {
            TRY(us_vec_create(&v[k], context, US_F32, n));
            TRY(us_vec_create(&hv[k], context, US_F32, n));
            us_vec_fill_normal(v[k], &rng);
        }
        for (int r = -1; r < REPEATS; r++) {
            double start = mlp_clock();
            TRY(us_problem_gradient(problem, theta, some, &loss, gradient));
            double between = mlp_clock();
            TRY(us_problem_hvp(problem, theta, some, (const us_vec *const *)v, hv, products));
            if (r >= 0) gradients[r] = between - start, seconds[r] = mlp_clock() - between;
        }
        qsort(gradients, REPEATS, sizeof *gradients, mlp_compare);
        qsort(seconds, REPEATS, sizeof *seconds, mlp_compare);
        printf("gradient %.3f ms, %zu products %.3f ms, a product is %.2f gradients\n", 1e3 * gradients[REPEATS / 2],
               products, 1e3 * seconds[REPEATS / 2], seconds[REPEATS / 2] / gradients[REPEATS / 2] / (double)products);
        return 0;
    }
    us_training_options options = US_TRAINING_OPTIONS_INIT;
    options.rule = us_rule_find(words[2]);
    options.batch = batch;
    options.learning_rate = 0.001;
    TRY(us_training_create(&training, problem, theta, &options));
    TRY(us_training_advance(training, 10));
    for (int r = 0; r < REPEATS; r++) {
        double start = mlp_clock();
        size_t steps = 0;
        do {
            TRY(us_training_advance(training, 20));
            steps += 20;
        } while (mlp_clock() - start < 0.4);
        seconds[r] = (mlp_clock() - start) / (double)(steps * batch);
    }
    qsort(seconds, REPEATS, sizeof *seconds, mlp_compare);
    printf("%.0f samples/s [%.0f-%.0f]\n", 1 / seconds[REPEATS / 2], 1 / seconds[REPEATS - 1], 1 / seconds[0]);
    us_vec_destroy(theta);
    us_training_destroy(training);
    us_problem_destroy(problem);
    us_dataset_destroy(data);
    us_context_destroy(context);
    return 0;
}
