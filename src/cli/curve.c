#include "curve.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PLOT_WIDTH = 64, PLOT_HEIGHT = 12 };
static const double CURVE_LOG_FROM = 30;

void cli_curve_add(cli_curve *curve, double value) {
    if (!isfinite(value)) return;
    if (curve->each == 0) curve->each = 1;
    if (curve->count == CLI_CURVE_POINTS && curve->pending == 0) {
        for (size_t i = 0; i < CLI_CURVE_POINTS / 2; i++)
            curve->points[i] = 0.5 * (curve->points[2 * i] + curve->points[2 * i + 1]);
        curve->count /= 2;
        curve->each *= 2;
    }
    curve->sum += value;
    if (++curve->pending < curve->each) return;
    curve->points[curve->count++] = curve->sum / (double)curve->pending;
    curve->sum = 0, curve->pending = 0;
}

/* Where a value lies between ends: 0..1. */
typedef struct curve_scale {
    double low, high;
    bool logarithmic;
} curve_scale;

static curve_scale curve_scale_of(const double *y, size_t count, double ceiling) {
    curve_scale s = {HUGE_VAL, -HUGE_VAL, false};
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(y[i])) continue;
        s.low = fmin(s.low, fmin(y[i], ceiling));
        s.high = fmax(s.high, fmin(y[i], ceiling));
    }
    s.logarithmic = s.low > 0 && s.high > CURVE_LOG_FROM * s.low;
    return s;
}

static double curve_place(const curve_scale *s, double y) {
    if (!(s->high > s->low)) return 0.5;
    double share = s->logarithmic ? log(y / s->low) / log(s->high / s->low) : (y - s->low) / (s->high - s->low);
    return fmin(fmax(share, 0), 1);
}

void cli_curve_line(const cli_curve *curve, size_t width, char *text) {
    static const char *const BLOCKS[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    size_t cells = curve->count < width ? curve->count : width;
    *text = '\0';
    if (cells < 2) return;
    double means[CLI_CURVE_POINTS];
    for (size_t c = 0; c < cells; c++) {
        size_t from = c * curve->count / cells, to = (c + 1) * curve->count / cells;
        means[c] = 0;
        for (size_t i = from; i < to; i++) means[c] += curve->points[i] / (double)(to - from);
    }
    curve_scale scale = curve_scale_of(means, cells, HUGE_VAL);
    for (size_t c = 0; c < cells; c++) {
        int level = (int)lround(7 * curve_place(&scale, means[c]));
        memcpy(text + 3 * c, BLOCKS[level], 3);
    }
    text[3 * cells] = '\0';
}

void cli_curve_plot(const double *x, const double *y, size_t count, double ceiling, const cli_curve_mark *marks,
                    size_t mark_count, bool plain) {
    if (count < 2) return;
    curve_scale ys = curve_scale_of(y, count, ceiling), xs = {x[0], x[count - 1], true};
    if (!(ys.high >= ys.low)) return;
    char cells[PLOT_HEIGHT][PLOT_WIDTH];
    int heights[PLOT_WIDTH];
    memset(cells, ' ', sizeof cells);
    for (int c = 0; c < PLOT_WIDTH; c++) heights[c] = -1;
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(y[i])) continue;
        int column = (int)lround((PLOT_WIDTH - 1) * curve_place(&xs, x[i]));
        int row = (int)lround((PLOT_HEIGHT - 1) * (1 - curve_place(&ys, fmin(y[i], ceiling))));
        cells[row][column] = '*';
        heights[column] = row;
    }
    for (size_t k = 0; k < mark_count; k++) {
        int column = (int)lround((PLOT_WIDTH - 1) * curve_place(&xs, marks[k].x));
        int row = heights[column] < 0 ? PLOT_HEIGHT - 1 : heights[column];
        cells[row][column] = marks[k].letter;
    }
    for (int row = 0; row < PLOT_HEIGHT; row++) {
        char label[16] = "";
        if (row == 0) snprintf(label, sizeof label, "%.4g", ys.high);
        if (row == PLOT_HEIGHT - 1) snprintf(label, sizeof label, "%.4g", ys.low);
        printf("%10s %s", label, plain ? "|" : "│");
        int last = PLOT_WIDTH;
        while (last > 0 && cells[row][last - 1] == ' ') last--;
        for (int c = 0; c < last; c++)
            if (cells[row][c] == '*')
                fputs(plain ? "*" : "●", stdout);
            else
                putchar(cells[row][c]);
        putchar('\n');
    }
    printf("%10s %s", "", plain ? "+" : "└");
    for (int c = 0; c < PLOT_WIDTH; c++) fputs(plain ? "-" : "─", stdout);
    char left[24], right[24];
    snprintf(left, sizeof left, "%.3g", x[0]);
    snprintf(right, sizeof right, "%.3g", x[count - 1]);
    printf("\n%12s%s%*s\n", "", left, PLOT_WIDTH - (int)strlen(left), right);
}
