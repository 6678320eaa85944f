/* The Hessian's eigenvalues of a relu network with cross-entropy, one thread, by CPU time; bench/spectrum.py makes the data
 * and the parameters, and measures the peers on the same.
 *
 * usage: spectrum FILE ROWS D0-D1-..-DL WHAT [NUMBER [BLOCK [f64]]]
 *   FILE  features [ROWS×D0] f32, labels [ROWS] u32, θ f32 (each layer's weight [out×in], then its bias)
 *   WHAT  product K | smallest TOLERANCE | sign | top K | density STEPS PROBES | trace PRODUCTS | trace-by-products PRODUCTS
 * | hessian | bookkeeping VECTORS prints the seconds, the products, and what was found. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unstuck/unstuck.h>

enum { LAYERS = 8, REPEATS = 3 };

#define TRY(call)                                                                               \
    do {                                                                                        \
        us_status try_status = (call);                                                          \
        if (try_status < 0) {                                                                   \
            fprintf(stderr, "%s: %s\n", us_status_name(try_status), us_context_error(context)); \
            exit(1);                                                                            \
        }                                                                                       \
    } while (0)

static us_context *context;
static us_problem *problem;
static us_vec *theta;
static double in_products; /* seconds */

/* CPU seconds of this process: one thread, and other load on the machine does not count. */
static double spectrum_clock(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Bytes alive, and at most since `peak` was set: each block tells its size in a head of 64 bytes. */
static size_t alive, peak;

static void *spectrum_allocate(void *user, size_t bytes, size_t alignment) {
    (void)user, (void)alignment; /* at most 64 */
    size_t *head = aligned_alloc(64, 64 + (bytes + 63) / 64 * 64);
    if (!head) return NULL;
    *head = bytes;
    alive += bytes;
    if (alive > peak) peak = alive;
    return (char *)head + 64;
}

static void spectrum_release(void *user, void *block) {
    (void)user;
    size_t *head = (size_t *)(void *)((char *)block - 64);
    alive -= *head;
    free(head);
}

static us_node spectrum_graph(us_graph *g, const size_t *sizes, size_t layers) {
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

static void spectrum_read(FILE *file, void *to, size_t size, size_t count) {
    if (fread(to, size, count, file) != count) fprintf(stderr, "the file is too short\n"), exit(1);
}

static us_status spectrum_timed(void *user, const double *x, double *y, size_t k) {
    const us_operator *h = user;
    double start = spectrum_clock();
    us_status status = h->apply(h->user, x, y, k);
    in_products += spectrum_clock() - start;
    return status;
}

static void spectrum_lanczos(const us_operator *h, us_lanczos_options o) {
    us_eigenpairs *p;
    double *y = calloc(h->n, sizeof *y);
    TRY(h->apply(h->user, y, y, 1)); /* the problem's own memory is there already */
    free(y);
    in_products = 0;
    size_t before = peak = alive;
    double start = spectrum_clock();
    TRY(us_lanczos_solve(&p, context, h, &o));
    double seconds = spectrum_clock() - start;
    printf("%.4f seconds %zu products", seconds, p->products);
    for (size_t i = 0; i < p->bottom + p->top; i++) printf(" %.8g", p->values[i]);
    printf(" answer %d share %.3f vectors %.3f\n", (int)p->below, 1 - in_products / seconds,
           (double)(peak - before) / (double)(h->n * sizeof(double)));
    us_eigenpairs_destroy(p);
}

static void spectrum_measure(const char *what, double number, size_t block) {
    us_hessian_operator *hessian;
    TRY(us_hessian_operator_create(&hessian, problem, theta, US_BATCH_ALL, block > 16 ? block : 16));
    us_operator h = *us_hessian_operator_get(hessian);
    h.user = (void *)(uintptr_t)us_hessian_operator_get(hessian), h.apply = spectrum_timed;
    us_lanczos_options o = US_LANCZOS_OPTIONS_INIT;
    in_products = 0;
    double start = spectrum_clock();
    if (!strcmp(what, "product")) {
        double *x = calloc(2 * block * h.n, sizeof *x);
        us_rng rng = us_rng_init(1, 1);
        for (size_t i = 0; i < block * h.n; i++) x[i] = us_rng_normal(&rng);
        TRY(h.apply(h.user, x, x + block * h.n, block));
        start = spectrum_clock();
        for (int r = 0; r < REPEATS; r++) TRY(h.apply(h.user, x, x + block * h.n, block));
        printf("%.5f seconds a product\n", (spectrum_clock() - start) / REPEATS / (double)block);
        free(x);
    } else if (!strcmp(what, "smallest") || !strcmp(what, "sign")) {
        us_lowest_options l = US_LOWEST_OPTIONS_INIT;
        if (*what == 's' && what[1] == 'm') l.accuracy = number;
        us_lowest *found;
        TRY(us_hessian_lowest(&found, problem, theta, &l));
        printf("%.4f seconds %.2f products %.8g rounding %.2g sampling %.2g residual %.2g rows %zu answer %d applied %zu\n",
               spectrum_clock() - start, found->products, found->value, found->rounding, found->sampling, found->residual,
               found->rows, (int)found->below, found->applied);
        us_lowest_destroy(found);
    } else if (!strcmp(what, "top")) {
        o.bottom = 0, o.top = (size_t)number, o.tolerance = 1e-2, o.verify = false, o.block = block;
        spectrum_lanczos(&h, o);
    } else if (!strcmp(what, "bookkeeping")) {
        o.basis = o.products = (size_t)number, o.tolerance = 1e-15, o.verify = false, o.block = block;
        spectrum_lanczos(&h, o);
    } else if (!strcmp(what, "density")) {
        us_density_options d = US_DENSITY_OPTIONS_INIT;
        d.steps = (size_t)number, d.probes = block < 2 ? 2 : block, d.block = d.probes < 4 ? d.probes : 4;
        us_density *density;
        TRY(us_density_create(&density, context, &h, &d));
        printf("%.4f seconds %zu products %.8g %.8g", spectrum_clock() - start, density->products, density->lowest,
               density->highest);
        for (size_t i = 0; i < d.probes * d.steps; i++)
            printf(" %.9g %.9g", density->nodes[i], density->weights[i] / (double)d.probes);
        printf("\n");
        us_density_destroy(density);
    } else if (!strncmp(what, "trace", 5)) {
        us_trace_options t = US_TRACE_OPTIONS_INIT;
        t.products = (size_t)number, t.block = 16;
        us_trace_estimate estimate;
        if (!strcmp(what, "trace-by-products"))
            TRY(us_trace(&estimate, context, &h, &t));
        else
            TRY(us_hessian_trace(&estimate, problem, theta, US_BATCH_ALL, &t));
        printf("%.4f seconds %zu products %.8g %.8g\n", spectrum_clock() - start, estimate.products, estimate.value,
               estimate.standard_error);
    } else if (!strcmp(what, "hessian")) {
        double *matrix = malloc(h.n * h.n * sizeof *matrix);
        start = spectrum_clock();
        TRY(us_hessian_dense(problem, theta, NULL, matrix));
        printf("%.4f seconds %zu products\n", spectrum_clock() - start, h.n);
        free(matrix);
    }
    us_hessian_operator_destroy(hessian);
}

int main(int count, char **words) {
    size_t sizes[LAYERS + 1], layers = 0, rows;
    us_context_options memory = US_CONTEXT_OPTIONS_INIT;
    memory.allocate = spectrum_allocate, memory.release = spectrum_release;
    if (count < 5 || us_context_create(&context, &memory) != US_OK) return 2;
    rows = strtoul(words[2], NULL, 10);
    for (char *at = words[3]; layers <= LAYERS; at++) {
        sizes[layers++] = strtoul(at, &at, 10);
        if (*at != '-') break;
    }
    layers--;
    FILE *file = fopen(words[1], "rb");
    if (!file) return 2;
    us_dataset *data;
    us_graph *g;
    TRY(us_dataset_create(&data, context, US_F32, rows, sizes[0], US_CLASSIFICATION, sizes[layers]));
    spectrum_read(file, us_dataset_features(data), sizeof(float), rows * sizes[0]);
    spectrum_read(file, us_dataset_labels(data), sizeof(uint32_t), rows);
    TRY(us_graph_create(&g, context));
    us_graph_set_loss(g, spectrum_graph(g, sizes, layers));
    TRY(us_problem_create_graph(&problem, g, data, US_F32));
    TRY(us_vec_create(&theta, context, US_F32, us_problem_dimension(problem)));
    spectrum_read(file, us_vec_data(theta), sizeof(float), us_vec_size(theta));
    fclose(file);
    us_problem *single = problem;
    if (count > 7 && !strcmp(words[7], "f64")) {
        us_vec *wide;
        TRY(us_problem_recast(&problem, single, US_F64));
        TRY(us_vec_create(&wide, context, US_F64, us_vec_size(theta)));
        us_vec_copy(wide, theta);
        us_vec_destroy(theta);
        theta = wide;
    }
    spectrum_measure(words[4], count > 5 ? atof(words[5]) : 1, count > 6 ? strtoul(words[6], NULL, 10) : 1);
    us_vec_destroy(theta);
    if (problem != single) us_problem_destroy(problem);
    us_problem_destroy(single);
    us_dataset_destroy(data);
    us_context_destroy(context);
    return 0;
}
