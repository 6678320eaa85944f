#include "run/run.h"
#include <stdlib.h>
#include <string.h>

us_status us__pair_next(us_context *context, const char *option, const char **cursor, char name[US__PAIR_NAME], double *value) {
    const char *text = *cursor + strspn(*cursor, " ");
    if (!*text) return US_NOT_FOUND;
    size_t length = strcspn(text, ",");
    const char *equals = memchr(text, '=', length);
    if (!equals || equals == text)
        return us__fail(context, US_ERR_ARGUMENT, "%s: '%.*s' should be a name, '=' and a number", option, (int)length, text);
    size_t name_length = (size_t)(equals - text);
    while (name_length && text[name_length - 1] == ' ') name_length--;
    if (name_length == 0 || name_length >= US__PAIR_NAME)
        return us__fail(context, US_ERR_ARGUMENT, "%s: '%.*s' is no name", option, (int)(equals - text), text);
    memcpy(name, text, name_length);
    name[name_length] = '\0';

    char *end;
    *value = strtod(equals + 1, &end);
    const char *stop = end + strspn(end, " ");
    if (end == equals + 1 || stop != text + length)
        return us__fail(context, US_ERR_ARGUMENT, "%s: '%.*s' is not a number (%s)", option,
                        (int)(text + length - equals - 1), equals + 1, name);
    *cursor = *stop ? stop + 1 : stop;
    if (*stop && !stop[1 + strspn(stop + 1, " ")])
        return us__fail(context, US_ERR_ARGUMENT, "%s: '%s' ends with a comma", option, text);
    return US_OK;
}
