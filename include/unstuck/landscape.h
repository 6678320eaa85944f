/** The loss around a place, over one or two directions: θ(x, y) = θ₀ + x·d₁ + y·d₂. */
#ifndef UNSTUCK_LANDSCAPE_H
#define UNSTUCK_LANDSCAPE_H

#include <unstuck/problem.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ the plane */

/** A place and one or two directions. May be filled in by hand: directions need not be of length 1 or orthogonal, but not
 * parallel. */
typedef struct us_plane {
    size_t n;
    size_t count;         /* directions: 1 or 2 */
    double *origin;       /* [n] */
    double *direction[2]; /* [n] each; the second NULL where there is one */
    /* What is known of each direction by how it was made: an eigenvalue, or the share of the path's length (in squares) that
     * lies along it; NaN where nothing is. `error` is the residual of an eigenvalue. */
    double value[2], error[2];
    us_context *context;
} us_plane;

/** Room for one, zeros. @param count  1 or 2 @param out [caller destroys] Errors: US_ERR_ARGUMENT, US_ERR_NOMEM. */
US_API us_status us_plane_create(us_plane **out, us_context *context, size_t n, size_t count);
US_API void us_plane_destroy(us_plane *plane);

/** Along parameters first .. first+count−1 themselves, around θ₀ = 0 but for the parameters that are not among them, which
 * stay as in theta: x and y are the parameters' values. Errors: US_ERR_ARGUMENT (there are not so many), US_ERR_NOMEM. */
US_API us_status us_plane_axes(us_plane **out, us_context *context, const us_vec *theta, size_t first, size_t count);

/** Random directions with filter normalisation: normal numbers, then each filter of a group of two axes or more (a slice
 * along its first axis: the weights into one unit) is scaled to the length of θ's own; other groups (biases) stay zero.
 * Where no group has two axes the whole direction is scaled to the length of θ, or 1 where that is zero.
 * Source: Li, Xu, Taylor, Studer & Goldstein 2018, "Visualizing the loss landscape of neural nets", section 4.
 * @param out [caller destroys] Errors: US_ERR_ARGUMENT, US_ERR_NOMEM. */
US_API us_status us_plane_random(us_plane **out, const us_problem *problem, const us_vec *theta, size_t count,
                                 uint64_t seed);

typedef struct us_plane_eigen_options {
    uint32_t version; /* 1 */
    us_batch batch;   /* default all */
    size_t products;  /* Hessian-vector products at most; default 200 */
    double tolerance; /* see us_lanczos_options; default 1e-3 */
    uint64_t seed;    /* default 1 */
    void (*progress)(void *user, size_t done, size_t at_most, double lowest, double highest);
    void *progress_user;
} us_plane_eigen_options;
#define US_PLANE_EIGEN_OPTIONS_INIT \
    { .version = 1, .products = 200, .tolerance = 1e-3, .seed = 1 }
/** Along the eigenvectors of the Hessian at θ with the lowest eigenvalue and (count 2) the highest: orthonormal.
 * @param problem  in f64 for the full resolution @param out [caller destroys]
 * Gives US_OK, US_NOT_CONVERGED (> 0, usable, see plane->error). Errors: US_ERR_ARGUMENT, US_ERR_NOMEM, US_INTERRUPTED (> 0,
 * *out is NULL), US_ERR_NONFINITE, the problem's own. Cost: `products` at most. */
US_API us_status us_plane_eigen(us_plane **out, us_problem *problem, const us_vec *theta, size_t count,
                                const us_plane_eigen_options *options);

/** Along the principal directions of a path: with aᵢ = θᵢ − θ₀ of its places, the eigenvectors of Σ aᵢaᵢ' of the largest
 * eigenvalues, by the matrix of inner products; orthonormal. A path that has fewer dimensions than were asked for is
 * completed by a random direction, of share 0.
 * Source: Li et al. 2018, section 7. @param theta  θ₀, such as where the path ends @param places  [places_count] of either
 * precision @param out [caller destroys] Errors: US_ERR_ARGUMENT (no place differs from θ₀), US_ERR_NOMEM, US_ERR_NONFINITE.
 * Memory: count vectors and a matrix of places_count². Cost: places_count² inner products. */
US_API us_status us_plane_path(us_plane **out, us_context *context, const us_vec *theta, const us_vec *const *places,
                               size_t places_count, size_t count);

/** θ(x, y). @param at [count] @param theta [n] of either precision, overwritten */
US_API void us_plane_place(const us_plane *plane, const double *at, us_vec *theta);
/** The place of the plane nearest to θ, and how far from it θ is. @param at [count] out @param theta [n] */
US_API void us_plane_project(const us_plane *plane, const us_vec *theta, double *at, double *distance);

/** How far to go along direction k for the loss to change by as much as it is: the smallest s = 2^j·10⁻⁴·ℓ at which
 * |f(s) − f(0)| or |f(−s) − f(0)| exceeds max(|f(0)|, the change per step along the way), at most 2·ℓ, with ℓ = max(1, ‖θ₀‖)
 * over the direction's length. Errors: the problem's own. Cost: some 30 values. */
US_API us_status us_plane_span(const us_plane *plane, us_problem *problem, size_t k, double *span);

/* ------------------------------------------------------------------ the loss over it */

typedef struct us_landscape_options {
    uint32_t version;       /* 1 */
    size_t points[2];       /* along each direction, 2 to 4097; the second is not looked at in a plane of one; default 51 */
    double low[2], high[2]; /* of x and y, finite, low < high; default −1 and 1 */
    us_batch batch;         /* default all */
    /* Heard after each block of values: done and in all. May be NULL. false asks to stop. */
    bool (*progress)(void *user, size_t done, size_t total);
    void *progress_user;
} us_landscape_options;
#define US_LANDSCAPE_OPTIONS_INIT                                           \
    {                                                                       \
        .version = 1, .points = {51, 51}, .low = {-1, -1}, .high = { 1, 1 } \
    }
US_API void us_landscape_options_init(us_landscape_options *options);

/** The coordinate of point i along direction k: low + i/(points − 1)·(high − low). */
US_API double us_landscape_coordinate(const us_landscape_options *options, size_t k, size_t i);

/** The loss over the grid, on all threads of the context. Points go from coarse to fine, so that one that is interrupted
 * shows the whole; it goes on where it was when called again with the same arguments, and ends in the same bits as one that
 * was not.
 * @param loss  [points[1]×points[0]], rows along the second direction ([points[0]] in a plane of one). A loss that is not
 *              finite is no error. Before the first call its contents do not matter; points not yet done are NaN
 * @param done  in and out: 0 at first; then how many of the points are done
 * Errors: US_ERR_ARGUMENT, US_ERR_NOMEM, the problem's own; US_INTERRUPTED (> 0; the context was cancelled, or progress said
 * so): call again. Cost: a value a point. Memory: a recast of the problem a thread, where a value is too small to be shared.
 */
US_API us_status us_landscape_compute(us_problem *problem, const us_plane *plane, const us_landscape_options *options,
                                      double *loss, size_t *done);

#ifdef __cplusplus
}
#endif
#endif
