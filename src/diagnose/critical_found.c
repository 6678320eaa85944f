/* The places found so far: is it a genuine one, is it new, and which of a whole line of them to keep. */
#include "diagnose/critical.h"
#include <float.h>
#include <math.h>
#include <string.h>

#define FOUND_SAME_AREA 2e-3 /* singular places this near may be one, if the loss cannot tell them apart */
#define FOUND_SAME_LOSS 1e-11
#define FOUND_UNDERFLOW 1e-280 /* a gradient no larger than this all around has underflowed, or the loss is constant */
#define FOUND_SHIFT 0.02       /* how far along the null space another place is looked for */
#define FOUND_SPACING 0.08     /* between the places kept of a line */
enum { FOUND_KEPT = 60 };      /* places kept of lines and surfaces, at most */

double us__search_distance(const us__search *s, const double *a, const double *b) {
    double largest = 0;
    for (size_t j = 0; j < s->n; j++) largest = fmax(largest, fabs(a[j] - b[j]) / s->width[j]);
    return largest;
}

/* Largest |gₖ|·widthₖ at θ with θⱼ moved by `part` of the box; infinite outside the domain. */
static us_status found_gradient_beside(us__search *s, const double *theta, size_t j, double part, double *size) {
    double value;
    memcpy(s->trial, theta, s->n * sizeof *theta);
    s->trial[j] += part * s->width[j];
    us_status status = us__local_gradient(&s->local, s->trial, &value, s->trial_gradient);
    *size = us__all_finite(s->trial_gradient, s->n) ? 0 : HUGE_VAL;
    for (size_t k = 0; k < s->n; k++) *size = fmax(*size, fabs(s->trial_gradient[k]) * s->width[k]);
    return status;
}

us_status us__critical_is_genuine(us__search *s, const double *theta, bool *genuine) {
    bool lost = true;
    *genuine = true;
    for (size_t j = 0; j < s->n; j++)
        for (int side = -1; side <= 1; side += 2) {
            double far, near;
            us_status status = found_gradient_beside(s, theta, j, side * 1e-5, &far);
            if (status == US_OK) status = found_gradient_beside(s, theta, j, side * 1e-7, &near);
            if (status != US_OK) return status;
            if (!isfinite(far)) continue; /* outside the domain */
            if (far > FOUND_UNDERFLOW) lost = false;
            /* Where g is continuous it shrinks with the distance; across a kink it does not. */
            if (near > 0.2 * far && near > 1e-9 * s->gradient_scale) *genuine = false;
        }
    if (lost) *genuine = false;
    return US_OK;
}

/* Singular places scatter: the gradient is lost in rounding all around. They are one if the loss and its slope between
 * them say nothing else. */
static us_status found_is_same_area(us__search *s, const us__critical_place *a, const us__critical_place *b, bool *same) {
    double value, slope = 0, allowed = FOUND_SAME_LOSS * fmax(s->value_scale, fabs(a->value));
    *same = false;
    if (!a->singular || !b->singular || fabs(a->value - b->value) > allowed) return US_OK;
    for (size_t j = 0; j < s->n; j++) s->trial[j] = 0.5 * (a->theta[j] + b->theta[j]);
    us_status status = us__local_gradient(&s->local, s->trial, &value, s->trial_gradient);
    for (size_t j = 0; j < s->n; j++) slope += fabs(s->trial_gradient[j] * (a->theta[j] - b->theta[j]));
    *same = fabs(value - a->value) <= allowed && slope <= allowed;
    return status;
}

static us_status found_copy(us__search *s, us__critical_place *to, const us__critical_place *from) {
    *to = *from;
    to->theta = us__alloc(s->local.context, 2 * s->n, sizeof *to->theta);
    if (!to->theta) return US_ERR_NOMEM;
    to->null = to->theta + s->n;
    memcpy(to->theta, from->theta, s->n * sizeof *to->theta);
    memcpy(to->null, from->null, s->n * sizeof *to->null);
    return US_OK;
}

us_status us__search_add(us__search *s, const us__critical_place *place, bool *is_new) {
    if (is_new) *is_new = false;
    for (size_t i = 0; i < s->count; i++) {
        us__critical_place *known = &s->found[i];
        double distance = us__search_distance(s, known->theta, place->theta);
        bool same = distance <= fmax(s->options.merge_tolerance, 4 * (known->error + place->error));
        us_status status = US_OK;
        if (!same && distance <= FOUND_SAME_AREA) status = found_is_same_area(s, known, place, &same);
        if (status != US_OK) return status;
        if (!same) continue;
        if (place->error >= known->error) return US_OK;
        memcpy(known->theta, place->theta, s->n * sizeof *known->theta); /* the better one */
        memcpy(known->null, place->null, s->n * sizeof *known->null);
        known->value = place->value, known->error = place->error, known->singular = place->singular;
        return US_OK;
    }
    bool genuine;
    us_status status = us__critical_is_genuine(s, place->theta, &genuine);
    if (status != US_OK || !genuine) return status;
    if (s->count == s->capacity) {
        us__critical_place *grown = us__grow(s->local.context, s->found, s->count, 2 * s->capacity + 16, sizeof *grown);
        if (!grown) return US_ERR_NOMEM;
        s->found = grown;
        s->capacity = 2 * s->capacity + 16;
    }
    status = found_copy(s, &s->found[s->count], place);
    if (status != US_OK) return status;
    s->found[s->count++].isolated = true;
    if (is_new) *is_new = true;
    return US_OK;
}

/* Is there another place of the same value a little way along the null space? Then there is a line of them. */
static us_status found_is_isolated(us__search *s, us__critical_place *place, us__critical_place *other) {
    double length = 0;
    place->isolated = true;
    for (size_t j = 0; j < s->n; j++) length = fmax(length, fabs(place->null[j]) / s->width[j]);
    if (!place->singular || length == 0) return US_OK;
    for (int side = -1; side <= 1 && place->isolated; side += 2) {
        us__newton_end end;
        for (size_t j = 0; j < s->n; j++) other->theta[j] = place->theta[j] + side * FOUND_SHIFT / length * place->null[j];
        us_status status = us__newton_descend(s, other->theta, false, other, &end);
        if (status != US_OK) return status;
        double distance = us__search_distance(s, other->theta, place->theta);
        place->isolated = !(end == US__NEWTON_CRITICAL && distance > 0.3 * FOUND_SHIFT && distance < 3 * FOUND_SHIFT &&
                            fabs(other->value - place->value) <= 1e-9 * fmax(s->value_scale, fabs(place->value)));
    }
    return US_OK;
}

us_status us__search_thin(us__search *s) {
    us__critical_place other = {0};
    us_status status = US_OK;
    size_t lines = 0, kept = 0;
    other.theta = us__alloc(s->local.context, 2 * s->n, sizeof *other.theta);
    if (!other.theta) return US_ERR_NOMEM;
    other.null = other.theta + s->n;
    for (size_t i = 0; i < s->count && status == US_OK; i++) {
        status = found_is_isolated(s, &s->found[i], &other);
        if (status == US_OK && s->found[i].isolated) status = us__newton_sharpen(s, &s->found[i]);
        lines += !s->found[i].isolated;
    }
    us__release(s->local.context, other.theta);
    if (status != US_OK || lines == 0) return status;
    for (double spacing = FOUND_SPACING;; spacing *= 1.5) {
        size_t of_lines = 0;
        kept = 0;
        for (size_t i = 0; i < s->count; i++) { /* kept ones first, in the order found */
            bool near = false;
            for (size_t k = 0; k < kept && !near; k++)
                near = !s->found[i].isolated && !s->found[k].isolated &&
                       us__search_distance(s, s->found[i].theta, s->found[k].theta) < spacing;
            if (near) continue;
            of_lines += !s->found[i].isolated;
            us__critical_place moved = s->found[i];
            s->found[i] = s->found[kept];
            s->found[kept++] = moved;
        }
        if (of_lines <= FOUND_KEPT || spacing > 1) break;
    }
    for (size_t i = kept; i < s->count; i++) us__release(s->local.context, s->found[i].theta);
    s->count = kept;
    return US_OK;
}
