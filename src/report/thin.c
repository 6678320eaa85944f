#include "report/series.h"
#include <math.h>

enum { THIN_BUCKET = 4 }; /* points that a bucket gives at most: lowest, highest, not finite, largest triangle */

typedef struct thin_mean {
    double step, value;
} thin_mean;

/* Mean of the finite points of [begin, end); NaN when there is none. */
static thin_mean thin_mean_of(const double *step, const double *value, size_t begin, size_t end) {
    thin_mean mean = {0, 0};
    size_t count = 0;
    for (size_t i = begin; i < end; i++)
        if (isfinite(value[i])) {
            mean.step += step[i];
            mean.value += value[i];
            count++;
        }
    mean.step /= (double)count;
    mean.value /= (double)count;
    return mean;
}

/* Adds what is to be kept of [begin, end) in order. */
static size_t thin_bucket(const double *step, const double *value, size_t begin, size_t end, size_t before, thin_mean next,
                          size_t *keep) {
    size_t none = end, low = none, high = none, lost = none, wide = none;
    double most = -1;
    for (size_t i = begin; i < end; i++) {
        if (!isfinite(value[i])) {
            if (lost == none) lost = i;
            continue;
        }
        if (low == none || value[i] < value[low]) low = i;
        if (high == none || value[i] > value[high]) high = i;
        double area = fabs((step[before] - next.step) * (value[i] - value[before]) -
                           (step[before] - step[i]) * (next.value - value[before]));
        if (area > most) most = area, wide = i;
    }
    size_t chosen[THIN_BUCKET] = {low, high, lost, wide}, count = 0;
    for (size_t i = 1; i < THIN_BUCKET; i++) /* insertion sort */
        for (size_t k = i; k > 0 && chosen[k] < chosen[k - 1]; k--) US__SWAP(size_t, chosen[k], chosen[k - 1]);
    for (size_t i = 0; i < THIN_BUCKET; i++)
        if (chosen[i] != none && (i == 0 || chosen[i] != chosen[i - 1])) keep[count++] = chosen[i];
    return count;
}

size_t us__thin(const double *step, const double *value, size_t count, size_t points, size_t *keep) {
    if (count <= points) {
        for (size_t i = 0; i < count; i++) keep[i] = i;
        return count;
    }
    size_t buckets = (points - 2) / THIN_BUCKET, kept = 1;
    keep[0] = 0;
    for (size_t b = 0; b < buckets; b++) {
        /* the points between the first and the last, cut evenly */
        size_t begin = 1 + b * (count - 2) / buckets, end = 1 + (b + 1) * (count - 2) / buckets;
        size_t after = b + 1 < buckets ? 1 + (b + 2) * (count - 2) / buckets : count;
        kept += thin_bucket(step, value, begin, end, keep[kept - 1], thin_mean_of(step, value, end, after), keep + kept);
    }
    keep[kept++] = count - 1;
    return kept;
}
