/* What unstuck spectrum prints, for people and for programs. */
#include "spectrum.h"
#include <math.h>
#include <stdio.h>

enum { SPECTRUM_BARS = 16, SPECTRUM_BAR = 48 };

/* Share of a unit vector that lies in a group. */
static double spectrum_share(const double *vector, const us_group *group) {
    double sum = 0;
    for (size_t i = group->offset; i < group->offset + group->count; i++) sum += vector[i] * vector[i];
    return sum;
}

static json_t *spectrum_pairs_json(const us_eigenpairs *p, size_t first, size_t count, bool backwards) {
    json_t *list = json_array();
    for (size_t k = 0; k < count; k++) {
        size_t i = backwards ? first + count - 1 - k : first + k;
        json_array_append_new(list, json_pack("{s:o,s:o,s:b}", "value", cli_real(p->values[i]), "residual",
                                              cli_real(p->residuals[i]), "converged", p->converged[i]));
    }
    return list;
}

static json_t *spectrum_groups_json(const spectrum_view *v) {
    size_t count;
    const us_group *groups = us_problem_groups(v->problem, &count);
    const us_eigenpairs *p = v->pairs;
    json_t *list = json_array();
    for (size_t g = 0; g < count; g++)
        json_array_append_new(
            list, json_pack("{s:s,s:o,s:o}", "name", groups[g].name, "bottom",
                            p->bottom ? cli_real(spectrum_share(p->vectors, &groups[g])) : json_null(), "top",
                            p->top ? cli_real(spectrum_share(p->vectors + (p->bottom + p->top - 1) * p->n, &groups[g]))
                                   : json_null()));
    return list;
}

static json_t *spectrum_density_json(const us_density *d) {
    if (!d) return json_null();
    json_t *at = json_array(), *density = json_array(), *error = json_array();
    for (size_t i = 0; i < d->points; i++) {
        json_array_append_new(at, cli_real(d->at[i]));
        json_array_append_new(density, cli_real(d->density[i]));
        json_array_append_new(error, cli_real(d->standard_error[i]));
    }
    return json_pack("{s:o,s:o,s:o}", "at", at, "density", density, "standard_error", error);
}

static double spectrum_tau(const spectrum_view *v, const spectrum_options *o) {
    return o->tau > 0 ? o->tau : 1e-3 * fmax(v->density->highest, 1e-300);
}

static json_t *spectrum_condition_json(const us_eigenpairs *p) {
    us_condition c = us_eigenpairs_condition(p);
    return json_pack("{s:o,s:o,s:o}", "value", cli_real(c.value), "low", cli_real(c.low), "high", cli_real(c.high));
}

static json_t *spectrum_dimension_json(const spectrum_view *v, const spectrum_options *o) {
    if (!v->density) return json_null();
    us_effective_dimension d = us_density_effective_dimension(v->density, spectrum_tau(v, o));
    return json_pack("{s:o,s:o,s:o}", "tau", cli_real(spectrum_tau(v, o)), "value", cli_real(d.value), "standard_error",
                     cli_real(d.error));
}

static json_t *spectrum_sign_json(const spectrum_view *v, const spectrum_options *o) {
    const spectrum_sign *s = &v->sign;
    if (s->below == US_BELOW_NOT_ASKED) return json_null();
    bool open = s->below == US_BELOW_UNDECIDED;
    return json_pack("{s:o,s:f,s:i,s:o,s:o,s:o}", "negative", open ? json_null() : json_boolean(s->below == US_BELOW_FOUND),
                     "confidence", o->confidence, "rows", (int)s->rows, "sampling", cli_real(s->sampling), "needs",
                     open ? json_string(us_needs_text(s->needs)) : json_null(), "products_needed",
                     open && s->products_needed > 0 ? json_real(s->products_needed) : json_null());
}

static json_t *spectrum_index_json(const spectrum_view *v) {
    const us_inertia *i = &v->inertia;
    if (v->factorised)
        return json_pack("{s:f,s:f,s:s}", "negative", (double)i->negative, "error", (double)i->zero, "method",
                         "factorisation");
    if (!v->density) return json_null();
    double n = (double)v->density->n, error, share = us_density_below(v->density, -v->resolution, &error);
    return json_pack("{s:f,s:f,s:s}", "negative", n * share, "error", n * error, "method", "density");
}

json_t *cli_spectrum_json(const spectrum_view *v, const spectrum_options *o) {
    const us_eigenpairs *p = v->pairs;
    json_t *out = json_object();
    json_object_set_new(out, "run", json_string(us_run_folder(v->run)));
    json_object_set_new(out, "step", json_integer((json_int_t)us_training_steps(us_run_training(v->run))));
    json_object_set_new(out, "of", json_string(us_product_name((us_product)o->of)));
    json_object_set_new(out, "top", spectrum_pairs_json(p, p->bottom, p->top, true));
    json_object_set_new(out, "bottom", spectrum_pairs_json(p, 0, p->bottom, false));
    json_object_set_new(out, "trace",
                        o->trace && isfinite(v->trace.value) ? json_pack("{s:o,s:o}", "value", cli_real(v->trace.value),
                                                                         "standard_error", cli_real(v->trace.standard_error))
                                                             : json_null());
    json_object_set_new(out, "density", spectrum_density_json(v->density));
    json_object_set_new(out, "sign", spectrum_sign_json(v, o));
    json_object_set_new(out, "index", o->index || o->density ? spectrum_index_json(v) : json_null());
    json_object_set_new(out, "resolution", cli_real(v->resolution));
    json_object_set_new(out, "bounds",
                        json_pack("{s:o,s:o,s:f}", "low", cli_real(p->low_bound), "high", cli_real(p->high_bound),
                                  "confidence", p->confidence));
    json_object_set_new(out, "condition", spectrum_condition_json(p));
    json_object_set_new(out, "effective_dimension", spectrum_dimension_json(v, o));
    if (o->by_layer) json_object_set_new(out, "layers", spectrum_groups_json(v));
    json_object_set_new(out, "evaluation_form", json_boolean(us_problem_has_training_form(v->problem)));
    json_object_set_new(out, "exact_products", json_boolean(us_problem_hvp_is_exact(v->problem)));
    json_object_set_new(out, "products", json_integer((json_int_t)v->products));
    json_object_set_new(out, "rows", json_integer((json_int_t)v->rows));
    json_object_set_new(out, "parameters", json_integer((json_int_t)p->n));
    return out;
}

static void spectrum_print_pairs(const us_eigenpairs *p, size_t first, size_t count, bool backwards, const char *title,
                                 const cli_style *style, double resolution) {
    for (size_t k = 0; k < count; k++) {
        size_t i = backwards ? first + count - 1 - k : first + k;
        const char *color = p->values[i] < -resolution ? style->red : fabs(p->values[i]) <= resolution ? style->yellow : "";
        printf("  %-8s %s% .8g%s  %swithin %.1g%s%s\n", k == 0 ? title : "", color, p->values[i], style->reset, style->dim,
               p->residuals[i], p->converged[i] ? "" : ", not converged", style->reset);
    }
}

static void spectrum_print_density(const us_density *d, const cli_style *style) {
    double step = (d->highest - d->lowest) / SPECTRUM_BARS, smallest = 1.0 / (double)d->n;
    printf("\n  share of the eigenvalues (bars are logarithmic)\n");
    for (int i = 0; i < SPECTRUM_BARS; i++) {
        double low = d->lowest + i * step, high = low + step;
        double share = us_density_below(d, i + 1 == SPECTRUM_BARS ? HUGE_VAL : high, NULL) -
                       us_density_below(d, i ? low : -HUGE_VAL, NULL);
        int length = share > smallest ? (int)(SPECTRUM_BAR * (1 - log(share) / log(smallest)) + 0.5) : 0;
        printf("  % 10.3g to % 10.3g  %9.3g  %s%.*s%s\n", low, high, share, style->cyan, length,
               "################################################", style->reset);
    }
}

static void spectrum_print_sign(const spectrum_view *v, const spectrum_options *o, const cli_style *style) {
    const spectrum_sign *s = &v->sign;
    const char *const color = s->below == US_BELOW_FOUND  ? style->red
                              : s->below == US_BELOW_NONE ? style->green
                                                          : style->yellow;
    if (s->below == US_BELOW_NOT_ASKED) return;
    printf("  %ssign     ", color);
    if (s->below == US_BELOW_FOUND && s->sampling > 0)
        printf("negative curvature over all rows, with probability %.4g (asked of %zu)", o->confidence, s->rows);
    else if (s->below == US_BELOW_FOUND)
        printf("negative curvature: proved by v'Hv on %zu rows", s->rows);
    else if (s->below == US_BELOW_NONE)
        printf("no negative curvature, with probability %.4g", o->confidence);
    else
        printf("of the smallest: undecided; what would decide: %s", us_needs_text(s->needs));
    if (s->below == US_BELOW_UNDECIDED && s->products_needed > 0) printf(", about %.0f in one go", s->products_needed);
    printf("%s\n", style->reset);
}

static void spectrum_print_index(const spectrum_view *v) {
    if (v->factorised) {
        printf("  index    %zu negative, %zu zero, %zu positive (factorisation)\n", v->inertia.negative, v->inertia.zero,
               v->inertia.positive);
    } else if (v->density) {
        double n = (double)v->density->n, error, share = us_density_below(v->density, -v->resolution, &error);
        printf("  index    %.6g ± %.2g of %.0f eigenvalues are negative (density)\n", n * share, n * error, n);
    }
}

void cli_spectrum_print(const spectrum_view *v, const spectrum_options *o) {
    cli_style style = cli_style_of(1);
    const us_eigenpairs *p = v->pairs;
    static const char *const TITLES[US_PRODUCTS] = {"Hessian", "Gauss-Newton matrix", "empirical Fisher matrix"};
    printf("%s%s%s of %s at step %llu: %zu parameters, %zu rows, %zu products\n\n", style.bold, TITLES[o->of], style.reset,
           us_run_folder(v->run), (unsigned long long)us_training_steps(us_run_training(v->run)), p->n, v->rows,
           v->products);
    if (us_problem_has_training_form(v->problem)) printf("  %s\n\n", CLI_EVALUATION_FORM);
    spectrum_print_pairs(p, p->bottom, p->top, true, "largest", &style, v->resolution);
    spectrum_print_pairs(p, 0, p->bottom, false, "smallest", &style, v->resolution);
    printf("\n  zero     within %.1g%s\n", v->resolution,
           v->batch.rows ? " (rounding, and three standard errors over the rows)" : " (rounding)");
    if (isfinite(p->low_bound))
        printf("  all      between %.4g and %.4g, with probability %.3g\n", p->low_bound, p->high_bound, p->confidence);
    spectrum_print_sign(v, o, &style);
    if (o->index || v->density) spectrum_print_index(v);
    if (o->trace && isfinite(v->trace.value)) printf("  trace    %.6g ± %.2g\n", v->trace.value, v->trace.standard_error);
    us_condition c = us_eigenpairs_condition(p);
    if (isfinite(c.value))
        printf("  kappa    %.4g (between %.4g and %.4g)\n", c.value, c.low, c.high);
    else
        printf("  kappa    at least %.4g\n", c.low);
    if (v->density) {
        us_effective_dimension d = us_density_effective_dimension(v->density, spectrum_tau(v, o));
        printf("  effective dimension %.4g ± %.2g beyond %.3g\n", d.value, d.error, spectrum_tau(v, o));
    }
    size_t count;
    const us_group *groups = us_problem_groups(v->problem, &count);
    if (o->by_layer) printf("\n  share of the eigenvector   smallest   largest\n");
    for (size_t g = 0; o->by_layer && g < count; g++)
        printf("  %-25s %8.1f%% %8.1f%%\n", groups[g].name,
               p->bottom ? 100 * spectrum_share(p->vectors, &groups[g]) : (double)NAN,
               p->top ? 100 * spectrum_share(p->vectors + (p->bottom + p->top - 1) * p->n, &groups[g]) : (double)NAN);
    if (v->density) spectrum_print_density(v->density, &style);
}
