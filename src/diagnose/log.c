/* What a log says: the numbers that a decision is made of. */
#include "base/base.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unstuck/log.h>

enum { LOG_FEWEST = 16, LOG_FIRST = 5 };

us_status us_log_create(us_log **out, us_context *context, size_t count, const double *step, const double *loss,
                        const double *gradient_norm, const double *learning_rate, const double *batch) {
    us_log *log = *out = us__new(context, 1, sizeof *log);
    if (!log) return US_ERR_NOMEM;
    log->context = context;
    log->count = count;
    log->steps_logged = step != NULL;
    for (size_t i = 1; step && i < count; i++)
        if (!(step[i] > step[i - 1])) log->steps_logged = false;
    const double *from[5] = {step, loss, gradient_norm, learning_rate, batch};
    double **const to[5] = {&log->step, &log->loss, &log->gradient_norm, &log->learning_rate, &log->batch};
    for (int k = 0; k < 5; k++) {
        if (!from[k] && k > 0) continue;
        if (!(*to[k] = us__alloc(context, count, sizeof **to))) {
            us_log_destroy(log);
            *out = NULL;
            return US_ERR_NOMEM;
        }
        if (from[k]) memcpy(*to[k], from[k], count * sizeof **to);
    }
    for (size_t i = 0; !log->steps_logged && i < count; i++) log->step[i] = (double)i + 1;
    return US_OK;
}

void us_log_destroy(us_log *log) {
    if (!log) return;
    us__release(log->context, log->step);
    us__release(log->context, log->loss);
    us__release(log->context, log->gradient_norm);
    us__release(log->context, log->learning_rate);
    us__release(log->context, log->batch);
    us__release(log->context, log);
}

static int log_compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median of those that are finite; NaN where there are none. @param room [n] */
static double log_median(const double *values, size_t n, double *room) {
    size_t count = 0;
    for (size_t i = 0; values && i < n; i++)
        if (isfinite(values[i])) room[count++] = values[i];
    if (count == 0) return (double)NAN;
    qsort(room, count, sizeof *room, log_compare);
    return count % 2 ? room[count / 2] : 0.5 * (room[count / 2 - 1] + room[count / 2]);
}

/* Correlation of x[i] with x[i + lag], about zero. */
static double log_correlation(const double *x, size_t n, size_t lag) {
    double square = 0, product = 0;
    for (size_t i = 0; i < n; i++) {
        square += x[i] * x[i];
        if (i + lag < n) product += x[i] * x[i + lag];
    }
    return square > 0 ? product / square * (double)n / (double)(n - lag) : 0;
}

/* How the distances from the trend follow each other. What is far out counts as three deviations, so that spikes do not
 * decide. @param rest [n] overwritten */
static void log_swing(us_log_evidence *e, double *rest, size_t n) {
    double least = 0, then = 0; /* of the first half wave against itself, and of the whole one */
    for (size_t i = 0; i < n; i++) rest[i] = fmax(-3 * e->noise, fmin(3 * e->noise, rest[i]));
    e->turning = log_correlation(rest, n, 1);
    size_t lags = n / 3 < 512 ? n / 3 : 512;
    for (size_t lag = 2; lag <= lags; lag++) {
        double r = log_correlation(rest, n, lag);
        if (r < 0 && then > 0) break; /* the second wave */
        if (r < least) least = r;
        if (r > 0 && least < 0 && r > then) then = r;
    }
    e->ringing = fmin(-least, then);
}

static double log_surge(const double *values, size_t n, double *room) {
    if (!values || n < 4) return (double)NAN;
    size_t last = n >= 8 ? 3 : 1;
    double now = 0, before = log_median(values, n - last, room);
    for (size_t i = n - last; i < n; i++)
        if (fabs(values[i]) > now) now = fabs(values[i]);
    return now / fabs(before);
}

us_status us_log_gather(const us_log *log, us_log_evidence *out) {
    const double unknown = (double)NAN;
    us_log_evidence *e = out;
    *e = (us_log_evidence){.finite = true,
                           .not_finite_at = unknown,
                           .surge = unknown,
                           .gradient_surge = unknown,
                           .loss_first = unknown,
                           .loss = unknown,
                           .slope = unknown,
                           .slope_low = unknown,
                           .slope_high = unknown,
                           .fall = unknown,
                           .noise = unknown,
                           .turning = unknown,
                           .ringing = 0,
                           .gradient_first = unknown,
                           .gradient = unknown,
                           .rate_most = unknown,
                           .rate = unknown,
                           .rows = unknown,
                           .gain_ratio = unknown};
    size_t n = 0;
    while (n < log->count && isfinite(log->loss[n]) && !(log->gradient_norm && isinf(log->gradient_norm[n]))) n++;
    e->points = n;
    e->finite = n == log->count;
    if (!e->finite) e->not_finite_at = log->step[n];
    double *room = us__alloc(log->context, log->count, sizeof *room);
    if (!room) return US_ERR_NOMEM;
    us_status status = US_OK;
    size_t first = n < 2 * LOG_FIRST ? (n + 1) / 2 : LOG_FIRST, half = n / 2, m = n - half;
    const double *y = log->loss + half, *x = log->step + half;
    e->loss_first = log_median(log->loss, first, room);
    e->loss = log_median(y, m, room);
    e->surge = log_surge(log->loss, n, room);
    e->gradient_surge = log_surge(log->gradient_norm, n, room);
    e->gradient_first = log_median(log->gradient_norm, first, room);
    if (log->gradient_norm) e->gradient = log_median(log->gradient_norm + half, m, room);
    for (size_t i = 0; log->learning_rate && i < n; i++)
        if (isfinite(log->learning_rate[i])) {
            e->rate = log->learning_rate[i];
            e->rate_most = isnan(e->rate_most) ? e->rate : fmax(e->rate_most, e->rate);
        }
    if (log->batch) e->rows = log_median(log->batch + half, m, room);
    e->constant = m > 1;
    for (size_t i = 1; i < m; i++) e->constant = e->constant && y[i] == y[0];
    if (n < LOG_FEWEST) goto done;

    us_trend trend;
    if ((status = us_trend_measure(&trend, log->context, x, y, m, 0.95)) != US_OK) goto done;
    double span = x[m - 1] - x[0], promised = 0;
    e->loss = trend.level, e->slope = trend.slope, e->slope_low = trend.low, e->slope_high = trend.high;
    e->fall = -trend.slope * span;
    for (size_t i = 0; i < m; i++) room[i] = y[i] - trend.level - trend.slope * (x[i] - x[m - 1]);
    double *sizes = us__alloc(log->context, m, 2 * sizeof *sizes);
    if (!sizes) status = US_ERR_NOMEM;
    for (size_t i = 0; sizes && i < m; i++) sizes[i] = fabs(room[i]);
    if (sizes) {
        e->noise = 1.4826 * log_median(sizes, m, sizes + m);
        log_swing(e, room, m);
    }
    us__release(log->context, sizes);
    for (size_t i = 1; log->gradient_norm && log->learning_rate && i < m; i++)
        promised += log->learning_rate[half + i] * pow(log->gradient_norm[half + i], 2) * (x[i] - x[i - 1]);
    if (promised > 0 && isfinite(promised) && log->steps_logged) e->gain_ratio = e->fall / promised;
done:
    us__release(log->context, room);
    return status;
}
