/* Parsing and help from one table of options. */
#include "cli.h"
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int cli_usage(const cli_command *command, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "unstuck %s: ", command->name);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    return CLI_USAGE;
}

int cli_no_memory(const cli_command *command) {
    cli_usage(command, "out of memory");
    return CLI_FAILED;
}

static void options_help(const cli_command *command, const cli_option *options, size_t count) {
    printf("usage: unstuck %s %s [options]\n\n%s\n", command->name, command->arguments, command->text);
    for (size_t i = 0; i < count; i++) {
        if (options[i].kind == CLI_SECTION) {
            printf("\n%s\n", options[i].name);
            continue;
        }
        char left[64];
        snprintf(left, sizeof left, "%s%s%s", options[i].name, options[i].argument ? " " : "",
                 options[i].argument ? options[i].argument : "");
        /* Long left sides and long texts go on in the next line, under the text. */
        printf(strlen(left) > 24 ? "  %s\n  %-24s " : "  %-24s ", left, "");
        for (const char *c = options[i].help; *c; c++) {
            putchar(*c);
            if (*c == '\n') printf("  %-24s ", "");
        }
        printf("\n");
    }
    printf("  %-24s this text\n", "--help");
}

static const char *options_nearest(const char *word, const cli_option *options, size_t count) {
    const char *best = NULL;
    size_t most = 3; /* two dashes and two letters */
    for (size_t i = 0; i < count; i++) {
        if (options[i].kind == CLI_SECTION) continue;
        size_t same = 0;
        while (word[same] && word[same] == options[i].name[same]) same++;
        if (same > most) {
            most = same;
            best = options[i].name;
        }
    }
    return best;
}

static int options_choice(const cli_command *command, const cli_option *o, const char *value) {
    int index = 0;
    for (const char *choice = o->choices;; index++) {
        const char *end = strchr(choice, '|');
        size_t length = end ? (size_t)(end - choice) : strlen(choice);
        if (strlen(value) == length && strncmp(choice, value, length) == 0) {
            *(int *)o->target = index;
            return CLI_GO_ON;
        }
        if (!end) break;
        choice = end + 1;
    }
    return cli_usage(command, "%s is '%s'; it must be one of %s", o->name, value, o->choices);
}

static int options_range(const cli_command *command, const cli_option *o, const char *value) {
    bool bounded = isfinite(o->maximum) && o->maximum > o->minimum;
    if (bounded)
        return cli_usage(command, "%s is '%s'; it must be %s %s %g and at most %g", o->name, value,
                         o->kind == CLI_NUMBER ? "a number" : "a whole number", o->above ? "above" : "of at least",
                         o->minimum, o->maximum);
    return cli_usage(command, "%s is '%s'; it must be %s %s %g%s", o->name, value,
                     o->kind == CLI_NUMBER ? "a number" : "a whole number", o->above ? "above" : "of at least", o->minimum,
                     o->kind == CLI_BATCH ? ", or full" : "");
}

static int options_value(const cli_command *command, const cli_option *o, const char *value) {
    char *end;
    errno = 0;
    switch (o->kind) {
    case CLI_TEXT:
        *(const char **)o->target = value;
        return CLI_GO_ON;
    case CLI_CHOICE:
        return options_choice(command, o, value);
    case CLI_RATE:
        if (strcmp(value, "auto") == 0) {
            *(double *)o->target = -1;
            return CLI_GO_ON;
        }
        /* fall through */
    case CLI_NUMBER: {
        double number = strtod(value, &end);
        bool any = o->minimum == 0 && o->maximum == 0 && !o->above;
        if (end == value || *end || !isfinite(number))
            return cli_usage(command, "%s is '%s'; it must be a number", o->name, value);
        if (!any &&
            (number < o->minimum || (o->above && number <= o->minimum) || (o->maximum > o->minimum && number > o->maximum)))
            return options_range(command, o, value);
        *(double *)o->target = number;
        return CLI_GO_ON;
    }
    case CLI_COUNT:
    case CLI_BATCH: {
        if (o->kind == CLI_BATCH && strcmp(value, "full") == 0) {
            *(size_t *)o->target = 0;
            return CLI_GO_ON;
        }
        double number = strtod(value, &end); /* 1e6 is a count, too */
        if (end == value || *end || !(number >= o->minimum) || number > 0x1p53 || number != floor(number) ||
            (o->maximum > o->minimum && number > o->maximum))
            return options_range(command, o, value);
        if (o->kind == CLI_BATCH)
            *(size_t *)o->target = (size_t)number;
        else
            *(uint64_t *)o->target = (uint64_t)number;
        return CLI_GO_ON;
    }
    case CLI_SECTION:
    case CLI_FLAG:
    case CLI_UNFLAG:
        break;
    }
    return CLI_GO_ON;
}

/* "-o", where the table has it: other words with one dash may be numbers or names. */
static bool options_is_short(const char *word, const cli_option *options, size_t count) {
    for (size_t k = 0; k < count && word[0] == '-'; k++)
        if (strcmp(word, options[k].name) == 0) return true;
    return false;
}

int cli_parse(const cli_command *command, const cli_option *options, size_t count, int argc, char **argv,
              const char **positional, size_t least, size_t most, size_t *given) {
    size_t places = 0;
    bool only_positional = false;
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i];
        if (!only_positional && strcmp(word, "--") == 0) {
            only_positional = true;
            continue;
        }
        if (only_positional || (strncmp(word, "--", 2) != 0 && !options_is_short(word, options, count))) {
            if (!only_positional && strcmp(word, "-h") == 0) {
                options_help(command, options, count);
                return CLI_DONE;
            }
            if (places == most)
                return cli_usage(command, "'%s' is one argument too many; usage: unstuck %s %s", word, command->name,
                                 command->arguments);
            positional[places++] = word;
            continue;
        }
        if (strcmp(word, "--help") == 0) {
            options_help(command, options, count);
            return CLI_DONE;
        }
        const char *equals = strchr(word, '=');
        size_t length = equals ? (size_t)(equals - word) : strlen(word);
        const cli_option *o = NULL;
        for (size_t k = 0; k < count && !o; k++)
            if (options[k].kind != CLI_SECTION && strlen(options[k].name) == length &&
                strncmp(options[k].name, word, length) == 0)
                o = &options[k];
        if (!o) {
            const char *nearest = options_nearest(word, options, count);
            return cli_usage(command, "there is no option %.*s%s%s; --help lists them", (int)length, word,
                             nearest ? "; did you mean " : "", nearest ? nearest : "");
        }
        if (o->given) *o->given = true;
        if (o->kind == CLI_FLAG || o->kind == CLI_UNFLAG) {
            if (equals) return cli_usage(command, "%s takes no value", o->name);
            *(bool *)o->target = o->kind == CLI_FLAG;
            continue;
        }
        const char *value = equals ? equals + 1 : i + 1 < argc ? argv[++i] : NULL;
        if (!value) return cli_usage(command, "%s needs a value: %s %s", o->name, o->name, o->argument);
        int status = options_value(command, o, value);
        if (status != CLI_GO_ON) return status;
    }
    *given = places;
    if (places < least)
        return cli_usage(command, "%s is missing; usage: unstuck %s %s [options], --help tells more",
                         least == 1 ? "an argument" : "something", command->name, command->arguments);
    return CLI_GO_ON;
}
