/* "x=1,y=-2.5" and "x=-5:5,y=-5:5". */
#include "cli.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int assignments_number(const cli_command *command, const char *option, const char *name, const char *text,
                              const char *end, double *out) {
    char *stop;
    *out = strtod(text, &stop);
    if (stop == text || stop != end || !isfinite(*out))
        return cli_usage(command, "%s: the value of %s is '%.*s'; it must be a number", option, name, (int)(end - text),
                         text);
    return CLI_GO_ON;
}

int cli_assignments(const cli_command *command, const char *option, const char *text, bool ranges, char **storage,
                    cli_assignment **list, size_t *count) {
    size_t most = 1;
    for (const char *c = text; *c; c++) most += *c == ',';
    *storage = strdup(text);
    *list = calloc(most, sizeof **list);
    *count = 0;
    if (!*storage || !*list) return cli_no_memory(command);
    for (char *part = *storage, *next; part; part = next) {
        next = strchr(part, ',');
        if (next) *next++ = '\0';
        while (*part == ' ') part++;
        char *equals = strchr(part, '=');
        if (!equals || equals == part)
            return cli_usage(command, "%s: '%s' is no assignment; write %s", option, part,
                             ranges ? "x=-5:5,y=-5:5" : "x=1,y=2");
        *equals = '\0';
        for (char *end = equals; end > part && end[-1] == ' ';) *--end = '\0';
        cli_assignment *a = &(*list)[(*count)++];
        *a = (cli_assignment){.name = part};
        char *value = equals + 1, *colon = strchr(value, ':');
        int status;
        if (ranges && !colon)
            return cli_usage(command, "%s: %s needs a range low:high, such as %s=-5:5", option, part, part);
        if (ranges) {
            status = assignments_number(command, option, part, value, colon, &a->value);
            if (status == CLI_GO_ON)
                status = assignments_number(command, option, part, colon + 1, colon + strlen(colon), &a->high);
            if (status == CLI_GO_ON && !(a->value < a->high))
                return cli_usage(command, "%s: the range of %s is empty: %g is not below %g", option, part, a->value,
                                 a->high);
        } else {
            status = assignments_number(command, option, part, value, value + strlen(value), &a->value);
        }
        if (status != CLI_GO_ON) return status;
    }
    return CLI_GO_ON;
}

int cli_assignments_order(const cli_command *command, const char *option, const cli_assignment *list, size_t count,
                          char *const *names, size_t names_count, double *values, double *highs) {
    for (size_t i = 0; i < count; i++) {
        size_t found = 0;
        for (size_t k = 0; k < names_count; k++) found += strcmp(names[k], list[i].name) == 0;
        if (!found) return cli_usage(command, "%s: the formula has no variable '%s'", option, list[i].name);
        for (size_t j = 0; j < i; j++)
            if (strcmp(list[j].name, list[i].name) == 0)
                return cli_usage(command, "%s: %s is given twice", option, list[i].name);
    }
    for (size_t k = 0; k < names_count; k++) {
        const cli_assignment *a = NULL;
        for (size_t i = 0; i < count && !a; i++)
            if (strcmp(names[k], list[i].name) == 0) a = &list[i];
        if (!a) return cli_usage(command, "%s: the variable %s of the formula is missing", option, names[k]);
        values[k] = a->value;
        if (highs) highs[k] = a->high;
    }
    return CLI_GO_ON;
}
