#include "data/number.h"
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

const double us__number_powers[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                      1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

enum {
    NUMBER_DIGITS = 19,       /* that always fit into 64 bits */
    NUMBER_LARGEST_POWER = 27 /* 5^27 < 2^64 */
};

/* An exponent beyond the number of digits that any text can have; further digits of it change nothing. */
static const int64_t number_far = 1000000000000000;

/* mantissa·10^exponent, rounded once, in whole numbers: 10^e is 5^e·2^e, and 5^|e| fits into 64 bits. The product (128
 * bits) or the quotient (62 bits or more) keeps what was cut off as one sticky bit, and the conversion from 64 bits to a
 * double rounds to nearest even. mantissa > 0, |exponent| ≤ 27, so the result is neither subnormal nor infinite. */
static double number_scale(uint64_t mantissa, int exponent) {
    uint64_t power = 1;
    for (int i = abs(exponent); i > 0; i--) power *= 5;
    int binary = exponent, zeros = __builtin_clzll(mantissa);
    mantissa <<= zeros;
    binary -= zeros;
    uint64_t bits, rest;
    if (exponent >= 0) {
        unsigned __int128 product = (unsigned __int128)mantissa * power;
        int up = __builtin_clzll((uint64_t)(product >> 64) | 1);
        product <<= up;
        bits = (uint64_t)(product >> 64), rest = (uint64_t)product;
        binary += 64 - up;
    } else {
        zeros = __builtin_clzll(power);
        power <<= zeros;
        binary += zeros;
        unsigned __int128 dividend = (unsigned __int128)mantissa << 63; /* upper half < 2^63 ≤ power: the quotient fits */
        bits = (uint64_t)(dividend / power), rest = (uint64_t)dividend - bits * power;
        binary -= 63;
    }
    uint64_t scale_bits = (uint64_t)(1023 + binary) << 52;
    double scale;
    memcpy(&scale, &scale_bits, sizeof scale);
    return (double)(bits | (rest != 0)) * scale;
}

/* All the rest (many digits, far exponents) is left to the C library's exact conversion, in the "C" locale. */
static double number_by_library(const char *text) {
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    double value = strtod_l(text, NULL, c);
    freelocale(c);
    return value;
}

static const char *number_word(const char *p, bool negative, double *value) {
    size_t n = strncasecmp(p, "infinity", 8) == 0 ? 8 : strncasecmp(p, "inf", 3) == 0 ? 3 : 0;
    if (n == 0) return NULL;
    *value = negative ? -HUGE_VAL : HUGE_VAL;
    return p + n;
}

const char *us__number_read_slowly(const char *start, double *value) {
    const char *p = start;
    bool negative = *p == '-';
    p += negative || *p == '+';

    uint64_t mantissa = 0;
    int kept = 0;         /* digits in mantissa, leading zeros aside */
    int64_t exponent = 0; /* of ten */
    bool cut = false;     /* a digit other than zero was left out */
    bool any = false, fraction = false;
    for (;; p++) {
        if (*p == '.' && !fraction) {
            fraction = true;
            continue;
        }
        unsigned digit = (unsigned)((unsigned char)*p - '0');
        if (digit > 9) break;
        any = true;
        if (kept < NUMBER_DIGITS) {
            mantissa = mantissa * 10 + digit;
            kept += mantissa != 0;
            exponent -= fraction;
        } else {
            cut = cut || digit != 0;
            exponent += !fraction;
        }
    }
    if (!any) return number_word(start + (p > start && (*start == '-' || *start == '+')), negative, value);

    if ((*p | 0x20) == 'e') {
        const char *q = p + 1;
        bool down = *q == '-';
        q += down || *q == '+';
        int64_t power = 0;
        const char *digits = q;
        for (; *q >= '0' && *q <= '9'; q++)
            if (power < number_far) power = power * 10 + (*q - '0');
        if (q > digits) {
            exponent += down ? -power : power;
            p = q;
        }
    }

    double v;
    if (mantissa == 0)
        v = 0;
    else if (!cut && llabs(exponent) <= NUMBER_LARGEST_POWER)
        v = number_scale(mantissa, (int)exponent);
    else
        v = fabs(number_by_library(start));
    *value = negative ? -v : v;
    return p;
}

bool us__number_whole(const char *text, size_t length, double *value) {
    char padded[512 + 8] = {0};
    if (length > 512) return false;
    memcpy(padded, text, length);
    return us__number_read(padded, value) == padded + length;
}
