/* From a log alone to a verdict: the same names as those of a diagnosis, less surely, and what to log next. Pure. */
#include <math.h>
#include <unstuck/log.h>

typedef const us_log_evidence *evidence;

enum { DECIDE_FEWEST = 16 };
static const double DECIDE_WORTH =
    0.005; /* a fall over the last half of the log by less than this part of the loss is none */

/* ------------------------------------------------------------------ questions. A comparison with NaN is false. */

static bool decide_blew_up(evidence e) { return !e->finite && e->surge > 3; }
static bool decide_exploded(evidence e) { return !e->finite && e->gradient_surge > 100; }
static bool decide_diverged(evidence e) { return !e->finite; }
static bool decide_few(evidence e) { return e->points < DECIDE_FEWEST; }
static bool decide_falls(evidence e) { return e->slope_high < 0 && e->fall > DECIDE_WORTH * fabs(e->loss); }
static bool decide_alive(evidence e) { return e->gradient > 1e-3 * e->gradient_first; }
static bool decide_decayed(evidence e) { return e->rate < 0.01 * e->rate_most; }
static bool decide_small(evidence e) { return e->loss >= 0 && e->loss <= 1e-4 * e->loss_first; }
static bool decide_frozen(evidence e) { return e->constant && e->gradient > 0 && e->rate > 0; }
static bool decide_still(evidence e) { return e->constant && e->gradient == 0; }
static bool decide_noise_matters(evidence e) { return e->noise > 1e-4 * fabs(e->loss); }
static bool decide_turns(evidence e) { return e->turning < -0.5 && decide_noise_matters(e); }
static bool decide_rings(evidence e) { return e->turning > 0.5 && e->ringing > 0.4 && decide_noise_matters(e); }
static bool decide_rises(evidence e) { return e->slope_low > 0 && -e->fall > 0.05 * fabs(e->loss); }
static bool decide_vanished(evidence e) { return e->gradient <= 1e-3 * e->gradient_first; }
static bool decide_linear(evidence e) { return e->gain_ratio > 0.5 && !decide_turns(e) && decide_alive(e); }
static bool decide_undone(evidence e) {
    return e->gain_ratio < 0.1 && decide_alive(e) && e->noise < 0.01 * fabs(e->loss) && (isnan(e->rows) || e->rows == 0);
}
static bool decide_noisy(evidence e) { return e->noise > 0.01 * fabs(e->loss) && e->turning <= 0.5; }
static bool decide_no_gradient(evidence e) { return isnan(e->gradient); }
static bool decide_always(evidence e) { return (void)e, true; }

/* ------------------------------------------------------------------ margins: how many times beyond the threshold */

static double decide_by_surge(evidence e) { return e->surge / 3; }
static double decide_by_gradient_surge(evidence e) { return e->gradient_surge / 100; }
static double decide_certain(evidence e) { return (void)e, HUGE_VAL; }
static double decide_by_fall(evidence e) { return e->fall / (DECIDE_WORTH * fabs(e->loss)); }
static double decide_by_small(evidence e) { return 1e-4 * e->loss_first / e->loss; }
static double decide_by_turning(evidence e) { return 1 / (2 * (1 + e->turning)); }
static double decide_by_rate(evidence e) { return 0.01 * e->rate_most / e->rate; }
static double decide_by_gain(evidence e) { return e->gain_ratio / 0.5; }
static double decide_by_noise(evidence e) { return e->noise / (0.01 * fabs(e->loss)); }
static double decide_barely(evidence e) { return (void)e, 1; }
static double decide_nothing(evidence e) { return (void)e, 0; }

/* ------------------------------------------------------------------ the table */

static const char GRADIENT[] = "gradient_norm";
static const char GRADIENT_WHY[] =
    "the 2-norm of the gradient at each step: near zero it is a critical point, else the steps are to blame";
static const char LAMBDA[] = "lambda_min";
static const char LAMBDA_WHY[] =
    "the smallest eigenvalue of the Hessian (some 30 products): a negative one makes it a saddle, none a minimum";
static const char SHARPNESS[] = "sharpness";
static const char SHARPNESS_WHY[] =
    "the critical sharpness 2/alpha_c along an update (5 values of the loss), against 2/lr of "
    "plain descent: whether the rate is too large or too small";

static const struct decide_row {
    bool (*when)(evidence);
    us_verdict_name name;
    const char *cause;
    bool stuck;
    double (*margin)(evidence);
    double most; /* confidence, at most: how far the numbers of a log can carry this */
    const char *sentence, *signs, *would_change, *next, *next_why;
} ROWS[] = {
    {decide_exploded, US_VERDICT_DIVERGED, "exploding-gradient", true, decide_by_gradient_surge, 0.8,
     "The gradient's norm shot up within a few steps, and then a number was not finite.", "not_finite_at gradient_surge",
     "the same steps with the gradient clipped that end the same way", "gradient_norm by layer",
     "the norm of each layer's gradient in the last steps: where it began"},
    {decide_blew_up, US_VERDICT_DIVERGED, "lr-above-stability", true, decide_by_surge, 0.8,
     "The loss grew and grew, and then it was not finite: steps that are too long do this.", "not_finite_at surge",
     "the same run at a tenth of the rate that ends the same way", GRADIENT,
     "the 2-norm of the gradient at each step: it grows before the loss does"},
    {decide_diverged, US_VERDICT_DIVERGED, NULL, true, decide_certain, 0.9,
     "A number was not finite, all at once: bad data and overflow look like this, and a rate far too large.",
     "not_finite_at surge", "the loss of each step before it, where rows are logged now and then", "worst_row",
     "the largest loss of a single row in each batch, and which row it is: bad data show at once"},
    {decide_few, US_VERDICT_UNDECIDED, NULL, false, decide_nothing, 0,
     "There are too few losses to tell a trend from chance.", "points", "more rows", "loss",
     "at least 16 rows, better 200 and more"},
    {decide_falls, US_VERDICT_DESCENDING, NULL, false, decide_by_fall, 0.9,
     "The loss falls, by more than its noise could feign.", "loss_slope loss_slope_high fall",
     "a slope whose interval reaches zero", GRADIENT, GRADIENT_WHY},
    {decide_small, US_VERDICT_MINIMUM, "converged", false, decide_by_small, 0.8,
     "The loss has come down to next to nothing of what it was.", "loss loss_first",
     "a use for the rest of the loss: it may still fall, slowly", LAMBDA, LAMBDA_WHY},
    {decide_decayed, US_VERDICT_CRAWLING, "lr-decayed", true, decide_by_rate, 0.7,
     "The learning rate has decayed to less than a hundredth of what it was, and the loss stands still.",
     "learning_rate learning_rate_most fall", "a gradient that was gone before the rate was", GRADIENT, GRADIENT_WHY},
    {decide_frozen, US_VERDICT_PLATEAU, "frozen-arithmetic", true, decide_barely, 0.7,
     "The gradient is there and the rate is not zero, and yet not a bit of the loss changes: the updates are lost to "
     "rounding.",
     "loss gradient_norm learning_rate", "weights that do change from step to step", "unchanged_share",
     "the share of the weights that a step leaves as they were, to the last bit"},
    {decide_still, US_VERDICT_PLATEAU, "flat", true, decide_barely, 0.6,
     "The gradient is exactly zero and the loss does not change by a bit: nothing that is trained has an effect here.",
     "loss gradient_norm", "a loss that is the least the data allow", "dead_share",
     "the share of units that no row makes active: dead units have a gradient of exactly zero"},
    {decide_turns, US_VERDICT_OSCILLATING, "lr-above-stability", true, decide_by_turning, 0.85,
     "The loss goes up and down from one row to the next: steps that jump across a valley do this.", "turning noise",
     "losses logged at each step that do not turn", SHARPNESS, SHARPNESS_WHY},
    {decide_rings, US_VERDICT_OSCILLATING, "momentum-too-high", true, decide_barely, 0.6,
     "The loss swings in long, even waves: momentum that hardly fades rolls through the minimum and back.",
     "turning ringing noise", "waves of the length of an epoch: then it is the order of the data", "step_cosine",
     "the cosine of successive updates: near 1 for long, then near -1, is momentum that rolls back"},
    {decide_rises, US_VERDICT_OSCILLATING, "lr-above-stability", true, decide_barely, 0.6,
     "The loss rises over the last half of the log.", "loss_slope loss_slope_low fall",
     "a change of the data or of the loss on the way", SHARPNESS, SHARPNESS_WHY},
    {decide_noisy, US_VERDICT_NOISY, NULL, true, decide_by_noise, 0.7,
     "The loss jitters about a level that does not fall: what a step gains on its batch, the next one loses.",
     "noise loss_slope fall", "losses of all rows, which would fall if only the batches jitter", "noise_scale",
     "the squared norm of the gradient at two batch sizes gives tr(Sigma)/|g|^2: above the batch in use, a larger batch or "
     "a "
     "smaller rate helps"},
    {decide_linear, US_VERDICT_CRAWLING, "lr-too-small", true, decide_by_gain, 0.85,
     "Each step gains what the slope promises and no curvature takes anything away: longer steps would gain more.",
     "gain_ratio gradient_norm learning_rate fall", "a rule whose steps are not along the gradient (Adam and its like)",
     SHARPNESS, SHARPNESS_WHY},
    {decide_undone, US_VERDICT_OSCILLATING, "lr-above-stability", true, decide_barely, 0.6,
     "The gradient is there, and what the slope promises is not gained: curvature takes it away again, at the limit of the "
     "rate.",
     "gain_ratio gradient_norm learning_rate fall", "batches: their gradients do not vanish where the loss is least",
     SHARPNESS, SHARPNESS_WHY},
    {decide_vanished, US_VERDICT_UNDECIDED, NULL, false, decide_nothing, 0,
     "The gradient is gone and the loss is not: a minimum, a saddle or a plateau, which a log cannot tell apart.",
     "gradient_norm loss", NULL, LAMBDA, LAMBDA_WHY},
    {decide_no_gradient, US_VERDICT_UNDECIDED, NULL, false, decide_nothing, 0,
     "The loss stands still; without the gradient it cannot be said whether it has arrived or cannot get on.",
     "loss_slope fall noise", NULL, GRADIENT, GRADIENT_WHY},
    {decide_always, US_VERDICT_UNDECIDED, NULL, false, decide_nothing, 0,
     "The loss stands still although the gradient is there.", "loss_slope fall gradient_norm", NULL, SHARPNESS,
     SHARPNESS_WHY},
};

us_log_verdict us_log_decide(const us_log_evidence *e) {
    const struct decide_row *row = ROWS;
    while (!row->when(e)) row++;
    double margin = row->margin(e);
    us_log_verdict v = {.next = row->next, .next_why = row->next_why};
    /* what is there already need not be logged */
    if (row->next == GRADIENT && !isnan(e->gradient)) v.next = SHARPNESS, v.next_why = SHARPNESS_WHY;
    v.verdict = (us_verdict){.name = row->name,
                             .cause = row->cause,
                             .stuck = row->stuck,
                             .sentence = row->sentence,
                             .signs = row->signs,
                             .would_change = row->would_change,
                             .would_decide = row->name == US_VERDICT_UNDECIDED ? v.next_why : NULL,
                             .confidence = margin == 0 ? 0 : fmin(row->most, 1 - 0.5 / fmax(1, isnan(margin) ? 1 : margin))};
    return v;
}
