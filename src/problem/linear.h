/* The inside of the linear leaf.
 *
 * For a row x [C] with logits z = W·x + b [K], the loss is ℓ(z) and
 *   ∇W = d·xᵀ, ∇b = d            with d = ∂ℓ/∂z [K],
 *   (∇²·v)_W = t·xᵀ, (…)_b = t   with t = ∂²ℓ/∂z²·u, u = V·x + v_b,
 * so that a link (d and t from z and u) and two kernels (W·x and d·xᵀ) make every loss here. A link works in double on
 * a few rows; a kernel in the problem's precision.
 *
 * Rows are taken US__LINEAR_ROWS at a time, which stay in the first cache from W·x to d·xᵀ: memory is read once. Sums
 * over rows are cut at places that depend on the batch's size alone: US__LINEAR_FLUSH rows add up in the problem's
 * precision, those sums add up in double within a slice of the batch, and the slices are added in order. Threads share
 * slices, so that the result does not depend on their number. */
#ifndef US_PROBLEM_LINEAR_H
#define US_PROBLEM_LINEAR_H

#include "problem/problem.h"
#include <unstuck/linear.h>

enum {
    US__LINEAR_ROWS = 8,   /* rows a kernel takes at once */
    US__LINEAR_FLUSH = 64, /* rows whose sum is kept in the problem's precision */
};

/* θ is W [K×C] and then b [K]; n = K·C + K. rows[i] points to C numbers, count ≤ US__LINEAR_ROWS. Numbers are of the
 * table's precision where the type is void; nothing aliases. */
typedef struct us__linear_kernel {
    void (*forward)(const void *const *rows, size_t count, const void *theta, size_t K, size_t C,
                    double *z); /* z [count×K] */
    void (*backward)(const void *const *rows, size_t count, const double *d /* [count×K] */, size_t K, size_t C,
                     void *sum /* [n]: d·xᵀ and d are added */);
    void (*outer)(const void *row, const double *d, size_t K, size_t C, void *out /* [n]: becomes d·xᵀ and d */);
    void (*flush)(double *sum /* [n] */, void *part /* [n] */, size_t n); /* sum ← sum + part, part ← 0 */
    void (*finish)(void *out /* [n] */, const double *sums, size_t count, size_t stride,
                   size_t n);                              /* adds count sums in order */
    void (*convert)(void *to, const void *from, size_t n); /* from the other precision, rounding */
} us__linear_kernel;
extern const us__linear_kernel us__linear_kernel_f32, us__linear_kernel_f64;

/* What differs between losses, for a few rows: z, target, d, p, u are [count×K]; label is [count]. Regression has
 * targets, classification labels; the other is not looked at. */
typedef struct us__linear_link {
    double (*slope)(size_t count, size_t K, const double *z, const double *target, const uint32_t *label, double *d);
    void (*weight)(size_t count, size_t K, double *z);                 /* z becomes what curve needs to know of it */
    void (*curve)(size_t count, size_t K, const double *p, double *u); /* u becomes t; p is from weight */
} us__linear_link;
extern const us__linear_link us__linear_half_mse, us__linear_softmax, us__linear_logistic;

typedef struct us__linear_problem {
    us_problem base;
    const us_dataset *dataset;
    const us__linear_kernel *kernel;
    const us__linear_link *link;
    us_linear_loss loss;
    const char *features;    /* [samples×C] of the dataset's precision */
    const void *targets;     /* [samples×K], or NULL */
    const uint32_t *labels;  /* [samples], or NULL */
    us_precision stored;     /* the dataset's precision */
    size_t columns, outputs; /* C and K */
    size_t row_bytes;        /* of a row of features as stored */
    size_t slices, vectors;  /* room for so many slices, and so many vectors each */
    double *sums;            /* [slices×vectors×n] */
    void *parts;             /* [slices×vectors×n] of the problem's precision */
    double *logits;          /* [slices×3×ROWS×K]: z, then u or d, then targets */
    void *converted;         /* [slices×ROWS×C] of the problem's precision, or NULL when nothing is converted */
    us_group groups[2];
} us__linear_problem;

/* A few rows of a batch, ready for kernels and links. */
typedef struct us__linear_rows {
    const void *x[US__LINEAR_ROWS];
    uint32_t label[US__LINEAR_ROWS];
    double *target; /* [count×K], regression only */
    double *z, *u;  /* [count×K] to work in */
    size_t count;
} us__linear_rows;
/* Rows first .. first+count-1 of the batch, into the room of a slice; those that follow are on their way from memory when
 * this returns. */
void us__linear_take(const us__linear_problem *p, us_batch batch, size_t first, size_t count, size_t slice,
                     us__linear_rows *rows);
/* How many rows to take at i, where the last is last-1. */
static inline size_t us__linear_step(size_t i, size_t last) {
    return last - i < US__LINEAR_ROWS ? last - i : US__LINEAR_ROWS;
}

/* linear_hessian.c: see us__problem_ops.hessian. */
us_status us__linear_hessian(us_problem *problem, const us_vec *theta, us_batch batch, double *h, const us__heard *heard,
                             bool *done);

#endif
