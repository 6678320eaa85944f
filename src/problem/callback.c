/* The callback leaf: a C program's own functions. They see arrays of the precision that was stated; a problem recast to
 * another precision converts on the way in and out.
 *
 * Without an hvp of the caller's, H·v is the central difference of the gradient,
 *   Hv ≈ (∇f(θ + hv) − ∇f(θ − hv)) / 2h,   h = ε^(1/3)·S/‖v‖∞,
 * with ε of the callback's precision: truncation, O(h²), and rounding, O(ε/h), are then of one size, ε^(2/3), where S is
 * the length over which the gradient bends. S is taken to be the size of the parameters that v moves, the smaller ones
 * counting most: S = ‖v‖/‖v/s‖, s_i = |θ_i| (1 where θ_i = 0), at most R = max(1, rms θ) and at least ε^(1/4)·R.
 * Source: Nocedal & Wright 2006, Numerical Optimization, section 8.1. */
#include "problem/problem.h"
#include <math.h>

enum { CALLBACK_VECTORS = 3 };

typedef struct callback_problem {
    us_problem base; /* base.precision is what θ comes in; callback.precision is what the functions want */
    us_callback_problem callback;
    us_group group;
    us_vec *work[CALLBACK_VECTORS]; /* [n] in the callback's precision; NULL when nothing is converted or differenced */
} callback_problem;

static us_status callback_failed(const callback_problem *p, const char *name, int code) {
    return us__fail(p->base.context, US_ERR_CALLBACK, "the callback's %s function failed with %d", name, code);
}

/* θ, or its conversion in `work` where the precisions differ. */
static const void *callback_in(const callback_problem *p, const us_vec *x, us_vec *work) {
    if (x->precision == p->callback.precision) return x->data;
    us_vec_copy(work, x);
    return work->data;
}

/* Where a result may be written, and how it gets to `x` afterwards. */
static void *callback_out(const callback_problem *p, us_vec *x, us_vec *work) {
    return x->precision == p->callback.precision ? x->data : work->data;
}

static void callback_deliver(us_vec *x, const us_vec *work, const void *written) {
    if (written != x->data) us_vec_copy(x, work);
}

static us_status callback_value(us_problem *problem, const us_vec *theta, us_batch batch, double *loss) {
    callback_problem *p = (callback_problem *)problem;
    int code = p->callback.value(p->callback.user, callback_in(p, theta, p->work[0]), batch.rows, batch.count, loss);
    return code == 0 ? US_OK : callback_failed(p, "value", code);
}

static us_status callback_gradient(us_problem *problem, const us_vec *theta, us_batch batch, double *loss,
                                   us_vec *gradient) {
    callback_problem *p = (callback_problem *)problem;
    const void *at = callback_in(p, theta, p->work[0]);
    void *out = callback_out(p, gradient, p->work[1]);
    int code = p->callback.gradient(p->callback.user, at, batch.rows, batch.count, loss, out);
    if (code != 0) return callback_failed(p, "gradient", code);
    callback_deliver(gradient, p->work[1], out);
    return US_OK;
}

/* How far to move along v; see the top. */
static double callback_step(const callback_problem *p, const us_vec *theta, const us_vec *v) {
    double epsilon = us_precision_epsilon(p->callback.precision), weighted = 0, square = 0;
    double most = fmax(1, us_vec_norm2(theta) / sqrt((double)theta->n)), scale = us_vec_norm_inf(v);
    for (size_t i = 0; i < v->n; i++) {
        double x = us_vec_get(v, i) / scale, size = fabs(us_vec_get(theta, i));
        square += x * x;
        if (size > 0) x /= fmax(size, 1e-100);
        weighted += x * x;
    }
    double length = fmax(fmin(sqrt(square / weighted), most), pow(epsilon, 0.25) * most);
    return cbrt(epsilon) * length / scale;
}

/* One product by central differences. work[0] is the point, work[1] and work[2] the gradients. */
static us_status callback_difference(callback_problem *p, const us_vec *theta, us_batch batch, const us_vec *v, us_vec *hv) {
    if (us_vec_norm_inf(v) == 0) {
        us_vec_fill(hv, 0);
        return US_OK;
    }
    double h = callback_step(p, theta, v);
    for (int side = 0; side < 2; side++) {
        double loss, step = side ? -h : h;
        for (size_t i = 0; i < theta->n; i++) us_vec_set(p->work[0], i, us_vec_get(theta, i) + step * us_vec_get(v, i));
        int code = p->callback.gradient(p->callback.user, p->work[0]->data, batch.rows, batch.count, &loss,
                                        p->work[1 + side]->data);
        if (code != 0) return callback_failed(p, "gradient", code);
    }
    for (size_t i = 0; i < hv->n; i++) us_vec_set(hv, i, (us_vec_get(p->work[1], i) - us_vec_get(p->work[2], i)) / (2 * h));
    return US_OK;
}

static us_status callback_hvp(us_problem *problem, const us_vec *theta, us_batch batch, const us_vec *const *v,
                              us_vec *const *hv, size_t k) {
    callback_problem *p = (callback_problem *)problem;
    us_status status = US_OK;
    for (size_t j = 0; j < k && status == US_OK; j++) {
        if (!p->callback.hvp) {
            status = callback_difference(p, theta, batch, v[j], hv[j]);
            continue;
        }
        const void *at = callback_in(p, theta, p->work[0]), *along = callback_in(p, v[j], p->work[1]);
        void *out = callback_out(p, hv[j], p->work[2]);
        int code = p->callback.hvp(p->callback.user, at, batch.rows, batch.count, along, out);
        if (code != 0) return callback_failed(p, "hvp", code);
        callback_deliver(hv[j], p->work[2], out);
    }
    return status;
}

static void callback_destroy(us_problem *problem) {
    callback_problem *p = (callback_problem *)problem;
    for (size_t i = 0; i < CALLBACK_VECTORS; i++) us_vec_destroy(p->work[i]);
    us__release(problem->context, p);
}

static us_status callback_recast(us_problem **out, const us_problem *problem, us_precision precision, us_context *context);

static const us__problem_ops CALLBACK_OPS = {
    .value = callback_value,
    .gradient = callback_gradient,
    .hvp = callback_hvp,
    .recast = callback_recast,
    .destroy = callback_destroy,
};

static us_status callback_make(us_problem **out, us_context *context, const us_callback_problem *callback,
                               us_precision precision) {
    callback_problem *p = us__new(context, 1, sizeof *p);
    if (!p) return US_ERR_NOMEM;
    p->callback = *callback;
    p->group = (us_group){.name = "theta", .count = callback->dimension, .rank = 1, .shape = {callback->dimension}};
    p->base = (us_problem){.ops = &CALLBACK_OPS,
                           .context = context,
                           .precision = precision,
                           .dimension = callback->dimension,
                           .samples = callback->samples,
                           .groups = &p->group,
                           .group_count = 1,
                           .hvp_is_exact = callback->hvp != NULL};
    bool needs_work = precision != callback->precision || !callback->hvp;
    for (size_t i = 0; i < CALLBACK_VECTORS && needs_work; i++) {
        us_status status = us_vec_create(&p->work[i], context, callback->precision, callback->dimension);
        if (status != US_OK) {
            callback_destroy(&p->base);
            return status;
        }
    }
    *out = &p->base;
    return US_OK;
}

static us_status callback_recast(us_problem **out, const us_problem *problem, us_precision precision, us_context *context) {
    return callback_make(out, context, &((const callback_problem *)problem)->callback, precision);
}

us_status us_problem_create_callback(us_problem **out, us_context *context, const us_callback_problem *callback) {
    *out = NULL;
    if (!callback || callback->version != 1)
        return us__fail(context, US_ERR_ARGUMENT,
                        "us_callback_problem: version must be 1; begin with US_CALLBACK_PROBLEM_INIT");
    if (!callback->value || !callback->gradient)
        return us__fail(context, US_ERR_ARGUMENT, "us_callback_problem: value and gradient must be given (hvp may be NULL)");
    if (callback->precision != US_F32 && callback->precision != US_F64)
        return us__fail(context, US_ERR_ARGUMENT, "us_callback_problem: precision is %d; it must be US_F32 or US_F64",
                        (int)callback->precision);
    if (callback->dimension == 0 || callback->samples == 0)
        return us__fail(context, US_ERR_ARGUMENT,
                        "us_callback_problem: dimension is %zu and samples %zu; each must be at least 1",
                        callback->dimension, callback->samples);
    return callback_make(out, context, callback, callback->precision);
}
