/* unstuck critical RUN: the critical point nearest to where a run stands. */
#include "critical.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void critical_run_progress(void *user, size_t done, size_t at_most, double gradient_norm, double distance) {
    char text[128];
    snprintf(text, sizeof text, "%zu products, |gradient| %.3g, distance %.3g", done, gradient_norm, distance);
    cli_progress_show(user, (double)done / (double)at_most, text, false);
}

/* The parameters of the point as a file of tensors, by the names of the model's groups. */
/* With the running statistics that the run has. */
static us_status critical_run_save(us_run *run, const us_problem *problem, const double *point, const char *path) {
    us_context *context = us_run_context(run);
    const us_training *training = us_run_training(run);
    size_t count, size, n = us_problem_dimension(us_training_problem(training));
    void *bytes;
    us_vec *part = NULL, *whole = NULL;
    const us_group *groups = us_problem_groups(us_training_problem(training), &count);
    us_tensor *tensors = calloc(count ? count : 1, sizeof *tensors);
    double *theta = calloc(n, sizeof *theta);
    us_status status = tensors && theta ? us_vec_wrap(&whole, context, US_F64, n, theta) : US_ERR_NOMEM;
    if (status == US_OK) status = us_vec_create(&part, context, US_F64, us_problem_dimension(problem));
    if (status != US_OK) goto done;
    us_vec_copy(whole, us_training_theta(training));
    us_vec_write_f64(part, point);
    if ((status = us_restricted_put(problem, part, whole)) != US_OK) goto done;
    for (size_t g = 0; g < count; g++) {
        tensors[g] = (us_tensor){.name = groups[g].name, .dtype = "F64", .rank = groups[g].rank};
        memcpy(tensors[g].shape, groups[g].shape, groups[g].rank * sizeof *groups[g].shape);
        tensors[g].data = theta + groups[g].offset;
        tensors[g].bytes = groups[g].count * sizeof *theta;
    }
    status = us_safetensors_encode(context, tensors, count, NULL, 0, &bytes, &size);
    if (status == US_OK) {
        status = us_file_replace(context, path, bytes, size);
        us_bytes_release(context, bytes);
    }
done:
    us_vec_destroy(part);
    us_vec_destroy(whole);
    free(theta);
    free(tensors);
    return status;
}

/* Counts are known from a dense spectrum alone. */
static json_t *critical_run_spectrum(const us_point *p) {
    if (p->spectrum) {
        const us_spectrum *s = p->spectrum;
        return json_pack("{s:o,s:o,s:I,s:I,s:I,s:o,s:s,s:I}", "min", cli_real(s->values[0]), "max",
                         cli_real(s->values[s->n - 1]), "negative", (json_int_t)s->negative, "zero", (json_int_t)s->zero,
                         "positive", (json_int_t)s->positive, "resolution", cli_real(s->resolution), "method", "dense",
                         "products", (json_int_t)s->products);
    }
    if (!p->ends) return json_null();
    return json_pack("{s:o,s:o,s:n,s:n,s:n,s:o,s:s,s:I}", "min", cli_real(p->ends->values[0]), "max",
                     cli_real(p->ends->values[p->ends->bottom + p->ends->top - 1]), "negative", "zero", "positive",
                     "resolution", cli_real(p->ends->resolution), "method", "lanczos", "products",
                     (json_int_t)p->ends->products);
}

static json_t *critical_run_layers(const us_problem *problem, const double *escape) {
    if (!escape) return json_null();
    size_t count;
    const us_group *groups = us_problem_groups(problem, &count);
    json_t *list = json_array();
    for (size_t g = 0; g < count; g++) {
        double share = 0;
        for (size_t i = groups[g].offset; i < groups[g].offset + groups[g].count; i++) share += escape[i] * escape[i];
        json_array_append_new(list, json_pack("{s:s,s:o}", "name", groups[g].name, "share", cli_real(share)));
    }
    return list;
}

static json_t *critical_run_json(us_run *run, const us_problem *problem, const us_nearest *f,
                                 const cli_critical_options *o) {
    const us_point *p = f->point;
    json_t *point = json_object(), *out = json_object(), *points = json_array();
    json_object_set_new(point, "at", cli_text(o->save));
    json_object_set_new(point, "value", cli_real(p->value));
    json_object_set_new(point, "gradient_norm", cli_real(p->gradient_norm));
    json_object_set_new(point, "kind", json_string(us_kind_name(p->kind)));
    json_object_set_new(point, "undecided_because", cli_text(p->undecided_because));
    json_object_set_new(point, "spectrum", critical_run_spectrum(p));
    json_object_set_new(point, "escape_layers", critical_run_layers(problem, p->escape));
    json_object_set_new(point, "distance", cli_real(f->distance));
    json_array_append_new(points, point);
    json_object_set_new(out, "run", json_string(us_run_folder(run)));
    json_object_set_new(out, "step", json_integer((json_int_t)us_training_steps(us_run_training(run))));
    json_object_set_new(out, "parameters", json_integer((json_int_t)us_problem_dimension(problem)));
    json_object_set_new(out, "rows", json_integer((json_int_t)us_problem_samples(problem)));
    json_object_set_new(
        out, "start",
        json_pack("{s:o,s:o}", "value", cli_real(f->start_value), "gradient_norm", cli_real(f->start_gradient)));
    json_object_set_new(out, "evaluation_form", json_boolean(us_problem_has_training_form(problem)));
    json_object_set_new(out, "end", json_string(us_nearest_end_name(f->end)));
    json_object_set_new(out, "flatness", cli_real(f->flatness));
    json_object_set_new(out, "bend", cli_real(f->bend));
    json_object_set_new(out, "steps", json_integer((json_int_t)f->steps));
    json_object_set_new(out, "products", json_integer((json_int_t)f->products));
    json_object_set_new(out, "points", points);
    return out;
}

static const char *critical_run_end(const us_nearest *f) {
    switch (f->end) {
    case US_NEAREST_GRADIENT_FLAT:
        return "no critical point: the gradient is shortest here, and not zero (the Hessian takes it to zero: "
               "gradient-flat)";
    case US_NEAREST_STALLED:
        return f->bend < US_NEAREST_KINKED
                   ? "no critical point was reached: no step makes the gradient shorter, for it jumps here, as at "
                     "the kinks of relu: there need be none"
                   : "no critical point was reached: no step makes the gradient shorter (rounding)";
    case US_NEAREST_LIMIT:
        return "no critical point was reached within the limits; more --products or --reach may";
    case US_NEAREST_CRITICAL:
        break;
    }
    return NULL;
}

static void critical_run_print(us_run *run, const us_problem *problem, const us_nearest *f) {
    cli_style style = cli_style_of(STDOUT_FILENO);
    const us_point *p = f->point;
    const char *why = critical_run_end(f);
    size_t last = p->ends ? p->ends->bottom + p->ends->top - 1 : 0;
    printf("%s at step %llu: loss %.9g, |gradient| %.3g\n", us_run_folder(run),
           (unsigned long long)us_training_steps(us_run_training(run)), f->start_value, f->start_gradient);
    printf("%s%s%-12s%s at a distance of %.4g: loss %.9g, |gradient| %.3g\n", style.bold, cli_point_color(&style, p->kind),
           us_kind_name(p->kind), style.reset, f->distance, p->value, p->gradient_norm);
    printf("             %s\n", why ? why : cli_point_meaning(p));
    if (us_problem_has_training_form(problem)) printf("             %s\n", CLI_EVALUATION_FORM);
    if (p->spectrum)
        printf("             eigenvalues from %.6g to %.6g: %zu negative, %zu zero (within %.1g), %zu positive\n",
               p->spectrum->values[0], p->spectrum->values[p->spectrum->n - 1], p->spectrum->negative, p->spectrum->zero,
               p->spectrum->resolution, p->spectrum->positive);
    else if (p->ends)
        printf("             eigenvalues from %.6g (within %.1g) to %.6g (within %.1g); zero within %.1g\n",
               p->ends->values[0], p->ends->residuals[0], p->ends->values[last], p->ends->residuals[last],
               p->ends->resolution);
    size_t count;
    const us_group *groups = us_problem_groups(problem, &count);
    for (size_t g = 0; p->escape && g < count; g++) {
        double share = 0;
        for (size_t i = groups[g].offset; i < groups[g].offset + groups[g].count; i++) share += p->escape[i] * p->escape[i];
        if (share > 0.05) printf("             way out: %.0f %% in %s\n", 100 * share, groups[g].name);
    }
    printf("             %zu steps, %zu Hessian-vector products\n", f->steps, f->products);
}

int cli_critical_of_run(const cli_command *command, const char *folder, const cli_critical_options *o) {
    us_context *context = cli_context(o->quiet, 1);
    if (!context) return CLI_FAILED;
    us_run *run = NULL;
    us_problem *problem = NULL;
    us_vec *theta = NULL;
    us_nearest *found = NULL;
    cli_progress progress = cli_progress_start(o->quiet);
    us_nearest_options options = US_NEAREST_OPTIONS_INIT;
    options.products = o->products, options.seconds = o->seconds, options.reach = o->reach;
    options.point.decrease_tolerance = o->tolerance;
    options.point.ends_first = SIZE_MAX; /* the index, where it can be had */
    options.progress = critical_run_progress, options.progress_user = &progress;
    us_status status = cli_run_look(&run, context, folder, NULL, o->quiet);
    if (status == US_OK)
        status = us_problem_freeze(&problem, &theta, us_training_problem(us_run_training(run)), US_F64,
                                   us_training_theta(us_run_training(run)));
    if (status == US_OK) status = us_critical_nearest(&found, problem, theta, &options);
    cli_progress_end(&progress);
    if (found && o->save) {
        us_status saved = critical_run_save(run, problem, found->point->theta, o->save);
        if (saved != US_OK) status = saved;
    }
    int code = CLI_DONE;
    if (status < 0 || !found)
        code = cli_error(command, context, status);
    else if (o->json)
        code = cli_print_json(critical_run_json(run, problem, found, o));
    else
        critical_run_print(run, problem, found);
    us_nearest_destroy(found);
    us_vec_destroy(theta);
    us_problem_destroy(problem);
    us_run_destroy(run);
    cli_context_destroy(context);
    return code;
}
