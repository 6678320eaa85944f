/* unstuck train DATA: trains, and keeps the run in a folder. */
#include "run_progress.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* runs/housing-1, or the first number that is free. */
static int train_folder(const cli_command *command, const char *data, char *folder, size_t size) {
    const char *slash = strrchr(data, '/'), *name = slash ? slash + 1 : data;
    int length = (int)strcspn(name, ".");
    if (mkdir("runs", 0777) != 0 && access("runs", W_OK) != 0)
        return cli_usage(command, "the folder runs/ can't be made here; name one with --run DIR");
    for (int k = 1; k < 100000; k++) {
        snprintf(folder, size, "runs/%.*s-%d", length ? length : 3, length ? name : "run", k);
        if (access(folder, F_OK) != 0) return CLI_GO_ON;
    }
    return cli_usage(command, "runs/ is full; name a folder with --run DIR");
}

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

static void train_tell(us_run *run, us_status status, json_t *summary) {
    cli_style style = cli_style_of(STDOUT_FILENO);
    const char *folder = us_run_folder(run), *metric_name = "";
    char took[32];
    double seconds = json_number_value(json_object_get(summary, "seconds"));
    cli_duration(took, sizeof took, seconds);
    json_t *loss = json_object_get(summary, "loss"), *metric = json_object_get(summary, "metric");
    double last = json_number_value(json_object_get(loss, "last")),
           first = json_number_value(json_object_get(loss, "first"));
    printf("%s%s%s after %lld steps (%.4g epochs) in %s\n", style.bold,
           status == US_INTERRUPTED     ? "interrupted"
           : status == US_ERR_NONFINITE ? "diverged"
                                        : "finished",
           style.reset, json_integer_value(json_object_get(summary, "steps")),
           json_number_value(json_object_get(summary, "epochs")), took);
    printf("  training loss %.6g -> %s%.6g%s", first, style.bold, last, style.reset);
    if (json_is_number(json_object_get(loss, "test")))
        printf(", on test rows %.6g", json_number_value(json_object_get(loss, "test")));
    printf("\n");
    if (json_is_string(json_object_get(metric, "name"))) metric_name = json_string_value(json_object_get(metric, "name"));
    if (*metric_name) {
        bool share = strcmp(metric_name, "accuracy") == 0;
        double scale = share ? 100 : 1;
        printf("  %s %.5g%s on training rows", metric_name, scale * json_number_value(json_object_get(metric, "train")),
               share ? " %" : "");
        if (json_is_number(json_object_get(metric, "test")))
            printf(", %s%.5g%s%s on test rows", style.bold, scale * json_number_value(json_object_get(metric, "test")),
                   share ? " %" : "", style.reset);
        printf("\n");
    }
    printf("  kept in %s\n", folder);
    if (status == US_INTERRUPTED)
        printf("  goes on with: unstuck train --resume %s\n", folder);
    else
        printf("  why does it not get lower? unstuck diagnose %s\n", folder);
}

/* Diagnoses the finished run, and tells unless the JSON object will. */
static int train_advise(const cli_command *command, us_run *run, bool quiet, bool json) {
    cli_judgement judgement;
    int code = cli_judge(&judgement, command, run, NULL, NULL, true, quiet);
    if (code == CLI_DONE && !quiet && !json)
        cli_verdict_print(judgement.diagnosis, us_run_training(run), judgement.trials, us_run_folder(run), false);
    cli_judgement_release(&judgement);
    return code;
}

/* Prints a text of the library, such as all layers. */
static int train_help(const cli_command *command, us_status (*help)(us_context *context, char **text)) {
    us_context *context = cli_context(true, 1);
    if (!context) return CLI_FAILED;
    char *text = NULL;
    us_status status = help(context, &text);
    int code = status == US_OK ? CLI_DONE : cli_error(command, context, status);
    if (status == US_OK) fputs(text, stdout);
    us_text_release(context, text);
    cli_context_destroy(context);
    return code;
}

static int train_run(const cli_command *command, int argc, char **argv) {
    const char *data = NULL, *folder = NULL, *resume = NULL;
    us_run_config config = US_RUN_CONFIG_INIT;
    us_data_options *d = &config.data_options;
    bool json = false, quiet = false, precision_given = false;
    int task = 0, missing = 0, sampling = 0, precision = 0, watch = 0, unstick = 0;
    uint64_t accumulate = 1, threads = 1, categories = d->max_categories, window = d->window, stride = d->stride;
    const cli_option table[] = {
        {CLI_SECTION, "data", .help = ""},
        {CLI_TEXT, "--target", "COL", &d->target, "column to predict, by name or number (the last one)"},
        {CLI_CHOICE, "--task", "T", &task,
         "auto, regression, classification, or text: the next character is\npredicted (auto: by the target; "
         "a .txt that is no table is a text)",
         .choices = "auto|regression|classification|text"},
        {CLI_TEXT, "--drop", "COL,..", &d->drop, "columns to leave out"},
        {CLI_NUMBER, "--test-fraction", "F", &d->test_fraction, "share of rows kept for testing (0.2)", 0, 0.999},
        {CLI_CHOICE, "--missing", "HOW", &missing,
         "mean: missing numbers take the training mean (default);\ndrop: such rows are left out", .choices = "mean|drop"},
        {CLI_UNFLAG, "--no-standardize", NULL, &d->standardize, "leave features and target as they are"},
        {CLI_COUNT, "--max-categories", "N", &categories, "a text column with more levels is refused (100)", 1},
        {CLI_COUNT, "--context", "N", &window, "characters of a text that a row holds (64)", 1, 1e9},
        {CLI_COUNT, "--stride", "N", &stride, "characters from one training row to the next (as --context)", 1, 1e9},
        {CLI_SECTION, "model", .help = ""},
        {CLI_TEXT, "--model", "M", &config.model,
         "linear | mlp:128,64[:ACTIVATION] | 'conv 16 3x3 relu, pool 2x2,\ndense 64 relu' | 'formula: b1*(1-exp(-b2*x))'; "
         "help lists all layers"},
        {CLI_TEXT, "--start", "S", &config.start, "FILE.safetensors, or b1=500,b2=1e-4"},
        {CLI_TEXT, "--loss", "L", &config.loss,
         "half-mse | mse | mae | huber:1.5 | cross-entropy | .. (by the task);\nhelp lists them all"},
        {CLI_TEXT, "--init", "I", &config.init, "he | xavier | zero | normal:STD (by the model)"},
        {CLI_NUMBER, "--l2", "X", &config.l2, "adds X/2 |theta|^2 to the loss (0)", 0, HUGE_VAL},
        {CLI_SECTION, "descent", .help = ""},
        {CLI_TEXT, "--optimizer", "NAME", &config.optimizer,
         "update rule, such as sgd, momentum, adamw, muon,\nprodigy; `unstuck optimizers` lists them (adam)"},
        {CLI_TEXT, "--set", "beta1=0.9,..", &config.set, "hyperparameters of the rule"},
        {CLI_NUMBER, "--lr", "X", &config.learning_rate, "learning rate (the rule's own)", 0, HUGE_VAL, true},
        {CLI_TEXT, "--schedule", "S", &config.schedule,
         "how the rate changes: constant (default), cosine:STEPS, plateau:PATIENCE ..;\n`unstuck optimizers --schedules` "
         "lists them"},
        {CLI_COUNT, "--warmup", "STEPS", &config.warmup, "the rate grows from 0 over so many steps (0)"},
        {CLI_NUMBER, "--clip-norm", "X", &config.clip_norm, "longer gradients are scaled down to X (off)", 0, HUGE_VAL,
         true},
        {CLI_NUMBER, "--clip-value", "X", &config.clip_value, "elements of the gradient beyond X become X (off)", 0,
         HUGE_VAL, true},
        {CLI_NUMBER, "--weight-decay", "X", &config.weight_decay,
         "each step takes the share lr*X of the weights away, biases not (0)", 0, HUGE_VAL},
        {CLI_TEXT, "--average", "A", &config.average,
         "ema:DECAY | swa:FROM[:EVERY]: evaluates and stores an average of\nthe weights over steps (none)"},
        {CLI_SECTION, "batches", .help = ""},
        {CLI_BATCH, "--batch", "N|full", &config.batch, "rows a step (32; full for formulas)", 1},
        {CLI_COUNT, "--accumulate", "K", &accumulate, "batches whose mean gradient makes one step (1)", 1, 1000000},
        {CLI_CHOICE, "--sampling", "S", &sampling,
         "shuffle: a new order each epoch (default); replacement: each\nrow drawn anew", .choices = "shuffle|replacement"},
        {CLI_NUMBER, "--epochs", "N", &config.epochs, "passes over the data (10)", 0, HUGE_VAL, true},
        {CLI_COUNT, "--steps", "N", &config.steps, "steps, instead of epochs", 1},
        {CLI_NUMBER, "--seconds", "S", &config.seconds, "time, instead of epochs or beside them", 0, HUGE_VAL, true},
        {CLI_SECTION, "watching", .help = ""},
        {CLI_CHOICE, "--watch", "HOW", &watch, "off: nothing is measured while it trains (the only choice as yet)",
         .choices = "off"},
        {CLI_CHOICE, "--unstick", "HOW", &unstick,
         "off; advise: diagnoses the finished run, and tries remedies on copies\nwhen it is stuck (off)",
         .choices = "off|advise"},
        {CLI_SECTION, "run", .help = ""},
        {CLI_TEXT, "--run", "DIR", &folder, "a new folder for the run (runs/NAME-1)"},
        {CLI_TEXT, "--resume", "DIR", &resume, "goes on with an interrupted run (alone; --steps N adds steps)"},
        {CLI_COUNT, "--seed", "N", &config.seed, "of the split, the weights and the order of rows (1)"},
        {CLI_CHOICE, "--precision", "P", &precision, "f32 or f64 (f32; f64 for formulas)", .choices = "f32|f64",
         .given = &precision_given},
        {CLI_COUNT, "--threads", "N", &threads, "threads (1); the result does not depend on it", 1, 1024},
        {CLI_FLAG, "--json", NULL, &json, "one JSON object on standard output"},
        {CLI_FLAG, "--quiet", NULL, &quiet, "no progress and no messages"},
    };
    size_t given;
    int code = cli_parse(command, table, sizeof table / sizeof *table, argc, argv, &data, 0, 1, &given);
    if (code != CLI_GO_ON) return code;
    if (config.model && strcmp(config.model, "help") == 0) return train_help(command, us_model_help);
    if (config.loss && strcmp(config.loss, "help") == 0) return train_help(command, us_model_loss_help);
    if (!resume && !given) return cli_usage(command, "DATA is missing: a CSV or IDX file; --help tells more");
    if (resume && given)
        return cli_usage(command, "--resume goes on with the run's own data; '%s' is one argument too many", data);

    config.data = data;
    d->task = (us_task)task;
    d->missing = (us_missing)missing;
    d->max_categories = categories;
    d->window = window;
    d->stride = stride;
    d->seed = config.seed;
    config.sampling = (us_sampling)sampling;
    config.accumulate = accumulate;
    if (precision_given) config.precision = precision == 1 ? US_F64 : US_F32;

    us_context *context = cli_context(quiet, threads);
    if (!context) return CLI_FAILED;
    us_run *run = NULL;
    char *text = NULL, made[512];
    us_status status;
    if (resume) {
        status = us_run_open(&run, context, resume);
        if (status == US_OK && config.steps) status = us_run_extend(run, config.steps);
    } else {
        if (!folder) {
            code = train_folder(command, data, made, sizeof made);
            if (code != CLI_GO_ON) goto done;
            folder = made;
        }
        status = us_run_create(&run, context, folder, &config);
    }
    if (status != US_OK) {
        code = cli_error(command, context, status);
        goto done;
    }
    us_status ended = cli_run_advance(run, quiet);
    code = train_exit(command, context, ended);
    if (code != CLI_DONE && code != CLI_DIVERGED && code != CLI_INTERRUPTED) goto done;
    if (code == CLI_DIVERGED) fprintf(stderr, "unstuck train: diverged: %s\n", us_context_error(context));
    us_context_resume(context);
    if (unstick == 1 && code == CLI_DONE) code = train_advise(command, run, quiet, json);
    if (code != CLI_DONE && code != CLI_DIVERGED && code != CLI_INTERRUPTED) goto done;
    status = us_run_summary(run, NULL, &text);
    if (status != US_OK) {
        code = cli_error(command, context, status);
        goto done;
    }
    if (json) {
        printf("%s\n", text);
    } else if (!quiet) {
        json_t *summary = json_loads(text, 0, NULL);
        train_tell(run, ended, summary);
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
    "  unstuck train data.csv --model 'formula: a*exp(-b*t)' --target y --start a=1,b=0.1 --optimizer adam",
    train_run};
