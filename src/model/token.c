#include "model/formula.h"
#include <string.h>

static bool token_is_digit(char c) { return c >= '0' && c <= '9'; }
static bool token_is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool token_is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static size_t token_digits(const char *text, size_t i) {
    while (token_is_digit(text[i])) i++;
    return i;
}

/* digits [. digits] | . digits, then [e [+-] digits]; an e without digits after it is not part of the number. */
static size_t token_number_end(const char *text, size_t i) {
    i = token_digits(text, i);
    if (text[i] == '.') i = token_digits(text, i + 1);
    if (text[i] != 'e' && text[i] != 'E') return i;
    size_t exponent = i + 1 + (text[i + 1] == '+' || text[i + 1] == '-');
    return token_is_digit(text[exponent]) ? token_digits(text, exponent) : i;
}

us__token us__token_next(const char *text, size_t i) {
    while (token_is_blank(text[i])) i++;
    us__token token = {US__TOKEN_STRANGE, i, 1};
    if (text[i] == '\0') {
        token.kind = US__TOKEN_END;
        token.length = 0;
    } else if (token_is_digit(text[i]) || (text[i] == '.' && token_is_digit(text[i + 1]))) {
        token.kind = US__TOKEN_NUMBER;
        token.length = token_number_end(text, i) - i;
    } else if (token_is_letter(text[i])) {
        token.kind = US__TOKEN_NAME;
        while (token_is_letter(text[i + token.length]) || token_is_digit(text[i + token.length])) token.length++;
    } else if (strchr("+-*/^()", text[i])) {
        token.kind = US__TOKEN_SIGN;
    } else {
        while (((unsigned char)text[i + token.length] & 0xC0) == 0x80) token.length++;
    }
    return token;
}
