#include "model/formula.h"
#include <stdio.h>
#include <string.h>

enum { CARET_BEFORE = 40, CARET_AFTER = 30 }; /* characters shown around the place */

static bool caret_begins_character(char c) { return ((unsigned char)c & 0xC0) != 0x80; }

/* Characters, not bytes, in text[from .. to). */
static size_t caret_count(const char *text, size_t from, size_t to) {
    size_t count = 0;
    for (size_t i = from; i < to; i++) count += caret_begins_character(text[i]);
    return count;
}

us_status us__caret_fail(us_context *context, const char *what, const char *text, size_t position, const char *format, ...) {
    size_t length = strlen(text), from = position, to = position;
    for (size_t shown = 0; from > 0 && shown < CARET_BEFORE;) shown += caret_begins_character(text[--from]);
    for (size_t shown = 0; to < length && (shown < CARET_AFTER || !caret_begins_character(text[to])); to++)
        shown += caret_begins_character(text[to]);

    char message[256], line[4 * (CARET_BEFORE + CARET_AFTER) + 4];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    size_t count = 0;
    for (size_t i = from; i < to && count + 1 < sizeof line; i++)
        line[count++] = (unsigned char)text[i] < ' ' ? ' ' : text[i]; /* a tab or a newline would move the caret */
    line[count] = '\0';
    const char *cut_before = from > 0 ? "..." : "", *cut_after = to < length ? "..." : "";
    int indent = (int)(strlen(cut_before) + caret_count(text, from, position));
    return us__fail(context, US_ERR_INPUT, "%s, column %zu: %s\n  %s%s%s\n  %*s^", what, caret_count(text, 0, position) + 1,
                    message, cut_before, line, cut_after, indent, "");
}
