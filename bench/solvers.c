/* The chained Rosenbrock function Σ 100(xᵢ₊₁ − xᵢ²)² + (1 − xᵢ)² by our solvers and by libLBFGS and NLopt, which are looked
 * for when this program runs: all with ten pairs, from the same start, until ‖g‖₂ < 1e-6. By processor time. usage:
 * bench_solvers SOLVER N std|near      SOLVER: l-bfgs, conjugate-gradient, perturbed-gradient; liblbfgs, nlopt */
#include <dlfcn.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unstuck/solve.h>

static double clock_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef struct bench {
    size_t n, evaluations, reached_at;
    double began, reached, value;
} bench;

static double rosenbrock(bench *b, const double *x, double *g) {
    double f = 0, square = 0;
    b->evaluations++;
    g[0] = 0;
    for (size_t i = 0; i + 1 < b->n; i++) {
        double a = x[i + 1] - x[i] * x[i], c = 1 - x[i];
        f += 100 * a * a + c * c;
        g[i] += -400 * a * x[i] - 2 * c;
        g[i + 1] = 200 * a;
    }
    for (size_t i = 0; i < b->n; i++) square += g[i] * g[i];
    if (square < 1e-12 && !b->reached_at) {
        b->reached_at = b->evaluations;
        b->reached = clock_seconds() - b->began;
        b->value = f;
    }
    return f;
}

/* ------------------------------------------------------------------ ours */

static void ours(bench *b, const char *name, double *x) {
    us_context *context;
    us_solver *solver;
    const us_request *q;
    us_minimize_options options = US_MINIMIZE_OPTIONS_INIT;
    options.iterations = 1000000;
    options.gradient_tolerance = 0;
    if (us_context_create(&context, NULL) != US_OK) exit(1);
    us_solver_sizes sizes = {b->n, 0, 1};
    if (us_solver_create(&solver, context, name, sizes, x, &options) != US_OK) {
        fprintf(stderr, "%s\n", us_context_error(context));
        exit(1);
    }
    b->began = clock_seconds();
    while (!b->reached_at && us_solver_next(solver, &q) == US_OK && q->ask == US_ASK_GRADIENT)
        *q->value = rosenbrock(b, q->theta, q->gradient);
    us_solver_destroy(solver);
    us_context_destroy(context);
}

/* ------------------------------------------------------------------ libLBFGS */

/* lbfgs_parameter_t of lbfgs.h. */
typedef struct lbfgs_parameters {
    int m;
    double epsilon;
    int past;
    double delta;
    int max_iterations, linesearch, max_linesearch;
    double min_step, max_step, ftol, wolfe, gtol, xtol, orthantwise_c;
    int orthantwise_start, orthantwise_end;
} lbfgs_parameters;
typedef double lbfgs_evaluate(void *, const double *, double *, int, double);
typedef int lbfgs_progress(void *, const double *, const double *, double, double, double, double, int, int, int);

static double lbfgs_value(void *user, const double *x, double *g, int n, double step) {
    (void)n, (void)step;
    return rosenbrock(user, x, g);
}
static int lbfgs_stop(void *user, const double *x, const double *g, double f, double xn, double gn, double step, int n,
                      int k, int ls) {
    (void)x, (void)g, (void)f, (void)xn, (void)gn, (void)step, (void)n, (void)k, (void)ls;
    return ((bench *)user)->reached_at != 0;
}

static bool peer_lbfgs(bench *b, double *x) {
    void *library = dlopen("liblbfgs.so.0", RTLD_NOW);
    if (!library) library = dlopen("liblbfgs.so", RTLD_NOW);
    if (!library) return false;
    int (*run)(int, double *, double *, lbfgs_evaluate *, lbfgs_progress *, void *, lbfgs_parameters *);
    void (*init)(lbfgs_parameters *);
    double *(*allocate)(int), *at, f;
    *(void **)&run = dlsym(library, "lbfgs");
    *(void **)&init = dlsym(library, "lbfgs_parameter_init");
    *(void **)&allocate = dlsym(library, "lbfgs_malloc");
    if (!run || !init || !allocate) return false;
    lbfgs_parameters p;
    init(&p);
    p.m = 10, p.epsilon = 1e-30, p.max_iterations = 1000000, p.max_linesearch = 40;
    at = allocate((int)b->n);
    memcpy(at, x, b->n * sizeof *x);
    b->began = clock_seconds();
    run((int)b->n, at, &f, lbfgs_value, lbfgs_stop, b, &p);
    return true;
}

/* ------------------------------------------------------------------ NLopt */

typedef struct nlopt_bench {
    bench *b;
    void *nlopt;
    int (*stop)(void *);
    double *spare;
} nlopt_bench;

static double nlopt_value(unsigned n, const double *x, double *g, void *user) {
    nlopt_bench *q = user;
    (void)n;
    double f = rosenbrock(q->b, x, g ? g : q->spare);
    if (q->b->reached_at) q->stop(q->nlopt);
    return f;
}

static bool peer_nlopt(bench *b, double *x) {
    void *library = dlopen("libnlopt.so.0", RTLD_NOW);
    if (!library) library = dlopen("libnlopt.so", RTLD_NOW);
    if (!library) return false;
    enum { LD_LBFGS = 11 };
    void *(*create)(int, unsigned);
    int (*objective)(void *, double (*)(unsigned, const double *, double *, void *), void *);
    int (*storage)(void *, unsigned), (*most)(void *, int), (*run)(void *, double *, double *), (*stop)(void *);
    *(void **)&create = dlsym(library, "nlopt_create");
    *(void **)&objective = dlsym(library, "nlopt_set_min_objective");
    *(void **)&storage = dlsym(library, "nlopt_set_vector_storage");
    *(void **)&most = dlsym(library, "nlopt_set_maxeval");
    *(void **)&run = dlsym(library, "nlopt_optimize");
    *(void **)&stop = dlsym(library, "nlopt_force_stop");
    if (!create || !objective || !storage || !most || !run || !stop) return false;
    nlopt_bench q = {b, create(LD_LBFGS, (unsigned)b->n), stop, malloc(b->n * sizeof(double))};
    double f;
    objective(q.nlopt, nlopt_value, &q);
    storage(q.nlopt, 10);
    most(q.nlopt, 1000000);
    b->began = clock_seconds();
    run(q.nlopt, x, &f);
    return true;
}

int main(int count, char **arguments) {
    if (count < 4) return 2;
    bench b = {.n = (size_t)atof(arguments[2])};
    double *x = malloc(b.n * sizeof *x);
    bool near = strcmp(arguments[3], "near") == 0, there = true;
    if (!x) return 1;
    for (size_t i = 0; i < b.n; i++) x[i] = near ? 1 + 0.1 * sin((double)i + 1) : i & 1 ? 1 : -1.2;
    if (strcmp(arguments[1], "liblbfgs") == 0)
        there = peer_lbfgs(&b, x);
    else if (strcmp(arguments[1], "nlopt") == 0)
        there = peer_nlopt(&b, x);
    else
        ours(&b, arguments[1], x);
    if (!there) return 3;
    printf("%zu %.6f %.6g %s\n", b.reached_at ? b.reached_at : b.evaluations,
           b.reached_at ? b.reached : clock_seconds() - b.began, b.value, b.reached_at ? "reached" : "not-reached");
    return 0;
}
