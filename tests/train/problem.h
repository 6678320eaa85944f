/* A small regression by callback, for the tests of the training: fᵢ(θ) = ½ (xᵢ·θ − yᵢ)², 23 samples, 7 parameters. */
#ifndef US_TESTS_TRAIN_PROBLEM_H
#define US_TESTS_TRAIN_PROBLEM_H

#include "support.h"
#include <unstuck/train.h>

enum { ROWS = 23, COLUMNS = 7 };

typedef struct small_problem {
    us_precision precision;
    double x[ROWS][COLUMNS], y[ROWS];
    double loss_instead;     /* reported instead of the loss from call fail_from on, unless 0 */
    double gradient_instead; /* put into gradient[3] likewise */
    long calls, fail_from;
} small_problem;

static int small_gradient(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss, void *gradient) {
    small_problem *p = user;
    double t[COLUMNS], g[COLUMNS] = {0};
    for (size_t j = 0; j < COLUMNS; j++)
        t[j] = p->precision == US_F32 ? (double)((const float *)theta)[j] : ((const double *)theta)[j];
    if (!rows) count = ROWS;
    *loss = 0;
    for (size_t k = 0; k < count; k++) {
        size_t i = rows ? rows[k] : k;
        double r = -p->y[i];
        for (size_t j = 0; j < COLUMNS; j++) r += p->x[i][j] * t[j];
        *loss += 0.5 * r * r / (double)count;
        for (size_t j = 0; j < COLUMNS; j++) g[j] += r * p->x[i][j] / (double)count;
    }
    bool fail = ++p->calls >= p->fail_from && p->fail_from > 0;
    if (fail && p->loss_instead != 0) *loss = p->loss_instead;
    if (fail && p->gradient_instead != 0) g[3] = p->gradient_instead;
    for (size_t j = 0; j < COLUMNS && gradient; j++) {
        if (p->precision == US_F32)
            ((float *)gradient)[j] = (float)g[j];
        else
            ((double *)gradient)[j] = g[j];
    }
    return 0;
}

static int small_value(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss) {
    return small_gradient(user, theta, rows, count, loss, NULL);
}

static us_status small_create(us_problem **out, us_context *context, small_problem *p, us_precision precision) {
    us_rng rng = us_rng_init(11, 0);
    memset(p, 0, sizeof *p);
    p->precision = precision;
    for (size_t i = 0; i < ROWS; i++) {
        p->y[i] = us_rng_normal(&rng);
        for (size_t j = 0; j < COLUMNS; j++) p->x[i][j] = us_rng_normal(&rng);
    }
    us_callback_problem callback = US_CALLBACK_PROBLEM_INIT;
    callback.dimension = COLUMNS;
    callback.samples = ROWS;
    callback.precision = precision;
    callback.user = p;
    callback.value = small_value;
    callback.gradient = small_gradient;
    return us_problem_create_callback(out, context, &callback);
}

/* The start of every test: 0.3, 0.4, .. */
static us_status small_start(us_vec **out, us_context *context, us_precision precision) {
    us_status status = us_vec_create(out, context, precision, COLUMNS);
    for (size_t j = 0; j < COLUMNS && status == US_OK; j++) us_vec_set(*out, j, 0.3 + 0.1 * (double)j);
    return status;
}

#endif
