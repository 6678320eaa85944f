/* Steps that are too long, too short or too noisy, and those that go on well. */
#include "diagnose/verdict.h"

bool us__ask_unstable_rate(us__evidence e, us__options o) {
    return (void)o, e->learning_rate >= e->stability_limit * (1 - 1e-9);
}

/* What carrying on gains, at the pace that was seen, over the steps that were to be looked at. */
static double verdict_fall(us__evidence e) { return e->decrease_carrying_on / e->carrying_on_share; }

/* The same where one comparison may be luck, as it may with mini-batches: what the trend says, if there is one. */
static double verdict_gain(us__evidence e) {
    double trend = e->trend_carrying_on / e->carrying_on_share;
    return e->full_batch || isnan(trend) ? fmax(verdict_fall(e), trend) : trend;
}

bool us__ask_improving(us__evidence e, us__options o) { return verdict_gain(e) > us__worth(e, o); }

/* The rate is what the curvature just bears, and the loss falls over many steps although not in each. */
bool us__ask_at_the_edge(us__evidence e, us__options o) {
    return us__ask_improving(e, o) && us__ask_unstable_rate(e, o) && e->full_batch && e->steps_done >= 100 &&
           e->learning_rate < 1.5 * e->stability_limit;
}

/* What the training gains in five times the steps that it has done, at its present speed. */
static double verdict_in_reach(us__evidence e) {
    double gain = e->carrying_on_share * verdict_gain(e);
    return e->steps_carrying_on ? 5 * gain * (double)e->steps_done / (double)e->steps_carrying_on : 0;
}

/* A step along −g finds much more than all the steps that the training took meanwhile, and than those within reach, far
 * below the rate it could bear. */
bool us__ask_timid(us__evidence e, us__options o) {
    return !us__critical(e) && e->decrease_line_search > 10 * us__worth(e, o) &&
           e->decrease_line_search > 20 * verdict_fall(e) && !(verdict_in_reach(e) > e->decrease_line_search) &&
           e->effective_rate < 0.01 * e->stability_limit && e->line_search_rate > 10 * e->effective_rate;
}

bool us__ask_decayed(us__evidence e, us__options o) {
    return us__ask_timid(e, o) && e->learning_rate < 0.01 * e->base_learning_rate;
}

/* Most of the gradient is in parameters that do not move, and what the others gain is no twentieth of what a step would. */
bool us__ask_frozen(us__evidence e, us__options o) {
    return !us__critical(e) && e->frozen_share > 0.5 && e->decrease_line_search > 10 * us__worth(e, o) &&
           !(20 * verdict_gain(e) >= e->decrease_line_search);
}

/* The rate is near what the steepest direction bears, and what is left lies where it is far too small. */
bool us__ask_ill_conditioned(us__evidence e, us__options o) {
    return !us__critical(e) && e->condition > 1e3 && e->learning_rate > 0.1 * e->stability_limit &&
           !us__ask_unstable_rate(e, o) && e->decrease_slow > 10 * us__worth(e, o) &&
           e->decrease_slow > 20 * verdict_fall(e);
}

bool us__ask_faded(us__evidence e, us__options o) {
    return !us__critical(e) && e->decrease_fresh > 10 * us__worth(e, o) && e->decrease_fresh > 5 * e->decrease_faded;
}

bool us__ask_ringing(us__evidence e, us__options o) {
    return !us__critical(e) && e->rises > 0.2 && !us__ask_unstable_rate(e, o) && e->decrease_calm > 10 * us__worth(e, o);
}

/* Batches scatter more than the gradient is long, the loss on all rows does not fall, and less noise makes it fall. */
bool us__ask_drowned(us__evidence e, us__options o) {
    return !us__critical(e) && !e->full_batch && e->noise_scale > e->noise_batch && !us__ask_unstable_rate(e, o) &&
           e->noise_trend <= us__worth(e, o) && e->decrease_quiet > 5 * us__worth(e, o) &&
           e->decrease_line_search > 5 * us__worth(e, o);
}

/* At a rate that is small for this curvature already, the batch is to blame; where the limit is not known, a batch of which
 * the gradient is no tenth. */
bool us__ask_drowned_batch(us__evidence e, us__options o) {
    bool small_rate =
        isnan(e->stability_limit) ? e->noise_scale > 10 * e->noise_batch : e->learning_rate < 0.1 * e->stability_limit;
    return small_rate && us__ask_drowned(e, o);
}

bool us__ask_jumping(us__evidence e, us__options o) {
    return !us__critical(e) && us__ask_unstable_rate(e, o) && e->decrease_line_search > us__worth(e, o);
}

double us__by_rate(us__evidence e, us__options o) { return (void)o, e->learning_rate / e->stability_limit; }

double us__by_decrease(us__evidence e, us__options o) { return verdict_gain(e) / us__worth(e, o); }

double us__by_frozen(us__evidence e, us__options o) { return (void)o, e->frozen_share / 0.5; }

double us__by_line_search(us__evidence e, us__options o) {
    return e->decrease_line_search / fmax(20 * verdict_fall(e), 10 * us__worth(e, o));
}

double us__by_slow(us__evidence e, us__options o) {
    return e->decrease_slow / fmax(20 * verdict_fall(e), 10 * us__worth(e, o));
}

double us__by_fresh(us__evidence e, us__options o) {
    return e->decrease_fresh / fmax(5 * e->decrease_faded, 10 * us__worth(e, o));
}

double us__by_calm(us__evidence e, us__options o) { return e->decrease_calm / (10 * us__worth(e, o)); }

double us__by_noise(us__evidence e, us__options o) {
    return fmin(e->noise_scale / e->noise_batch, e->decrease_quiet / (5 * us__worth(e, o)));
}
