/* Hidden layers of more units, at the same function. A unit that is split in c has c copies with its incoming weights, and
 * what reads them shares its weight among them:
 *
 *   Σⱼ aⱼ·σ(wⱼ·x)  =  Σⱼ Σ_{k copies of j} (aⱼ/cⱼ)·σ(wⱼ·x)
 *
 * Source: Liu, Wu & Wang 2019, "Splitting steepest descent for growing neural architectures", section 2. */
#include "model/model.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Is layers[i] the last in the parentheses of another? */
static bool widen_is_last_inside(const us_model *model, size_t i) {
    for (size_t k = 0; k < i; k++)
        if (model->layers[k].inside && k + model->layers[k].inside == i) return true;
    return false;
}

/* The dense layer that alone reads what layers[i] puts out, by way of its activation; NULL: there is none such. */
static const us__layer *widen_reader(const us_model *model, size_t i) {
    const us__layer *l = &model->layers[i];
    bool bent = l->activation && l->activation->function;
    while (!widen_is_last_inside(model, i) && ++i < model->layer_count) {
        const us__layer *next = &model->layers[i];
        if (next->kind == &us__layer_dense) return bent ? next : NULL;
        if (!next->kind->is_activation && next->kind != &us__layer_dropout) return NULL;
        bent = bent || (next->activation && next->activation->function);
    }
    return NULL;
}

/* A layer that the text has once and the model several times cannot have another size by itself. */
static bool widen_is_repeated(const us_model *model, size_t i) {
    for (size_t k = 0; k < model->layer_count; k++)
        if (k != i && model->layers[k].size_at == model->layers[i].size_at) return true;
    return false;
}

us_status us__hidden_list(const us_model *model, us__hidden **hidden, size_t *count) {
    us_context *context = model->context;
    *count = 0;
    if (!(*hidden = us__new(context, model->layer_count + 1, sizeof **hidden))) return US_ERR_NOMEM;
    for (size_t i = 0; i < model->layer_count; i++) {
        const us__layer *l = &model->layers[i], *reader;
        if (l->kind != &us__layer_dense || !l->size_at || widen_is_repeated(model, i)) continue;
        if (!(reader = widen_reader(model, i))) continue;
        us__hidden *h = &(*hidden)[*count];
        *h = (us__hidden){.number = l->number,
                          .reader = reader->number,
                          .size_at = l->size_at,
                          .units = us__shape_elements(&l->out),
                          .fan_in = us__shape_elements(&l->in),
                          .biased = l->biased};
        h->wider = h->units;
        if (!(h->parent = us__alloc(context, h->units, sizeof *h->parent))) return US_ERR_NOMEM;
        for (size_t k = 0; k < h->units; k++) h->parent[k] = k;
        (*count)++;
    }
    if (*count > 0) return US_OK;
    return us__fail(context, US_ERR_UNSUPPORTED,
                    "the model has no hidden layer of dense units, written by itself, that one dense layer alone reads");
}

void us__hidden_release(us_context *context, us__hidden *hidden, size_t count) {
    for (size_t k = 0; hidden && k < count; k++) us__release(context, hidden[k].parent);
    us__release(context, hidden);
}

us_status us__hidden_split(us_context *context, us__hidden *h, size_t parent) {
    size_t *grown = us__grow(context, h->parent, h->wider, h->wider + 1, sizeof *grown);
    if (!grown) return US_ERR_NOMEM;
    h->parent = grown;
    h->parent[h->wider++] = parent;
    return US_OK;
}

us_status us__hidden_text(us_context *context, const char *text, const us__hidden *hidden, size_t count, char **out) {
    while (*text == ' ') text++; /* as it was parsed */
    size_t room = strlen(text) + 24 * count + 1, read = 0, used = 0;
    if (!(*out = us__alloc(context, room, 1))) return US_ERR_NOMEM;
    for (size_t k = 0; k < count; k++) { /* in the order of the text */
        memcpy(*out + used, text + read, hidden[k].size_at - read);
        used += hidden[k].size_at - read;
        used += (size_t)snprintf(*out + used, room - used, "%zu", hidden[k].wider);
        read = hidden[k].size_at + strspn(text + hidden[k].size_at, "0123456789");
    }
    strcpy(*out + used, text + read);
    return US_OK;
}

size_t us__hidden_copies(const us__hidden *h, size_t unit) {
    size_t copies = 0;
    for (size_t k = 0; k < h->wider; k++) copies += h->parent[k] == unit;
    return copies;
}

/* ------------------------------------------------------------------ θ */

/* The layer whose units are the rows of a group, and the one whose units are its columns; NULL where they stay. */
static void widen_find(const us__hidden *hidden, size_t count, const char *name, const us__hidden **rows,
                       const us__hidden **columns) {
    char *what;
    *rows = *columns = NULL;
    if (strncmp(name, "layer", 5) != 0) return;
    size_t number = strtoul(name + 5, &what, 10);
    for (size_t k = 0; k < count; k++) {
        if (hidden[k].number == number) *rows = &hidden[k];
        if (hidden[k].reader == number && strcmp(what, ".weight") == 0) *columns = &hidden[k];
    }
}

void us__hidden_theta(const us__hidden *hidden, size_t count, const us_group *groups, const us_group *wider,
                      size_t groups_count, const double *from, double *to) {
    for (size_t g = 0; g < groups_count; g++) {
        const us__hidden *rows, *columns;
        widen_find(hidden, count, groups[g].name, &rows, &columns);
        size_t m = rows ? rows->wider : groups[g].rank ? groups[g].shape[0] : 1;
        size_t width = wider[g].count / m, before = groups[g].count / (rows ? rows->units : m);
        const double *source = from + groups[g].offset;
        double *target = to + wider[g].offset;
        for (size_t c = 0; c < width; c++) {
            size_t parent = columns ? columns->parent[c] : c;
            double share = columns ? (double)us__hidden_copies(columns, parent) : 1;
            for (size_t r = 0; r < m; r++)
                target[r * width + c] = source[(rows ? rows->parent[r] : r) * before + parent] / share;
        }
    }
}
