/* Loss and gradient around one θ. */
#include "diagnose/place.h"
#include "curvature/curvature.h"
#include <float.h>
#include <math.h>

us_status us__place_open(us__place *place, us_problem *problem, const us_vec *theta, us_batch batch) {
    *place = (us__place){.problem = problem, .batch = batch, .n = us_problem_dimension(problem), .theta = theta};
    us_context *context = us_problem_context(problem);
    us_precision precision = us_problem_precision(problem);
    if (us_vec_size(theta) != place->n || us_vec_precision(theta) != precision)
        return us__fail(context, US_ERR_ARGUMENT, "theta has %zu elements in %d bits; the problem wants %zu in %d",
                        us_vec_size(theta), (int)us_vec_precision(theta), place->n, (int)precision);
    us_status status = us_vec_create(&place->at, context, precision, place->n);
    if (!status) status = us_vec_create(&place->work, context, precision, place->n);
    if (!status) status = us_problem_value(problem, theta, batch, &place->loss);
    if (status) return status;
    place->size = fmax(1, us_vec_norm_inf(theta));
    place->rounding = 64 * DBL_EPSILON * fabs(place->loss);
    if (!isfinite(place->loss)) return us__fail(context, US_ERR_NONFINITE, "the loss is not finite at this point");
    return US_OK;
}

void us__place_close(us__place *place) {
    us_vec_destroy(place->at);
    us_vec_destroy(place->work);
    place->at = place->work = NULL;
}

static void place_move(us__place *place, const double *d, double t) {
    us_vec_copy(place->at, place->theta);
    if (!d) return;
    for (size_t i = 0; i < place->n; i++)
        if (d[i] != 0) us_vec_set(place->at, i, us_vec_get(place->at, i) + t * d[i]);
}

us_status us__place_value(us__place *place, const double *d, double t, double *loss) {
    place_move(place, d, t);
    return us_problem_value(place->problem, place->at, place->batch, loss);
}

us_status us__place_gradient(us__place *place, const double *d, double t, double *loss, double *gradient) {
    place_move(place, d, t);
    us_status status = us_problem_gradient(place->problem, place->at, place->batch, loss, place->work);
    if (!status) us_vec_read_f64(place->work, gradient);
    return status;
}

/* One value on the line; keeps the best. */
static us_status place_try(us__place *place, const double *d, double t, us__line *line, double *loss) {
    us_status status = us__place_value(place, d, t, loss);
    if (!status && *loss < line->loss) line->loss = *loss, line->step = t;
    return status;
}

static us_status place_search_side(us__place *place, const double *d, double first, double longest, us__line *line) {
    us_status status = US_OK;
    us_context *context = us_problem_context(place->problem);
    double loss, previous = place->loss;
    int rises = 0;
    for (double t = first; fabs(t) <= longest && rises < 2 && !status; t *= 2) {
        if (us_context_cancelled(context)) return us__fail(context, US_INTERRUPTED, "interrupted in a line search");
        status = place_try(place, d, t, line, &loss);
        if (!status && !isfinite(loss)) break;
        rises = loss > previous && loss > place->loss + place->rounding ? rises + 1 : 0;
        previous = loss;
    }
    /* The doubling brackets the lowest point to a factor of two on either side: a few cuts bring it to a tenth. */
    for (double factor = 1.5; factor > 1.1 && line->step != 0 && !status; factor = sqrt(factor)) {
        double middle = line->step;
        status = place_try(place, d, middle * factor, line, &loss);
        if (!status) status = place_try(place, d, middle / factor, line, &loss);
    }
    return status;
}

us_status us__place_search(us__place *place, const double *d, double first, double longest, bool both, us__line *line) {
    us__line forth = {.loss = place->loss}, back = forth;
    us_status status = place_search_side(place, d, first, longest, &forth);
    if (!status && both) status = place_search_side(place, d, -first, longest, &back);
    *line = back.loss < forth.loss ? back : forth;
    line->decrease = place->loss - line->loss;
    if (!(line->decrease > place->rounding)) *line = (us__line){.loss = place->loss};
    return status;
}

us_status us__place_noise(us__place *place, const double *gradient, size_t draws, double *noise) {
    us_rng rng = us_rng_init(1, 0x0f5e);
    double loss_noise = 0;
    for (size_t i = 0; i < place->n; i++) noise[i] = 0;
    for (size_t draw = 0; draw < draws; draw++) {
        double loss;
        us__nudge(place->at, place->theta, 1, &rng);
        us_status status = us_problem_gradient(place->problem, place->at, place->batch, &loss, place->work);
        if (status) return status;
        if (!isfinite(loss) || !us_vec_is_finite(place->work)) continue; /* a pole next door is no rounding */
        loss_noise = fmax(loss_noise, fabs(loss - place->loss));
        for (size_t i = 0; i < place->n; i++) noise[i] = fmax(noise[i], fabs(us_vec_get(place->work, i) - gradient[i]));
    }
    place->rounding = 4 * loss_noise + 64 * DBL_EPSILON * fabs(place->loss);
    return US_OK;
}

/* From the differences of order 4 and 5 of a table along v: a smooth function has next to none, and those of independent
 * errors of size σ have the mean square σ²·(2k)!/(k!)² at order k.
 * Source: Moré & Wild 2011, "Estimating computational noise", SIAM J. Sci. Comput. 33(3). */
us_status us__place_slope_noise(us__place *place, const double *v, double *scratch, double *noise) {
    enum { TABLE = 9 };
    double table[TABLE], loss, square[2] = {0, 0};
    for (int k = 0; k < TABLE; k++) {
        us_status status = us__place_gradient(place, v, 1e-7 * place->size * (k - TABLE / 2), &loss, scratch);
        if (status) return status;
        table[k] = 0;
        for (size_t i = 0; i < place->n; i++) table[k] += v[i] * scratch[i];
    }
    for (int order = 1; order <= 5; order++)
        for (int k = 0; k < TABLE - order; k++) {
            table[k] = table[k + 1] - table[k];
            if (order >= 4) square[order - 4] += table[k] * table[k] / (TABLE - order);
        }
    *noise = sqrt(fmax(square[0] / 70, square[1] / 252));
    return US_OK;
}
