/* Is it UTF-8? And if not, what does it look like? */
#ifndef US_DATA_CHARSET_H
#define US_DATA_CHARSET_H

#include <stdbool.h>
#include <stddef.h>

bool us__charset_is_utf8(const char *text, size_t length);

/* From a file's first bytes: the name that iconv has for its encoding when it is UTF-16 or UTF-32; NULL otherwise. */
const char *us__charset_wide(const char *bytes, size_t length);
/* From a file's first bytes: "a zip archive (or a spreadsheet)" and the like; NULL when it is nothing of the kind. */
const char *us__charset_archive(const char *bytes, size_t length);
/* A guess at the encoding of text that is not UTF-8, as iconv calls it: BIG5, GBK, WINDOWS-1252 or ISO-8859-1. */
const char *us__charset_guess(const char *text, size_t length);

#endif
