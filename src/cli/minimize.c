/* unstuck minimize FORMULA: minimises, and tells what kind of point it ended on. */
#include "formula.h"
#include <stdio.h>

static void minimize_progress(void *user, size_t iteration, double value, double gradient_norm) {
    char text[128];
    snprintf(text, sizeof text, "iteration %zu, value %.9g, |gradient| %.3g", iteration, value, gradient_norm);
    cli_progress_show(user, -1, text, false);
}

/* Whether the place was named something that no solver may call a success, and how. */
static const char *minimize_objection(const us_point *point) {
    switch (point->kind) {
    case US_KIND_SADDLE:
        return "it ended at a saddle";
    case US_KIND_MAXIMUM:
        return "it ended at a maximum";
    case US_KIND_DEGENERATE:
        return point->escape ? "it ended where the second order is silent, and a way down was found" : NULL;
    default:
        return NULL;
    }
}

static int minimize_run(const cli_command *command, int argc, char **argv) {
    const char *formula = NULL, *start = NULL, *solver = "trust-region";
    bool json = false, quiet = false;
    us_minimize_options options = US_MINIMIZE_OPTIONS_INIT;
    us_point_options naming = US_POINT_OPTIONS_INIT;
    uint64_t iterations = options.iterations;
    const cli_option table[] = {
        {CLI_TEXT, "--start", "x=1,y=2", &start, "where to begin (needed)"},
        {CLI_TEXT, "--solver", "NAME", &solver, "how (trust-region); `unstuck optimizers` lists solvers"},
        {CLI_COUNT, "--iterations", "N", &iterations, "at most so many (10000)", 1},
        {CLI_NUMBER, "--tolerance", "X", &options.gradient_tolerance,
         "ends when the gradient's largest element is at most this\npart of the value (1e-10)", 0, 1, true},
        {CLI_FLAG, "--json", NULL, &json, "one JSON object on standard output"},
        {CLI_FLAG, "--quiet", NULL, &quiet, "no progress"},
    };
    size_t given;
    int code = cli_parse(command, table, sizeof table / sizeof *table, argc, argv, &formula, 1, 1, &given);
    if (code != CLI_GO_ON) return code;
    if (!start) return cli_usage(command, "--start is missing: where to begin, such as --start x=1,y=2");
    options.iterations = iterations;
    const us_solver_about *about = us_solver_find(solver);
    if (!about) {
        const char *nearest = us_solver_nearest(solver);
        return cli_usage(command, "there is no solver '%s'%s%s%s", solver, nearest ? "; did you mean '" : "",
                         nearest ? nearest : "", nearest ? "'?" : "; `unstuck optimizers` lists them");
    }
    if (about->squares)
        return cli_usage(command,
                         "--solver %s is for sums of squares over data: fit them with unstuck train DATA --model "
                         "'formula: ..' --optimizer %s",
                         solver, solver);

    us_context *context = cli_context(quiet, 1);
    if (!context) return CLI_FAILED;
    cli_formula f;
    us_point *point = NULL;
    us_minimize_result result = {0};
    cli_progress progress = cli_progress_start(quiet);
    options.progress = minimize_progress;
    options.progress_user = &progress;
    code = cli_formula_read(&f, command, context, formula, "--start", start, false);
    if (code != CLI_GO_ON) goto done;
    us_status ended = us_solve(f.problem, f.theta, solver, &options, &result);
    cli_progress_end(&progress);
    if (ended < 0) {
        code = cli_error(command, context, ended == US_ERR_NONFINITE ? US_ERR_INPUT : ended);
        goto done;
    }
    us_context_resume(context); /* an interrupted search still tells where it is */
    us_status status = us_point_classify(&point, f.problem, f.theta, &naming);
    if (status < 0) {
        code = cli_error(command, context, status);
        goto done;
    }
    const char *objection = ended == US_OK ? minimize_objection(point) : NULL;
    if (objection) ended = US_NOT_CONVERGED, result.reason = objection;
    if (json) {
        json_t *o = json_object(), *values = json_array();
        json_object_set_new(o, "at", cli_formula_at(&f, point->theta));
        json_object_set_new(o, "value", cli_real(point->value));
        json_object_set_new(o, "gradient_norm", cli_real(point->gradient_norm));
        json_object_set_new(o, "iterations", json_integer((json_int_t)result.iterations));
        json_object_set_new(o, "evaluations",
                            json_pack("{s:I,s:I,s:I}", "value", (json_int_t)result.values, "gradient",
                                      (json_int_t)result.gradients, "hvp", (json_int_t)result.products));
        json_object_set_new(o, "kind", json_string(us_kind_name(point->kind)));
        for (size_t i = 0; point->spectrum && i < f.n; i++)
            json_array_append_new(values, cli_real(point->spectrum->values[i]));
        json_object_set_new(o, "eigenvalues", values);
        json_object_set_new(o, "solver", json_string(solver));
        json_object_set_new(o, "converged", json_boolean(ended == US_OK));
        json_object_set_new(o, "reason", cli_text(result.reason));
        code = cli_print_json(o);
    } else {
        cli_style style = cli_style_of(1);
        char at[512];
        cli_formula_at_text(&f, point->theta, at, sizeof at);
        printf("%s%s%s at %s\n", style.bold, us_kind_name(point->kind), style.reset, at);
        printf("value %.17g, |gradient| %.3g", point->value, point->gradient_norm);
        if (point->spectrum)
            printf(", eigenvalues %.6g to %.6g", point->spectrum->values[0], point->spectrum->values[f.n - 1]);
        printf("\n%zu iterations, %zu values, %zu gradients, %zu Hessian-vector products; ended because %s\n",
               result.iterations, result.values, result.gradients, result.products, result.reason);
        code = CLI_DONE;
    }
    if (ended == US_INTERRUPTED)
        code = CLI_INTERRUPTED;
    else if (ended == US_NOT_CONVERGED && code == CLI_DONE) {
        fprintf(stderr, "unstuck minimize: not converged after %zu iterations: %s\n", result.iterations, result.reason);
        code = CLI_FAILED;
    }
done:
    us_point_destroy(point);
    cli_formula_release(&f);
    cli_context_destroy(context);
    return code;
}

const cli_command cli_minimize = {
    "minimize", "FORMULA", "minimises a formula and tells what kind of point it ended on",
    "By Newton's method in a trust region, with exact first and second derivatives, or by another --solver. The default\n"
    "uses negative curvature, so that it leaves saddles and maxima. Whatever the solver, the point that it reached is "
    "named;\n"
    "a saddle or a maximum is no success (exit status 1).\n"
    "\n"
    "  unstuck minimize '100*(y-x^2)^2+(1-x)^2' --start x=-1.2,y=1\n"
    "  unstuck minimize '100*(y-x^2)^2+(1-x)^2' --start x=-1.2,y=1 --solver l-bfgs\n"
    "  unstuck minimize 'x^2/2-y^2/2+y^4/4' --start x=1,y=0      starts on the line that leads descent into a saddle",
    minimize_run};
