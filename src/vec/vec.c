#include "vec/vec.h"
#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

size_t us_precision_bytes(us_precision precision) { return precision == US_F32 ? sizeof(float) : sizeof(double); }

double us_precision_epsilon(us_precision precision) { return precision == US_F32 ? (double)FLT_EPSILON : DBL_EPSILON; }

static us_status vec_make(us_vec **out, us_context *context, us_precision precision, size_t n, void *data) {
    *out = NULL;
    if (precision != US_F32 && precision != US_F64)
        return us__fail(context, US_ERR_ARGUMENT, "precision is %d; it must be US_F32 or US_F64", (int)precision);
    us_vec *v = us__new(context, 1, sizeof *v);
    if (!v) return US_ERR_NOMEM;
    *v = (us_vec){.context = context,
                  .ops = precision == US_F32 ? &us__vec_ops_f32 : &us__vec_ops_f64,
                  .data = data ? data : us__new(context, n, us_precision_bytes(precision)),
                  .n = n,
                  .precision = precision,
                  .owns = data == NULL};
    if (!v->data) {
        us__release(context, v);
        return US_ERR_NOMEM;
    }
    *out = v;
    return US_OK;
}

us_status us_vec_create(us_vec **out, us_context *context, us_precision precision, size_t n) {
    return vec_make(out, context, precision, n, NULL);
}

us_status us_vec_wrap(us_vec **out, us_context *context, us_precision precision, size_t n, void *data) {
    *out = NULL;
    if (!data) return us__fail(context, US_ERR_ARGUMENT, "us_vec_wrap: data is NULL");
    return vec_make(out, context, precision, n, data);
}

void us_vec_destroy(us_vec *v) {
    if (!v) return;
    if (v->owns) us__release(v->context, v->data);
    us__release(v->context, v);
}

size_t us_vec_size(const us_vec *v) { return v->n; }
us_precision us_vec_precision(const us_vec *v) { return v->precision; }
void *us_vec_data(us_vec *v) { return v->data; }
const void *us_vec_data_const(const us_vec *v) { return v->data; }

double us_vec_get(const us_vec *v, size_t i) {
    assert(i < v->n);
    return v->ops->get(v->data, i);
}

void us_vec_set(us_vec *v, size_t i, double value) {
    assert(i < v->n);
    v->ops->set(v->data, i, value);
}

void us_vec_fill(us_vec *v, double value) { v->ops->fill(v->data, value, v->n); }

void us_vec_fill_normal(us_vec *v, us_rng *rng) {
    for (size_t i = 0; i < v->n; i++) v->ops->set(v->data, i, us_rng_normal(rng));
}

void us_vec_fill_signs(us_vec *v, us_rng *rng) {
    uint32_t bits = 0;
    for (size_t i = 0; i < v->n; i++, bits >>= 1) {
        if (i % 32 == 0) bits = us_rng_u32(rng);
        v->ops->set(v->data, i, bits & 1 ? 1 : -1);
    }
}

void us_vec_copy(us_vec *to, const us_vec *from) {
    assert(to->n == from->n);
    if (to->precision == from->precision)
        memmove(to->data, from->data, to->n * us_precision_bytes(to->precision));
    else if (from->precision == US_F64)
        to->ops->write(to->data, from->data, to->n);
    else
        from->ops->read(from->data, to->data, to->n);
}

void us_vec_clamp(us_vec *v, double bound) { v->ops->clamp(v->data, bound, v->n); }

void us_vec_multiply(us_vec *y, const us_vec *x) {
    assert(y->n == x->n && y->ops == x->ops);
    y->ops->multiply(y->data, x->data, y->n);
}

void us_vec_scale(us_vec *v, double factor) { v->ops->scale(v->data, factor, v->n); }

void us_vec_axpy(us_vec *y, double a, const us_vec *x) {
    assert(y->n == x->n && y->precision == x->precision && y != x);
    y->ops->axpy(y->data, a, x->data, y->n);
}

void us_vec_sum(us_vec *out, const us_vec *x, double a, const us_vec *y) {
    assert(out->n == x->n && out->n == y->n && out->precision == x->precision && out->precision == y->precision);
    out->ops->sum(out->data, x->data, a, y->data, out->n);
}

double us_vec_dot(const us_vec *x, const us_vec *y) {
    assert(x->n == y->n);
    if (x->precision == y->precision) return x->ops->dot(x->data, y->data, x->n);
    double sum = 0;
    for (size_t i = 0; i < x->n; i++) sum += x->ops->get(x->data, i) * y->ops->get(y->data, i);
    return sum;
}

double us_vec_norm2(const us_vec *v) {
    double square = v->ops->dot(v->data, v->data, v->n);
    if (square > DBL_MIN / DBL_EPSILON && square <= DBL_MAX) return sqrt(square);
    /* Zero, NaN, or beyond what a square can hold: scale by the largest element. */
    double largest = v->ops->norm_inf(v->data, v->n);
    if (!(largest > 0) || isinf(largest)) return largest;
    double sum = 0;
    for (size_t i = 0; i < v->n; i++) {
        double x = v->ops->get(v->data, i) / largest;
        sum += x * x;
    }
    return largest * sqrt(sum);
}

double us_vec_norm_inf(const us_vec *v) { return v->ops->norm_inf(v->data, v->n); }

bool us_vec_is_finite(const us_vec *v) { return v->ops->is_finite(v->data, v->n); }

size_t us_vec_count_different(const us_vec *x, const us_vec *y) {
    assert(x->n == y->n && x->precision == y->precision);
    return x->ops->count_different(x->data, y->data, x->n);
}

void us_vec_read_f64(const us_vec *v, double *out) { v->ops->read(v->data, out, v->n); }

void us_vec_write_f64(us_vec *v, const double *in) { v->ops->write(v->data, in, v->n); }
