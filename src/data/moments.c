#include "data/moments.h"
#include <float.h>
#include <math.h>

/* Two passes: the mean by a compensated sum (Neumaier 1974), then the squares of the deviations, corrected by the mean
 * that rounding left in them (Chan, Golub & LeVeque 1983, equation 1.7). Everything is scaled by a power of two, so that
 * squares neither overflow nor vanish. */
void us__moments(const double *x, size_t n, double *mean, double *deviation) {
    *mean = 0, *deviation = 1;
    if (n == 0) return;
    double low = x[0], high = x[0];
    for (size_t i = 1; i < n; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    *mean = low;
    if (low == high) return;

    int exponent;
    frexp(fmax(fabs(low), fabs(high)), &exponent);
    exponent = exponent < -1000 ? -1000 : exponent;
    double scale = ldexp(1, -exponent), sum = 0, lost = 0, count = (double)n;
    for (size_t i = 0; i < n; i++) {
        double value = x[i] * scale, next = sum + value;
        lost += fabs(sum) >= fabs(value) ? (sum - next) + value : (value - next) + sum;
        sum = next;
    }
    double m = (sum + lost) / count, squares = 0, rest = 0;
    for (size_t i = 0; i < n; i++) {
        double d = x[i] * scale - m;
        squares += d * d;
        rest += d;
    }
    *mean = ldexp(m, exponent);
    double s = ldexp(sqrt((squares - rest * rest / count) / count), exponent);
    if (s >= DBL_MIN) *deviation = s;
}
