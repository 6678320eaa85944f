/* escape: leave a saddle along the direction in which the loss curves downwards most, or along another way down that was
 * found. Both signs are tried with growing steps until the loss rises; the lower end is taken. From there the same is done
 * along the other negative eigenvectors in turn: the place where the first line ends has often kept the symmetry that the
 * others would break, and gradient descent then walks straight into the next saddle. The rule's state belongs to the place
 * that is left, so it is reset.
 * Source: Moré & Sorensen 1979, "On the use of directions of negative curvature in a modified Newton method". */
#include "diagnose/place.h"
#include "remedy/remedy.h"
#include <math.h>
#include <stdio.h>

enum { ESCAPE_DIRECTIONS = 8 }; /* negative eigenvectors that are tried after the first */

static bool escape_applies(const us_diagnosis *d, char *why, size_t why_size) {
    const us_evidence *e = &d->evidence;
    us_verdict_name name = d->verdict.name;
    if (name != US_VERDICT_SADDLE && name != US_VERDICT_MAXIMUM && name != US_VERDICT_PLATEAU) return false;
    if (!d->point || !d->point->escape || !(e->decrease_escape > 0)) return false;
    if (e->negative)
        snprintf(why, why_size,
                 "the loss curves downwards along one direction (eigenvalue %.3g); a line search along it takes %.3g off "
                 "the loss",
                 e->lambda_min, e->decrease_escape);
    else
        snprintf(why, why_size,
                 "the curvature is silent along some directions; a line search along one of them takes %.3g off the loss",
                 e->decrease_escape);
    return true;
}

us_status us__escape_along(us_problem *problem, us_vec *theta, const double *direction, double *decrease) {
    us__place place = {0};
    us__line line;
    us_status status = us__place_open(&place, problem, theta, US_BATCH_ALL);
    if (!status) status = us__place_search(&place, direction, 1e-6 * place.size, 100 * place.size, true, &line);
    if (!status) {
        *decrease = line.decrease;
        for (size_t i = 0; i < place.n; i++) us_vec_set(theta, i, us_vec_get(theta, i) + line.step * direction[i]);
    }
    us__place_close(&place);
    return status;
}

static us_status escape_apply(us_training *training, const us_diagnosis *d, uint64_t steps) {
    (void)steps;
    us_problem *own = us_training_problem(training), *problem = NULL;
    us_context *context = us_problem_context(own);
    us_vec *theta = NULL, *all = NULL;
    double decrease;
    if (!d->point || !d->point->escape)
        return us__fail(context, US_ERR_UNSUPPORTED,
                        "escape: no way out is known here: no eigenvalue is negative, or none was measured");
    us_status status = us_problem_freeze(&problem, &theta, own, US_F64, us_training_theta(training));
    if (!status) status = us_vec_create(&all, context, US_F64, us_problem_dimension(own));
    if (status) goto done;
    us_vec_copy(all, us_training_theta(training));
    if ((status = us__escape_along(problem, theta, d->point->escape, &decrease))) goto done;
    if (!(decrease > 0)) {
        status =
            us__fail(context, US_ERR_UNSUPPORTED, "escape: the loss does not fall along the way out by more than rounding");
        goto done;
    }
    const us_spectrum *s = d->point->spectrum;
    for (size_t i = 0; s && i < s->negative && i < ESCAPE_DIRECTIONS; i++)
        if ((status = us__escape_along(problem, theta, s->vectors + i * s->n, &decrease))) goto done;
    if (!(status = us_restricted_put(problem, theta, all))) status = us_training_set_theta(training, all, true);
done:
    us_vec_destroy(theta);
    us_vec_destroy(all);
    us_problem_destroy(problem);
    return status;
}

const us_remedy us__remedy_escape = {
    .name = "escape",
    .does = "moves along the most negative curvature, on the side and as far as the loss falls, and resets the rule's state",
    .applies = escape_applies,
    .apply = escape_apply,
};
