/* Loops over rows and sums that execution needs. */
#include "graph/plan.h"
#include "vec/real.h"
#include <string.h>

void US_REAL(us__gather)(void *to, const void *from, us_precision precision, const uint32_t *rows, size_t first,
                         size_t count, size_t columns, size_t stride) {
    us_real *out = to;
    for (size_t i = 0; i < count; i++, out += columns) {
        size_t at = (rows ? rows[first + i] : first + i) * stride;
        if (precision == US_REAL_PRECISION)
            memcpy(out, (const us_real *)from + at, columns * sizeof *out);
        else if (precision == US_F32)
            for (size_t j = 0; j < columns; j++) out[j] = (us_real)((const float *)from)[at + j];
        else
            for (size_t j = 0; j < columns; j++) out[j] = (us_real)((const double *)from)[at + j];
    }
}

US_KERNEL void US_REAL(us__accumulate)(double *sums, const void *values, size_t n) {
    const us_real *x = values;
    for (size_t i = 0; i < n; i++) sums[i] += (double)x[i];
}

US_KERNEL void US_REAL(us__round)(void *values, const double *sums, size_t n) {
    us_real *x = values;
    for (size_t i = 0; i < n; i++) x[i] = (us_real)sums[i];
}

double US_REAL(us__total)(const void *values, size_t n) {
    const us_real *x = values;
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)x[i];
    return sum;
}
