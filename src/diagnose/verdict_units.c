/* Units that do nothing, and models that predict the same for every row. */
#include "diagnose/verdict.h"

/* Units that are shut, in one layer two thirds of them or more; the loss of the best constant. None of it matters while the
 * loss falls or a way out pays, nor at a minimum. */
static bool verdict_held(us__evidence e, us__options o) {
    return !us__ask_improving(e, o) && !us__ask_way_out(e, o) && !us__ask_all_positive(e, o) && !us__ask_top(e, o) &&
           !us__ask_unstable_rate(e, o);
}

/* A way out that pays, but by a curvature that is next to nothing, is how a shut layer looks: the units are the cause. */
static bool verdict_shut(us__evidence e, us__options o) {
    bool slight = e->positive && -e->lambda_min < o->curvature_ratio * e->lambda_max;
    return verdict_held(e, o) ||
           (slight && us__ask_way_out(e, o) && !us__ask_improving(e, o) && !us__ask_unstable_rate(e, o));
}

bool us__ask_dead(us__evidence e, us__options o) { return verdict_shut(e, o) && 3 * e->dead_share >= 2; }

bool us__ask_saturated(us__evidence e, us__options o) { return verdict_shut(e, o) && 3 * e->saturated_share >= 2; }

/* What a row's error comes to at the first hidden layer, beside the last; of a model that has hardly begun to learn. */
bool us__ask_vanishing(us__evidence e, us__options o) {
    return verdict_shut(e, o) && e->signal_fade < 1e-3 && e->loss - e->floor > 0.5 * (e->constant_loss - e->floor);
}

/* A symptom: noise of the batches keeps a training at a saddle, too, beside it, at about the loss of the best constant. */
bool us__ask_constant(us__evidence e, us__options o) {
    return verdict_held(e, o) && !us__ask_way_out_beside(e, o) && e->hidden_units && e->floor < 0.99 * e->constant_loss &&
           fabs(e->loss - e->constant_loss) <= o->decrease_tolerance * e->constant_loss;
}

double us__by_dead(us__evidence e, us__options o) { return (void)o, 1.5 * e->dead_share; }

double us__by_saturated(us__evidence e, us__options o) { return (void)o, 1.5 * e->saturated_share; }

double us__by_vanishing(us__evidence e, us__options o) { return (void)o, 1e-3 / e->signal_fade; }
