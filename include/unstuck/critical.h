/** Every critical point in a box. */
#ifndef UNSTUCK_CRITICAL_H
#define UNSTUCK_CRITICAL_H

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

#ifdef __cplusplus
}
#endif
#endif
