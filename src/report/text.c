#include "report/text.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

void us__text_add_bytes(us__text *to, const char *text, size_t length) {
    if (to->status != US_OK) return;
    if (to->length + length + 1 > to->room) {
        size_t room = 2 * (to->length + length + 512);
        char *grown = us__grow(to->context, to->text, to->length, room, 1);
        if (!grown) {
            to->status = US_ERR_NOMEM;
            return;
        }
        to->text = grown;
        to->room = room;
    }
    memcpy(to->text + to->length, text, length);
    to->length += length;
    to->text[to->length] = '\0';
}

void us__text_add(us__text *to, const char *text) { us__text_add_bytes(to, text, strlen(text)); }

void us__text_add_real(us__text *to, double value, int digits) {
    char text[40];
    if (!isfinite(value)) {
        us__text_add(to, "null");
        return;
    }
    int length = snprintf(text, sizeof text, "%.*g", digits, value);
    us__text_add_bytes(to, text, (size_t)length);
}

/* Length of the UTF-8 character at `text`, 0 when it is none (RFC 3629: no overlong forms, no surrogates). */
static size_t text_character(const unsigned char *text) {
    if (text[0] < 0x80) return 1;
    size_t length = text[0] >= 0xC2 && text[0] < 0xE0   ? 2
                    : (text[0] & 0xF0) == 0xE0          ? 3
                    : text[0] >= 0xF0 && text[0] < 0xF5 ? 4
                                                        : 0;
    for (size_t i = 1; i < length; i++)
        if ((text[i] & 0xC0) != 0x80) return 0;
    if ((text[0] == 0xE0 && text[1] < 0xA0) || (text[0] == 0xED && text[1] > 0x9F) || (text[0] == 0xF0 && text[1] < 0x90) ||
        (text[0] == 0xF4 && text[1] > 0x8F))
        return 0;
    return length;
}

void us__text_add_string(us__text *to, const char *text) {
    us__text_add(to, "\"");
    while (*text) {
        size_t plain = 0;
        for (size_t length; text[plain] && (unsigned char)text[plain] >= 0x20 && text[plain] != '"' && text[plain] != '\\' &&
                            (length = text_character((const unsigned char *)text + plain)) > 0;)
            plain += length;
        us__text_add_bytes(to, text, plain);
        text += plain;
        if (!*text) break;
        char escaped[8];
        if (*text == '"' || *text == '\\')
            snprintf(escaped, sizeof escaped, "\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            snprintf(escaped, sizeof escaped, "\\u%04x", (unsigned)(unsigned char)*text);
        else
            snprintf(escaped, sizeof escaped, "\\ufffd");
        us__text_add(to, escaped);
        text++;
    }
    us__text_add(to, "\"");
}
