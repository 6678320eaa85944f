/* A text that grows. Errors stay in it, so that a writer need not ask after each word. */
#ifndef US_REPORT_TEXT_H
#define US_REPORT_TEXT_H

#include "base/base.h"

typedef struct us__text {
    us_context *context;
    char *text; /* [length + 1]; NULL before the first word */
    size_t length, room;
    us_status status; /* US_ERR_NOMEM once it could not grow; then nothing is added any more */
} us__text;

void us__text_add(us__text *to, const char *text);
void us__text_add_bytes(us__text *to, const char *text, size_t length);
/* A number as JSON: `digits` significant ones, null when it is not finite. */
void us__text_add_real(us__text *to, double value, int digits);
/* A JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD. */
void us__text_add_string(us__text *to, const char *text);

#endif
