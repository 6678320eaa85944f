/* A picture of eigenvalues in a line: negative ones on the left, zero (within the resolution) in the middle, positive ones
 * on the right; each side logarithmic, the resolution inside, the largest outside. Blocks on a terminal, counts elsewhere.
 */
#include "cli.h"
#include <math.h>
#include <stdio.h>

enum { PICTURE_COLUMNS = 24 };

static void picture_column(size_t count, size_t most, bool blocks) {
    static const char *const BLOCKS[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    if (count == 0)
        fputs(blocks ? " " : ".", stdout);
    else if (blocks)
        fputs(BLOCKS[(int)(7 * log1p((double)count) / log1p((double)most))], stdout);
    else if (count < 10)
        printf("%zu", count);
    else
        fputs("#", stdout);
}

void cli_spectrum_picture(const double *values, size_t n, double resolution, bool blocks) {
    size_t below[PICTURE_COLUMNS] = {0}, above[PICTURE_COLUMNS] = {0}, zero = 0, most = 1;
    double largest = 0, smallest = HUGE_VAL;
    for (size_t i = 0; i < n; i++) {
        double size = fabs(values[i]);
        largest = fmax(largest, size);
        if (size > resolution) smallest = fmin(smallest, size);
    }
    if (!(largest > resolution)) return; /* nothing but zeros */
    smallest = fmax(fmin(smallest, 0.1 * largest), 1e-12 * largest);
    for (size_t i = 0; i < n; i++) {
        double size = fabs(values[i]);
        if (size <= resolution) {
            zero++;
            continue;
        }
        double at = PICTURE_COLUMNS * log(fmax(size, smallest) / smallest) / log(largest / smallest);
        size_t k = at < PICTURE_COLUMNS - 1 ? (size_t)at : PICTURE_COLUMNS - 1, *side = values[i] < 0 ? below : above;
        if (++side[k] > most) most = side[k];
    }
    fputs("                [", stdout);
    for (size_t k = PICTURE_COLUMNS; k-- > 0;) picture_column(below[k], most, blocks);
    printf("|%zu zero|", zero);
    for (size_t k = 0; k < PICTURE_COLUMNS; k++) picture_column(above[k], most, blocks);
    printf("]\n                each side from +-%.1g (in the middle) to +-%.3g, logarithmic%s\n", smallest, largest,
           blocks ? "" : "; . none, # ten or more");
}
