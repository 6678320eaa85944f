/* A landscape as a person reads it: where it looks, slices as small curves, critical points, paths. */
#include "curve.h"
#include "scape.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PRINT_CELLS = 60, PRINT_NAME = 28 };

/* The grid's point nearest to coordinate `at` of axis k. */
static size_t print_nearest(const scape *s, size_t k, double at) {
    double share = (at - s->grid.low[k]) / (s->grid.high[k] - s->grid.low[k]);
    double i = round(share * (double)(s->grid.points[k] - 1));
    return i < 0 ? 0 : i > (double)(s->grid.points[k] - 1) ? s->grid.points[k] - 1 : (size_t)i;
}

/* The middle of the picture, or zero where that is in it: where a run stands. */
static double print_middle(const scape *s, size_t k) {
    double low = s->grid.low[k], high = s->grid.high[k];
    return strcmp(s->kind, "parameter") != 0 && low < 0 && high > 0 ? 0 : (low + high) / 2;
}

static void print_slice(const scape *s, size_t k) {
    size_t nx = s->grid.points[0], other = s->plane->count == 2 ? print_nearest(s, !k, print_middle(s, !k)) : 0;
    char text[3 * PRINT_CELLS + 1];
    cli_curve curve = {.count = 0};
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (size_t i = 0; i < s->grid.points[k]; i++) {
        double loss = s->loss[k == 0 ? other * nx + i : i * nx + other];
        cli_curve_add(&curve, loss);
        if (isfinite(loss)) low = fmin(low, loss), high = fmax(high, loss);
    }
    cli_curve_line(&curve, PRINT_CELLS, text);
    printf("  %-14.14s %9.4g %s %-9.4g  loss %.4g to %.4g\n", s->label[k], s->grid.low[k], text, s->grid.high[k], low, high);
}

static void print_range(const scape *s) {
    size_t nx = s->grid.points[0], low = SIZE_MAX, high = SIZE_MAX, odd = 0;
    for (size_t i = 0; i < s->total; i++) {
        if (!isfinite(s->loss[i])) {
            odd++;
            continue;
        }
        if (low == SIZE_MAX || s->loss[i] < s->loss[low]) low = i;
        if (high == SIZE_MAX || s->loss[i] > s->loss[high]) high = i;
    }
    if (low == SIZE_MAX) {
        printf("no loss of the grid is finite\n");
        return;
    }
    printf("lowest %.6g at %s=%.4g", s->loss[low], s->label[0], us_landscape_coordinate(&s->grid, 0, low % nx));
    if (s->plane->count == 2) printf(", %s=%.4g", s->label[1], us_landscape_coordinate(&s->grid, 1, low / nx));
    printf("; highest %.6g", s->loss[high]);
    if (odd > s->total - s->done) printf("; not finite at %zu points", odd - (s->total - s->done));
    printf("  (%zu", nx);
    if (s->plane->count == 2) printf(" x %zu", s->grid.points[1]);
    if (s->done == s->total)
        printf(" points)\n");
    else
        printf(" points, %zu done)\n", s->done);
}

static void print_critical(const scape *s) {
    size_t count = json_array_size(s->critical);
    if (!s->critical) return;
    printf("%zu critical point%s found in the box\n", count, count == 1 ? "" : "s");
    for (size_t i = 0; i < count; i++) {
        const json_t *p = json_array_get(s->critical, i), *value;
        const char *name;
        printf("  %-*s", PRINT_NAME, json_string_value(json_object_get(p, "kind")));
        json_object_foreach(json_object_get(p, "at"), name, value) printf(" %s=%.6g", name, json_number_value(value) + 0.0);
        printf("  value %.6g\n", json_number_value(json_object_get(p, "value")));
    }
}

static void print_paths(const scape *s) {
    for (size_t i = 0; i < s->path_count; i++) {
        const scape_path *p = &s->paths[i];
        const json_t *value;
        const char *name;
        if (i == 0) printf("paths\n");
        printf("  %-*s", PRINT_NAME, p->name);
        if (p->count == 0) {
            printf(" no path was kept\n");
            continue;
        }
        size_t last = p->count - 1;
        printf(" %llu steps, loss %.6g to %.6g", (unsigned long long)(p->steps[last] - p->steps[0]), p->losses[0],
               p->losses[last]);
        json_object_foreach(p->end, name, value) printf(" %s=%.6g", name, json_number_value(value) + 0.0);
        double off = 0, far = 0;
        for (size_t k = 0; k < p->count; k++) {
            off = fmax(off, p->off[k]);
            far = fmax(far, hypot(p->at[2 * k] - p->at[2 * last], p->at[2 * k + 1] - p->at[2 * last + 1]));
        }
        if (off > 1e-6 * far) printf(", up to %.3g off this plane", off);
        if (p->state) printf("  %s", p->state);
        printf("\n");
    }
}

void scape_print(const scape *s) {
    cli_style style = cli_style_of(STDOUT_FILENO);
    printf("%sloss along%s", style.bold, style.reset);
    for (size_t k = 0; k < s->plane->count; k++) {
        printf("%s %s", k ? " and" : "", s->label[k]);
        if (strcmp(s->kind, "eigen") == 0) printf(" (eigenvalue %.4g within %.1g)", s->plane->value[k], s->plane->error[k]);
        if (strcmp(s->kind, "path") == 0) printf(" (%.1f %% of the path)", 100 * s->plane->value[k]);
    }
    printf("\n");
    for (size_t k = 0; k < s->plane->count; k++) print_slice(s, k);
    print_range(s);
    print_critical(s);
    print_paths(s);
}
