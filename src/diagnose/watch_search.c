/* The critical sharpness: along the update Δ the loss of the step's batch falls and rises again; at c·Δ it is what it was.
 * The rate that does that, α_c = c·α, is the critical rate, and 2/α_c the critical sharpness: for gradient descent on a
 * quadratic gᵀHg/gᵀg, at most λmax, for rules that divide by D that of D^(-1/2)HD^(-1/2).
 * Sources: Roulet et al. 2023 (arXiv:2312.05442); Kalra & Barkeshli 2024 (arXiv:2406.09405), there by doubling. */
#include "diagnose/watch.h"
#include <math.h>

enum { SEARCH_VALUES = 6 }; /* when it is known where to look */

double us__critical_step(double (*rise)(void *user, double c), void *user, double guess, int most) {
    double low = 0, high = 0, at_low = 0, at_high = 0, c = guess;
    for (int k = 0; k < most; k++) {
        double h = rise(user, c);
        if (h == 0) return c;
        if (h < 0)
            low = c, at_low = h;
        else
            high = c, at_high = h; /* also for NaN and inf: too far */
        if (low > 0 && high > 0) {
            if (high - low < 0.02 * low) break;
            /* the root of the line, kept away from the ends; where the far end is not finite, halves */
            double share = isfinite(at_high) ? at_low / (at_low - at_high) : 0.5;
            c = low + fmin(0.98, fmax(0.02, share)) * (high - low);
        } else if (low > 0) {
            c = 2 * low;
        } else {
            c = 0.5 * high;
        }
    }
    return low > 0 && high > 0 && isfinite(at_high) ? low + at_low / (at_low - at_high) * (high - low) : (double)NAN;
}

typedef struct search_line {
    us_watch *watch;
    us_batch batch;
    const us_vec *before, *delta;
    us_vec *trial;
    double loss, deepest;
    bool failed;
} search_line;

static double search_rise(void *user, double c) {
    search_line *l = user;
    double loss;
    us_vec_sum(l->trial, l->before, c, l->delta);
    if (l->failed || us_problem_value(l->watch->problem, l->trial, l->batch, &loss) != US_OK) {
        l->failed = true;
        return HUGE_VAL;
    }
    if (l->loss - loss > l->deepest) l->deepest = l->loss - loss;
    return isfinite(loss) ? (loss - l->loss) / c : HUGE_VAL;
}

void us__watch_search(us_watch *w, const us_step_info *info, const us_vec *before, const us_vec *delta, us_vec *trial) {
    double began = us__watch_clock(w);
    search_line line = {w, info->batch, before, delta, trial, info->loss, 0, false};
    /* the mean over several batches is no loss of the last of them */
    if (us_training_accumulate(w->training) > 1 && us_problem_value(w->problem, before, info->batch, &line.loss) != US_OK)
        line.failed = true;
    bool known = isfinite(w->critical);
    double c = us__critical_step(search_rise, &line, known ? w->critical : 2, known ? SEARCH_VALUES : US__SEARCH_FIRST);
    if (line.failed) us_context_error_clear(w->context);
    /* a dip that rounding could make says nothing */
    double rounding = 8 * us_precision_epsilon(us_vec_precision(before)) * fabs(line.loss);
    if (isfinite(c) && line.deepest > rounding && !line.failed) {
        w->critical = c;
        w->sharpness = 2 / (c * info->learning_rate);
        us__watch_sign(w, US_WATCH_SHARPNESS, "sharpness", "", w->sharpness);
        const us_rule *rule = us_training_rule(w->training);
        if (rule->stability) {
            w->limit = rule->stability(us_training_hyper(w->training)) / info->learning_rate;
            us__watch_sign(w, US_WATCH_SHARPNESS, "sharpness_limit", "", w->limit);
        }
    }
    us__watch_charge(w, US_WATCH_SHARPNESS, began, true);
}
