/* Small curves of text: one line of blocks that grows while work goes on, and a plot of several lines. */
#ifndef US_CLI_CURVE_H
#define US_CLI_CURVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A series of any length in a bounded number of points: when they are full, neighbours are merged into their mean, and each
 * point stands for twice as many values. {0} is an empty one. */
enum { CLI_CURVE_POINTS = 128 };
typedef struct cli_curve {
    double points[CLI_CURVE_POINTS];
    size_t count;
    uint64_t each, pending; /* values a point stands for (0: one); values in `sum` */
    double sum;
} cli_curve;
void cli_curve_add(cli_curve *curve, double value); /* what is not finite is left out */

/* The curve in at most `width` cells, high values high, on a logarithmic scale where they span more than a factor of 30:
 * UTF-8 blocks ("█▆▃▂▁▁"). Empty with fewer than two points.
 * @param text  [3·width + 1] */
void cli_curve_line(const cli_curve *curve, size_t width, char *text);

/* One mark of a plot. */
typedef struct cli_curve_mark {
    double x;
    char letter; /* stands in the curve's column of x */
} cli_curve_mark;

/* Prints y over x on standard output, 64×12 cells and the axes: x logarithmic (> 0, ascending), y logarithmic where it spans
 * more than a factor of 30. Points that are not finite are left out; y above `ceiling` is drawn at the upper edge. Dots of
 * UTF-8, or of ASCII (`plain`). */
void cli_curve_plot(const double *x, const double *y, size_t count, double ceiling, const cli_curve_mark *marks,
                    size_t mark_count, bool plain);

#endif
