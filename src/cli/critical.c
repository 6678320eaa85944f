/* unstuck critical FORMULA: names one point, or finds and names all in a box. Of a run: critical_run.c. */
#include "critical.h"
#include "formula.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static json_t *critical_json(const cli_formula *f, const us_point *p) {
    json_t *o = json_object(), *values = json_array();
    json_object_set_new(o, "at", cli_formula_at(f, p->theta));
    json_object_set_new(o, "value", cli_real(p->value));
    json_object_set_new(o, "gradient_norm", cli_real(p->gradient_norm));
    json_object_set_new(o, "kind", json_string(us_kind_name(p->kind)));
    for (size_t i = 0; p->spectrum && i < f->n; i++) json_array_append_new(values, cli_real(p->spectrum->values[i]));
    json_object_set_new(o, "eigenvalues", values);
    json_t *escape = json_null();
    if (p->escape) {
        escape = json_array();
        for (size_t i = 0; i < f->n; i++) json_array_append_new(escape, cli_real(p->escape[i]));
    }
    json_object_set_new(o, "escape", escape);
    return o;
}

const char *cli_point_color(const cli_style *style, us_kind kind) {
    switch (kind) {
    case US_KIND_MINIMUM:
        return style->green;
    case US_KIND_SADDLE:
    case US_KIND_MAXIMUM:
        return style->red;
    default:
        return style->yellow;
    }
}

const char *cli_point_meaning(const us_point *p) {
    switch (p->kind) {
    case US_KIND_MINIMUM:
        return "all eigenvalues are positive: uphill in every direction";
    case US_KIND_MAXIMUM:
        return "all eigenvalues are negative: downhill in every direction";
    case US_KIND_SADDLE:
        return "a negative eigenvalue: downhill along its eigenvector, both ways";
    case US_KIND_NOT_CRITICAL:
        return "the gradient still points downhill";
    case US_KIND_UNDECIDED:
        return p->undecided_because;
    case US_KIND_DEGENERATE:
        break;
    }
    if (p->spectrum && p->spectrum->negative) return "no positive eigenvalue and some zero; a negative one is a way out";
    switch (p->null_space) {
    case US_NULL_WAY_DOWN:
        return "the second order is silent where the Hessian is zero; measuring found a way down";
    case US_NULL_FLAT:
        return "the second order is silent where the Hessian is zero; measuring found a flat valley";
    case US_NULL_RISES:
        return "the second order is silent where the Hessian is zero; measuring found a rise on every probe";
    case US_NULL_NOT_PROBED:
        break;
    }
    return "the second order is silent where the Hessian is zero";
}

static void critical_print(const cli_formula *f, const us_point *p) {
    cli_style style = cli_style_of(STDOUT_FILENO);
    char at[512];
    cli_formula_at_text(f, p->theta, at, sizeof at);
    printf("%s%s%-12s%s %s  value %.9g\n", style.bold, cli_point_color(&style, p->kind), us_kind_name(p->kind), style.reset,
           at, p->value);
    printf("             %s\n             |gradient| %.3g", cli_point_meaning(p), p->gradient_norm);
    if (p->spectrum) {
        printf(", eigenvalues");
        for (size_t i = 0; i < f->n && i < 8; i++) printf(" %.6g", p->spectrum->values[i]);
        printf("%s (zero within %.1g)", f->n > 8 ? " ..." : "", p->spectrum->resolution);
    }
    if (p->escape) {
        cli_formula_at_text(f, p->escape, at, sizeof at);
        printf("\n             way out: %s", at);
    }
    printf("\n");
}

static void critical_progress(void *user, size_t done, size_t starts, size_t found) {
    char text[96];
    snprintf(text, sizeof text, "%zu of %zu starts, %zu points", done, starts, found);
    cli_progress_show(user, (double)done / (double)(starts ? starts : 1), text, false);
}

static bool critical_is_folder(const char *path) {
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

static int critical_run(const cli_command *command, int argc, char **argv) {
    const char *formula = NULL, *at = NULL, *box = NULL;
    bool json = false, quiet = false;
    us_critical_options options = US_CRITICAL_OPTIONS_INIT;
    cli_critical_options near = {.products = 2000, .reach = HUGE_VAL};
    uint64_t starts = 0, seed = 1;
    bool timed = false;
    const cli_option table[] = {
        {CLI_TEXT, "--at", "x=0,y=0", &at, "names this point"},
        {CLI_TEXT, "--box", "x=-5:5,..", &box, "finds the critical points in this box and names each"},
        {CLI_NUMBER, "--tolerance", "X", &options.point.decrease_tolerance,
         "critical when the gradient still offers at most this part of the\nvalue's scale (1e-9)", 0, 1, true},
        {CLI_COUNT, "--starts", "N", &starts, "starting points of the search (by dimension)", 1},
        {CLI_NUMBER, "--seconds", "S", &options.seconds, "time limit of the search (20; of a run: none)", 0, 0, true, NULL,
         &timed},
        {CLI_COUNT, "--products", "N", &near.products, "of a run: Hessian-vector products at most (2000)", 1},
        {CLI_NUMBER, "--reach", "X", &near.reach, "of a run: how far from it to look (any)", 0, 0, true},
        {CLI_TEXT, "--save", "FILE", &near.save, "of a run: writes the point's parameters as safetensors"},
        {CLI_COUNT, "--seed", "N", &seed, "of the random starts (1)"},
        {CLI_FLAG, "--json", NULL, &json, "one JSON object on standard output"},
        {CLI_FLAG, "--quiet", NULL, &quiet, "no progress"},
    };
    size_t given;
    int code = cli_parse(command, table, sizeof table / sizeof *table, argc, argv, &formula, 1, 1, &given);
    if (code != CLI_GO_ON) return code;
    if (!at && !box && critical_is_folder(formula)) {
        near.tolerance = options.point.decrease_tolerance, near.seconds = timed ? options.seconds : 0;
        near.json = json, near.quiet = quiet;
        return cli_critical_of_run(command, formula, &near);
    }
    if (!at == !box) return cli_usage(command, "give either --at x=0,y=0 or --box x=-5:5,y=-5:5, or the folder of a run");
    options.starts = starts;
    options.seed = options.point.seed = seed;

    us_context *context = cli_context(quiet, 1);
    if (!context) return CLI_FAILED;
    cli_formula f;
    us_point *point = NULL;
    us_critical_points *points = NULL;
    cli_progress progress = cli_progress_start(quiet);
    code = cli_formula_read(&f, command, context, formula, at ? "--at" : "--box", at ? at : box, box != NULL);
    if (code != CLI_GO_ON) goto done;
    us_status status;
    if (at) {
        status = us_point_classify(&point, f.problem, f.theta, &options.point);
    } else {
        options.progress = critical_progress;
        options.progress_user = &progress;
        status = us_critical_search(&points, f.problem, f.values, f.highs, &options);
        cli_progress_end(&progress);
    }
    if (status < 0 || (!point && !points)) {
        code = status == US_ERR_NONFINITE ? cli_error(command, context, US_ERR_INPUT) : cli_error(command, context, status);
        goto done;
    }
    size_t count = at ? 1 : points->count;
    us_point *const *list = at ? &point : points->points;
    if (json) {
        json_t *o = json_object(), *variables = json_array(), *array = json_array();
        for (size_t i = 0; i < f.n; i++) json_array_append_new(variables, json_string(f.names[i]));
        for (size_t i = 0; i < count; i++) json_array_append_new(array, critical_json(&f, list[i]));
        json_object_set_new(o, "formula", json_string(formula));
        json_object_set_new(o, "variables", variables);
        json_object_set_new(o, "points", array);
        code = cli_print_json(o);
    } else {
        for (size_t i = 0; i < count; i++) critical_print(&f, list[i]);
        if (box)
            printf("%zu critical point%s found in the box from %zu starts%s\n", count, count == 1 ? "" : "s", points->starts,
                   status == US_INTERRUPTED ? "; interrupted" : "");
        code = CLI_DONE;
    }
    if (status == US_INTERRUPTED) code = CLI_INTERRUPTED;
done:
    us_critical_points_destroy(points);
    us_point_destroy(point);
    cli_formula_release(&f);
    cli_context_destroy(context);
    return code;
}

const cli_command cli_critical = {
    "critical", "FORMULA|RUN", "finds and names the critical points of a formula, or the one nearest to a run",
    "Names a point (--at) by its gradient and the eigenvalues of its Hessian: minimum, maximum, saddle,\n"
    "degenerate (the second order is silent), not-critical, or undecided (double precision can't tell).\n"
    "With --box, looks for all critical points in a box by Newton's method on the gradient from many starts.\n"
    "Given a run, goes from where it stands to the nearest critical point of its loss, of any kind, by\n"
    "Hessian-vector products; a place where the gradient is shortest but not zero is told as gradient-flat.\n"
    "\n"
    "Formulas: + - * / ^, parentheses, numbers, exp log sqrt sin cos tan asin acos atan sinh cosh tanh sigmoid\n"
    "erf abs, pi, e, and names. ^ binds tightest and to the right, then unary minus.\n"
    "\n"
    "  unstuck critical '(1-w1*w2)^2' --at w1=0,w2=0\n"
    "  unstuck critical '(x^2+y-11)^2+(x+y^2-7)^2' --box x=-6:6,y=-6:6\n"
    "  unstuck critical runs/mnist-1 --save saddle.safetensors",
    critical_run};
