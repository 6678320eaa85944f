/** The seam: a mean loss over samples as a function of parameters θ ∈ Rⁿ.
 *
 * Everything above knows only this; leaves (linear, graph, callback) and decorators (l2) make one.
 *   value(θ)     f(θ) = (1/|B|) Σ_{i∈B} fᵢ(θ) [+ penalty]
 *   gradient(θ)  ∇f(θ) ∈ Rⁿ
 *   hvp(θ, V)    ∇²f(θ)·V, k vectors at a time
 */
#ifndef UNSTUCK_PROBLEM_H
#define UNSTUCK_PROBLEM_H

#include <unstuck/vec.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct us_problem us_problem;

/** Rows of the dataset, and in which form they are asked for. rows == NULL means all of them (count is then ignored). Each
 * row < samples. */
typedef struct us_batch {
    const uint32_t *rows;
    size_t count;
    /* 0: the evaluation form of the loss. Anything else: its training form, where a problem has one; the number chooses what
     * is random in it (dropout's masks), so that the same draw gives the same function. */
    uint64_t draw;
} us_batch;

/** All samples, in evaluation form. */
#define US_BATCH_ALL ((us_batch){NULL, 0, 0})

/** A named slice of θ with a shape, row-major. */
typedef struct us_group {
    const char *name; /* "layer1.weight" */
    size_t offset;    /* first element in θ */
    size_t count;     /* elements: the product of the shape */
    size_t rank;      /* 0 (a scalar) to 4 */
    size_t shape[4];
    bool outer; /* an embedding, or of the output layer: Muon leaves it to AdamW */
    bool state; /* running statistics that a training moves outside its rule; no parameters to descend in */
} us_group;

/** Loss at θ. @param theta [n] of the problem's precision; the same holds for every vector below.
 * Errors: US_ERR_ARGUMENT (size, precision or a row out of range), US_ERR_CALLBACK.
 * A loss that is not finite is no error: *loss is then inf or NaN. Cost: one forward pass. */
US_API us_status us_problem_value(us_problem *problem, const us_vec *theta, us_batch batch, double *loss);

/** Loss and gradient at θ. @param gradient [n], overwritten; must not alias theta.
 * Errors as us_problem_value. Cost: about 3 values. */
US_API us_status us_problem_gradient(us_problem *problem, const us_vec *theta, us_batch batch, double *loss,
                                     us_vec *gradient);

/** Hessian times k vectors: hv[j] = H(θ)·v[j]. No hv aliases a v or theta.
 * Errors as us_problem_value. Cost: about 2 gradients each, less when k > 1. */
US_API us_status us_problem_hvp(us_problem *problem, const us_vec *theta, us_batch batch, const us_vec *const *v,
                                us_vec *const *hv, size_t k);

/** A symmetric matrix that says how the loss curves. With the outputs zᵢ of the model, Jᵢ = ∂zᵢ/∂θ, and gᵢ = ∇fᵢ:
 *   US_HESSIAN       ∇²f
 *   US_GAUSS_NEWTON  (1/|B|) Σ Jᵢ'·(∂²fᵢ/∂zᵢ²)·Jᵢ: the Hessian without the curvature of the model itself; never negative
 *                    where the loss is convex in the outputs, the Hessian where the outputs are linear in θ. For
 *                    cross-entropy and half the squared error it is the Fisher matrix of the model's own distribution
 *   US_FISHER        (1/|B|) Σ gᵢgᵢ': the empirical Fisher matrix, with the targets that the data have; never negative
 * An l2 penalty adds its strength times the identity to each.
 * Sources: Schraudolph 2002; Martens 2020; Kunstner, Balles & Hennig 2019. */
typedef enum us_product { US_HESSIAN = 0, US_GAUSS_NEWTON, US_FISHER } us_product;
#define US_PRODUCTS 3
/** "hessian", "gauss-newton", "fisher". */
US_API const char *us_product_name(us_product product);

/** Products with k vectors; US_HESSIAN is us_problem_hvp. The first of a kind makes its plan.
 * Errors: as us_problem_hvp; US_ERR_UNSUPPORTED (a callback has the Hessian alone; a Gauss-Newton product needs a graph
 * with an output); US_ERR_NOMEM. Cost: about 2 gradients each, less when k > 1. */
US_API us_status us_problem_product(us_problem *problem, us_product product, const us_vec *theta, us_batch batch,
                                    const us_vec *const *v, us_vec *const *hv, size_t k);

/** How many residuals rᵢ(θ) the loss is the squares of: f(θ) = (1/2N) Σ rᵢ(θ)² over all N samples, in evaluation form; 0
 * where it is no such sum. A residual is the output less the target, times a constant of the loss. */
US_API size_t us_problem_residual_count(const us_problem *problem);
/** The residuals over all samples, and their derivatives.
 * @param residuals  [count] @param jacobian  [count×n] ∂rᵢ/∂θⱼ, row-major; NULL: not wanted
 * Errors: as us_problem_value; US_ERR_UNSUPPORTED (the loss is no sum of squares, or the model has several outputs);
 * US_ERR_NOMEM (the first time). Cost: a value; with the jacobian a gradient of each sample by itself. */
US_API us_status us_problem_residuals(us_problem *problem, const us_vec *theta, double *residuals, double *jacobian);

US_API size_t us_problem_dimension(const us_problem *problem);
/** Number of samples; 1 for a problem without data. */
US_API size_t us_problem_samples(const us_problem *problem);
US_API us_precision us_problem_precision(const us_problem *problem);
/** The groups, in order, covering θ without gaps. Borrowed until the problem is destroyed. */
US_API const us_group *us_problem_groups(const us_problem *problem, size_t *count);
/** False when products are differences of gradients (a callback without hvp). */
US_API bool us_problem_hvp_is_exact(const us_problem *problem);
/** True when the loss differs between training and evaluation (dropout, batch normalisation): see us_batch.draw. A training
 * then steps by the training form, and everything else looks at the evaluation form. */
US_API bool us_problem_has_training_form(const us_problem *problem);
US_API us_context *us_problem_context(const us_problem *problem);

/** What the data allow: *floor is the least loss over all samples that any function of the features can have (a penalty only
 * adds to it), *constant that of the best constant prediction. NaN where the problem does not know: callbacks, problems
 * without data, losses of other kinds. Errors: US_ERR_NOMEM. Cost: a sort of the samples. */
US_API us_status us_problem_floor(us_problem *problem, double *floor, double *constant);

/** Where numbers end: the first operation in the computation of loss and gradient whose value is not finite, in words, such
 * as "exp of 812 gives inf, at column 3 of the formula" or "product of matrices with layer2.weight gives inf, in layer2
 * (dense)".
 * "" where all are finite, and where the problem does not know its operations (callbacks). A row alone tells most.
 * Errors: as us_problem_value, US_ERR_NOMEM. Cost: some gradients. */
US_API us_status us_problem_trace(us_problem *problem, const us_vec *theta, us_batch batch, char *text, size_t size);

/** The same problem computing in another precision, on the same data (values are converted, not
 * read anew, so the function is the one that was trained). The data is shared: the original must
 * outlive the recast one. Asking for the precision that it has gives an independent workspace,
 * which another thread may use. @param out [caller destroys]. */
US_API us_status us_problem_recast(us_problem **out, const us_problem *problem, us_precision precision);

/** How many bytes products with the Hessian, or another of the curvatures, may keep of what they compute at θ alone, so that
 * the next product at the same θ on the same rows saves it (about a third of its time). 0, as at first: no more than memory
 * for one evaluation has room for anyway, which is a few thousand rows. Less than before gives memory back. Costs nothing
 * where a problem keeps nothing. Gives what was allowed before. */
US_API double us_problem_keep(us_problem *problem, double bytes);

/** Destroys a problem. A decorator does not own the problem inside unless its create says so. */
US_API void us_problem_destroy(us_problem *problem);

/* ------------------------------------------------------------------ leaves and decorators */

/** A C program's own functions; in a context of more than one thread they may be called by several at once (remedies on
 * trial, landscapes). θ, gradient, v and hv are arrays of the precision that was stated. A function
 * returns 0, or anything else to fail with US_ERR_CALLBACK. rows is NULL for all samples. */
typedef struct us_callback_problem {
    uint32_t version;       /* 1 */
    size_t dimension;       /* n ≥ 1 */
    size_t samples;         /* ≥ 1; default 1 */
    us_precision precision; /* default US_F64 */
    void *user;
    int (*value)(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss);
    int (*gradient)(void *user, const void *theta, const uint32_t *rows, size_t count, double *loss, void *gradient);
    /* May be NULL: central differences of the gradient then serve, and us_problem_hvp_is_exact is false. */
    int (*hvp)(void *user, const void *theta, const uint32_t *rows, size_t count, const void *v, void *hv);
} us_callback_problem;

#define US_CALLBACK_PROBLEM_INIT \
    { .version = 1, .samples = 1, .precision = US_F64 }

/** A problem from three functions. The struct is copied; user must outlive the problem. One group, "theta".
 * @param out [caller destroys] */
US_API us_status us_problem_create_callback(us_problem **out, us_context *context, const us_callback_problem *callback);

/** f(θ) + (strength/2)·‖θ‖². @param owned true: destroys `inner` with the decorator (also when creation fails).
 * strength ≥ 0, finite. */
US_API us_status us_problem_create_l2(us_problem **out, us_problem *inner, double strength, bool owned);

/** The same loss over a sample of the rows, evenly spread: its row i is row floor(i*N/rows) of the N that `inner` has. "All
 * rows" of it are these. No floor is known of it (us_problem_floor). @param rows  1 to N
 * @param owned  true: destroys `inner` with the decorator (also when creation fails)
 * Errors: US_ERR_ARGUMENT, US_ERR_NOMEM; in use US_ERR_ARGUMENT, too, for a batch of more rows than the sample has. */
US_API us_status us_problem_create_sample(us_problem **out, us_problem *inner, size_t rows, bool owned);

/** F(θ) = f(θ) + constant + slope'(θ − origin), on whatever rows; the curvature is that of f. With f on a sample of the
 * rows, and constant and slope what its loss and gradient at `origin` lack of those of all rows, F agrees with all rows to
 * the first order there. No floor is known of it, and it is no sum of squares. @param origin, slope  [n] of either
 * precision, copied @param owned  true: destroys `inner` with the decorator (also when creation fails) Errors:
 * US_ERR_ARGUMENT (sizes), US_ERR_NOMEM. */
US_API us_status us_problem_create_tilted(us_problem **out, us_problem *inner, const us_vec *origin, double constant,
                                          const us_vec *slope, bool owned);

/** What a problem was asked: the rows of all values, of all gradients, of all products with one vector. */
typedef struct us_evaluations {
    double value_rows, gradient_rows, product_rows;
} us_evaluations;
/** In gradients of `rows` rows: a value is a third of one, a product two. */
US_API double us_evaluations_gradients(const us_evaluations *counts, size_t rows);
/** The same problem; adds up in *counts what it and what is recast from it are asked. @param counts  borrowed: outlives them
 * all; one thread at a time @param owned  true: destroys `inner` with the decorator (also when creation fails)
 * Errors: US_ERR_NOMEM. */
US_API us_status us_problem_create_counted(us_problem **out, us_problem *inner, us_evaluations *counts, bool owned);

/** The same loss as a function of some groups alone; the others are held at what they are in `theta`. Everything that a
 * problem has follows: its groups and its dimension are those of the free ones, its products are blocks of the whole
 * Hessian.
 * @param theta  [n of inner] of either precision, copied @param held  [groups of inner], copied; NULL: the groups that are
 * state, such as running statistics @param owned  true: destroys `inner` with the decorator (also when creation fails)
 * Errors: US_ERR_ARGUMENT (size of theta, no group is free), US_ERR_NOMEM. Memory: 2 vectors of inner's n, and 2 more for
 * each vector of a product, up to 16. */
US_API us_status us_problem_create_restricted(us_problem **out, us_problem *inner, const us_vec *theta, const bool *held,
                                              bool owned);
/** The free part of a vector of the whole, and back (the held part of `whole` stays what it was); all of it where the
 * problem is not restricted. Both vectors of the problem's precision. */
US_API us_status us_restricted_take(const us_problem *problem, const us_vec *whole, us_vec *part);
US_API us_status us_restricted_put(const us_problem *problem, const us_vec *part, us_vec *whole);

/** A problem as its curvature is looked at: in this precision, a function of its parameters alone; groups that are state are
 * held at what they are in theta. And the point: what theta says of the parameters, for us_restricted_put to put back.
 * @param out, at  [caller destroys]; both NULL after an error @param theta  [n of problem] of either precision
 * Errors: as us_problem_recast and us_problem_create_restricted. */
US_API us_status us_problem_freeze(us_problem **out, us_vec **at, const us_problem *problem, us_precision precision,
                                   const us_vec *theta);

/* ------------------------------------------------------------------ checks */

typedef struct us_check_options {
    uint32_t version;  /* 1 */
    size_t directions; /* random directions tried; default 4 */
    double tolerance;  /* relative disagreement that passes; default 0: 1e-5 in f64, 2e-2 in f32 */
    uint64_t seed;     /* default 1 */
} us_check_options;
#define US_CHECK_OPTIONS_INIT \
    { .version = 1, .directions = 4, .tolerance = 0, .seed = 1 }
US_API void us_check_options_init(us_check_options *options);

typedef struct us_check {
    bool passed;
    bool decided;        /* false: rounding or a kink hid the answer; passed is then false, too */
    double disagreement; /* largest relative difference found */
    double asymmetry;    /* Hessian check: |⟨u,Hv⟩ − ⟨v,Hu⟩| over its scale; gradient check: 0 */
    size_t worst_group;  /* group whose own directional test disagrees most; SIZE_MAX when none */
} us_check;

/** Compares the gradient with central differences of the loss along random directions of all parameters, and of each
 * group by itself, at several step sizes. The step is chosen by what truncation and rounding are seen to be there, so
 * that neither decides; where they hide the answer (a kink, a point so nearly stationary that the gradient is rounding)
 * the check is not decided, rather than passed or failed. A gradient that is not finite where the loss is has failed.
 * @param options  NULL for defaults
 * Errors: US_ERR_ARGUMENT, US_ERR_NOMEM, US_ERR_CALLBACK; *out is then not to be used.
 * Cost: 3 gradients and 13 values for each direction and group (26 for a group that the first does not decide). */
US_API us_status us_problem_check_gradient(us_problem *problem, const us_vec *theta, us_batch batch,
                                           const us_check_options *options, us_check *out);

/** Compares products with central differences of the gradient, and ⟨u,Hv⟩ with ⟨v,Hu⟩, in the same way. Groups are
 * looked at only when something disagrees, to name the worst. Products must be as good as the tolerance: differences of
 * gradients (us_problem_hvp_is_exact false) may fail where parameters are of very different size.
 * Cost: 12 gradients and 2 products a direction. */
US_API us_status us_problem_check_hessian(us_problem *problem, const us_vec *theta, us_batch batch,
                                          const us_check_options *options, us_check *out);

#ifdef __cplusplus
}
#endif
#endif
