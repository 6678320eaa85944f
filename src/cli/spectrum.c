/* unstuck spectrum RUN: the Hessian's eigenvalues at both ends, its trace and its density. */
#include "spectrum.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SPECTRUM_BYTES = 1 << 30,
    SPECTRUM_FACTORISED = 4000,
    SPECTRUM_SIGN_ROWS = 64,
    SPECTRUM_SIGN_PRODUCTS = 60,
    SPECTRUM_SECONDS = 60
};
#define SPECTRUM_RUN_SEED UINT64_MAX /* no --seed was given; a run's is below 2^63 */

/* "…, at most 12 s left" */
static void spectrum_show(cli_progress *progress, double share, const char *what) {
    char text[160], left[32] = "";
    double passed = us_clock_now() - progress->started;
    if (share > 0 && passed > 1) cli_duration(left, sizeof left, passed * (1 - share) / share);
    snprintf(text, sizeof text, "%s%s%s%s", what, *left ? ", at most " : "", left, *left ? " left" : "");
    cli_progress_show(progress, share, text, false);
}

static void spectrum_progress(void *user, size_t done, size_t at_most, double lowest, double highest) {
    char text[96];
    snprintf(text, sizeof text, "%zu products, from %.4g to %.4g", done, lowest, highest);
    spectrum_show(user, (double)done / (double)at_most, text);
}

static void spectrum_progress_density(void *user, size_t done, size_t total) {
    char text[96];
    snprintf(text, sizeof text, "density: %zu of %zu products", done, total);
    spectrum_show(user, (double)done / (double)total, text);
}

static void spectrum_progress_index(void *user, size_t done, size_t total) {
    char text[96];
    snprintf(text, sizeof text, "index: %zu of %zu products", done, total);
    spectrum_show(user, (double)done / (double)total, text);
}

static void spectrum_progress_sign(void *user, double done, double budget, size_t rows, double lowest) {
    char text[96];
    snprintf(text, sizeof text, "sign: %.1f products, %zu rows, smallest %.4g", done, rows, lowest);
    spectrum_show(user, done / budget, text);
}

/* --rows m, or of a text as many as are bearable: a random sample of the training rows. */
static int spectrum_sample(const cli_command *command, spectrum_view *v, const spectrum_options *o) {
    size_t all = us_problem_samples(v->problem);
    int code = cli_rows(command, o->rows, v->run, &v->rows);
    if (code != CLI_GO_ON || v->rows == all) return code;
    if (!(v->sample = malloc(all * sizeof *v->sample))) return cli_no_memory(command);
    us_rng rng = us_rng_init(o->seed, 0x5a3b1e);
    us_rng_permutation(&rng, v->sample, all);
    v->batch = (us_batch){v->sample, v->rows};
    return CLI_GO_ON;
}

/* From the pairs where they tell it, else from as many rows and products as it takes. */
static us_status spectrum_measure_sign(spectrum_view *v, const spectrum_options *o) {
    const us_eigenpairs *p = v->pairs;
    spectrum_sign *s = &v->sign;
    if (o->of != US_HESSIAN || p->bottom == 0) return US_OK;
    *s = (spectrum_sign){.below = US_BELOW_UNDECIDED, .rows = v->rows};
    if (!v->batch.rows && p->values[0] < -p->resolution)
        s->below = US_BELOW_FOUND;
    else if (!v->batch.rows && p->low_bound >= 0)
        s->below = US_BELOW_NONE;
    else if (!v->batch.rows && p->converged[0] && fabs(p->values[0]) <= p->resolution)
        s->needs = US_NEEDS_PRECISION;
    else {
        us_lowest_options l = US_LOWEST_OPTIONS_INIT;
        l.rows = v->rows < SPECTRUM_SIGN_ROWS ? SPECTRUM_SIGN_ROWS : v->rows;
        if (!o->rows && v->batch.rows) { /* it was asked for something quick */
            double share = (double)v->rows / (double)us_problem_samples(v->problem);
            l.products = SPECTRUM_SIGN_PRODUCTS * share;
        } else
            l.products = (double)o->products;
        l.confidence = o->confidence, l.seed = o->seed;
        l.progress = spectrum_progress_sign, l.progress_user = &v->progress;
        us_lowest *found;
        us_status status = us_hessian_lowest(&found, v->problem, v->theta, &l);
        if (!found) return status;
        *s = (spectrum_sign){found->below, found->needs, found->products_needed, found->sampling, found->rows};
        v->products += found->applied;
        us_lowest_destroy(found);
        return status == US_NOT_CONVERGED ? US_OK : status;
    }
    return US_OK;
}

/* The index by factorisation, where the dense Hessian is small enough. */
static us_status spectrum_measure_index(spectrum_view *v, const spectrum_options *o) {
    if (o->of != US_HESSIAN || us_problem_dimension(v->problem) > SPECTRUM_FACTORISED) return US_OK;
    us_spectrum_options so = US_SPECTRUM_OPTIONS_INIT;
    so.batch = v->batch, so.progress = spectrum_progress_index, so.progress_user = &v->progress;
    us_status status = us_hessian_inertia(&v->inertia, v->problem, v->theta, &so);
    v->products += v->inertia.products;
    v->factorised = status == US_OK;
    return status;
}

static us_status spectrum_measure(spectrum_view *v, const spectrum_options *o) {
    us_context *context = us_run_context(v->run);
    size_t n = us_problem_dimension(v->problem), wanted = o->top + o->bottom, room = SPECTRUM_BYTES / (8 * n);
    us_status status = us_product_operator_create(&v->hessian, v->problem, (us_product)o->of, v->theta, v->batch, 8);
    if (status) return status;
    const us_operator *h = us_hessian_operator_get(v->hessian);
    us_lanczos_options lo = US_LANCZOS_OPTIONS_INIT;
    lo.bottom = o->bottom, lo.top = o->top, lo.products = o->products, lo.tolerance = o->tolerance, lo.seed = o->seed;
    lo.confidence = o->confidence, lo.block = o->block;
    lo.seconds = o->seconds > 0 ? o->seconds : !o->rows && v->batch.rows ? SPECTRUM_SECONDS : 0;
    lo.basis = 2 * wanted + 2 * o->block + (room > 200 ? 160 : 40);
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
    if ((status = spectrum_measure_sign(v, o))) return status;
    if (o->trace) {
        us_trace_options to = US_TRACE_OPTIONS_INIT;
        to.seed = o->seed;
        cli_progress_show(&v->progress, -1, "trace", true);
        status = o->of == US_HESSIAN ? us_hessian_trace(&v->trace, v->problem, v->theta, v->batch, &to)
                                     : us_trace(&v->trace, context, h, &to);
        if (status) return status;
        v->products += v->trace.products;
    }
    if (o->index && (status = spectrum_measure_index(v, o))) return status;
    if (o->density || (o->index && !v->factorised)) {
        us_density_options d = US_DENSITY_OPTIONS_INIT;
        d.seed = o->seed, d.progress = spectrum_progress_density, d.progress_user = &v->progress;
        if ((status = us_density_create(&v->density, context, h, &d))) return status;
        v->products += v->density->products;
    }
    return solved;
}

/* Keeps the answer in the run, for the report; that it can't be kept is no reason not to tell it. */
static void spectrum_keep(const cli_command *command, const spectrum_view *v, const spectrum_options *o, json_t *result) {
    char *text = json_dumps(result, JSON_COMPACT | JSON_REAL_PRECISION(17));
    if (text && us_run_log_result(v->run, "spectrum", us_product_name((us_product)o->of), text) != US_OK && !o->quiet)
        fprintf(stderr, "unstuck %s: the spectrum is not kept in the run: %s\n", command->name,
                us_context_error(us_run_context(v->run)));
    free(text);
}

static int spectrum_run(const cli_command *command, int argc, char **argv) {
    const char *folder = NULL, *data = NULL;
    spectrum_options o = {.top = 5,
                          .bottom = 5,
                          .products = 1000,
                          .seed = SPECTRUM_RUN_SEED,
                          .block = 1,
                          .tolerance = 1e-4,
                          .confidence = 0.999};
    uint64_t threads = cli_processors();
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
        {CLI_FLAG, "--index", NULL, &o.index,
         "how many are negative: by a factorisation of the dense matrix\nup to 4,000 parameters, else by the density"},
        {CLI_FLAG, "--by-layer", NULL, &o.by_layer, "which layers the outermost eigenvectors lie in"},
        {CLI_TEXT, "--rows", "M|all", &o.rows,
         "measures on a random sample of the training rows; it grows until the\nsign of the smallest eigenvalue is told "
         "(all; of a text 4096 characters, and no more time than --seconds)"},
        {CLI_NUMBER, "--seconds", "S", &o.seconds, "for the eigenvalues (no limit; 60 where a text's rows are not given)", 0,
         0, true},
        {CLI_NUMBER, "--confidence", "P", &o.confidence, "of bounds and of the sign (0.999)", 0.5, 1 - 1e-9},
        {CLI_NUMBER, "--tolerance", "X", &o.tolerance, "a pair has converged at a residual of X times the largest (1e-4)", 0,
         1, true},
        {CLI_COUNT, "--products", "N", &o.products, "Hessian-vector products for the eigenvalues, at most (1000)", 1},
        {CLI_COUNT, "--block", "K", &o.block, "products made at a time (1)", 1, 64},
        {CLI_CHOICE, "--precision", "P", &precision, "of the products: f32 or f64 (f64)", 0, 0, false, "f32|f64"},
        {CLI_COUNT, "--seed", "N", &o.seed, "of the random vectors and the sample (the run's)"},
        {CLI_TEXT, "--data", "FILE", &data, CLI_DATA_HELP},
        {CLI_COUNT, "--threads", "N", &threads, "threads (all processors)", 1, 1024},
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
    us_status status = cli_run_look(&v.run, context, folder, data, o.quiet);
    if (status == US_OK) {
        if (o.seed == SPECTRUM_RUN_SEED) o.seed = us_run_seed(v.run);
        const us_training *training = us_run_training(v.run);
        status = us_problem_freeze(&v.problem, &v.theta, us_training_problem(training), precision ? US_F64 : US_F32,
                                   us_training_theta(training));
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
    json_t *result = cli_spectrum_json(&v, &o);
    spectrum_keep(command, &v, &o, result);
    if (o.json)
        code = cli_print_json(json_incref(result));
    else
        cli_spectrum_print(&v, &o);
    json_decref(result);
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
    "smallest eigenvalues, each with the distance within which the true one lies, and what is zero to rounding; and\n"
    "whether any is negative: proved, excluded with the confidence asked for, or undecided and what would decide it.\n"
    "\n"
    "  unstuck spectrum runs/mnist-1 --top 10 --by-layer\n"
    "  unstuck spectrum runs/mnist-1 --density --trace --rows 10000",
    spectrum_run};
