/** Every critical point in a box. */
#ifndef UNSTUCK_CRITICAL_H
#define UNSTUCK_CRITICAL_H

#include <unstuck/diagnose.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct us_critical_options {
    uint32_t version;       /* 1 */
    size_t starts;          /* starting points; default 0: by dimension */
    double seconds;         /* time limit; default 20 */
    uint64_t seed;          /* default 1 */
    double merge_tolerance; /* points nearer than this, relative to the box, are one; default 1e-6 */
    us_point_options point; /* how each is named */
    void (*progress)(void *user, size_t starts_done, size_t starts, size_t found);
    void *progress_user;
} us_critical_options;
#define US_CRITICAL_OPTIONS_INIT \
    {.version = 1, .seconds = 20, .seed = 1, .merge_tolerance = 1e-6, .point = US_POINT_OPTIONS_INIT}
US_API void us_critical_options_init(us_critical_options *options);

typedef struct us_critical_points {
    size_t count;
    us_point **points;  /* ascending by value */
    size_t starts;      /* tried */
    us_context *context;
} us_critical_points;

/** All critical points in a box that many starts of Newton's method on the gradient find, duplicates merged, each named.
 * No promise of completeness: `starts` says how hard it looked. @param low, high [n], finite, low < high.
 * @param out [caller destroys] */
US_API us_status us_critical_search(us_critical_points **out, us_problem *problem, const double *low, const double *high,
                                    const us_critical_options *options);
US_API void us_critical_points_destroy(us_critical_points *points);

#ifdef __cplusplus
}
#endif
#endif
