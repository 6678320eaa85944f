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

/* A panel's part of some rows at a time, which lies together there. Rows in no order are not foreseen by the processor: the
 * next ones are asked for while these are copied. */
void US_REAL(us__gather_panels)(void *to, size_t width, size_t pitch, const void *from, us_precision precision,
                                const uint32_t *rows, size_t first, size_t count, size_t columns, size_t stride) {
    enum { SOME = 8, COPY = 8 }; /* COPY divides every width */
    size_t size = us_precision_bytes(precision);
    for (size_t i = 0, some; i < count; i += some) {
        const char *row[2 * SOME];
        some = count - i < SOME ? count - i : SOME;
        for (size_t r = 0; r < 2 * SOME; r++) {
            size_t at = first + (i + r < count ? i + r : count - 1);
            row[r] = (const char *)from + (rows ? rows[at] : at) * stride * size;
        }
        us_real *out = (us_real *)to + i * width;
        for (size_t j = 0; j < columns; j += width, out += pitch * width) {
            size_t n = columns - j < width ? columns - j : width;
            for (size_t r = 0; r < some; r++) {
                const char *at = row[r] + j * size;
                us_real *into = out + r * width;
                __builtin_prefetch(row[SOME + r] + j * size);
                if (precision == US_REAL_PRECISION && n == width)
                    for (size_t q = 0; q < width; q += COPY) memcpy(into + q, at + q * size, COPY * sizeof *into);
                else
                    for (size_t q = 0; q < width; q++)
                        into[q] = q >= n ? 0
                                         : (us_real)(precision == US_F32 ? (double)((const float *)(const void *)at)[q]
                                                                         : ((const double *)(const void *)at)[q]);
            }
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
