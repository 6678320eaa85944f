#include "base/base.h"
#include <string.h>

enum { NEAREST_LONGEST = 48 };

/* Edit distance with swaps of neighbours (Damerau 1964, optimal string alignment). */
static size_t nearest_distance(const char *a, const char *b) {
    size_t n = strlen(a), m = strlen(b);
    if (n > NEAREST_LONGEST || m > NEAREST_LONGEST) return SIZE_MAX;
    size_t d[3][NEAREST_LONGEST + 1];
    for (size_t j = 0; j <= m; j++) d[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *row = d[i % 3], *above = d[(i - 1) % 3], *above2 = d[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);
            if (above[j] + 1 < best) best = above[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && above2[j - 2] + 1 < best)
                best = above2[j - 2] + 1;
            row[j] = best;
        }
    }
    return d[n % 3][m];
}

const char *us__nearest_name(const char *word, const char *const *names, size_t count) {
    const char *best = NULL;
    size_t length = strlen(word), limit = length < 2 ? 0 : length < 3 ? 1 : 1 + length / 3, least = limit + 1;
    for (size_t i = 0; i < count; i++) {
        size_t distance = nearest_distance(word, names[i]);
        if (distance < least) {
            least = distance;
            best = names[i];
        }
    }
    return best;
}
