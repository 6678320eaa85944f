/* Model text to layers.
 *
 *   layers   item {"," item}
 *   item     COUNT "*" "(" layers ")"  |  NAME arguments ["(" layers ")"]
 *
 * Which arguments a layer has, and whether layers or an activation may follow, is in the table of layers. */
#include "model/formula.h"
#include "model/model.h"
#include <stdio.h>
#include <string.h>

enum { TEXT_MOST_LAYERS = 10000, TEXT_MOST_TIMES = 1000, TEXT_DEEPEST = 40, TEXT_NAMES = 64 };

/* A place in a model's text. */
typedef struct text_reader {
    us_model *model;
    const char *text;
    size_t position, depth;
} text_reader;

#define text_fail(reader, at, ...) us__caret_fail((reader)->model->context, "model", (reader)->text, (at), __VA_ARGS__)

static us_status text_layers(text_reader *reader);

static char text_peek(text_reader *reader) {
    while (strchr(" \t\r\n", reader->text[reader->position]) && reader->text[reader->position]) reader->position++;
    return reader->text[reader->position];
}

/* Length of the word here: all up to a blank or a sign. */
static size_t text_word(text_reader *reader) {
    text_peek(reader);
    return strcspn(reader->text + reader->position, " \t\r\n,:()*");
}

/* For messages. */
typedef struct text_copy {
    char text[40];
} text_copy;

static text_copy text_show(const text_reader *reader, size_t length) {
    text_copy copy;
    snprintf(copy.text, sizeof copy.text, "%.*s", (int)(length < 39 ? length : 39), reader->text + reader->position);
    return copy;
}

static bool text_is_digit(char c) { return c >= '0' && c <= '9'; }

static bool text_is(const text_reader *reader, size_t length, const char *word) {
    return strlen(word) == length && memcmp(reader->text + reader->position, word, length) == 0;
}

/* ------------------------------------------------------------------ values */

/* Digits up to `most` + 1; where they end. */
static size_t text_digits(const char *text, double most, double *value) {
    size_t i = 0;
    *value = 0;
    for (; text_is_digit(text[i]); i++)
        if (*value <= most) *value = 10 * *value + (text[i] - '0');
    return i;
}

static us_status text_range(text_reader *reader, const us__argument *argument, double value) {
    if (value >= argument->least && value <= argument->most) return US_OK;
    return text_fail(reader, reader->position, "%s is %.*g to %.*g", argument->what, 15, argument->least, 15,
                     argument->most);
}

/* 3, 3x3 or 1x28x28: `most` numbers at most. */
static us_status text_sizes(text_reader *reader, const us__argument *argument, size_t most, size_t length,
                            us__value *value) {
    const char *word = reader->text + reader->position;
    size_t i = 0;
    value->count = 0;
    us_status status = US_OK;
    do {
        size_t digits = value->count < most ? text_digits(word + i, argument->most, &value->at[value->count]) : 0;
        i += digits;
        if (digits == 0)
            return text_fail(reader, reader->position, "%s is expected here, such as %s", argument->what, argument->example);
        status = text_range(reader, argument, value->at[value->count++]);
    } while (status == US_OK && i < length && word[i++] == 'x');
    if (status == US_OK && i != length)
        return text_fail(reader, reader->position, "%s is expected here, such as %s", argument->what, argument->example);
    return status;
}

static us_status text_value(text_reader *reader, const us__argument *argument, us__value *value) {
    size_t length = text_word(reader);
    us_status status = US_OK;
    value->given = true;
    if (argument->kind == US__ARGUMENT_PAD && text_is(reader, length, "same")) {
        value->at[0] = value->at[1] = US__SAME;
    } else if (argument->kind == US__ARGUMENT_NUMBER) {
        value->count = 1;
        if (!us__number_read(reader->text + reader->position, length, &value->at[0]))
            return text_fail(reader, reader->position, "%s is expected here, such as %s", argument->what, argument->example);
        status = text_range(reader, argument, value->at[0]);
    } else {
        size_t most = argument->kind == US__ARGUMENT_COUNT ? 1 : argument->kind == US__ARGUMENT_SIZES ? US__SIZES : 2;
        status = text_sizes(reader, argument, most, length, value);
        if (most == 2 && value->count == 1) value->at[1] = value->at[0];
    }
    reader->position += length;
    return status;
}

/* ------------------------------------------------------------------ names */

static const char *text_nearest(const text_reader *reader, size_t length, const char *const *names, size_t count) {
    return length ? us__nearest_name(text_show(reader, length).text, names, count) : NULL;
}

static size_t text_activations(const char **names) {
    size_t count = 0;
    for (; us__activation_at(count); count++) names[count] = us__activation_at(count)->name;
    return count;
}

static us_status text_activation(text_reader *reader, const us__activation **activation) {
    size_t length = text_word(reader), at = reader->position;
    *activation = us__activation_find(reader->text + at, length);
    reader->position += length;
    if (*activation) return US_OK;
    reader->position = at;
    const char *names[TEXT_NAMES], *near = text_nearest(reader, length, names, text_activations(names));
    if (near)
        return text_fail(reader, at, "unknown activation '%s'; did you mean '%s'?", text_show(reader, length).text, near);
    char known[200] = "";
    for (size_t i = 0; us__activation_at(i); i++)
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i ? ", " : "", us__activation_at(i)->name);
    return text_fail(reader, at, "an activation is expected here: %s", known);
}

/* What may stand behind a layer's name by a name of its own. */
static us_status text_option_fail(text_reader *reader, const us__layer_kind *kind, size_t length) {
    const char *names[TEXT_NAMES];
    size_t count = 0, own = 0;
    char known[200] = "";
    for (size_t i = 0; kind->arguments[i].kind != US__ARGUMENT_NONE; i++) {
        if (!kind->arguments[i].keyword) continue;
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", own++ ? ", " : "", kind->arguments[i].keyword);
        names[count++] = kind->arguments[i].keyword;
    }
    if (kind->activates) count += text_activations(names + count);
    const char *near = text_nearest(reader, length, names, count);
    text_copy word = text_show(reader, length);
    if (near && us__activation_find(near, strlen(near)))
        return text_fail(reader, reader->position, "unknown activation '%s'; did you mean '%s'?", word.text, near);
    if (near) return text_fail(reader, reader->position, "unknown option '%s'; did you mean '%s'?", word.text, near);
    if (!own && !kind->activates)
        return text_fail(reader, reader->position, "%s takes no '%s'; layers are separated by commas", kind->name,
                         word.text);
    return text_fail(reader, reader->position, "%s takes no '%s'; it takes %s%s%s", kind->name, word.text, known,
                     own && kind->activates ? ", " : "", kind->activates ? "an activation" : "");
}

static us_status text_layer_fail(text_reader *reader, size_t length) {
    const char *names[TEXT_NAMES];
    size_t count = text_activations(names);
    if (length == 0)
        return text_fail(reader, reader->position, "a layer is expected here, such as dense 64 relu (see --model help)");
    for (size_t i = 0; us__layer_kind_at(i); i++) names[count++] = us__layer_kind_at(i)->name;
    const char *near = text_nearest(reader, length, names, count);
    text_copy word = text_show(reader, length);
    if (near) return text_fail(reader, reader->position, "unknown layer '%s'; did you mean '%s'?", word.text, near);
    return text_fail(reader, reader->position,
                     "unknown layer '%s'; known are linear, mlp:64,32, formula: a*x+b, and lists of layers such as "
                     "dense 64 relu, dense 10 (see --model help)",
                     word.text);
}

/* ------------------------------------------------------------------ layers */

/* stride 2, relu, ...: in any order. */
static us_status text_options(text_reader *reader, size_t at) {
    for (char next; (next = text_peek(reader)) != '\0' && next != ',' && next != '(' && next != ')';) {
        us__layer *layer = &reader->model->layers[at];
        const us__layer_kind *kind = layer->kind;
        size_t length = text_word(reader), i = 0;
        while (kind->arguments[i].kind != US__ARGUMENT_NONE &&
               !(kind->arguments[i].keyword && text_is(reader, length, kind->arguments[i].keyword)))
            i++;
        const us__activation *activation = us__activation_find(reader->text + reader->position, length);
        if (length && (us__layer_kind_find(reader->text + reader->position, length) || (activation && layer->activation)))
            return text_fail(reader, reader->position, "layers are separated by commas: dense 64 relu, dense 10");
        if (kind->arguments[i].kind != US__ARGUMENT_NONE) {
            if (layer->values[i].given)
                return text_fail(reader, reader->position, "%s is there twice", kind->arguments[i].keyword);
            reader->position += length;
            us_status status = text_value(reader, &kind->arguments[i], &layer->values[i]);
            if (status != US_OK) return status;
        } else if (kind->activates && activation) {
            layer->activation = activation;
            reader->position += length;
        } else {
            return text_option_fail(reader, kind, length ? length : 1);
        }
    }
    return US_OK;
}

static us_status text_body(text_reader *reader, const char *example) {
    size_t open = reader->position;
    if (text_peek(reader) != '(') return text_fail(reader, reader->position, "a '(' is expected here: %s", example);
    open = reader->position++;
    if (++reader->depth > TEXT_DEEPEST)
        return text_fail(reader, open, "parentheses are nested deeper than %d levels", TEXT_DEEPEST);
    us_status status = text_layers(reader);
    reader->depth--;
    if (status != US_OK) return status;
    if (text_peek(reader) == '\0') return text_fail(reader, open, "this '(' is never closed");
    reader->position++;
    return US_OK;
}

/* Layers that are written once and there COUNT times, each with weights of its own. */
static us_status text_repeat(text_reader *reader) {
    static const us__argument TIMES = {
        US__ARGUMENT_COUNT, NULL, "COUNT", "how often the layers come", "3*(dense 64 relu)", 1, TEXT_MOST_TIMES, 0, false};
    us__value times = {0};
    us_status status = text_value(reader, &TIMES, &times);
    if (status != US_OK) return status;
    if (text_peek(reader) != '*')
        return text_fail(reader, reader->position, "a '*' is expected behind a number: 3*(dense 64 relu)");
    size_t body = ++reader->position;
    for (double i = 0; i < times.at[0] && status == US_OK; i++) {
        reader->position = body;
        status = text_body(reader, "3*(dense 64 relu)");
    }
    return status;
}

static us_status text_layer(text_reader *reader) {
    us_model *model = reader->model;
    size_t length = text_word(reader), start = reader->position, at = model->layer_count;
    const us__activation *activation = us__activation_find(reader->text + start, length);
    const us__layer_kind *kind = activation ? &us__layer_activation : us__layer_kind_find(reader->text + start, length);
    if (!kind) return text_layer_fail(reader, length);
    if (at >= TEXT_MOST_LAYERS) return text_fail(reader, start, "there are more than %d layers", TEXT_MOST_LAYERS);
    us__layer *layer = us__layers_add(model, kind, start);
    if (!layer) return US_ERR_NOMEM;
    layer->activation = activation;
    reader->position += length;
    us_status status = US_OK;
    for (size_t i = 0; kind->arguments[i].kind != US__ARGUMENT_NONE && status == US_OK; i++)
        if (!kind->arguments[i].keyword && (!kind->arguments[i].optional || text_is_digit(text_peek(reader)))) {
            text_peek(reader);
            if (i == 0) layer->size_at = reader->position;
            status = text_value(reader, &kind->arguments[i], &layer->values[i]);
        }
    if (status == US_OK) status = text_options(reader, at);
    if (status != US_OK) return status;
    if (kind->body) status = text_body(reader, "residual(dense 64 relu, dense 64)");
    model->layers[at].inside = model->layer_count - at - 1;
    return status;
}

static us_status text_layers(text_reader *reader) {
    us_status status = US_OK;
    do status = text_is_digit(text_peek(reader)) ? text_repeat(reader) : text_layer(reader);
    while (status == US_OK && text_peek(reader) == ',' && ++reader->position);
    if (status != US_OK) return status;
    char next = text_peek(reader);
    if (next == '\0' || (next == ')' && reader->depth > 0)) return US_OK;
    return text_fail(reader, reader->position,
                     next == ')' ? "this ')' closes nothing" : "layers are separated by commas: dense 64 relu, dense 10");
}

us_status us__layers_parse_list(us_model *model, const char *text) {
    text_reader reader = {model, text, 0, 0};
    us_status status = text_layers(&reader);
    return status == US_OK ? us__layers_finish(model, text) : status;
}

bool us_model_reads_numbers(const char *text) {
    static const char STOPS[] = " \t\r\n,:()*";
    for (size_t i = strspn(text, STOPS); text[i];) {
        size_t length = strcspn(text + i, STOPS);
        const us__layer_kind *kind = us__layer_kind_find(text + i, length);
        if (kind && kind->vocabulary) return true;
        i += length;
        i += strspn(text + i, STOPS);
    }
    return false;
}

/* ------------------------------------------------------------------ mlp:128,64:relu */

us_status us__layers_parse_mlp(us_model *model, const char *text) {
    const us__argument *units = &us__layer_dense.arguments[0];
    text_reader reader = {model, text, strlen("mlp:"), 0};
    us_status status = US_OK;
    const us__activation *activation = us__activation_find("relu", 4);
    do {
        us__value size = {0};
        text_peek(&reader);
        size_t at = reader.position;
        status = text_value(&reader, units, &size);
        if (status == US_OK) status = us__layers_add_dense(model, (size_t)size.at[0], activation);
        if (status == US_OK) model->layers[model->layer_count - 1].size_at = at;
    } while (status == US_OK && text_peek(&reader) == ',' && reader.position++);
    if (status == US_OK && text_peek(&reader) == ':') {
        reader.position++;
        status = text_activation(&reader, &activation);
        for (size_t i = 0; status == US_OK && i < model->layer_count; i++)
            model->layers[i].activation = activation->function ? activation : NULL;
    }
    if (status == US_OK && text_peek(&reader) != '\0')
        status = text_fail(&reader, reader.position, "expected is mlp:SIZE,SIZE,.. and then :ACTIVATION or nothing");
    if (status == US_OK) status = us__layers_add_dense(model, model->heads, NULL);
    return status == US_OK ? us__layers_finish(model, text) : status;
}
