/* Second-order jets: a number with its gradient and Hessian in up to JET_MAX variables. Plain and slow, and independent of
 * the library's own derivatives: functions written with them become callback problems for the tests. */
#ifndef US_TESTS_JET_H
#define US_TESTS_JET_H

#include "support.h"
#include <unstuck/problem.h>

enum { JET_MAX = 12 };

typedef struct jet {
    double f, g[JET_MAX], h[JET_MAX][JET_MAX];
} jet;

typedef jet (*jet_function)(const jet *x);

static inline jet jet_number(double value) { return (jet){.f = value}; }

static inline jet jet_add(jet a, jet b) {
    a.f += b.f;
    for (int i = 0; i < JET_MAX; i++) {
        a.g[i] += b.g[i];
        for (int j = 0; j < JET_MAX; j++) a.h[i][j] += b.h[i][j];
    }
    return a;
}

static inline jet jet_times(double s, jet a) {
    a.f *= s;
    for (int i = 0; i < JET_MAX; i++) {
        a.g[i] *= s;
        for (int j = 0; j < JET_MAX; j++) a.h[i][j] *= s;
    }
    return a;
}

static inline jet jet_sub(jet a, jet b) { return jet_add(a, jet_times(-1, b)); }
static inline jet jet_plus(jet a, double s) { return a.f += s, a; }

static inline jet jet_mul(jet a, jet b) {
    jet c = {.f = a.f * b.f};
    for (int i = 0; i < JET_MAX; i++) {
        c.g[i] = a.g[i] * b.f + a.f * b.g[i];
        for (int j = 0; j < JET_MAX; j++) c.h[i][j] = a.h[i][j] * b.f + a.g[i] * b.g[j] + a.g[j] * b.g[i] + a.f * b.h[i][j];
    }
    return c;
}

static inline jet jet_square(jet a) { return jet_mul(a, a); }

/* φ(a) from φ, φ', φ'' at a.f */
static inline jet jet_chain(jet a, double value, double first, double second) {
    jet c = {.f = value};
    for (int i = 0; i < JET_MAX; i++) {
        c.g[i] = first * a.g[i];
        for (int j = 0; j < JET_MAX; j++) c.h[i][j] = first * a.h[i][j] + second * a.g[i] * a.g[j];
    }
    return c;
}

static inline jet jet_exp(jet a) { return jet_chain(a, exp(a.f), exp(a.f), exp(a.f)); }
static inline jet jet_log(jet a) { return jet_chain(a, log(a.f), 1 / a.f, -1 / (a.f * a.f)); }
static inline jet jet_inverse(jet a) { return jet_chain(a, 1 / a.f, -1 / (a.f * a.f), 2 / (a.f * a.f * a.f)); }
static inline jet jet_tanh(jet a) {
    double t = tanh(a.f), d = 1 - t * t;
    return jet_chain(a, t, d, -2 * t * d);
}

typedef struct jet_problem {
    jet_function function;
    size_t n;
} jet_problem;

static inline jet jet_at(const jet_problem *p, const double *theta) {
    jet x[JET_MAX];
    for (size_t i = 0; i < p->n; i++) x[i] = jet_number(theta[i]), x[i].g[i] = 1;
    return p->function(x);
}

static inline int jet_value(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss) {
    *loss = jet_at(user, theta).f;
    return 0;
}

static inline int jet_gradient(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss,
                               void *gradient) {
    jet y = jet_at(user, theta);
    *loss = y.f;
    memcpy(gradient, y.g, ((jet_problem *)user)->n * sizeof(double));
    return 0;
}

static inline int jet_hvp(void *user, const void *theta, const uint32_t *rows, size_t count, const void *v, void *hv) {
    const jet_problem *p = user;
    jet y = jet_at(p, theta);
    for (size_t i = 0; i < p->n; i++) {
        double sum = 0;
        for (size_t j = 0; j < p->n; j++) sum += y.h[i][j] * ((const double *)v)[j];
        ((double *)hv)[i] = sum;
    }
    return 0;
}

/* @param p must outlive the problem */
static inline us_problem *jet_create(us_context *context, jet_problem *p) {
    us_callback_problem callback = US_CALLBACK_PROBLEM_INIT;
    callback.dimension = p->n;
    callback.user = p;
    callback.value = jet_value, callback.gradient = jet_gradient, callback.hvp = jet_hvp;
    us_problem *problem = NULL;
    assert_int_equal(us_problem_create_callback(&problem, context, &callback), US_OK);
    return problem;
}

#endif
