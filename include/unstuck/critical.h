/** Critical points: every one in a box, and the one nearest to a place. */
#ifndef UNSTUCK_CRITICAL_H
#define UNSTUCK_CRITICAL_H

#include <math.h>
#include <unstuck/diagnose.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct us_critical_options {
    uint32_t version;       /* 1 */
    size_t starts;          /* starting points; default 0: until nothing new turns up, see below */
    double seconds;         /* time limit of the search, > 0; what was found until then is named; default 20 */
    uint64_t seed;          /* default 1 */
    double merge_tolerance; /* points nearer than this, relative to the box, are one; default 1e-6 */
    us_point_options point; /* how each is named */
    void (*progress)(void *user, size_t starts_done, size_t starts, size_t found);
    void *progress_user;
} us_critical_options;
#define US_CRITICAL_OPTIONS_INIT \
    { .version = 1, .seconds = 20, .seed = 1, .merge_tolerance = 1e-6, .point = US_POINT_OPTIONS_INIT }
US_API void us_critical_options_init(us_critical_options *options);

typedef struct us_critical_points {
    size_t count;
    us_point **points; /* ascending by value */
    size_t starts;     /* tried */
    us_context *context;
} us_critical_points;

/** All critical points in a box that many starts of Newton's method on the gradient find, duplicates merged, each named by
 * us_point_classify. Half of the starts are spread evenly, half random; half go by pure Newton steps, half first lower
 * ‖gradient‖ by Levenberg-Marquardt steps. By default they end when as many again as it took to find the last point have
 * found no new one (at least 2000). No promise of completeness: `starts` says how hard it looked.
 *
 * Points on the box's edge count. Not listed: kinks, where the gradient jumps; plateaus, where it is small or underflows but
 * Newton's step is long; regions where loss and gradient are constant. Of lines and surfaces of critical points at most some
 * sixty places are kept, spread out. Starts where the loss is not finite are passed over.
 *
 * @param problem  in f64, at most a few hundred parameters (the Hessian is dense); meant for a handful
 * @param low, high [n], finite, low < high
 * @param out [caller destroys]; also with US_INTERRUPTED, which names what was found so far
 * Errors: US_ERR_ARGUMENT, US_ERR_NOMEM, the problem's own; *out is then NULL.
 * Cost: a start is some 10 to 50 gradients and as many Hessians (n products each). */
US_API us_status us_critical_search(us_critical_points **out, us_problem *problem, const double *low, const double *high,
                                    const us_critical_options *options);
US_API void us_critical_points_destroy(us_critical_points *points);

/* ------------------------------------------------------------------ the nearest */

typedef struct us_nearest_options {
    uint32_t version;       /* 1 */
    us_batch batch;         /* rows; default all */
    double tolerance;       /* there when ‖g‖ ≤ tolerance·‖H‖·max(1, ‖θ‖); > 0; default 1e-11 */
    size_t products;        /* Hessian-vector products at most; default 2000 */
    size_t basis;           /* vectors kept for one step, ≥ 2; more than n is n; default 100 */
    double reach;           /* farthest from the start, ‖θ − θ₀‖₂; > 0; default inf */
    double seconds;         /* time limit; default 0: none */
    us_point_options point; /* how the place is named */
    /* Hears products done and at most, the gradient's length now, and the distance from the start. May be NULL. */
    void (*progress)(void *user, size_t done, size_t at_most, double gradient_norm, double distance);
    void *progress_user;
} us_nearest_options;
#define US_NEAREST_OPTIONS_INIT \
    { .version = 1, .tolerance = 1e-11, .products = 2000, .basis = 100, .reach = HUGE_VAL, .point = US_POINT_OPTIONS_INIT }
US_API void us_nearest_options_init(us_nearest_options *options);

typedef enum us_nearest_end {
    US_NEAREST_CRITICAL = 0,
    US_NEAREST_GRADIENT_FLAT, /* ‖g‖ is stationary where g is not zero: Hg ≈ 0. No critical point, though ‖g‖ falls no more
                               */
    US_NEAREST_STALLED, /* no step shortens g: kinks, at which it jumps (bend), or rounding */
    US_NEAREST_LIMIT    /* products, seconds or reach are spent */
} us_nearest_end;
/** A bend below this is that of a kink. */
#define US_NEAREST_KINKED 1.5
/** "critical", "gradient-flat", "stalled", "limit". */
US_API const char *us_nearest_end_name(us_nearest_end end);

typedef struct us_nearest {
    us_nearest_end end;
    us_point *point;       /* where it ended, and what kind of point that is; with the limit on a dense Hessian as given by
                              options.point, all eigenvalues or both ends */
    double start_value;    /* loss at the start */
    double start_gradient; /* ‖g‖ there */
    double distance;       /* ‖θ − θ₀‖₂ */
    double flatness; /* ‖Hg‖/(‖H‖·‖g‖) where it ended, ‖H‖ the largest met on the way: near 0 at a gradient-flat point */
    double bend; /* where it ended gradient-flat or stalled: the power of the distance by which the gradient departs from its
                    linear model. 2 where it is smooth, about 1 or less where it jumps at kinks; NaN: not measured, or
                    rounding */
    size_t steps, products; /* taken; the naming's are the point's own */
    us_context *context;
} us_nearest;

/** From θ to a critical point near by, of any index: Newton's method for g = 0 in the sense of least residuals. Each step
 * makes ‖g + Hp‖ least over a Krylov space of (H, g) within a trust region, whose radius follows how well that foretells the
 * merit ‖g‖²/2; so it goes to saddles and maxima as to minima, over singular Hessians, by products alone. A local minimum of
 * ‖g‖ that is no critical point (Frye et al.) is told as gradient-flat.
 * @param problem  in f64 for the full resolution
 * @param out [caller destroys]; usable with US_NOT_CONVERGED, too
 * Gives US_OK (critical), US_NOT_CONVERGED (see end), US_INTERRUPTED (*out is NULL). Errors: US_ERR_ARGUMENT, US_ERR_NOMEM,
 * US_ERR_NONFINITE (at the start), the problem's own; *out is then NULL. Memory: (basis + 1) vectors of n doubles. Sources:
 * Roosta, Liu, Xu & Mahoney 2018, "Newton-MR"; Frye et al. 2021, "Critical point-finding methods reveal gradient-flat
 * regions of deep network losses", Neural Computation 33(6). */
US_API us_status us_critical_nearest(us_nearest **out, us_problem *problem, const us_vec *theta,
                                     const us_nearest_options *options);
US_API void us_nearest_destroy(us_nearest *nearest);

#ifdef __cplusplus
}
#endif
#endif
