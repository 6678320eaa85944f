#include "report/series.h"
#include <string.h>

enum { SERIES_DIGITS = 9 }; /* all of an f32 */

static us__series *series_find(const us__series_list *list, const char *name, const char *part) {
    for (size_t i = list->count; i-- > 0;)
        if (!strcmp(list->series[i].name, name) && !strcmp(list->series[i].part, part)) return &list->series[i];
    return NULL;
}

const us__series *us__series_find(const us__series_list *list, const char *name, const char *part) {
    return series_find(list, name, part);
}

static us__series *series_new(us__series_list *list, const char *name, const char *part) {
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : 16;
        us__series *grown = us__grow(list->context, list->series, list->count, room, sizeof *grown);
        if (!grown) return NULL;
        list->series = grown;
        list->room = room;
    }
    us__series *s = &list->series[list->count];
    *s = (us__series){.name = us__text_copy(list->context, name)};
    if (s->name) s->part = us__text_copy(list->context, part);
    if (!s->part) {
        us__release(list->context, s->name);
        return NULL;
    }
    list->count++;
    return s;
}

us_status us__series_add(us__series_list *list, const char *name, const char *part, double step, double value) {
    us__series *s = series_find(list, name, part);
    if (!s && !(s = series_new(list, name, part))) return US_ERR_NOMEM;
    if (s->count == s->room) {
        size_t room = s->room ? 2 * s->room : 256;
        double *grown = us__grow(list->context, s->step, s->count, room, sizeof *grown);
        if (!grown) return US_ERR_NOMEM;
        s->step = grown;
        if (!(grown = us__grow(list->context, s->value, s->count, room, sizeof *grown))) return US_ERR_NOMEM;
        s->value = grown;
        s->room = room;
    }
    s->step[s->count] = step;
    s->value[s->count++] = value;
    return US_OK;
}

void us__series_release(us__series_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        us__release(list->context, list->series[i].name);
        us__release(list->context, list->series[i].part);
        us__release(list->context, list->series[i].step);
        us__release(list->context, list->series[i].value);
    }
    us__release(list->context, list->series);
    *list = (us__series_list){.context = list->context};
}

static void series_numbers(us__text *to, const double *numbers, const size_t *keep, size_t kept, int digits) {
    for (size_t i = 0; i < kept; i++) {
        if (i) us__text_add(to, ",");
        us__text_add_real(to, numbers[keep[i]], digits);
    }
}

us_status us__series_write(us__text *to, const us__series_list *list, size_t points) {
    size_t *keep = us__alloc(list->context, points, sizeof *keep);
    if (!keep) return US_ERR_NOMEM;
    us__text_add(to, "[");
    for (size_t i = 0; i < list->count; i++) {
        const us__series *s = &list->series[i];
        size_t kept = us__thin(s->step, s->value, s->count, points, keep);
        us__text_add(to, i ? ",\n{\"name\":" : "\n{\"name\":");
        us__text_add_string(to, s->name);
        us__text_add(to, ",\"part\":");
        us__text_add_string(to, s->part);
        us__text_add(to, ",\"rows\":");
        us__text_add_real(to, (double)s->count, 17);
        us__text_add(to, ",\"step\":[");
        series_numbers(to, s->step, keep, kept, 17);
        us__text_add(to, "],\"value\":[");
        series_numbers(to, s->value, keep, kept, SERIES_DIGITS);
        us__text_add(to, "]}");
    }
    us__text_add(to, "]");
    us__release(list->context, keep);
    return to->status;
}
