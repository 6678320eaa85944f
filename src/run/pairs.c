#include "data/number.h"
#include "run/run.h"
#include <string.h>

us_status us__pair_next(us_context *context, const char *option, const char **cursor, char name[US__PAIR_NAME],
                        double *value) {
    const char *text = *cursor + strspn(*cursor, " ");
    if (!*text) return US_NOT_FOUND;
    size_t length = strcspn(text, ",");
    const char *equals = memchr(text, '=', length);
    if (!equals || equals == text)
        return us__fail(context, US_ERR_ARGUMENT, "%s: '%.*s' should be a name, '=' and a number", option, (int)length,
                        text);
    size_t name_length = (size_t)(equals - text);
    while (name_length && text[name_length - 1] == ' ') name_length--;
    if (name_length == 0 || name_length >= US__PAIR_NAME)
        return us__fail(context, US_ERR_ARGUMENT, "%s: '%.*s' is no name", option, (int)(equals - text), text);
    memcpy(name, text, name_length);
    name[name_length] = '\0';

    const char *number = equals + 1 + strspn(equals + 1, " "), *end = text + length;
    while (end > number && end[-1] == ' ') end--;
    if (!us__number_whole(number, (size_t)(end - number), value))
        return us__fail(context, US_ERR_ARGUMENT, "%s: '%.*s' is not a number (%s)", option, (int)(end - number), number,
                        name);
    *cursor = text + length + (text[length] == ',');
    if (text[length] == ',' && !**cursor)
        return us__fail(context, US_ERR_ARGUMENT, "%s: '%s' ends with a comma", option, text);
    return US_OK;
}
