/* The inside of a vector, and its table of operations for one precision. */
#ifndef US_VEC_VEC_H
#define US_VEC_VEC_H

#include "base/base.h"
#include <unstuck/vec.h>

/* n elements each; x, y, z of the table's precision; none aliases another unless said so. */
typedef struct us__vec_ops {
    double (*get)(const void *x, size_t i);
    void (*set)(void *x, size_t i, double value);
    void (*fill)(void *x, double value, size_t n);
    void (*scale)(void *x, double factor, size_t n);
    void (*clamp)(void *x, double bound, size_t n);
    void (*multiply)(void *y, const void *x, size_t n);
    void (*axpy)(void *y, double a, const void *x, size_t n);
    void (*sum)(void *out, const void *x, double a, const void *y, size_t n); /* out may be x or y */
    double (*dot)(const void *x, const void *y, size_t n);
    double (*norm_inf)(const void *x, size_t n);
    bool (*is_finite)(const void *x, size_t n);
    size_t (*count_different)(const void *x, const void *y, size_t n);
    void (*read)(const void *x, double *out, size_t n);
    void (*write)(void *x, const double *in, size_t n);
} us__vec_ops;

extern const us__vec_ops us__vec_ops_f32, us__vec_ops_f64;

struct us_vec {
    us_context *context;
    const us__vec_ops *ops;
    void *data;
    size_t n;
    us_precision precision;
    bool owns;
};

#endif
