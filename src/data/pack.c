#include "data/pack.h"
#include "data/number.h"
#include <math.h>
#include <string.h>

enum { PACK_MOST_DECIMALS = 9, PACK_DOUBLES = 255 };

typedef struct pack_column {
    size_t offset;    /* of its values, in bytes from the end of the table of columns */
    uint8_t decimals; /* d, or PACK_DOUBLES */
} pack_column;

struct us__block {
    size_t columns;
    pack_column column[]; /* then the values */
};

/* out ← m with x = m/power for all n, or false when some x is not of that form. Adding and taking off 1.5·2^52 rounds to
 * a whole number. The comparison is of bits, so that -0 is not taken for 0. */
US_KERNEL static bool pack_fit(const double *restrict x, size_t n, double power, int32_t *restrict out) {
    const double whole = 0x1.8p52;
    uint64_t misfits = 0;
    for (size_t i = 0; i < n; i++) {
        double m = (x[i] * power + whole) - whole;
        bool missing = x[i] != x[i], inside = fabs(m) < 0x1p31;
        m = inside ? m : 0;
        double back = m / power;
        uint64_t a, b;
        memcpy(&a, &x[i], 8);
        memcpy(&b, &back, 8);
        misfits += (a != b) & !missing;
        out[i] = missing ? INT32_MIN : (int32_t)m;
    }
    return misfits == 0;
}

static uint8_t pack_find(const double *x, size_t n, uint8_t hint, int32_t *out) {
    if (hint != PACK_DOUBLES && pack_fit(x, n, us__number_powers[hint], out)) return hint;
    size_t few = n < 32 ? n : 32;
    for (uint8_t d = 0; d <= PACK_MOST_DECIMALS; d++)
        if (d != hint && pack_fit(x, few, us__number_powers[d], out) && pack_fit(x, n, us__number_powers[d], out)) return d;
    return PACK_DOUBLES;
}

us__block *us__block_create(us_context *context, const double *values, size_t stride, size_t rows, size_t columns,
                            uint8_t *hint, void *scratch) {
    char *packed = scratch;
    size_t head = sizeof(us__block) + columns * sizeof(pack_column), used = 0;
    for (size_t c = 0; c < columns; c++) { /* first into scratch: the sizes are known afterwards */
        const double *x = values + c * stride;
        hint[c] = pack_find(x, rows, hint[c], (int32_t *)(void *)(packed + used));
        if (hint[c] == PACK_DOUBLES) memcpy(packed + used, x, rows * sizeof(double));
        used += rows * (hint[c] == PACK_DOUBLES ? sizeof(double) : sizeof(int32_t));
        used = (used + 7) & ~(size_t)7;
    }
    us__block *block = us__alloc(context, head + used, 1);
    if (!block) return NULL;
    block->columns = columns;
    size_t offset = 0;
    for (size_t c = 0; c < columns; c++) {
        block->column[c] = (pack_column){.offset = offset, .decimals = hint[c]};
        offset += rows * (hint[c] == PACK_DOUBLES ? sizeof(double) : sizeof(int32_t));
        offset = (offset + 7) & ~(size_t)7;
    }
    memcpy((char *)block + head, packed, used);
    return block;
}

US_KERNEL static void pack_unfold(const int32_t *restrict m, size_t n, double power, double *restrict out) {
    for (size_t i = 0; i < n; i++) out[i] = m[i] == INT32_MIN ? (double)NAN : (double)m[i] / power;
}

void us__block_read(const us__block *block, size_t column, size_t first, size_t count, double *out) {
    const pack_column *c = &block->column[column];
    const char *values = (const char *)(block->column + block->columns) + c->offset;
    if (c->decimals == PACK_DOUBLES)
        memcpy(out, values + first * sizeof(double), count * sizeof(double));
    else
        pack_unfold((const int32_t *)(const void *)values + first, count, us__number_powers[c->decimals], out);
}
