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

/* Rows in no order are not foreseen by the processor: the one after next is asked for while this one is copied. */
void US_REAL(us__gather_panels)(void *to, size_t width, size_t pitch, const void *from, us_precision precision,
                                const uint32_t *rows, size_t first, size_t count, size_t columns, size_t stride) {
    enum { AHEAD = 2, COPY = 8 }; /* COPY divides every width */
    size_t size = us_precision_bytes(precision);
    for (size_t i = 0; i < count; i++) {
        const char *row = (const char *)from + (rows ? rows[first + i] : first + i) * stride * size, *next = row;
        if (rows && i + AHEAD < count) next = (const char *)from + rows[first + i + AHEAD] * stride * size;
        us_real *out = (us_real *)to + i * width;
        for (size_t j = 0; j < columns; j += width, out += pitch * width) {
            size_t n = columns - j < width ? columns - j : width;
            __builtin_prefetch(next + j * size);
            if (precision == US_REAL_PRECISION && n == width)
                for (size_t q = 0; q < width; q += COPY) memcpy(out + q, row + (j + q) * size, COPY * sizeof *out);
            else
                for (size_t q = 0; q < width; q++)
                    out[q] = q >= n ? 0
                                    : (us_real)(precision == US_F32 ? (double)((const float *)(const void *)row)[j + q]
                                                                    : ((const double *)(const void *)row)[j + q]);
        }
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
