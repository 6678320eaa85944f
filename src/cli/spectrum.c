/* unstuck spectrum RUN: the Hessian's eigenvalues at both ends, its trace and its density. */
#include "cli.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SPECTRUM_BYTES = 1 << 30, SPECTRUM_BARS = 16, SPECTRUM_BAR = 48 };

typedef struct spectrum_options {
    uint64_t top, bottom, products, seed;
    double tolerance, tau; /* tau 0: a thousandth of the largest eigenvalue */
    const char *rows;
    int of; /* us_product */
    bool density, trace, by_layer, json, quiet;
} spectrum_options;

/* Everything that is measured. */
typedef struct spectrum_view {
    us_run *run;
    us_problem *problem;
    us_vec *theta;
    us_hessian_operator *hessian;
    us_eigenpairs *pairs;
    us_density *density;
    us_trace_estimate trace;
    us_quotient lowest; /* of the lowest pair's vector */
    uint32_t *sample;
    us_batch batch;
    size_t rows, products;
    double resolution;
    cli_progress progress;
} spectrum_view;

static void spectrum_progress(void *user, size_t done, size_t at_most, double lowest, double highest) {
    char text[96];
    snprintf(text, sizeof text, "%zu products, from %.4g to %.4g", done, lowest, highest);
    cli_progress_show(user, (double)done / (double)at_most, text, false);
}

static void spectrum_progress_density(void *user, size_t done, size_t total) {
    char text[96];
    snprintf(text, sizeof text, "density: %zu of %zu products", done, total);
    cli_progress_show(user, (double)done / (double)total, text, false);
}

/* --rows m: a random sample of the training rows. */
static int spectrum_sample(const cli_command *command, spectrum_view *v, const spectrum_options *o) {
    size_t all = us_problem_samples(v->problem);
    char *end = NULL;
    v->rows = all;
    if (!o->rows || strcmp(o->rows, "all") == 0) return CLI_GO_ON;
    unsigned long long wanted = strtoull(o->rows, &end, 10);
    if (*o->rows < '0' || *o->rows > '9' || *end || wanted == 0)
        return cli_usage(command, "--rows is '%s'; it must be a count from 1, or all", o->rows);
    if (wanted >= all) return CLI_GO_ON;
    if (!(v->sample = malloc(all * sizeof *v->sample))) return CLI_FAILED;
    us_rng rng = us_rng_init(o->seed, 0x5a3b1e);
    us_rng_permutation(&rng, v->sample, all);
    v->rows = (size_t)wanted;
    v->batch = (us_batch){v->sample, v->rows};
    return CLI_GO_ON;
}

static us_status spectrum_measure(spectrum_view *v, const spectrum_options *o) {
    us_context *context = us_run_context(v->run);
    size_t n = us_problem_dimension(v->problem), wanted = o->top + o->bottom, room = SPECTRUM_BYTES / (8 * n);
    us_status status = us_product_operator_create(&v->hessian, v->problem, (us_product)o->of, v->theta, v->batch, 8);
    if (status) return status;
    const us_operator *h = us_hessian_operator_get(v->hessian);
    us_lanczos_options lo = US_LANCZOS_OPTIONS_INIT;
    lo.bottom = o->bottom, lo.top = o->top, lo.products = o->products, lo.tolerance = o->tolerance, lo.seed = o->seed;
    lo.basis = 2 * wanted + (room > 200 ? 160 : 40);
    lo.progress = spectrum_progress, lo.progress_user = &v->progress;
    us_status solved = us_lanczos_solve(&v->pairs, context, h, &lo);
    if (!v->pairs) return solved;
    v->products = v->pairs->products;
    v->resolution = v->pairs->resolution;
    if (solved == US_INTERRUPTED) return solved;
    if (v->batch.rows) { /* what other rows would have made of it */
        const double *vector = v->pairs->vectors;
        if ((status = us_product_quotient(&v->lowest, v->problem, (us_product)o->of, v->theta, v->batch, vector)))
            return status;
        v->products += 5;
        if (isfinite(v->lowest.sampling)) v->resolution += 3 * v->lowest.sampling;
    }
    if (o->trace) {
        us_trace_options to = US_TRACE_OPTIONS_INIT;
        to.seed = o->seed;
        cli_progress_show(&v->progress, -1, "trace", true);
        if ((status = us_trace(&v->trace, context, h, &to))) return status;
        v->products += v->trace.products;
    }
    if (o->density) {
        us_density_options d = US_DENSITY_OPTIONS_INIT;
        d.seed = o->seed, d.progress = spectrum_progress_density, d.progress_user = &v->progress;
        if ((status = us_density_create(&v->density, context, h, &d))) return status;
        v->products += v->density->products;
    }
    return solved;
}

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

static json_t *spectrum_json(const spectrum_view *v, const spectrum_options *o) {
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
    json_object_set_new(out, "resolution", cli_real(v->resolution));
    json_object_set_new(out, "bounds",
                        json_pack("{s:o,s:o,s:f}", "low", cli_real(p->low_bound), "high", cli_real(p->high_bound),
                                  "confidence", p->confidence));
    json_object_set_new(out, "condition", spectrum_condition_json(p));
    json_object_set_new(out, "effective_dimension", spectrum_dimension_json(v, o));
    if (o->by_layer) json_object_set_new(out, "layers", spectrum_groups_json(v));
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
    double step = (d->highest - d->lowest) / SPECTRUM_BARS, smallest = 1.0 / (double)d->n, error;
    printf("\n  share of the eigenvalues (bars are logarithmic)\n");
    for (int i = 0; i < SPECTRUM_BARS; i++) {
        double low = d->lowest + i * step, high = low + step;
        double share = us_density_below(d, i + 1 == SPECTRUM_BARS ? HUGE_VAL : high, NULL) -
                       us_density_below(d, i ? low : -HUGE_VAL, NULL);
        int length = share > smallest ? (int)(SPECTRUM_BAR * (1 - log(share) / log(smallest)) + 0.5) : 0;
        printf("  % 10.3g to % 10.3g  %9.3g  %s%.*s%s\n", low, high, share, style->cyan, length,
               "################################################", style->reset);
    }
    double share = us_density_below(d, 0, &error);
    printf("  below zero: %.3g ± %.2g of the eigenvalues (rounding included: those near zero fall on either side)\n", share,
           error);
}

static void spectrum_print(const spectrum_view *v, const spectrum_options *o) {
    cli_style style = cli_style_of(1);
    const us_eigenpairs *p = v->pairs;
    static const char *const TITLES[US_PRODUCTS] = {"Hessian", "Gauss-Newton matrix", "empirical Fisher matrix"};
    printf("%s%s%s of %s at step %llu: %zu parameters, %zu rows, %zu products\n\n", style.bold, TITLES[o->of], style.reset,
           us_run_folder(v->run), (unsigned long long)us_training_steps(us_run_training(v->run)), p->n, v->rows,
           v->products);
    spectrum_print_pairs(p, p->bottom, p->top, true, "largest", &style, v->resolution);
    spectrum_print_pairs(p, 0, p->bottom, false, "smallest", &style, v->resolution);
    printf("\n  zero     within %.1g%s\n", v->resolution,
           v->batch.rows ? " (rounding, and three standard errors over the rows)" : " (rounding)");
    if (isfinite(p->low_bound))
        printf("  all      between %.4g and %.4g, with probability %.3g\n", p->low_bound, p->high_bound, p->confidence);
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

static int spectrum_run(const cli_command *command, int argc, char **argv) {
    const char *folder = NULL;
    spectrum_options o = {.top = 5, .bottom = 5, .products = 1000, .seed = 1, .tolerance = 1e-4};
    uint64_t threads = 1;
    int precision = 1;
    const cli_option table[] = {
        {CLI_COUNT, "--top", "K", &o.top, "largest eigenvalues (5)", 0, 1000},
        {CLI_COUNT, "--bottom", "K", &o.bottom, "smallest eigenvalues (5)", 0, 1000},
        {CLI_CHOICE, "--of", "MATRIX", &o.of,
         "hessian; gauss-newton: without the curvature of the model itself;\nfisher: the mean of the rows' gradients times "
         "themselves (hessian)",
         0, 0, false, "hessian|gauss-newton|fisher"},
        {CLI_FLAG, "--density", NULL, &o.density, "how the eigenvalues are spread: 640 products more"},
        {CLI_NUMBER, "--tau", "X", &o.tau,
         "with --density: the scale of the effective dimension, the sum of\nlambda/(lambda + X) (a thousandth of the "
         "largest)",
         0, 0, true},
        {CLI_FLAG, "--trace", NULL, &o.trace, "their sum: 60 products more"},
        {CLI_FLAG, "--by-layer", NULL, &o.by_layer, "which layers the outermost eigenvectors lie in"},
        {CLI_TEXT, "--rows", "M|all", &o.rows, "measures on a random sample of the training rows (all)"},
        {CLI_NUMBER, "--tolerance", "X", &o.tolerance, "a pair has converged at a residual of X times the largest (1e-4)", 0,
         1, true},
        {CLI_COUNT, "--products", "N", &o.products, "Hessian-vector products for the eigenvalues, at most (1000)", 1},
        {CLI_CHOICE, "--precision", "P", &precision, "of the products: f32 or f64 (f64)", 0, 0, false, "f32|f64"},
        {CLI_COUNT, "--seed", "N", &o.seed, "of the random vectors and the sample (1)"},
        {CLI_COUNT, "--threads", "N", &threads, "threads (1)", 1, 1024},
        {CLI_FLAG, "--json", NULL, &o.json, "one JSON object on standard output"},
        {CLI_FLAG, "--quiet", NULL, &o.quiet, "no progress and no messages"},
    };
    size_t given;
    int code = cli_parse(command, table, sizeof table / sizeof *table, argc, argv, &folder, 1, 1, &given);
    if (code != CLI_GO_ON) return code;
    if (o.top == 0 && o.bottom == 0)
        return cli_usage(command, "--top and --bottom are both 0; ask for one eigenvalue at least");
    us_context *context = cli_context(o.quiet, threads);
    if (!context) return CLI_FAILED;
    spectrum_view v = {.progress = cli_progress_start(o.quiet), .trace = {.value = (double)NAN}};
    us_status status = us_run_open(&v.run, context, folder);
    if (status == US_OK) {
        const us_training *training = us_run_training(v.run);
        status = us_problem_recast(&v.problem, us_training_problem(training), precision ? US_F64 : US_F32);
        if (status == US_OK)
            status = us_vec_create(&v.theta, context, precision ? US_F64 : US_F32, us_problem_dimension(v.problem));
        if (status == US_OK) us_vec_copy(v.theta, us_training_theta(training));
    }
    if (status == US_OK) {
        if ((code = spectrum_sample(command, &v, &o)) != CLI_GO_ON) goto done;
        status = spectrum_measure(&v, &o);
    }
    cli_progress_end(&v.progress);
    if (status < 0 || !v.pairs) {
        code = cli_error(command, context, status);
        goto done;
    }
    code = CLI_DONE;
    if (o.json)
        code = cli_print_json(spectrum_json(&v, &o));
    else
        spectrum_print(&v, &o);
    if (status == US_INTERRUPTED) code = CLI_INTERRUPTED;
done:
    us_density_destroy(v.density);
    us_eigenpairs_destroy(v.pairs);
    us_hessian_operator_destroy(v.hessian);
    us_vec_destroy(v.theta);
    us_problem_destroy(v.problem);
    us_run_destroy(v.run);
    free(v.sample);
    cli_context_destroy(context);
    return code;
}

const cli_command cli_spectrum = {
    "spectrum", "RUN", "measures the Hessian's eigenvalues at both ends, their density and sum",
    "Measures the Hessian of the loss at the run's last checkpoint by Hessian-vector products alone: the largest and the\n"
    "smallest eigenvalues, each with the distance within which the true one lies, and what is zero to rounding.\n"
    "\n"
    "  unstuck spectrum runs/mnist-1 --top 10 --by-layer\n"
    "  unstuck spectrum runs/mnist-1 --density --trace --rows 10000",
    spectrum_run};
