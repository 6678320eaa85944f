/* How many steps the training's own rule takes to leave a saddle.
 *
 * Near a saddle θ*, with g = H(θ − θ*), the part a of θ − θ* along an eigenvector of λ < 0 grows by a factor μ a step
 * (us_rule.growth), and out at the distance r, where the loss along the way is lowest, it is after ln(r/|a|)/ln(μ) steps.
 * Rules that divide by a diagonal D do the same in the coordinates x = D^(1/2)θ, where H is D^(-1/2)HD^(-1/2): with its
 * eigenvector u, the way out is v = D^(-1/2)u and a = v'g/λ. D is taken as it stands, but it grows with the gradient, so
 * that a coordinate keeps about the pace αg/D that it has now, or α: where the distance takes more steps at that pace, those
 * are told. */
#include "diagnose/evidence.h"
#include <cblas.h>
#include <math.h>
#include <string.h>
#include <unstuck/operator.h>

enum { LEAVING_PRODUCTS = 100 };

double us__growth(const us_training *training, double rate, double lambda) {
    const us_rule *rule = us_training_rule(training);
    return rule->growth ? rule->growth(us_training_hyper(training), rate * fabs(lambda)) : (double)NAN;
}

/* Steps from the part `a` out to `distance`, both along one direction in the coordinates of the growth. */
static double leaving_steps(double a, double distance, double growth) {
    if (a == 0) return HUGE_VAL;
    return growth > 1 && !isnan(a) ? fmax(0, log(distance / fabs(a)) / log(growth)) : (double)NAN;
}

us_status us__leave_along(us__gathering *g, us__place *place, const double *v, double lambda, double part, double *steps,
                          double *decrease) {
    us__line line;
    *steps = (double)NAN;
    us_status status = us__place_search(place, v, 1e-6 * place->size, 100 * place->size, true, &line);
    if (!status && place == &g->place) status = us__gathering_confirm(g, v, &line);
    if (status) return status;
    *decrease = line.decrease;
    double growth = us__growth(g->training, g->diagnosis->evidence.learning_rate, lambda);
    if (line.decrease > 0) *steps = leaving_steps(part, fabs(line.step), growth);
    return US_OK;
}

/* D of the parameters, [n]; *known: false where the rule does not tell, or it is no scale. */
static us_status leaving_diagonal(us__gathering *g, double *d, bool *known) {
    *known = false;
    us_status status = us_training_preconditioner(g->training, g->after);
    if (status == US_ERR_UNSUPPORTED) us_context_error_clear(us_problem_context(g->problem));
    if (status) return status == US_ERR_UNSUPPORTED ? US_OK : status;
    if ((status = us_restricted_take(g->full, g->after, g->place.at))) return status;
    us_vec_read_f64(g->place.at, d);
    *known = true;
    for (size_t i = 0; i < g->place.n; i++) *known = *known && d[i] > 0 && isfinite(d[i]);
    return US_OK;
}

us_status us__leave_adaptive(us__gathering *g, us__place *place, const double *gradient, const double *displacement,
                             double *steps, double *component) {
    us_context *context = us_problem_context(g->problem);
    size_t n = place->n;
    us_hessian_operator *h = NULL;
    us_eigenpairs *pairs = NULL;
    double *d = us__alloc(context, 2 * n, sizeof *d), *v = d ? d + n : NULL, part = 0;
    bool known;
    *steps = (double)NAN;
    us_status status = d ? leaving_diagonal(g, d, &known) : US_ERR_NOMEM;
    if (status || !known) goto done;
    if ((status = us_hessian_operator_create(&h, g->problem, place->theta, US_BATCH_ALL, 1))) goto done;
    if ((status = us_hessian_operator_precondition(h, d))) goto done;
    us_lanczos_options o = US_LANCZOS_OPTIONS_INIT;
    o.top = 0, o.below = 0, o.accuracy = 0.02, o.products = LEAVING_PRODUCTS, o.seed = g->options->point.seed;
    o.seconds = g->options->point.seconds / 10;
    status = us_lanczos_solve(&pairs, context, us_hessian_operator_get(h), &o);
    if (status == US_NOT_CONVERGED) status = US_OK;
    if (status == US_ERR_NONFINITE || status == US_ERR_NUMERIC) {
        us_context_error_clear(context);
        status = US_OK;
    }
    if (status || !pairs || pairs->bottom == 0 || !(pairs->values[0] < -pairs->resolution)) goto done;
    double lambda = pairs->values[0], length;
    for (size_t i = 0; i < n; i++) v[i] = pairs->vectors[i] / sqrt(d[i]);
    for (size_t i = 0; i < n; i++) part += v[i] * (gradient ? gradient[i] / lambda : d[i] * displacement[i]);
    length = cblas_dnrm2((int)n, v, 1);
    cblas_dscal((int)n, 1 / length, v, 1);
    us__line line;
    if ((status = us__place_search(place, v, 1e-6 * place->size, 100 * place->size, true, &line))) goto done;
    double rate = g->diagnosis->evidence.learning_rate, growth = us__growth(g->training, rate, lambda);
    if (!(line.decrease > 0) || !(growth > 1)) goto done;
    size_t far = cblas_idamax((int)n, v, 1);
    double pace = rate * fmax(1, fabs(g->gradient[far]) / d[far]);
    *steps = fmax(leaving_steps(part, fabs(line.step) / length, growth), fabs(line.step * v[far]) / pace);
    *component = fabs(part) * length; /* in θ */
done:
    us_eigenpairs_destroy(pairs);
    us_hessian_operator_destroy(h);
    us__release(context, d);
    return status;
}
