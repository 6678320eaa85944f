/* unstuck train DATA: trains, and keeps the run in a folder. */
#include "find_lr.h"
#include "run_progress.h"
#include "train_options.h"
#include "train_unstick.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int train_exit(const cli_command *command, us_context *context, us_status status) {
    switch (status) {
    case US_OK:
    case US_STOPPED:
        return CLI_DONE;
    case US_ERR_NONFINITE:
        return CLI_DIVERGED;
    case US_INTERRUPTED:
        return CLI_INTERRUPTED;
    default:
        return cli_error(command, context, status);
    }
}

/* A formula's parameters with their standard errors, and what kind of point they are. */
static void train_tell_fit(const json_t *summary) {
    json_t *at = json_object_get(summary, "at"), *errors = json_object_get(summary, "standard_error"), *value;
    json_t *deviation = json_object_get(summary, "residual_deviation"), *kind = json_object_get(summary, "kind");
    const char *name;
    json_object_foreach(at, name, value) {
        json_t *error = json_object_get(errors, name);
        printf("  %-12s %.11g", name, json_number_value(value));
        if (json_is_number(error)) printf("  +- %.4g", json_number_value(error));
        printf("\n");
    }
    if (json_is_number(deviation))
        printf("  residual standard deviation %.6g, %lld degrees of freedom\n", json_number_value(deviation),
               json_integer_value(json_object_get(summary, "degrees_of_freedom")));
    if (json_is_string(kind)) printf("  this point is: %s\n", json_string_value(kind));
    json_t *events = json_object_get(summary, "events"), *last = json_array_get(events, json_array_size(events) - 1);
    const char *event = json_string_value(json_object_get(last, "kind"));
    if (event && strcmp(event, "not-converged") == 0)
        printf("  not converged: %s\n", json_string_value(json_object_get(last, "text")));
}

/* What the watch took, the last that it saw, and what it could not. */
static void train_tell_watch(const us_run *run) {
    us_watch_report r;
    bool wants = false;
    if (!us_run_watch_report(run, &r)) return;
    for (int k = 0; k < US_WATCH_KINDS; k++) wants |= r.wanting[k] > 0;
    if (r.probes + r.looks == 0 && !wants) return;
    const char *between = r.probes + r.looks ? "; too short a time for " : ", too short a time for ";
    if (r.probes + r.looks)
        printf("  watched for %.2g %% of the time (at most %g %%): %llu probes", 100 * r.share, 100 * r.promised,
               (unsigned long long)r.probes);
    else
        printf("  not watched (at most %g %% of the time)", 100 * r.promised);
    if (isfinite(r.sharpness) && isfinite(r.sharpness_limit))
        printf(", sharpness %.3g of %.3g", r.sharpness, r.sharpness_limit);
    else if (isfinite(r.sharpness))
        printf(", sharpness %.3g", r.sharpness);
    if (isfinite(r.noise_scale)) printf(", noise scale %.3g rows", r.noise_scale);
    for (int k = 0; k < US_WATCH_KINDS; k++)
        if (r.wanting[k] > 0) {
            char seconds[32];
            if (r.wanting[k] < 60)
                snprintf(seconds, sizeof seconds, "%.2g s", r.wanting[k]);
            else
                cli_duration(seconds, sizeof seconds, r.wanting[k]);
            printf("%s%s (from %s on)", between, us_watch_kind_name((us_watch_kind)k), seconds);
            between = ", ";
        }
    printf("\n");
}

/* A number of the summary, times scale, in bold; null is one that is not finite. */
static void train_tell_number(const json_t *number, double scale, int digits, const char *unit, const cli_style *style) {
    if (json_is_number(number))
        printf("%s%.*g%s%s", style->bold, digits, scale * json_number_value(number), unit, style->reset);
    else
        printf("%snot finite%s", style->red, style->reset);
}

/* "training loss 0.5 -> 0.3, on test rows 0.4" */
static void train_tell_loss(const json_t *loss, const cli_style *style) {
    cli_style plain = *style;
    plain.bold = "";
    printf("training loss ");
    train_tell_number(json_object_get(loss, "first"), 1, 6, "", &plain);
    printf(" -> ");
    train_tell_number(json_object_get(loss, "last"), 1, 6, "", style);
    if (json_is_number(json_object_get(loss, "test")))
        printf(", on test rows %.6g", json_number_value(json_object_get(loss, "test")));
    printf("\n");
}

static const char *train_word(us_status status) {
    return status == US_INTERRUPTED ? "interrupted" : status == US_ERR_NONFINITE ? "diverged" : "finished";
}

/* What came of it, for those who want to hear no more. */
static void train_tell_line(us_run *run, us_status status, const json_t *summary) {
    cli_style style = cli_style_of(STDOUT_FILENO);
    printf("%s: %s after %lld steps, ", us_run_folder(run), train_word(status),
           json_integer_value(json_object_get(summary, "steps")));
    train_tell_loss(json_object_get(summary, "loss"), &style);
}

static void train_tell(us_run *run, us_status status, const json_t *summary) {
    cli_style style = cli_style_of(STDOUT_FILENO);
    char room[CLI_WORD];
    const char *folder = us_run_folder(run), *metric_name = "", *kind = json_string_value(json_object_get(summary, "kind"));
    char took[32];
    double seconds = json_number_value(json_object_get(summary, "seconds"));
    cli_duration(took, sizeof took, seconds);
    json_t *loss = json_object_get(summary, "loss"), *metric = json_object_get(summary, "metric");
    printf("%s%s%s after %lld steps (%.4g epochs) in %s\n", style.bold, train_word(status), style.reset,
           json_integer_value(json_object_get(summary, "steps")), json_number_value(json_object_get(summary, "epochs")),
           took);
    printf("  ");
    train_tell_loss(loss, &style);
    if (json_is_string(json_object_get(metric, "name"))) metric_name = json_string_value(json_object_get(metric, "name"));
    if (*metric_name) {
        bool share = strcmp(metric_name, "accuracy") == 0;
        double scale = share ? 100 : 1;
        printf("  %s ", metric_name);
        train_tell_number(json_object_get(metric, "train"), scale, 5, share ? " %" : "", &style);
        printf(" on training rows");
        if (json_is_number(json_object_get(metric, "test")))
            printf(", %s%.5g%s%s on test rows", style.bold, scale * json_number_value(json_object_get(metric, "test")),
                   share ? " %" : "", style.reset);
        printf("\n");
    }
    train_tell_fit(summary);
    train_tell_watch(run);
    printf("  kept in %s\n", folder);
    if (status == US_INTERRUPTED)
        printf("  goes on with: unstuck train --resume %s\n", cli_shell(folder, room));
    else if (status != US_OK || !kind || strcmp(kind, us_kind_name(US_KIND_MINIMUM)) != 0)
        printf("  why %s? unstuck diagnose %s\n", status == US_ERR_NONFINITE ? "did it diverge" : "does it not get lower",
               cli_shell(folder, room));
}

/* A run that goes on keeps what it was made with: an option that would change it is refused, not ignored. */
static int train_resumed(const cli_command *command, const cli_option *options, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (*options[i].given && strcmp(options[i].name, "--steps") != 0 && strcmp(options[i].name, "--threads") != 0)
            return cli_usage(command,
                             "%s does not go with --resume: the run goes on as it was made (beside --steps and "
                             "--threads)",
                             options[i].name);
    return CLI_GO_ON;
}

static int train_run(const cli_command *command, int argc, char **argv) {
    const char *data = NULL, *folder = NULL, *resume = NULL;
    cli_training training;
    us_run_config *config = &training.config;
    bool json = false, quiet = false, find_lr = false;
    int watch = US_WATCH_ECONOMY, unstick = CLI_UNSTICK_OFF;
    cli_unsticking how = {.share = 1};
    cli_option table[CLI_TRAINING_OPTIONS + 16];
    bool was[CLI_TRAINING_OPTIONS] = {false};
    size_t count = cli_training_options(&training, table), shared = count;
    const cli_option own[] = {
        {CLI_SECTION, "instead of training", .help = ""},
        {CLI_FLAG, "--find-lr", NULL, &find_lr,
         "tries ever higher learning rates on a copy (200 steps, or --steps N),\nshows the loss over the rate and suggests "
         "one; makes no run"},
        {CLI_SECTION, "watching", .help = ""},
        {CLI_CHOICE, "--watch", "HOW", &watch,
         "what is measured on the way: off; economy: norms, sharpness and noise\nfor at most 3 % of the time (default); "
         "full: "
         "more often, and eigenvalues,\nfor at most 10 %",
         .choices = "off|economy|full"},
        {CLI_CHOICE, "--unstick", "HOW", &unstick,
         "off; advise: where the run stalls and at its end, says why, and tries\nremedies on copies; auto: takes those that "
         "help (off)",
         .choices = "off|advise|auto"},
        {CLI_NUMBER, "--unstick-share", "X", &how.share,
         "time for that, at most, as a share of the training's (1, and 10 seconds\nin any case, unless given)", 0, HUGE_VAL,
         .given = &how.share_given},
        {CLI_SECTION, "run", .help = ""},
        {CLI_TEXT, "--run", "DIR", &folder, "a new folder for the run (runs/NAME-1)"},
        {CLI_TEXT, "--resume", "DIR", &resume,
         "goes on with an interrupted run (alone; --steps N adds steps; DATA only where\nthe file was moved: the same "
         "bytes)"},
        {CLI_FLAG, "--json", NULL, &json, "one JSON object on standard output"},
        {CLI_FLAG, "--quiet", NULL, &quiet, "no progress and no messages: one line on what came of it"},
    };
    memcpy(table + count, own, sizeof own);
    count += sizeof own / sizeof *own;
    for (size_t i = 0; i < shared; i++)
        if (!table[i].given) table[i].given = &was[i];
    size_t given;
    int code = cli_parse(command, table, count, argc, argv, &data, 0, 1, &given);
    if (code != CLI_GO_ON) return code;
    if ((code = cli_training_help(command, config)) != CLI_GO_ON) return code;
    if (!resume && !given) return cli_usage(command, "DATA is missing: a CSV file, IDX images or a text; --help tells more");

    if (resume && folder) return cli_usage(command, "--run names a new folder; it does not go with --resume");
    if (resume && (code = train_resumed(command, table, shared)) != CLI_GO_ON) return code;
    cli_training_take(&training, data);
    if (find_lr && resume) return cli_usage(command, "--find-lr begins anew; it does not go with --resume");
    if (find_lr) return cli_find_lr(command, &training, quiet, json);
    us_context *context = cli_context(quiet, training.threads);
    if (!context) return CLI_FAILED;
    us_run *run = NULL;
    char *text = NULL, made[512];
    us_status status;
    if (resume) {
        us_run_open_options opening = US_RUN_OPEN_OPTIONS_INIT;
        opening.data = data;
        status = us_run_open_with(&run, context, resume, &opening);
        if (status == US_OK && config->steps) status = us_run_extend(run, config->steps);
    } else {
        if (!folder) {
            code = cli_training_folder(command, "runs", data, "--run", made);
            if (code != CLI_GO_ON) goto done;
            folder = made;
        }
        status = us_run_create(&run, context, folder, config);
    }
    if (status != US_OK) {
        code = cli_error(command, context, status);
        goto done;
    }
    us_status ended = US_OK;
    how.mode = (cli_unstick_mode)unstick, how.quiet = quiet, how.json = json;
    us_run_watch(run, (us_watch_mode)watch);
    code = cli_train_unstick(command, &run, &how, &ended);
    if (code == CLI_DONE) code = train_exit(command, context, ended);
    if (code == CLI_DIVERGED && unstick != CLI_UNSTICK_AUTO)
        fprintf(stderr, "unstuck train: diverged: %s\n", us_context_error(context));
    us_context_resume(context);
    if (code != CLI_DONE && code != CLI_DIVERGED && code != CLI_INTERRUPTED) goto done;
    status = us_run_summary(run, NULL, &text);
    if (status != US_OK) {
        code = cli_error(command, context, status);
        goto done;
    }
    if (json) {
        printf("%s\n", text);
    } else {
        json_t *summary = json_loads(text, 0, NULL);
        (quiet ? train_tell_line : train_tell)(run, ended, summary);
        json_decref(summary);
    }
done:
    us_text_release(context, text);
    us_run_destroy(run);
    cli_context_destroy(context);
    return code;
}

const cli_command cli_train = {
    "train", "DATA", "trains a model on a file, and keeps the run",
    "Trains on a CSV file (plain or .gz) or on IDX images (their labels are found beside them), by mini-batches.\n"
    "The run is kept in a folder: its log, its weights and a checkpoint from which an interrupted run goes on to\n"
    "the same bits (Ctrl-C writes it). The loss that is shown is the one that is trained: on standardised data\n"
    "unless --no-standardize; rmse and accuracy are in the target's own unit.\n"
    "\n"
    "  unstuck train housing.csv --target median_house_value --optimizer adam --epochs 20\n"
    "  unstuck train train-images-idx3-ubyte.gz --model mlp:128 --batch 32 --epochs 3\n"
    "A formula is fitted by a trust-region solver; parameters are told with their standard errors.\n"
    "\n"
    "  unstuck train data.csv --model 'formula: a*exp(-b*t)' --target y --start a=1,b=0.1",
    train_run};
