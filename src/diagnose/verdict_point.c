/* What gradient, curvature and the data say about the point. */
#include "diagnose/verdict.h"
#include <float.h>

bool us__ask_unseen(us__evidence e, us__options o) {
    bool open = e->kind == US_KIND_UNDECIDED || e->kind == US_KIND_DEGENERATE;
    return (void)o, us__critical(e) && (!e->spectrum_known || (!e->counted && open && !e->negative && !e->zero));
}

bool us__ask_top(us__evidence e, us__options o) {
    return (void)o, us__critical(e) && e->negative && !e->zero && !e->positive;
}

/* Negative curvature proves that this is no minimum. It is what holds the training up when following it pays. */
bool us__ask_way_out(us__evidence e, us__options o) {
    if (!us__critical(e) || !e->negative || !(e->decrease_escape > us__worth(e, o))) return false;
    return !e->positive || -e->lambda_min >= o->curvature_ratio * e->lambda_max || e->decrease_escape > 0.05 * fabs(e->loss);
}

bool us__ask_way_out_symmetric(us__evidence e, us__options o) { return e->symmetric_units && us__ask_way_out(e, o); }

bool us__ask_way_out_of_no_use(us__evidence e, us__options o) { return (void)o, us__critical(e) && e->negative; }

/* From here on no eigenvalue is negative. */
bool us__ask_all_positive(us__evidence e, us__options o) {
    return (void)o, us__critical(e) && e->positive && !e->negative && !e->zero;
}

static bool verdict_semidefinite(us__evidence e, us_null_space found) {
    return us__critical(e) && e->spectrum_known && !e->negative && e->zero && e->null_space == found;
}

bool us__ask_falls_beyond_second_order(us__evidence e, us__options o) {
    return (void)o, verdict_semidefinite(e, US_NULL_WAY_DOWN);
}

/* A valley has walls: where two thirds of all directions do nothing at all, the model has gone dead; unless it explains
 * more than half of what there is to explain, for a net that has learnt may well have units to spare. */
bool us__ask_mostly_flat(us__evidence e, us__options o) {
    if (!verdict_semidefinite(e, US_NULL_FLAT) || 3 * e->zero <= 2 * e->parameters) return false;
    return (void)o, !(e->constant_loss - e->loss > 0.5 * (e->constant_loss - e->floor));
}

bool us__ask_valley(us__evidence e, us__options o) { return (void)o, verdict_semidefinite(e, US_NULL_FLAT); }

bool us__ask_rises_beyond_second_order(us__evidence e, us__options o) {
    return (void)o, verdict_semidefinite(e, US_NULL_RISES);
}

/* At the floor: what is left above the least loss that the data allow is not worth a step: rounding, or a millionth of what
 * the best constant leaves undone. No curvature leads lower than that, and eigenvalues that are not quite zero are what the
 * last of the gradient makes of the zeros of a valley; a larger negative one is a fact that stands in the way of calling
 * this a minimum. */
static double verdict_left(us__evidence e) { return e->loss - e->floor; }

static bool verdict_nothing_left(us__evidence e, us__options o) {
    double all = e->constant_loss - e->floor;
    if (us__ask_frozen(e, o) || (e->negative && -e->lambda_min >= o->curvature_ratio * e->lambda_max)) return false;
    return verdict_left(e) <= DBL_EPSILON * e->constant_loss || (verdict_left(e) <= 1e-6 * all && !us__ask_improving(e, o));
}

bool us__ask_irreducible(us__evidence e, us__options o) {
    if (!(e->floor > 1e-3 * e->constant_loss)) return false;
    return verdict_nothing_left(e, o) || (verdict_left(e) <= us__worth(e, o) && !us__ask_improving(e, o) && !e->negative);
}

bool us__ask_fits(us__evidence e, us__options o) { return verdict_nothing_left(e, o); }

bool us__ask_fits_in_a_valley(us__evidence e, us__options o) {
    return us__ask_fits(e, o) && (e->zero || e->negative) && e->counted && e->null_space != US_NULL_RISES;
}

/* A minimum, and a search found a point that is lower by a tenth of what this one leaves undone. */
static double verdict_lower_by(us__evidence e, us__options o) {
    double left = isnan(e->floor) ? fabs(e->loss) : verdict_left(e);
    return (e->loss - e->lower_loss) / fmax(us__worth(e, o), 0.1 * left);
}

bool us__ask_lower_point(us__evidence e, us__options o) {
    bool minimum = us__ask_all_positive(e, o) || us__ask_rises_beyond_second_order(e, o) ||
                   (us__ask_valley(e, o) && !us__ask_mostly_flat(e, o));
    return minimum && verdict_lower_by(e, o) > 1;
}

/* Not at a saddle, but beside one: what grows along its way out is still small. */
static bool verdict_beside_saddle(us__evidence e) {
    return !us__critical(e) && e->near_kind == US_KIND_SADDLE && e->steps_to_leave > 0;
}

bool us__ask_beside_saddle(us__evidence e, us__options o) {
    return (void)o, verdict_beside_saddle(e) && !e->symmetric_units;
}

bool us__ask_beside_saddle_symmetric(us__evidence e, us__options o) {
    return (void)o, verdict_beside_saddle(e) && e->symmetric_units;
}

/* Beside a saddle whose way out pays from here, too. */
bool us__ask_way_out_beside(us__evidence e, us__options o) {
    return verdict_beside_saddle(e) && e->negative && e->decrease_escape > us__worth(e, o) &&
           -e->lambda_min >= o->curvature_ratio * e->lambda_max;
}

bool us__ask_unmeasurable(us__evidence e, us__options o) {
    return (void)o, !us__critical(e) && e->decrease_line_search <= 0;
}

double us__by_escape(us__evidence e, us__options o) {
    return fmin(-e->lambda_min / e->resolution, e->decrease_escape / us__worth(e, o));
}

double us__by_lambda_max(us__evidence e, us__options o) { return (void)o, -e->lambda_max / e->resolution; }

/* The smallest eigenvalue stands clear of the resolution, and the gradient offers nothing. */
double us__by_lambda_min(us__evidence e, us__options o) {
    double settled = e->offered_decrease > 0 ? us__worth(e, o) / e->offered_decrease : HUGE_VAL;
    return fmin(e->lambda_min / e->resolution, settled);
}

double us__by_floor(us__evidence e, us__options o) {
    return fmax(us__worth(e, o), 1e-6 * e->constant_loss) / fmax(verdict_left(e), 0);
}

double us__by_lower_point(us__evidence e, us__options o) { return verdict_lower_by(e, o); }
