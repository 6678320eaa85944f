/* The linear leaf: what is done to a batch; linear.h tells how. */
#include "problem/linear.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    LINEAR_SLICES = 16,           /* at most so many slices a batch */
    LINEAR_VECTORS = 8,           /* at most so many vectors share the reading of the rows in a product */
    LINEAR_SUMS = 1 << 20,        /* doubles of all slices' sums, unless one gradient alone is longer */
    LINEAR_SLICE_WORK = 1 << 16,  /* rows × parameters that make a slice of its own worthwhile */
    LINEAR_THREAD_WORK = 1 << 19, /* and that make waking threads worthwhile */
    LINEAR_LINE = 64,             /* bytes of a cache line */
    LINEAR_HINT_BYTES = 4096,     /* at most so much of a row is fetched ahead */
};

/* ---------------------------------------------------------------- rows */

static inline const char *linear_row(const us__linear_problem *p, size_t row) { return p->features + row * p->row_bytes; }

static double linear_number(const us__linear_problem *p, const void *from, size_t i) {
    return p->stored == US_F32 ? (double)((const float *)from)[i] : ((const double *)from)[i];
}

static inline size_t linear_row_at(us_batch batch, size_t i) { return batch.rows ? batch.rows[i] : i; }

/* Inline, because gcc 12 takes a function that only prefetches for one without effect, and drops the calls. */
static inline __attribute__((always_inline)) void linear_fetch(const us__linear_problem *p, size_t row) {
    const char *x = linear_row(p, row);
    size_t bytes = p->row_bytes < LINEAR_HINT_BYTES ? p->row_bytes : LINEAR_HINT_BYTES;
    for (size_t i = 0; i < bytes; i += LINEAR_LINE) __builtin_prefetch(x + i);
    if (bytes > 0) __builtin_prefetch(x + bytes - 1);
    if (p->labels)
        __builtin_prefetch(p->labels + row);
    else
        __builtin_prefetch((const char *)p->targets +
                           row * p->outputs * (p->stored == US_F32 ? sizeof(float) : sizeof(double)));
}

/* Rows first .. first+count-1 of the batch; those that follow are on their way from memory when this returns. */
void us__linear_take(const us__linear_problem *p, us_batch batch, size_t first, size_t count, size_t slice,
                     us__linear_rows *rows) {
    size_t K = p->outputs, C = p->columns, block = US__LINEAR_ROWS * K;
    rows->count = count;
    rows->z = p->logits + slice * 3 * block;
    rows->u = rows->z + block;
    rows->target = rows->u + block;
    for (size_t i = 0; i < count; i++) {
        size_t row = linear_row_at(batch, first + i);
        rows->x[i] = linear_row(p, row);
        if (p->labels) {
            rows->label[i] = p->labels[row];
        } else if (p->stored == US_F32) {
            for (size_t k = 0; k < K; k++) rows->target[i * K + k] = (double)((const float *)p->targets)[row * K + k];
        } else {
            memcpy(rows->target + i * K, (const double *)p->targets + row * K, K * sizeof(double));
        }
        if (p->converted) {
            char *to = (char *)p->converted + (slice * US__LINEAR_ROWS + i) * C * us_precision_bytes(p->base.precision);
            p->kernel->convert(to, rows->x[i], C);
            rows->x[i] = to;
        }
    }
    for (size_t i = first + count; i < batch.count && i < first + 2 * count; i++) linear_fetch(p, linear_row_at(batch, i));
}

/* ---------------------------------------------------------------- slices */

/* What is asked of a batch: the loss alone, its gradient, or products with k vectors. */
typedef struct linear_job {
    us_batch batch;
    const void *theta;
    const us_vec *const *v; /* [k]; NULL: no products */
    size_t k;
    bool gradient;
    bool fisher;              /* products are with the empirical Fisher matrix */
    size_t slices, rows_each; /* slice s is rows s·rows_each and following */
    double loss[LINEAR_SLICES];
} linear_job;

static void linear_cut(const us__linear_problem *p, linear_job *job) {
    size_t work = job->batch.count * p->base.dimension, slices = work / LINEAR_SLICE_WORK;
    slices = slices < 1 ? 1 : slices > p->slices ? p->slices : slices;
    size_t each = (job->batch.count + slices - 1) / slices;
    job->rows_each = (each + US__LINEAR_ROWS - 1) / US__LINEAR_ROWS * US__LINEAR_ROWS;
    job->slices = (job->batch.count + job->rows_each - 1) / job->rows_each;
}

/* Of a row, g·v = d·u, so that g(g·v) is what a slope of d(d·u) makes: u becomes that. */
static void linear_slopes(size_t count, size_t K, const double *d, double *u) {
    for (size_t i = 0; i < count; i++, d += K, u += K) {
        double along = 0;
        for (size_t k = 0; k < K; k++) along += d[k] * u[k];
        for (size_t k = 0; k < K; k++) u[k] = d[k] * along;
    }
}

/* Adds up one slice of a job: into job->loss, and into its part of p->sums ([k or 1] vectors of n). */
static void linear_slice(const us__linear_problem *p, linear_job *job, size_t slice) {
    size_t K = p->outputs, C = p->columns, n = p->base.dimension, results = job->v ? job->k : job->gradient;
    size_t first = slice * job->rows_each, last = first + job->rows_each, unflushed = 0;
    if (last > job->batch.count) last = job->batch.count;
    double scale = 1 / (double)job->batch.count, loss = 0;
    double *sums = p->sums + slice * p->vectors * n;
    size_t part_bytes = n * us_precision_bytes(p->base.precision);
    char *parts = (char *)p->parts + slice * p->vectors * part_bytes;
    memset(sums, 0, results * n * sizeof *sums);
    memset(parts, 0, results * part_bytes);
    for (size_t i = first, count; i < last; i += count) {
        count = us__linear_step(i, last);
        us__linear_rows rows;
        us__linear_take(p, job->batch, i, count, slice, &rows);
        p->kernel->forward(rows.x, count, job->theta, K, C, rows.z);
        if (job->v && !job->fisher)
            p->link->weight(count, K, rows.z);
        else
            loss += p->link->slope(count, K, rows.z, rows.target, rows.label, rows.u);
        if (job->fisher) memcpy(rows.z, rows.u, count * K * sizeof *rows.z); /* d, where weight leaves p */
        for (size_t j = 0; j < results; j++) {
            if (job->v) {
                p->kernel->forward(rows.x, count, job->v[j]->data, K, C, rows.u);
                (job->fisher ? linear_slopes : p->link->curve)(count, K, rows.z, rows.u);
            }
            for (size_t m = 0; m < count * K; m++) rows.u[m] *= scale;
            p->kernel->backward(rows.x, count, rows.u, K, C, parts + j * part_bytes);
        }
        unflushed += count;
        if (unflushed < US__LINEAR_FLUSH && i + count < last) continue;
        for (size_t j = 0; j < results; j++) p->kernel->flush(sums + j * n, parts + j * part_bytes, n);
        unflushed = 0;
    }
    job->loss[slice] = loss * scale;
}

typedef struct linear_share {
    const us__linear_problem *problem;
    linear_job *job;
} linear_share;

static void linear_one_slice(void *user, size_t slice, size_t thread) {
    const linear_share *s = user;
    (void)thread;
    linear_slice(s->problem, s->job, slice);
}

/* Runs a job and leaves its vectors in out[k or 1]. */
static double linear_run(const us__linear_problem *p, linear_job *job, us_vec *const *out) {
    linear_cut(p, job);
    bool shared = job->batch.count * p->base.dimension >= LINEAR_THREAD_WORK;
    us__parallel(p->base.context, shared ? (size_t)us_context_threads(p->base.context) : 1, job->slices, linear_one_slice,
                 &(linear_share){p, job});
    double loss = 0;
    for (size_t s = 0; s < job->slices; s++) loss += job->loss[s];
    size_t n = p->base.dimension, results = job->v ? job->k : job->gradient;
    for (size_t j = 0; j < results; j++) p->kernel->finish(out[j]->data, p->sums + j * n, job->slices, p->vectors * n, n);
    return loss;
}

/* ---------------------------------------------------------------- the problem's operations */

static us_status linear_value(us_problem *problem, const us_vec *theta, us_batch batch, double *loss) {
    linear_job job = {.batch = batch, .theta = theta->data};
    *loss = linear_run((us__linear_problem *)problem, &job, NULL);
    return US_OK;
}

/* A batch of few rows adds up in the gradient itself; one row overwrites it. */
static double linear_few(const us__linear_problem *p, us_batch batch, const us_vec *theta, us_vec *gradient) {
    size_t K = p->outputs, C = p->columns;
    double loss = 0, scale = 1 / (double)batch.count;
    if (batch.count > 1) memset(gradient->data, 0, gradient->n * us_precision_bytes(gradient->precision));
    for (size_t i = 0, count; i < batch.count; i += count) {
        count = us__linear_step(i, batch.count);
        us__linear_rows rows;
        us__linear_take(p, batch, i, count, 0, &rows);
        p->kernel->forward(rows.x, count, theta->data, K, C, rows.z);
        loss += p->link->slope(count, K, rows.z, rows.target, rows.label, rows.u);
        if (batch.count == 1) {
            p->kernel->outer(rows.x[0], rows.u, K, C, gradient->data);
            return loss;
        }
        for (size_t m = 0; m < count * K; m++) rows.u[m] *= scale;
        p->kernel->backward(rows.x, count, rows.u, K, C, gradient->data);
    }
    return loss * scale;
}

static us_status linear_gradient(us_problem *problem, const us_vec *theta, us_batch batch, double *loss, us_vec *gradient) {
    us__linear_problem *p = (us__linear_problem *)problem;
    if (batch.count <= US__LINEAR_FLUSH) {
        *loss = linear_few(p, batch, theta, gradient);
        return US_OK;
    }
    linear_job job = {.batch = batch, .theta = theta->data, .gradient = true};
    *loss = linear_run(p, &job, &gradient);
    return US_OK;
}

/* The logits are linear in θ: the Gauss-Newton matrix is the Hessian. */
static us_status linear_product(us_problem *problem, us_product product, const us_vec *theta, us_batch batch,
                                const us_vec *const *v, us_vec *const *hv, size_t k) {
    us__linear_problem *p = (us__linear_problem *)problem;
    for (size_t j = 0; j < k; j += p->vectors) {
        linear_job job = {.batch = batch, .theta = theta->data, .v = v + j, .k = k - j < p->vectors ? k - j : p->vectors};
        job.fisher = product == US_FISHER;
        linear_run(p, &job, hv + j);
    }
    return US_OK;
}

static us_status linear_hvp(us_problem *problem, const us_vec *theta, us_batch batch, const us_vec *const *v,
                            us_vec *const *hv, size_t k) {
    return linear_product(problem, US_HESSIAN, theta, batch, v, hv, k);
}

/* ---------------------------------------------------------------- residuals, and the table */

static void linear_hint(us_problem *problem, us_batch next) {
    const us__linear_problem *p = (const us__linear_problem *)problem;
    for (size_t i = 0; next.rows && i < next.count && i < US__LINEAR_ROWS; i++)
        if (next.rows[i] < problem->samples) linear_fetch(p, next.rows[i]);
}

/* rᵢₖ = Wₖ·xᵢ + bₖ − yᵢₖ: its derivatives are the features. */
static us_status linear_residuals(us_problem *problem, const us_vec *theta, double *residuals, double *jacobian) {
    const us__linear_problem *p = (const us__linear_problem *)problem;
    size_t n = problem->dimension, K = p->outputs, C = p->columns;
    for (size_t i = 0; i < problem->samples; i++) {
        const void *row = linear_row(p, i);
        for (size_t k = 0; k < K; k++) {
            double sum = us_vec_get(theta, K * C + k) - linear_number(p, p->targets, i * K + k), *slope = NULL;
            if (jacobian) {
                slope = jacobian + (i * K + k) * n;
                memset(slope, 0, n * sizeof *slope);
                slope[K * C + k] = 1;
            }
            for (size_t c = 0; c < C; c++) {
                double x = linear_number(p, row, c);
                sum += us_vec_get(theta, k * C + c) * x;
                if (slope) slope[k * C + c] = x;
            }
            residuals[i * K + k] = sum;
        }
    }
    return US_OK;
}

static void linear_destroy(us_problem *problem) {
    us__linear_problem *p = (us__linear_problem *)problem;
    us__release(problem->context, p->sums);
    us__release(problem->context, p->parts);
    us__release(problem->context, p->logits);
    us__release(problem->context, p->converted);
    us__release(problem->context, p);
}

static us_status linear_recast(us_problem **out, const us_problem *problem, us_precision precision, us_context *context);

static us_status linear_floor(us_problem *problem, double *floor, double *constant) {
    return us_dataset_floor(((us__linear_problem *)problem)->dataset, floor, constant);
}

static us_status linear_trace(us_problem *problem, const us_vec *theta, us_batch batch, char *text, size_t size);

static const us__problem_ops LINEAR_OPS = {
    .value = linear_value,
    .gradient = linear_gradient,
    .hvp = linear_hvp,
    .product = linear_product,
    .hessian = us__linear_hessian,
    .residuals = linear_residuals,
    .recast = linear_recast,
    .hint = linear_hint,
    .floor = linear_floor,
    .trace = linear_trace,
    .destroy = linear_destroy,
};

static us_status linear_trace(us_problem *problem, const us_vec *theta, us_batch batch, char *text, size_t size) {
    const us__linear_problem *p = (const us__linear_problem *)problem;
    size_t K = p->outputs, C = p->columns;
    for (size_t i = 0; i < batch.count; i++) {
        size_t row = linear_row_at(batch, i);
        us__linear_rows rows;
        for (size_t k = 0; k < C; k++)
            if (!isfinite(linear_number(p, linear_row(p, row), k)))
                return snprintf(text, size, "feature %zu (from 0) is %g in the data", k,
                                linear_number(p, linear_row(p, row), k)),
                       US_OK;
        for (size_t k = 0; k < K && p->targets; k++)
            if (!isfinite(linear_number(p, p->targets, row * K + k)))
                return snprintf(text, size, "target %zu (from 0) is %g in the data", k,
                                linear_number(p, p->targets, row * K + k)),
                       US_OK;
        us__linear_take(p, batch, i, 1, 0, &rows);
        p->kernel->forward(rows.x, 1, theta->data, K, C, rows.z);
        for (size_t k = 0; k < K; k++)
            if (!isfinite(rows.z[k]))
                return snprintf(text, size, "product with layer1.weight gives %g, in layer1", rows.z[k]), US_OK;
        double loss = p->link->slope(1, K, rows.z, rows.target, rows.label, rows.u);
        if (!isfinite(loss)) return snprintf(text, size, "the loss of an output of %g is %g", rows.z[0], loss), US_OK;
        for (size_t k = 0; k < K * C; k++) {
            double element = rows.u[k / C] * linear_number(p, linear_row(p, row), k % C);
            if (problem->precision == US_F32) element = (double)(float)element;
            if (!isfinite(element))
                return snprintf(
                           text, size,
                           "product of the error %g with feature %zu (from 0) gives %g, in the derivative of layer1.weight",
                           rows.u[k / C], k % C, element),
                       US_OK;
        }
    }
    return US_OK;
}

/* ---------------------------------------------------------------- creation */

static size_t linear_clamp(size_t x, size_t low, size_t high) { return x < low ? low : x > high ? high : x; }

static us_status linear_make(us_problem **out, us_context *context, const us_dataset *dataset, us_linear_loss loss,
                             us_precision precision) {
    size_t C = us_dataset_columns(dataset), K = loss == US_LINEAR_LOGISTIC ? 1 : us_dataset_outputs(dataset), n;
    if (us_dataset_has_windows(dataset))
        return us__fail(context, US_ERR_UNSUPPORTED,
                        "a linear model has one label a row; for the characters of a text take a model such as "
                        "'embed 64, 2*(attention 4, feed-forward 256)'");
    if (__builtin_mul_overflow(C + 1, K, &n)) return us__fail_memory(context, SIZE_MAX);
    us__linear_problem *p = us__new(context, 1, sizeof *p);
    if (!p) return US_ERR_NOMEM;
    p->base = (us_problem){.ops = &LINEAR_OPS,
                           .context = context,
                           .precision = precision,
                           .dimension = n,
                           .samples = us_dataset_rows(dataset),
                           .residuals = loss == US_LINEAR_HALF_MSE ? us_dataset_rows(dataset) * K : 0,
                           .hvp_is_exact = true};
    size_t groups = 0;
    if (C > 0)
        p->groups[groups++] = (us_group){.name = "layer1.weight", .count = K * C, .rank = 2, .shape = {K, C}, .outer = true};
    p->groups[groups++] =
        (us_group){.name = "layer1.bias", .offset = K * C, .count = K, .rank = 1, .shape = {K}, .outer = true};
    p->base.groups = p->groups;
    p->base.group_count = groups;
    p->dataset = dataset;
    p->kernel = precision == US_F32 ? &us__linear_kernel_f32 : &us__linear_kernel_f64;
    p->link = loss == US_LINEAR_HALF_MSE  ? &us__linear_half_mse
              : loss == US_LINEAR_SOFTMAX ? &us__linear_softmax
                                          : &us__linear_logistic;
    p->loss = loss;
    p->features = us_dataset_features_const(dataset);
    p->targets = us_dataset_targets_const(dataset);
    p->labels = us_dataset_labels_const(dataset);
    p->stored = us_dataset_precision(dataset);
    p->columns = C;
    p->outputs = K;
    p->row_bytes = C * us_precision_bytes(p->stored);
    p->vectors = linear_clamp(LINEAR_SUMS / 4 / n, 1, LINEAR_VECTORS);
    p->slices = linear_clamp(LINEAR_SUMS / n / p->vectors, 1, LINEAR_SLICES);
    size_t vectors = p->slices * p->vectors; /* of n numbers each */
    bool made = (p->sums = us__alloc(context, n, vectors * sizeof(double))) &&
                (p->parts = us__alloc(context, n, vectors * us_precision_bytes(precision))) &&
                (p->logits = us__alloc(context, K, 3 * p->slices * US__LINEAR_ROWS * sizeof(double)));
    if (made && precision != p->stored)
        made = (p->converted = us__alloc(context, C, p->slices * US__LINEAR_ROWS * us_precision_bytes(precision))) != NULL;
    if (!made) {
        linear_destroy(&p->base);
        return US_ERR_NOMEM;
    }
    *out = &p->base;
    return US_OK;
}

static us_status linear_recast(us_problem **out, const us_problem *problem, us_precision precision, us_context *context) {
    const us__linear_problem *p = (const us__linear_problem *)problem;
    return linear_make(out, context, p->dataset, p->loss, precision);
}

us_status us_problem_create_linear(us_problem **out, const us_dataset *dataset, us_linear_loss loss) {
    us_context *context = us_dataset_context(dataset);
    size_t outputs = us_dataset_outputs(dataset), rows = us_dataset_rows(dataset);
    *out = NULL;
    if (loss != US_LINEAR_HALF_MSE && loss != US_LINEAR_SOFTMAX && loss != US_LINEAR_LOGISTIC)
        return us__fail(context, US_ERR_ARGUMENT, "there is no linear loss %d", (int)loss);
    if ((loss == US_LINEAR_HALF_MSE) != (us_dataset_task(dataset) == US_REGRESSION))
        return us__fail(context, US_ERR_ARGUMENT, "half-mse is for regression, softmax and logistic are for classification");
    if (loss == US_LINEAR_LOGISTIC && outputs != 2)
        return us__fail(context, US_ERR_ARGUMENT, "logistic regression needs 2 classes; these data have %zu: take softmax",
                        outputs);
    if (loss == US_LINEAR_SOFTMAX && outputs < 2)
        return us__fail(context, US_ERR_ARGUMENT, "softmax regression needs 2 classes or more; these data have %zu",
                        outputs);
    const uint32_t *labels = us_dataset_labels_const(dataset);
    for (size_t i = 0; labels && i < rows; i++)
        if (labels[i] >= outputs)
            return us__fail(context, US_ERR_ARGUMENT, "row %zu has label %u; there are %zu classes", i, labels[i], outputs);
    return linear_make(out, context, dataset, loss, us_dataset_precision(dataset));
}

us_status us_problem_linear_predict(const us_problem *problem, const us_vec *theta, const void *features, size_t rows,
                                    double *outputs) {
    const us__linear_problem *p = (const us__linear_problem *)problem;
    if (problem->ops != &LINEAR_OPS)
        return us__fail(problem->context, US_ERR_ARGUMENT, "us_problem_linear_predict: the problem is not a linear one");
    if (theta->n != problem->dimension || theta->precision != problem->precision)
        return us__fail(problem->context, US_ERR_ARGUMENT,
                        "us_problem_linear_predict: theta has %zu elements in f%d; the problem has %zu in f%d", theta->n,
                        (int)theta->precision, problem->dimension, (int)problem->precision);
    size_t row_bytes = p->columns * us_precision_bytes(problem->precision);
    for (size_t i = 0, count; i < rows; i += count) {
        count = us__linear_step(i, rows);
        const void *x[US__LINEAR_ROWS];
        for (size_t r = 0; r < count; r++) x[r] = (const char *)features + (i + r) * row_bytes;
        p->kernel->forward(x, count, theta->data, p->outputs, p->columns, outputs + i * p->outputs);
    }
    return US_OK;
}
