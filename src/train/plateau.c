/* The schedule that looks at the loss: "plateau:PATIENCE[:R]" multiplies the rate by R when the mean loss of the last
 * PATIENCE steps is no better than the best such mean before it, by more than its own standard error.
 *
 * A spike is no loss of progress: after the first window, a loss counts at most three standard deviations of the last window
 * above that window's mean. */
#include "train/training.h"
#include <math.h>

enum { PLATEAU_DEVIATIONS = 3 };

void us__plateau_add(us__plateau *plateau, const us_schedule *schedule, double loss) {
    us__plateau *p = plateau;
    double patience = schedule->numbers[0], ratio = schedule->numbers[1];
    if (p->windows > 0) loss = fmin(loss, p->mean + PLATEAU_DEVIATIONS * p->deviation);
    /* Welford's update of mean and sum of squares. */
    p->count += 1;
    double off = loss - p->running;
    p->running += off / p->count;
    p->squares += off * (loss - p->running);
    if (p->count < patience) return;
    p->mean = p->running;
    p->deviation = sqrt(p->squares / p->count);
    double error = p->deviation / sqrt(p->count);
    if (p->windows == 0 || p->mean < p->best - error) {
        p->best = p->mean;
    } else {
        p->factor_less_one = (1 + p->factor_less_one) * ratio - 1;
    }
    p->windows += 1;
    p->count = p->running = p->squares = 0;
}
