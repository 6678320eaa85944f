/** Does it fall? The slope of a noisy series with its confidence interval; and a series of any length in bounded memory. */
#ifndef UNSTUCK_TREND_H
#define UNSTUCK_TREND_H

#include <unstuck/context.h>

#ifdef __cplusplus
extern "C" {
#endif

#define US_TREND_POINTS 64 /* longer series are taken as the medians of so many equal blocks */

typedef struct us_trend {
    double slope;       /* per unit of x: the median of the slopes of all pairs of points */
    double low, high;   /* its confidence interval */
    double level;       /* of the line at the last x */
    double noise;       /* of a point about the line: 1.4826 times the median distance from it */
    double correlation; /* of neighbouring points about the line, by ranks: −1 .. 1 */
    size_t points;      /* that it is of */
} us_trend;

/** Slope of y over x by Theil and Sen, which a quarter of the points may spoil without effect (spikes do not fool it), with
 * the interval that Mann and Kendall's S gives, widened for the correlation of neighbours: the variance of S is multiplied
 * by (1 + r)/(1 − r), r their correlation by ranks, corrected for its bias, where it is positive and significant.
 *
 * How often noise without a trend is said to have one is measured by tests/diagnose/trend_test.c, which says the rates.
 * @param x  [n] ascending @param y  [n]; points that are not finite are left out
 * @param confidence  of the interval, in (0, 1), such as 0.95
 * Errors: US_ERR_ARGUMENT (fewer than 8 finite points, x not ascending), US_ERR_NOMEM. Cost: at most 8,128 slopes.
 * Sources: Sen 1968, JASA 63; Hamed & Rao 1998, J. Hydrology 204 (the correction's form for AR(1): Matalas &
 * Sankarasubramanian 2003). */
US_API us_status us_trend_measure(us_trend *out, us_context *context, const double *x, const double *y, size_t n,
                                  double confidence);

/** A series that is added to without end: blocks of equally many values, each with the mean of its own. When all blocks are
 * full, neighbours are merged, and each stands for twice as many. {0} is an empty one. */
#define US_SERIES_BLOCKS 256
typedef struct us_series {
    double mean[US_SERIES_BLOCKS];
    size_t count;     /* full blocks */
    uint64_t each;    /* values a block stands for; 0: one, as nothing was added yet */
    uint64_t first;   /* index of the first value, from 0 */
    uint64_t added;   /* values so far */
    uint64_t pending; /* of them, in `sum` */
    double sum;
} us_series;
/** Adds one value. Never allocates. */
US_API void us_series_add(us_series *series, double value);
/** The trend of the last `share` of the series (0..1], over the index of its values. Errors: as us_trend_measure. */
US_API us_status us_series_trend(const us_series *series, us_context *context, double share, double confidence,
                                 us_trend *out);

#ifdef __cplusplus
}
#endif
#endif
