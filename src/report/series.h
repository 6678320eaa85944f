/* Numbers over steps, and fewer of them that look the same. */
#ifndef US_REPORT_SERIES_H
#define US_REPORT_SERIES_H

#include "report/text.h"

typedef struct us__series {
    char *name, *part;    /* "gradient_norm"; "" or "layer1.weight" */
    double *step, *value; /* [count]; a value may be NaN */
    size_t count, room;
} us__series;

typedef struct us__series_list {
    us_context *context;
    us__series *series;
    size_t count, room;
} us__series_list;

/* Appends to the series of that name and part, which is made when it is not there.
 * Errors: US_ERR_NOMEM. */
us_status us__series_add(us__series_list *list, const char *name, const char *part, double step, double value);
/* The series of that name and part, or NULL. */
const us__series *us__series_find(const us__series_list *list, const char *name, const char *part);
void us__series_release(us__series_list *list);
/* "[{"name":..,"part":..,"rows":..,"step":[..],"value":[..]},..]": each thinned to at most `points`; rows are those before.
 */
us_status us__series_write(us__text *to, const us__series_list *list, size_t points);

/* Chooses at most `points` (≥ 6) of `count` points for a picture, in order: the first, the last, and of each of equally many
 * points between the lowest, the highest, the first that is not finite, and the one that spans the largest triangle with the
 * one chosen before and the mean of the next (Steinarsson 2013, "Downsampling time series for visual representation",
 * largest-triangle-three-buckets). So no extreme is lost, of whatever width.
 * @param keep [points] indices, ascending @return how many were kept. Cost: O(count), no allocation. */
size_t us__thin(const double *step, const double *value, size_t count, size_t points, size_t *keep);

#endif
