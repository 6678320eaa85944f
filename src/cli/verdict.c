/* A diagnosis for programs and for people. */
#include "cli.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Hessian-vector products that the eigenvalues took. */
static size_t verdict_products(const us_diagnosis *d) {
    if (!d->point) return 0;
    return d->point->spectrum ? d->point->spectrum->products : d->point->ends ? d->point->ends->products : 0;
}

/* A count that was not measured is null, not a guess. */
static json_t *verdict_count(const us_evidence *e, size_t count) {
    return e->counted ? json_integer((json_int_t)count) : json_null();
}

static json_t *verdict_spectrum(const us_diagnosis *d) {
    const us_evidence *e = &d->evidence;
    if (!e->spectrum_known) return json_null();
    const double ratio = e->counted ? (double)e->positive / (double)e->parameters : (double)NAN;
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:s,s:I}", "min", cli_real(e->lambda_min), "max", cli_real(e->lambda_max),
                     "negative", verdict_count(e, e->negative), "zero", verdict_count(e, e->zero), "positive",
                     verdict_count(e, e->positive), "minimum_ratio", cli_real(ratio), "resolution", cli_real(e->resolution),
                     "method", e->counted ? "dense" : "lanczos", "products", (json_int_t)verdict_products(d));
}

static json_t *verdict_remedies(const us_trials *trials, const char *folder) {
    json_t *list = json_array();
    char room[CLI_WORD];
    for (size_t i = 0; trials && i < trials->count; i++) {
        const us_trial *t = &trials->trials[i];
        json_t *command = json_sprintf("unstuck unstick %s --remedy %s", cli_shell(folder, room), t->remedy->name);
        json_array_append_new(list, json_pack("{s:s,s:s,s:I,s:o,s:o,s:b,s:o}", "remedy", t->remedy->name, "why", t->why,
                                              "steps", (json_int_t)t->steps, "loss_carrying_on",
                                              cli_real(t->loss_carrying_on), "loss_with_remedy",
                                              cli_real(t->loss_with_remedy), "helps", t->helps, "command", command));
    }
    return list;
}

/* Share of the way out that lies in group g; running statistics, which groups may be, have no place in it. */
static double verdict_share(const us_point *point, const us_group *groups, size_t g) {
    double sum = 0;
    size_t first = 0;
    if (groups[g].state) return 0;
    for (size_t k = 0; k < g; k++) first += groups[k].state ? 0 : groups[k].count;
    for (size_t i = first; i < first + groups[g].count; i++) sum += point->escape[i] * point->escape[i];
    return sum;
}

/* Which layers carry the way out; null when there is none. */
static json_t *verdict_layers(const us_diagnosis *d, const us_training *training) {
    if (!d->point || !d->point->escape) return json_null();
    size_t count;
    const us_group *groups = us_problem_groups(us_training_problem(training), &count);
    json_t *list = json_array();
    for (size_t g = 0; g < count; g++)
        if (!groups[g].state)
            json_array_append_new(
                list, json_pack("{s:s,s:f}", "name", groups[g].name, "share", verdict_share(d->point, groups, g)));
    return list;
}

static void verdict_print_layers(const us_diagnosis *d, const us_training *training) {
    enum { SHOWN = 3 };
    if (!d->point || !d->point->escape) return;
    size_t count, shown = 0;
    const us_group *groups = us_problem_groups(us_training_problem(training), &count);
    size_t before = 0;
    double last = HUGE_VAL;
    printf("                it lies in");
    for (; shown < SHOWN && shown < count; shown++) { /* the largest shares, in order */
        size_t best = count;
        double most = 0.01;
        for (size_t g = 0; g < count; g++) {
            double share = verdict_share(d->point, groups, g);
            bool follows = share < last || (share == last && g > before);
            if (share > most && follows) best = g, most = share;
        }
        if (best == count) break;
        printf("%s %s (%.0f %%)", shown ? "," : "", groups[best].name, 100 * most);
        last = most, before = best;
    }
    printf("%s\n", shown ? "" : " all layers, none with more than 1 %");
}

/* The next sign that the verdict rests on and that was measured; NULL at the end. @param at  where in the names; 0 first */
static const us_sign *verdict_sign(const us_diagnosis *d, size_t *at) {
    const char *names = d->verdict.signs ? d->verdict.signs : "";
    while (names[*at]) {
        const char *name = names + *at;
        size_t length = strcspn(name, " ");
        *at += length + strspn(name + length, " ");
        for (size_t i = 0; i < d->sign_count; i++)
            if (strlen(d->signs[i].name) == length && strncmp(d->signs[i].name, name, length) == 0) return &d->signs[i];
    }
    return NULL;
}

static json_t *verdict_rests_on(const us_diagnosis *d) {
    json_t *list = json_array();
    size_t at = 0;
    for (const us_sign *s; (s = verdict_sign(d, &at));)
        json_array_append_new(list, json_pack("{s:s,s:o,s:o}", "name", s->name, "value", cli_real(s->value), "threshold",
                                              cli_real(s->threshold)));
    return list;
}

static json_t *verdict_also(const us_verdict *v) {
    json_t *list = json_array();
    for (size_t i = 0; i < v->also_count; i++)
        json_array_append_new(list, json_pack("{s:s,s:s,s:o}", "verdict", us_verdict_text(v->also[i].name), "cause",
                                              v->also[i].cause, "confidence", cli_real(v->also[i].confidence)));
    return list;
}

/* The numbers behind the verdict, what would change its mind, and what else was seen. */
static void verdict_print_reasons(const us_diagnosis *d, const cli_style *style) {
    const us_verdict *v = &d->verdict;
    size_t at = 0, count = 0;
    for (const us_sign *s; (s = verdict_sign(d, &at));) {
        printf("%s%s %s%.3g%s", count++ ? ", " : "It rests on: ", s->name, style->bold, s->value, style->reset);
        if (!isnan(s->threshold)) printf(" (held against %.3g)", s->threshold);
    }
    if (count) printf("\n");
    if (v->would_decide)
        printf("What would decide it: %s\n", v->would_decide);
    else if (v->would_change)
        printf("What would change this: %s\n", v->would_change);
    for (size_t i = 0; i < v->also_count; i++)
        printf("%s%s: %s (%.2f)", i ? "; " : "Also seen: ", us_verdict_text(v->also[i].name), v->also[i].cause,
               v->also[i].confidence);
    if (v->also_count) printf("\n");
}

/* Where numbers ended first; null where they did not. */
static json_t *verdict_first(const us_diagnosis *d) {
    const us_first_not_finite *f = &d->first;
    if (!f->of) return json_null();
    return json_pack("{s:I,s:o,s:s,s:o,s:o,s:s}", "step", (json_int_t)f->step, "row", cli_real(f->row), "of", f->of, "group",
                     cli_text(f->group[0] ? f->group : NULL), "operation", cli_text(f->operation[0] ? f->operation : NULL),
                     "text", f->text);
}

/* What the diagnosis took, in gradients over the rows that it looked at; remedies aside. */
static json_t *verdict_cost(const us_diagnosis *d) {
    json_t *spent = json_object();
    for (size_t i = 0; i < d->spent_count; i++) json_object_set_new(spent, d->spent[i].on, cli_real(d->spent[i].gradients));
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}", "gradients",
                     cli_real(us_evaluations_gradients(&d->cost, d->evidence.samples)), "value_rows",
                     cli_real(d->cost.value_rows), "gradient_rows", cli_real(d->cost.gradient_rows), "product_rows",
                     cli_real(d->cost.product_rows), "seconds", cli_real(d->seconds), "spent", spent);
}

json_t *cli_verdict_json(const us_diagnosis *d, const us_training *training, const us_trials *trials, const char *folder) {
    const us_evidence *e = &d->evidence;
    json_t *signs = json_array();
    for (size_t i = 0; i < d->sign_count; i++)
        json_array_append_new(signs,
                              json_pack("{s:s,s:o,s:o,s:s}", "name", d->signs[i].name, "value", cli_real(d->signs[i].value),
                                        "threshold", cli_real(d->signs[i].threshold), "meaning", d->signs[i].meaning));
    json_t *o = json_object();
    json_object_set_new(o, "verdict", json_string(us_verdict_text(d->verdict.name)));
    json_object_set_new(o, "cause", cli_text(d->verdict.cause));
    json_object_set_new(o, "stuck", json_boolean(d->verdict.stuck));
    json_object_set_new(o, "confidence", cli_real(d->verdict.confidence));
    json_object_set_new(o, "sentence", cli_text(d->verdict.sentence));
    json_object_set_new(o, "rests_on", verdict_rests_on(d));
    json_object_set_new(o, "would_change", cli_text(d->verdict.would_change));
    json_object_set_new(o, "would_decide", cli_text(d->verdict.would_decide));
    json_object_set_new(o, "also", verdict_also(&d->verdict));
    json_object_set_new(o, "step", json_integer((json_int_t)us_training_steps(training)));
    json_object_set_new(o, "loss", cli_real(e->loss));
    json_object_set_new(o, "gradient_norm", cli_real(e->gradient_norm));
    json_object_set_new(o, "parameters", json_integer((json_int_t)e->parameters));
    json_object_set_new(o, "samples", json_integer((json_int_t)us_problem_samples(us_training_problem(training))));
    json_object_set_new(o, "rows", json_integer((json_int_t)e->samples));
    json_object_set_new(o, "curvature_rows", json_integer((json_int_t)e->curvature_samples));
    json_object_set_new(o, "cost", verdict_cost(d));
    json_object_set_new(o, "precision", json_string(e->precision == US_F32 ? "f32" : "f64"));
    json_object_set_new(o, "evaluation_form", json_boolean(e->training_form));
    json_object_set_new(o, "first_not_finite", verdict_first(d));
    json_object_set_new(o, "spectrum", verdict_spectrum(d));
    json_object_set_new(o, "signs", signs);
    json_object_set_new(o, "escape_layers", verdict_layers(d, training));
    json_object_set_new(o, "steps_to_leave", cli_real(e->steps_to_leave));
    json_object_set_new(o, "remedies", verdict_remedies(trials, folder));
    return o;
}

/* The eigenvalues as counts: "3 negative, 2 zero, 8 positive", and both ends. */
static void verdict_print_spectrum(const us_diagnosis *d, const cli_style *style) {
    const us_evidence *e = &d->evidence;
    if (!e->spectrum_known) {
        printf("  Hessian       not looked at (%zu parameters)\n", e->parameters);
        return;
    }
    if (!e->counted) {
        const double *within = d->point->ends->residuals;
        printf("  Hessian       eigenvalues from %s%.4g%s (within %.1g) to %.4g (within %.1g), by %zu products; zero within "
               "%.1g;\n"
               "                those between are not counted\n",
               e->lambda_min < -e->resolution ? style->red : "", e->lambda_min, style->reset, within[0], e->lambda_max,
               within[1], verdict_products(d), e->resolution);
        cli_spectrum_picture((double[]){e->lambda_min, e->lambda_max}, 2, e->resolution, isatty(STDOUT_FILENO));
        return;
    }
    printf("  Hessian       eigenvalues from %s%.4g%s to %.4g: %s%zu negative%s, %zu zero (within %.1g), %zu positive\n",
           e->lambda_min < -e->resolution ? style->red : "", e->lambda_min, style->reset, e->lambda_max,
           e->negative ? style->red : "", e->negative, style->reset, e->zero, e->resolution, e->positive);
    cli_spectrum_picture(d->point->spectrum->values, d->point->spectrum->n, e->resolution, isatty(STDOUT_FILENO));
}

/* What the verdict rests on, in a few lines; every measured sign when asked for. */
static void verdict_print_evidence(const us_diagnosis *d, const us_training *training, bool all_signs,
                                   const cli_style *style) {
    const us_evidence *e = &d->evidence;
    bool some = e->samples < us_problem_samples(us_training_problem(training));
    printf("\n  at step       %llu, %zu parameters, %zu rows%s\n", (unsigned long long)us_training_steps(training),
           e->parameters, e->samples, some ? " (a sample of the training rows)" : "");
    if (e->curvature_samples && e->curvature_samples < e->samples)
        printf("  curvature     on a sample of %zu of them; --rows all measures everything on all\n", e->curvature_samples);
    if (isfinite(e->decrease_carrying_on))
        printf("  loss          %.9g; %.3g lower after %llu more steps on a copy\n", e->loss, e->decrease_carrying_on,
               (unsigned long long)e->steps_carrying_on);
    else
        printf("  loss          %.9g; not finite after %llu more steps on a copy\n", e->loss,
               (unsigned long long)e->steps_carrying_on);
    if (d->first.of) {
        printf("  ends at       step %llu, in the %s%s%s", (unsigned long long)d->first.step, d->first.of,
               d->first.group[0] ? " of " : "", d->first.group);
        if (isfinite(d->first.row)) printf(" of training row %.0f (from 0)", d->first.row);
        printf(": %s\n", d->first.text);
        if (d->first.operation[0]) printf("                %s%s%s\n", style->bold, d->first.operation, style->reset);
    }
    printf("  gradient      length %.3g; the best step along it takes %.3g off the loss\n", e->gradient_norm,
           e->decrease_line_search);
    verdict_print_spectrum(d, style);
    if (e->training_form) printf("  form          %s\n", CLI_EVALUATION_FORM);
    if (isfinite(e->decrease_escape) && d->verdict.name != US_VERDICT_DESCENDING)
        printf("  way out       a line search along it takes %s%.3g%s off the loss\n", style->bold, e->decrease_escape,
               style->reset);
    if (d->verdict.name == US_VERDICT_SADDLE) verdict_print_layers(d, training);
    if (d->verdict.name == US_VERDICT_SADDLE) {
        if (isfinite(e->steps_to_leave))
            printf("  by itself     the run would leave in about %.3g steps\n", e->steps_to_leave);
        else
            printf("  by itself     the run would never leave: exactly no part of it lies along the way out\n");
    }
    printf("  cost          %.3g gradients over all rows (values %.3g, gradients %.3g, products %.3g), %.3g s\n",
           us_evaluations_gradients(&d->cost, e->samples), d->cost.value_rows / (double)e->samples,
           d->cost.gradient_rows / (double)e->samples, d->cost.product_rows / (double)e->samples, d->seconds);
    const char *between = "                of them ";
    for (size_t i = 0; i < d->spent_count; i++)
        if (d->spent[i].gradients >= 0.5) {
            printf("%s%s %.3g", between, d->spent[i].on, d->spent[i].gradients);
            between = ", ";
        }
    if (*between == ',') printf("\n");
    for (size_t i = 0; all_signs && i < d->sign_count; i++)
        printf("  %s%-24s %10.4g  %s%s\n", style->dim, d->signs[i].name, d->signs[i].value, d->signs[i].meaning,
               style->reset);
}

void cli_verdict_print(const us_diagnosis *d, const us_run *run, const us_trials *trials, const char *folder,
                       bool all_signs) {
    const us_training *training = us_run_training(run);
    cli_style style = cli_style_of(1);
    char room[CLI_WORD];
    const char *color = !d->verdict.stuck ? style.green : d->verdict.name == US_VERDICT_UNDECIDED ? style.yellow : style.red;
    printf("%s%s%s%s%s%s   (confidence %.2f)\n", style.bold, color, us_verdict_text(d->verdict.name),
           d->verdict.cause ? ": " : "", d->verdict.cause ? d->verdict.cause : "", style.reset, d->verdict.confidence);
    if (d->verdict.sentence) printf("%s\n", d->verdict.sentence);
    verdict_print_reasons(d, &style);
    verdict_print_evidence(d, training, all_signs, &style);
    if (d->verdict.stuck) cli_columns_print(run);
    if (!trials) return;
    if (trials->count) {
        const us_trial *first = &trials->trials[0];
        printf("\nTried on copies, each for %llu steps (loss now %.6g, carrying on %.6g):\n",
               (unsigned long long)first->steps, first->loss_before, first->loss_carrying_on);
    }
    for (size_t i = 0; i < trials->count; i++) {
        const us_trial *t = &trials->trials[i];
        printf("  %s%-14s%s loss %.6g  %s%s\n", t->helps ? style.green : style.dim, t->remedy->name, style.reset,
               t->loss_with_remedy, t->helps ? "" : "(no help) ", t->why);
    }
    if (trials->best < trials->count)
        printf("\nTake it with: %sunstuck unstick %s%s\n", style.bold, cli_shell(folder, room), style.reset);
    else if (d->verdict.stuck)
        printf("\nNo remedy that was tried helps.\n");
}
