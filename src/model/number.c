#include "model/formula.h"
#include <math.h>
#include <stdlib.h>

/* digits [. digits] [e [+-] digits]; read by hand because strtod follows the locale. Exact for up to 15 digits and small
 * powers of ten, which is what people write. */
bool us__number_read(const char *text, size_t length, double *value) {
    us__token token = us__token_next(text, 0);
    if (length == 0 || token.kind != US__TOKEN_NUMBER || token.position != 0 || token.length != length) return false;
    double digits = 0;
    int power = 0;
    size_t i = 0;
    for (bool point = false; i < length && text[i] != 'e' && text[i] != 'E'; i++) {
        if (text[i] == '.') {
            point = true;
            continue;
        }
        digits = 10 * digits + (text[i] - '0');
        power -= point;
    }
    if (i < length) power += (int)strtol(text + i + 1, NULL, 10);
    *value = power < 0 ? digits / pow(10, -power) : digits * pow(10, power);
    return isfinite(*value);
}
