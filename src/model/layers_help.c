/* What `unstuck train --model help` and `--loss help` print, from the tables of layers and losses. */
#include "model/layer.h"
#include "model/loss.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unstuck/model.h>

/* Text that grows. */
typedef struct help_text {
    us_context *context;
    char *text;
    size_t length, capacity;
    us_status status;
} help_text;

static void help_add(help_text *to, const char *format, ...) US_PRINTF(2, 3);
static void help_add(help_text *to, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int more = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (to->status != US_OK || more < 0) return;
    if (to->length + (size_t)more + 1 > to->capacity) {
        size_t capacity = 2 * (to->length + (size_t)more + 1);
        char *grown = us__grow(to->context, to->text, to->length, capacity, 1);
        if (!grown) {
            to->status = US_ERR_NOMEM;
            return;
        }
        to->text = grown;
        to->capacity = capacity;
    }
    va_start(arguments, format);
    vsnprintf(to->text + to->length, (size_t)more + 1, format, arguments);
    va_end(arguments);
    to->length += (size_t)more;
}

static void help_add_lines(help_text *to, const char *lines) {
    while (lines) {
        const char *end = strchr(lines, '\n');
        help_add(to, "      %.*s\n", end ? (int)(end - lines) : (int)strlen(lines), lines);
        lines = end ? end + 1 : NULL;
    }
}

static us_status help_finish(help_text *to, char **text) {
    if (to->status == US_OK)
        *text = to->text;
    else
        us__release(to->context, to->text);
    return to->status;
}

static void help_add_layer(help_text *to, const us__layer_kind *kind) {
    help_add(to, "  %s", kind->name);
    for (const us__argument *a = kind->arguments; a->kind != US__ARGUMENT_NONE; a++)
        if (a->keyword)
            help_add(to, " [%s %s]", a->keyword, a->shown);
        else
            help_add(to, a->optional ? " [%s]" : " %s", a->shown);
    help_add(to, "%s%s\n", kind->activates ? " [ACTIVATION]" : "", kind->body ? "(LAYERS)" : "");
    help_add_lines(to, kind->help);
    if (kind->alias) help_add(to, "      Also: %s\n", kind->alias);
}

us_status us_model_help(us_context *context, char **text) {
    help_text to = {.context = context};
    *text = NULL;
    help_add(&to,
             "A model is one of\n\n"
             "  linear                        a sum of the features\n"
             "  mlp:128,64[:ACTIVATION]       dense layers of these sizes (relu), and the output\n"
             "  formula: b1*(1-exp(-b2*x))    a formula: names of columns are features, all others parameters\n"
             "  LAYER, LAYER, ...             layers one after another, such as\n"
             "                                'dense 64 relu, residual(dense 64 relu), dense 32 relu'\n\n"
             "The output layer is added: a dense layer of as many units as the data has classes or outputs, unless the\n"
             "last layer is one.\n\n"
             "Layers\n\n");
    for (size_t i = 0; us__layer_kind_at(i); i++) help_add_layer(&to, us__layer_kind_at(i));
    help_add(&to, "  COUNT*(LAYERS)\n"
                  "      the layers so many times, each time with weights of their own\n\n"
                  "Activations, behind a layer or as layers\n\n ");
    for (size_t i = 0; us__activation_at(i); i++) help_add(&to, " %s", us__activation_at(i)->name);
    help_add(&to, "\n");
    return help_finish(&to, text);
}

us_status us_model_loss_help(us_context *context, char **text) {
    help_text to = {.context = context};
    *text = NULL;
    help_add(&to, "A loss is the mean over samples of what stands here; e is output - target.\n\n");
    for (us_task task = US_REGRESSION; task <= US_CLASSIFICATION; task++) {
        help_add(&to, task == US_REGRESSION ? "For numbers\n\n" : "\nFor classes\n\n");
        for (size_t i = 0; us__loss_kind_at(i); i++) {
            const us__loss_kind *kind = us__loss_kind_at(i);
            if (kind->task != task) continue;
            help_add(&to, "  %s%s%s%s\n", kind->name, kind->options ? "[:" : "", kind->options ? kind->options : "",
                     kind->options ? "]" : "");
            help_add_lines(&to, kind->help);
        }
    }
    return help_finish(&to, text);
}
