/* Text to the nearest double, ties to even, whatever the locale. */
#ifndef US_DATA_NUMBER_H
#define US_DATA_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* What is a number:  [+-] digits [. digits] [e [+-] digits]  with a digit before or after the point, and the words
 * inf and infinity in any case, with a sign or without. No blanks, no thousands, no decimal comma, no hexadecimal;
 * nan is no number (readers take it as missing). Too large becomes ±inf, too small ±0.
 *
 * Returns the first byte after the longest number at p, or NULL when none begins there. Eight bytes from the end of the
 * number must be readable, and the text must be followed by something that is no digit (a NUL will do). */
static inline const char *us__number_read(const char *p, double *value);
const char *us__number_read_slowly(const char *p, double *value);

/* The whole of a text of `length` bytes, which may end anywhere: false when it is no number or more than one. */
bool us__number_whole(const char *text, size_t length, double *value);

extern const double us__number_powers[23]; /* 10^0 ... 10^22, the powers that are exact */

/* Appends the digits at p to *mantissa, up to eight at a time, and returns the first byte that is no digit. With the
 * eight bytes as lanes of a word, a lane is a digit if it lies in 0..9 after 0x30 is taken off; three multiplications
 * then join the lanes. Source: Lemire 2021, "Number parsing at a gigabyte per second", section 5. */
static inline const char *us__number_digits(const char *p, uint64_t *mantissa) {
    static const uint64_t shift[9] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
    for (;;) {
        uint64_t w;
        memcpy(&w, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        w = __builtin_bswap64(w);
#endif
        w ^= 0x3030303030303030u;
        uint64_t other = ((w + 0x7676767676767676u) | w) & 0x8080808080808080u;
        if (other & 0x80) return p;
        unsigned n = other ? (unsigned)__builtin_ctzll(other) / 8 : 8;
        w <<= 64 - 8 * n;
        w = w * 10 + (w >> 8);
        w = ((w & 0x000000FF000000FFu) * 0x000F424000000064u + ((w >> 16) & 0x000000FF000000FFu) * 0x0000271000000001u) >>
            32;
        *mantissa = *mantissa * shift[n] + w;
        p += n;
        if (n < 8) return p;
    }
}

/* The common case inline: up to 19 digits, no exponent, mantissa and power of ten both exact, so that one division is
 * rounded correctly. Source: Clinger 1990, "How to read floating point numbers accurately". */
static inline const char *us__number_read(const char *p, double *value) {
    const char *start = p;
    bool negative = *p == '-';
    p += negative | (*p == '+');
    uint64_t mantissa = 0;
    const char *digits = p;
    p = us__number_digits(p, &mantissa);
    ptrdiff_t count = p - digits, decimals = 0;
    if (*p == '.') {
        const char *fraction = p + 1;
        p = us__number_digits(fraction, &mantissa);
        decimals = p - fraction;
        count += decimals;
    }
    if (count == 0 || count > 19 || (*p | 0x20) == 'e' || mantissa >> 53 || decimals > 22)
        return us__number_read_slowly(start, value);
    double v = (double)(int64_t)mantissa / us__number_powers[decimals];
    *value = negative ? -v : v;
    return p;
}

#endif
