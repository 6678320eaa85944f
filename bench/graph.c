/* Networks as graphs: training, products with the Hessian, and how near both come to the BLAS on the same shapes.
 * usage: graph train ARCH BATCH RULE     samples/s with one thread (CPU time); then wall: one thread, two threads, by turns
 *        graph product ARCH ROWS         ms: gradient, product from nothing, product at a kept point, each of 16 at one
 *        graph share ARCH BATCH          the step's matrix products alone over an SGD step
 *        graph memory ARCH ROWS KIND     bytes: a gradient's, a product's; KIND relu, tanh, gelu or norm (layer norm, relu)
 * ARCH is 784-128-10: relu between, cross-entropy after. Medians; data and θ are random. */
#include <cblas.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unstuck/graph.h>
#include <unstuck/train.h>

enum { ROWS = 32768, LAYERS = 8, REPEATS = 7, BLOCK = 16 };

#define TRY(call)                                                                               \
    do {                                                                                        \
        us_status try_status = (call);                                                          \
        if (try_status != US_OK) {                                                              \
            fprintf(stderr, "%s: %s\n", us_status_name(try_status), us_context_error(context)); \
            exit(1);                                                                            \
        }                                                                                       \
    } while (0)

/* ------------------------------------------------------------------ what is measured */

typedef struct subject {
    us_dataset *data;
    us_problem *problem;
    us_vec *theta;
    size_t sizes[LAYERS + 1], layers;
} subject;

static us_context *context;
static const char *kind = "relu"; /* between the layers */
static size_t bytes_now, bytes_peak;

static void *subject_allocate(void *user, size_t bytes, size_t alignment) {
    (void)user;
    void *memory = NULL;
    if (posix_memalign(&memory, alignment < 64 ? 64 : alignment, bytes)) return NULL;
    bytes_now += malloc_usable_size(memory);
    if (bytes_now > bytes_peak) bytes_peak = bytes_now;
    return memory;
}

static void subject_release(void *user, void *memory) {
    (void)user;
    bytes_now -= malloc_usable_size(memory);
    free(memory);
}

static us_node subject_loss(us_graph *g, const subject *s) {
    us_node h = us_graph_features(g, s->sizes[0]);
    for (size_t l = 1; l <= s->layers; l++) {
        char name[32];
        snprintf(name, sizeof name, "layer%zu.weight", l);
        us_node w = us_graph_parameter(g, name, 2, (size_t[]){s->sizes[l], s->sizes[l - 1]});
        snprintf(name, sizeof name, "layer%zu.bias", l);
        us_node b = us_graph_parameter(g, name, 1, (size_t[]){s->sizes[l]});
        h = us_graph_add(g, us_graph_matmul(g, h, false, w, true), b);
        if (l == s->layers) continue;
        bool norm = !strcmp(kind, "norm");
        if (norm) {
            snprintf(name, sizeof name, "layer%zu.gain", l);
            us_node gain = us_graph_parameter(g, name, 1, (size_t[]){s->sizes[l]});
            snprintf(name, sizeof name, "layer%zu.shift", l);
            h = us_graph_layer_norm(g, h, gain, us_graph_parameter(g, name, 1, (size_t[]){s->sizes[l]}), 1e-5);
        }
        h = us_graph_apply(g, norm ? "relu" : kind, h);
    }
    return us_graph_cross_entropy(g, h, us_graph_labels(g, s->sizes[s->layers]));
}

static void subject_problem(subject *s) {
    us_graph *g;
    TRY(us_graph_create(&g, context));
    us_graph_set_loss(g, subject_loss(g, s));
    TRY(us_problem_create_graph(&s->problem, g, s->data, US_F32));
}

static subject subject_make(const char *arch) {
    subject s = {.layers = 0};
    us_rng rng = us_rng_init(1, 1);
    for (const char *at = arch; s.layers <= LAYERS;) {
        char *end;
        s.sizes[s.layers++] = strtoul(at, &end, 10);
        if (*end != '-') break;
        at = end + 1;
    }
    s.layers--;
    TRY(us_dataset_create(&s.data, context, US_F32, ROWS, s.sizes[0], US_CLASSIFICATION, s.sizes[s.layers]));
    float *x = us_dataset_features(s.data);
    for (size_t i = 0; i < ROWS * s.sizes[0]; i++) x[i] = (float)us_rng_uniform(&rng) * 3.46f - 1.73f;
    for (size_t i = 0; i < ROWS; i++) us_dataset_labels(s.data)[i] = us_rng_below(&rng, (uint32_t)s.sizes[s.layers]);
    subject_problem(&s);
    TRY(us_vec_create(&s.theta, context, US_F32, us_problem_dimension(s.problem)));
    us_vec_fill_normal(s.theta, &rng);
    us_vec_scale(s.theta, 0.03);
    return s;
}

/* Rows in no order, as a training takes them. @param rows [count] */
static us_batch subject_rows(uint32_t *rows, size_t count) {
    for (size_t i = 0; i < count; i++) rows[i] = (uint32_t)(i * 7919 % ROWS);
    return (us_batch){rows, count};
}

/* ------------------------------------------------------------------ measuring */

static double graph_clock(clockid_t which) {
    struct timespec t;
    clock_gettime(which, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int graph_compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double graph_median(double *seconds) {
    qsort(seconds, REPEATS, sizeof *seconds, graph_compare);
    return seconds[REPEATS / 2];
}

/* Seconds a step, measured for about `least` seconds. */
static double graph_steps(us_training *training, int threads, clockid_t clock, double least) {
    TRY(us_context_set_threads(context, threads));
    TRY(us_training_advance(training, 3));
    double start = graph_clock(clock), now;
    size_t steps = 0;
    do {
        TRY(us_training_advance(training, 5));
        steps += 5;
        now = graph_clock(clock);
    } while (now - start < least);
    return (now - start) / (double)steps;
}

static us_training *graph_training(const subject *s, const char *rule, size_t batch) {
    us_training *training;
    us_training_options options = US_TRAINING_OPTIONS_INIT;
    options.rule = us_rule_find(rule);
    options.batch = batch;
    options.learning_rate = 0.001;
    TRY(us_training_create(&training, s->problem, s->theta, &options));
    return training;
}

static void graph_train(const subject *s, size_t batch, const char *rule) {
    us_training *training = graph_training(s, rule, batch);
    double cpu[REPEATS], one[REPEATS], two[REPEATS];
    for (size_t r = 0; r < REPEATS; r++) {
        cpu[r] = graph_steps(training, 1, CLOCK_PROCESS_CPUTIME_ID, 0.2);
        one[r] = graph_steps(training, 1, CLOCK_MONOTONIC, 0.1);
        two[r] = graph_steps(training, 2, CLOCK_MONOTONIC, 0.1);
    }
    double samples = (double)batch;
    printf("%.0f %.0f %.0f\n", samples / graph_median(cpu), samples / graph_median(one), samples / graph_median(two));
    us_training_destroy(training);
}

/* Milliseconds of one call, CPU time. `fresh`: at a point where nothing is known yet. */
static double graph_products(const subject *s, us_batch batch, us_vec **v, us_vec **hv, size_t k, bool fresh) {
    double least = 0.15, used = 0;
    size_t calls = 0;
    for (; used < least; calls++) {
        if (fresh) us_vec_set(s->theta, 0, us_vec_get(s->theta, 0) + 1e-3);
        double start = graph_clock(CLOCK_PROCESS_CPUTIME_ID);
        TRY(us_problem_hvp(s->problem, s->theta, batch, (const us_vec *const *)v, hv, k));
        used += graph_clock(CLOCK_PROCESS_CPUTIME_ID) - start;
    }
    return 1e3 * used / (double)calls;
}

static void graph_product(const subject *s, size_t count) {
    us_vec *v[BLOCK], *hv[BLOCK], *gradient;
    us_rng rng = us_rng_init(2, 1);
    uint32_t *rows = malloc(count * sizeof *rows);
    us_batch batch = subject_rows(rows, count);
    size_t n = us_problem_dimension(s->problem);
    double loss, g[REPEATS], nothing[REPEATS], kept[REPEATS], block[REPEATS];
    TRY(us_vec_create(&gradient, context, US_F32, n));
    for (size_t k = 0; k < BLOCK; k++) {
        TRY(us_vec_create(&v[k], context, US_F32, n));
        TRY(us_vec_create(&hv[k], context, US_F32, n));
        us_vec_fill_normal(v[k], &rng);
    }
    for (int r = -1; r < REPEATS; r++) {
        double used = 0;
        size_t calls = 0;
        for (; used < 0.15; calls++) {
            double start = graph_clock(CLOCK_PROCESS_CPUTIME_ID);
            TRY(us_problem_gradient(s->problem, s->theta, batch, &loss, gradient));
            used += graph_clock(CLOCK_PROCESS_CPUTIME_ID) - start;
        }
        double fresh = graph_products(s, batch, v, hv, 1, true), same = graph_products(s, batch, v, hv, 1, false);
        double many = graph_products(s, batch, v, hv, BLOCK, false) / BLOCK;
        if (r >= 0) g[r] = 1e3 * used / (double)calls, nothing[r] = fresh, kept[r] = same, block[r] = many;
    }
    printf("%.4f %.4f %.4f %.4f\n", graph_median(g), graph_median(nothing), graph_median(kept), graph_median(block));
    for (size_t k = 0; k < BLOCK; k++) us_vec_destroy(v[k]), us_vec_destroy(hv[k]);
    us_vec_destroy(gradient);
    free(rows);
}

/* The products of a step, nothing else: forward, δ and the weights' gradient of each layer. */
static double graph_gemms(const subject *s, size_t batch, float *const *a, float *const *w, double least) {
    double start = graph_clock(CLOCK_PROCESS_CPUTIME_ID), now;
    size_t times = 0;
    int m = (int)batch;
    do {
        for (size_t l = 0; l < s->layers; l++) {
            int in = (int)s->sizes[l], out = (int)s->sizes[l + 1];
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, out, in, 1, a[l], in, w[l], in, 0, a[l + 1], out);
            cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, out, in, m, 1, a[l + 1], out, a[l], in, 0, w[l], in);
            if (l > 0)
                cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, in, out, 1, a[l + 1], out, w[l], in, 0, a[l], in);
        }
        times++;
        now = graph_clock(CLOCK_PROCESS_CPUTIME_ID);
    } while (now - start < least);
    return (now - start) / (double)times;
}

static void graph_share(const subject *s, size_t batch) {
    float *a[LAYERS + 1], *w[LAYERS];
    double gemms[REPEATS], steps[REPEATS];
    us_training *training = graph_training(s, "sgd", batch);
    for (size_t l = 0; l <= s->layers; l++) {
        a[l] = calloc(batch * s->sizes[l], sizeof(float));
        w[l] = l < s->layers ? calloc(s->sizes[l] * s->sizes[l + 1], sizeof(float)) : NULL;
    }
    for (size_t r = 0; r < REPEATS; r++) {
        gemms[r] = graph_gemms(s, batch, a, w, 0.15);
        steps[r] = graph_steps(training, 1, CLOCK_PROCESS_CPUTIME_ID, 0.15);
    }
    double flops = 0;
    for (size_t l = 0; l < s->layers; l++) flops += (l ? 6.0 : 4.0) * (double)(batch * s->sizes[l] * s->sizes[l + 1]);
    double gemm = graph_median(gemms), step = graph_median(steps);
    printf("%.4f %.1f %.1f\n", gemm / step, 1e-9 * flops / gemm, 1e-9 * flops / step);
    us_training_destroy(training);
    for (size_t l = 0; l <= s->layers; l++) {
        free(a[l]);
        if (l < s->layers) free(w[l]);
    }
}

/* Beyond what the problem has before, and the caller's vectors. */
static void graph_memory(subject *s, size_t count) {
    uint32_t *rows = malloc(count * sizeof *rows);
    us_batch batch = subject_rows(rows, count);
    us_vec *v, *out;
    double loss;
    TRY(us_vec_create(&v, context, US_F32, us_problem_dimension(s->problem)));
    TRY(us_vec_create(&out, context, US_F32, us_problem_dimension(s->problem)));
    size_t before = bytes_now;
    bytes_peak = before;
    TRY(us_problem_gradient(s->problem, s->theta, batch, &loss, out));
    size_t gradient = bytes_peak - before;
    us_problem_destroy(s->problem);
    subject_problem(s);
    before = bytes_now;
    bytes_peak = before;
    TRY(us_problem_hvp(s->problem, s->theta, batch, (const us_vec *const *)&v, &out, 1));
    printf("%zu %zu\n", gradient, bytes_peak - before);
    us_vec_destroy(v);
    us_vec_destroy(out);
    free(rows);
}

int main(int count, char **words) {
    us_context_options options = US_CONTEXT_OPTIONS_INIT;
    if (count < 4) return 2;
    if (!strcmp(words[1], "memory")) options.allocate = subject_allocate, options.release = subject_release;
    if (us_context_create(&context, &options) != US_OK) return 2;
    if (!strcmp(words[1], "memory") && count > 4) kind = words[4];
    subject s = subject_make(words[2]);
    size_t rows = strtoul(words[3], NULL, 10);
    if (!strcmp(words[1], "train"))
        graph_train(&s, rows, count > 4 ? words[4] : "sgd");
    else if (!strcmp(words[1], "product"))
        graph_product(&s, rows);
    else if (!strcmp(words[1], "share"))
        graph_share(&s, rows);
    else
        graph_memory(&s, rows);
    us_vec_destroy(s.theta);
    us_problem_destroy(s.problem);
    us_dataset_destroy(s.data);
    us_context_destroy(context);
    return 0;
}
