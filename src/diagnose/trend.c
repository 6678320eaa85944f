/* The slope of a noisy series: Theil & Sen's median of slopes, with Mann & Kendall's interval for correlated noise. */
#include "base/base.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unstuck/trend.h>

enum { TREND_FEWEST = 8, TREND_PAIRS = US_TREND_POINTS * (US_TREND_POINTS - 1) / 2 };

typedef struct trend_room {
    double x[US_TREND_POINTS], y[US_TREND_POINTS], rest[US_TREND_POINTS];
    double rank[US_TREND_POINTS];
    double slopes[TREND_PAIRS];
} trend_room;

static int trend_compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double trend_median(double *values, size_t n) { /* sorts them */
    qsort(values, n, sizeof *values, trend_compare);
    return n % 2 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

/* The quantile of the normal distribution, by bisection of erfc: z with P(|Z| ≤ z) = confidence. */
static double trend_quantile(double confidence) {
    double low = 0, high = 40;
    for (int i = 0; i < 60; i++) {
        double z = 0.5 * (low + high);
        *(erfc(z / sqrt(2)) > 1 - confidence ? &low : &high) = z;
    }
    return 0.5 * (low + high);
}

/* Ranks from 1, ties in the middle. */
static void trend_rank(const double *values, size_t n, double *rank) {
    for (size_t i = 0; i < n; i++) {
        double below = 0, same = 0;
        for (size_t j = 0; j < n; j++) below += values[j] < values[i], same += values[j] == values[i];
        rank[i] = below + 0.5 * (same + 1);
    }
}

/* Correlation of neighbours, of ranks. Taken about a line it is too small in the mean, by about (1 + 4r)/n (Marriott &
 * Pope 1954), which is added. */
static double trend_correlation(const double *rank, size_t n) {
    double mean = 0.5 * ((double)n + 1), square = 0, product = 0;
    for (size_t i = 0; i < n; i++) {
        square += (rank[i] - mean) * (rank[i] - mean);
        if (i > 0) product += (rank[i] - mean) * (rank[i - 1] - mean);
    }
    if (square == 0) return 0;
    double r = product / square;
    return fmax(-0.99, fmin(0.99, (r * (double)n + 1) / ((double)n - 4)));
}

/* How many more steps rise than fall: the difference-sign test (Moore & Wallis 1943). For a random walk its variance is
 * n − 1; for noise about a level, whose steps turn back, a third of that. */
static double trend_signs(const double *y, size_t n) {
    double sum = 0;
    for (size_t i = 1; i < n; i++) sum += (y[i] > y[i - 1]) - (y[i] < y[i - 1]);
    return sum;
}

/* The finite points, or the medians of blocks of them. Returns how many. */
static size_t trend_gather(trend_room *room, const double *x, const double *y, size_t n) {
    size_t finite = 0, count = 0, at = 0, in = 0;
    for (size_t i = 0; i < n; i++) finite += isfinite(y[i]) && isfinite(x[i]);
    size_t wanted = finite / 4 < 32 ? 32 : finite / 4 > US_TREND_POINTS ? US_TREND_POINTS : finite / 4;
    size_t block = (finite + wanted - 1) / wanted;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(y[i]) || !isfinite(x[i])) continue;
        /* `slopes` holds a block's values for a while; a block longer than it is thinned */
        if (in == 0) room->x[count] = 0;
        room->x[count] += x[i] / (double)block;
        if (in < TREND_PAIRS) room->slopes[in] = y[i];
        in++, at++;
        if (in < block) continue;
        room->y[count++] = trend_median(room->slopes, in < TREND_PAIRS ? in : TREND_PAIRS);
        in = 0;
    }
    return count; /* what fills no block is left out */
}

us_status us_trend_measure(us_trend *out, us_context *context, const double *x, const double *y, size_t n,
                           double confidence) {
    *out = (us_trend){.slope = (double)NAN, .low = (double)NAN, .high = (double)NAN, .level = (double)NAN};
    if (!(confidence > 0 && confidence < 1))
        return us__fail(context, US_ERR_ARGUMENT, "us_trend_measure: confidence is %g; it must lie between 0 and 1",
                        confidence);
    for (size_t i = 1; i < n; i++)
        if (!(x[i] > x[i - 1])) return us__fail(context, US_ERR_ARGUMENT, "us_trend_measure: x must be ascending");
    trend_room *room = us__alloc(context, 1, sizeof *room);
    if (!room) return US_ERR_NOMEM;
    us_status status = US_OK;
    size_t count = trend_gather(room, x, y, n), pairs = 0;
    if (count < TREND_FEWEST) {
        status = us__fail(context, US_ERR_ARGUMENT, "a trend needs %d finite points; there are %zu", TREND_FEWEST, count);
        goto done;
    }
    for (size_t i = 1; i < count; i++)
        for (size_t j = 0; j < i; j++) room->slopes[pairs++] = (room->y[i] - room->y[j]) / (room->x[i] - room->x[j]);
    double slope = trend_median(room->slopes, pairs), last = room->x[count - 1];
    for (size_t i = 0; i < count; i++) room->rest[i] = room->y[i] - slope * (room->x[i] - last);
    trend_rank(room->rest, count, room->rank);
    double r = trend_correlation(room->rank, count), m = (double)count;
    /* without ties Var S = n(n − 1)(2n + 5)/18; ties only lessen it */
    double variance = m * (m - 1) * (2 * m + 5) / 18;
    /* what falls (or rises) in most of its steps is a curve, whose distance from a line is no noise */
    double quantile = trend_quantile(confidence);
    if (r > 0 && fabs(trend_signs(room->y, count)) <= quantile * sqrt(m - 1)) variance *= (1 + r) / (1 - r);
    double reach = quantile * sqrt(variance); /* as in Sen 1968, eq. 4.2 */
    double below = 0.5 * ((double)pairs - reach) - 1, above = 0.5 * ((double)pairs + reach);
    out->slope = slope;
    out->low = below < 0 ? -HUGE_VAL : room->slopes[(size_t)below];
    out->high = above >= (double)pairs ? HUGE_VAL : room->slopes[(size_t)above];
    out->correlation = r;
    out->points = count;
    out->level = trend_median(room->rest, count);
    for (size_t i = 0; i < count; i++) room->rest[i] = fabs(room->rest[i] - out->level);
    out->noise = 1.4826 * trend_median(room->rest, count);
done:
    us__release(context, room);
    return status;
}

void us_series_add(us_series *s, double value) {
    if (s->each == 0) s->each = 1;
    s->added++;
    s->sum += value;
    if (++s->pending < s->each) return;
    if (s->count == US_SERIES_BLOCKS) {
        for (size_t i = 0; i < US_SERIES_BLOCKS / 2; i++) s->mean[i] = 0.5 * (s->mean[2 * i] + s->mean[2 * i + 1]);
        s->count = US_SERIES_BLOCKS / 2;
        s->each *= 2;
        if (s->pending < s->each) return; /* half of a longer block */
    }
    s->mean[s->count++] = s->sum / (double)s->pending;
    s->sum = 0;
    s->pending = 0;
}

us_status us_series_trend(const us_series *s, us_context *context, double share, double confidence, us_trend *out) {
    double x[US_SERIES_BLOCKS];
    size_t take = (size_t)ceil(share * (double)s->count);
    if (take > s->count) take = s->count;
    const double *y = s->mean + (s->count - take);
    for (size_t i = 0; i < take; i++)
        x[i] = (double)s->first + ((double)(s->count - take + i) + 0.5) * (double)(s->each ? s->each : 1);
    return us_trend_measure(out, context, x, y, take, confidence);
}
