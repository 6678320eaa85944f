/* A step of each update rule, in f32: at n = 10,000,000 as a share of this machine's own triad bandwidth, on one and on two
 * threads; at n = 1000 in nanoseconds; rules of matrices against the products that they must do. By CPU time (a thread's
 * share of it), triad and step by turns. usage: descend [RULE..] */
#include "descend/descend.h"
#include <cblas.h>
#include <lapacke.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { N = 10000000, SMALL = 1000, REPEATS = 7, BLOCK = 1 << 15, WARM = 3 };

static double descend_clock(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int descend_compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double descend_median(double *x, size_t n) {
    qsort(x, n, sizeof *x, descend_compare);
    return x[n / 2];
}

/* STREAM's triad a = b + s·c. Four numbers move for each element, since a line is read before it is written: STREAM counts
 * three of them, and by its count every share below would be a third larger. */
typedef struct triad {
    double *a, *b, *c;
} triad;

US_KERNEL static void triad_block(void *user, size_t from, size_t n) {
    const triad *t = user;
    double *restrict a = t->a + from;
    const double *restrict b = t->b + from, *restrict c = t->c + from;
    for (size_t i = 0; i < n; i++) a[i] = b[i] + 3.0 * c[i];
}

typedef struct subject {
    us_context *context;
    const us_rule *rule;
    us_rule_whole whole;
    us_rule_step step;
    double hyper[US_RULE_HYPERPARAMETERS_MAX];
    void *state[US_RULE_STATES_MAX], *diagonal, *gradient;
} subject;

static float *descend_numbers(us_context *context, size_t n, double scale) {
    float *x = us__alloc(context, n, sizeof *x);
    uint32_t draw = 1;
    for (size_t i = 0; i < n; i++) { /* uniform, and cheap */
        draw = draw * 1664525u + 1013904223u;
        x[i] = (float)(scale * (double)(int32_t)draw * 0x1p-31);
    }
    return x;
}

static void subject_open(subject *s, us_context *context, const us_rule *rule, const us_group *groups, size_t count) {
    size_t n = us__rule_elements(groups, count), memory = us__rule_memory(rule, groups, count);
    *s = (subject){.context = context, .rule = rule, .step = {.learning_rate = 1e-6, .hyper = NULL}};
    us__rule_defaults(rule, s->hyper);
    for (size_t k = 0; k < rule->states; k++) s->state[k] = us__new(context, n, sizeof(float));
    s->diagonal = descend_numbers(context, n, 1);
    s->gradient = descend_numbers(context, n, 0.1);
    s->whole = (us_rule_whole){.context = context,
                               .precision = US_F32,
                               .n = n,
                               .theta = descend_numbers(context, n, 1),
                               .gradient = s->gradient,
                               .memory = us__new(context, memory + 1, sizeof(double)),
                               .scratch = us__alloc(context, us__rule_scratch(rule, groups, count) + 1, sizeof(double)),
                               .groups = groups,
                               .group_count = count};
}

static void subject_close(subject *s) {
    for (size_t k = 0; k < s->rule->states; k++) us__release(s->context, s->state[k]);
    us__release(s->context, s->diagonal), us__release(s->context, s->gradient);
    us__release(s->context, s->whole.theta);
    us__release(s->context, s->whole.memory), us__release(s->context, s->whole.scratch);
}

static void subject_step(subject *s) {
    s->step.step++;
    s->step.hyper = s->hyper;
    s->whole.step = &s->step;
    s->whole.state = s->state;
    s->whole.diagonal = s->rule->wants_diagonal && s->rule->wants_diagonal(&s->step) ? s->diagonal : NULL;
    if (us__rule_update(s->rule, &s->whole) != US_OK) exit(2);
}

/* Numbers that a step must read and write for each element: θ and each state both ways, the gradient once. Rules that need
 * norms of all elements before any of them moves pass twice or thrice over what is too large for a cache:
 *   lars       θ, g; then θ both ways, g, the state both ways
 *   lamb       θ, g, two states both ways; then θ both ways and both states
 *   adafactor  a matrix: g; θ, g; θ both ways, g */
static double subject_words(const us_rule *rule) {
    static const struct {
        const char *name;
        double words;
    } PASSES[] = {{"lars", 7}, {"lamb", 10}, {"adafactor", 6}};
    for (size_t i = 0; i < sizeof PASSES / sizeof *PASSES; i++)
        if (!strcmp(rule->name, PASSES[i].name)) return PASSES[i].words;
    return 3 + 2 * (double)rule->states;
}

static const double SHARE = 85, SMALL_NS = 1000, PRODUCTS = 1.3; /* targets */

static void large(us_context *context, const us_rule *rule, triad *t) {
    const us_group vector = {.name = "theta", .count = N, .rank = 1, .shape = {N}};
    const us_group matrix = {.name = "theta", .count = N, .rank = 2, .shape = {2500, N / 2500}};
    subject s;
    bool all = true;
    subject_open(&s, context, rule, strcmp(rule->name, "adafactor") ? &vector : &matrix, 1);
    printf("%-24s", rule->name);
    for (int threads = 1; threads <= 2; threads++) {
        double share[REPEATS], seconds[REPEATS];
        us_context_set_threads(context, threads);
        for (int r = -WARM; r < REPEATS; r++) {
            double begin = descend_clock();
            us__rule_blocks(context, N / 2, triad_block, t);
            double middle = descend_clock();
            subject_step(&s);
            double end = descend_clock();
            if (r < 0) continue;
            double triad_rate = 32.0 * (N / 2) / (middle - begin);
            seconds[r] = end - middle;
            share[r] = 4 * subject_words(rule) * N / (end - middle) / triad_rate;
        }
        double median = 100 * descend_median(share, REPEATS);
        all = all && median >= SHARE;
        printf("  %s %5.2f ns %4.0f %%", threads == 1 ? "one thread" : "two", 1e9 * descend_median(seconds, REPEATS) / N,
               median);
    }
    us_context_set_threads(context, 1);
    subject_close(&s);
    const us_group few = {.name = "theta", .count = SMALL, .rank = 1, .shape = {SMALL}};
    subject_open(&s, context, rule, &few, 1);
    double small[REPEATS];
    for (int r = 0; r < REPEATS; r++) {
        double begin = descend_clock();
        for (int i = 0; i < 2000; i++) subject_step(&s);
        small[r] = (descend_clock() - begin) / 2000;
    }
    double ns = 1e9 * descend_median(small, REPEATS);
    printf("  n=1000 %5.0f ns  %s\n", ns,
           rule->update            ? "sees the whole"
           : all && ns <= SMALL_NS ? "met"
           : all                   ? "missed: n=1000"
                                   : "missed: share");
    fflush(stdout);
    subject_close(&s);
}

/* ------------------------------------------------------------------ matrices */

/* The products of ten steps of a rule on a matrix [m×n], by BLAS and LAPACK directly. */
static void products(const char *rule, size_t m, size_t n, float *a, float *b, float *c, float *work) {
    int rows = (int)m, columns = (int)n, side = rows < columns ? rows : columns, other = rows < columns ? columns : rows;
    for (int step = 0; step < 10; step++) {
        if (!strcmp(rule, "muon"))
            for (int k = 0; k < 5; k++) {
                cblas_ssyrk(CblasRowMajor, CblasLower, CblasNoTrans, side, other, 1, a, other, 0, b, side);
                cblas_ssyrk(CblasRowMajor, CblasLower, CblasNoTrans, side, side, 1, b, side, 0, c, side);
                cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, side, other, side, 1e-4f, b, side, a, other, 0, c,
                            other);
            }
        else {
            int turns = !strcmp(rule, "soap") ? 3 : 1;
            cblas_ssyrk(CblasRowMajor, CblasLower, CblasNoTrans, rows, columns, 1, a, columns, 0, b, rows);
            cblas_ssyrk(CblasRowMajor, CblasLower, CblasTrans, columns, rows, 1, a, columns, 0, b, columns);
            for (int k = 0; k < turns; k++) {
                cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, columns, rows, 1e-4f, b, rows, a, columns, 0, c,
                            columns);
                cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, columns, columns, 1e-4f, a, columns, b, columns,
                            0, c, columns);
            }
        }
    }
    for (int i = 0; i < 2 && strcmp(rule, "muon"); i++) { /* once in ten steps */
        int order = i ? columns : rows;
        size_t square = (size_t)order * (size_t)order;
        for (size_t k = 0; k < square; k++) b[k] = a[k % (m * n)];
        for (int k = 0; k < order; k++) b[(size_t)k * (size_t)order + (size_t)k] += 30;
        if (!strcmp(rule, "shampoo")) {
            int length = 1 + 6 * order + 2 * order * order;
            LAPACKE_ssyevd_work(LAPACK_COL_MAJOR, 'V', 'U', order, b, order, c, work, length, (lapack_int *)(work + length),
                                3 + 5 * order);
            cblas_ssyrk(CblasRowMajor, CblasLower, CblasTrans, order, order, 1, b, order, 0, c, order);
        } else {
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, order, order, order, 1, b, order, b, order, 0, c, order);
            LAPACKE_sgeqrf_work(LAPACK_COL_MAJOR, order, order, c, order, work, work + order, 64 * order);
            LAPACKE_sorgqr_work(LAPACK_COL_MAJOR, order, order, order, c, order, work, work + order, 64 * order);
        }
    }
}

static void matrices(us_context *context, const us_rule *rule, size_t m, size_t n) {
    const us_group group = {.name = "w", .count = m * n, .rank = 2, .shape = {m, n}};
    size_t longer = m > n ? m : n;
    float *a = descend_numbers(context, m * n, 0.1), *b = descend_numbers(context, longer * longer, 0.1);
    float *c = descend_numbers(context, longer * longer, 0.1), *work = us__alloc(context, 3 * longer * longer + 99999, 4);
    double ours[REPEATS], theirs[REPEATS], ratio[REPEATS];
    subject s;
    subject_open(&s, context, rule, &group, 1);
    for (int r = -1; r < REPEATS; r++) {
        double begin = descend_clock();
        products(rule->name, m, n, a, b, c, work);
        double middle = descend_clock(), spent = 0;
        for (int k = 0; k < 10; k++) {
            double start = descend_clock();
            subject_step(&s);
            spent += descend_clock() - start;
        }
        if (r < 0) continue;
        theirs[r] = (middle - begin) / 10, ours[r] = spent / 10, ratio[r] = spent / (middle - begin);
    }
    double share = descend_median(ratio, REPEATS);
    printf("%-8s %zux%zu: %.2f ms a step, its products alone %.2f ms, ratio %.2f  %s\n", rule->name, m, n,
           1e3 * descend_median(ours, REPEATS), 1e3 * descend_median(theirs, REPEATS), share,
           share <= PRODUCTS ? "met" : "missed");
    fflush(stdout);
    subject_close(&s);
    us__release(context, a), us__release(context, b), us__release(context, c), us__release(context, work);
}

int main(int count, char **words) {
    us_context *context;
    if (us_context_create(&context, NULL) != US_OK) return 2;
    triad t = {us__new(context, N / 2, 8), us__new(context, N / 2, 8), us__new(context, N / 2, 8)};
    size_t rules;
    const us_rule *const *table = us_rules(&rules);
    printf("n = %d, f32: ns an element and share of the triad's bandwidth (STREAM's count and a third more: lines are read "
           "before "
           "they are\nwritten), at least %.0f %% for rules of single elements; n = %d: at most %.0f ns\n",
           N, SHARE, SMALL, SMALL_NS);
    for (size_t i = 0; i < rules; i++) {
        bool named = count == 1;
        for (int k = 1; k < count; k++) named |= !strcmp(words[k], table[i]->name);
        if (named) large(context, table[i], &t);
    }
    static const char *const of_matrices[] = {"muon", "shampoo", "soap"};
    us_context_set_threads(context, 1);
    printf("matrices: a step over the products that it must do, at most %.1f\n", PRODUCTS);
    for (size_t i = 0; i < 3; i++) {
        bool named = count == 1;
        for (int k = 1; k < count; k++) named |= !strcmp(words[k], of_matrices[i]);
        if (!named) continue;
        matrices(context, us_rule_find(of_matrices[i]), 512, 512);
        matrices(context, us_rule_find(of_matrices[i]), 256, 784);
    }
    us__release(context, t.a), us__release(context, t.b), us__release(context, t.c);
    us_context_destroy(context);
    return 0;
}
