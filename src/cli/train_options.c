/* The options of a training, which train and race have in common. */
#include "train_options.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

size_t cli_training_options(cli_training *t, cli_option *to) {
    *t = (cli_training){.config = US_RUN_CONFIG_INIT, .accumulate = 1, .threads = cli_processors()};
    us_data_options *d = &t->config.data_options;
    t->categories = d->max_categories;
    t->window = d->window;
    t->stride = d->stride;
    const cli_option table[] = {
        {CLI_SECTION, "data", .help = ""},
        {CLI_TEXT, "--target", "COL", &d->target, "column to predict, by name or number (the last one)"},
        {CLI_CHOICE, "--task", "T", &t->task,
         "auto, regression, classification, or text: the next character is\npredicted (auto: by the target; "
         "a .txt that is no table is a text)",
         .choices = "auto|regression|classification|text"},
        {CLI_TEXT, "--drop", "COL,..", &d->drop, "columns to leave out"},
        {CLI_NUMBER, "--test-fraction", "F", &d->test_fraction, "share of rows kept for testing (0.2)", 0, 0.999},
        {CLI_CHOICE, "--missing", "HOW", &t->missing,
         "mean: missing numbers take the training mean (default);\ndrop: such rows are left out", .choices = "mean|drop"},
        {CLI_UNFLAG, "--no-standardize", NULL, &d->standardize, "leave features and target as they are"},
        {CLI_COUNT, "--max-categories", "N", &t->categories, "a text column with more levels is refused (100)", 1},
        {CLI_COUNT, "--context", "N", &t->window, "characters of a text that a row holds (64)", 1, 1e9},
        {CLI_COUNT, "--stride", "N", &t->stride, "characters from one training row to the next (as --context)", 1, 1e9},
        {CLI_SECTION, "model", .help = ""},
        {CLI_TEXT, "--model", "M", &t->config.model,
         "linear | mlp:128,64[:ACTIVATION] | 'conv 16 3x3 relu, pool 2x2,\ndense 64 relu' | 'formula: b1*(1-exp(-b2*x))'; "
         "help lists all layers"},
        {CLI_TEXT, "--start", "S", &t->config.start, "FILE.safetensors, or b1=500,b2=1e-4"},
        {CLI_TEXT, "--loss", "L", &t->config.loss,
         "half-mse | mse | mae | huber:1.5 | cross-entropy | .. (by the task);\nhelp lists them all"},
        {CLI_TEXT, "--init", "I", &t->config.init, "he | xavier | zero | normal:STD (by the model)"},
        {CLI_NUMBER, "--l2", "X", &t->config.l2, "adds X/2 |theta|^2 to the loss (0)", 0, HUGE_VAL},
        {CLI_SECTION, "descent", .help = ""},
        {CLI_TEXT, "--optimizer", "NAME", &t->config.optimizer,
         "update rule, such as sgd, momentum, adamw, muon, prodigy, or\nsolver; `unstuck optimizers` lists them (adam; "
         "trust-region\nfor formulas)"},
        {CLI_TEXT, "--set", "beta1=0.9,..", &t->config.set, "hyperparameters of the rule"},
        {CLI_RATE, "--lr", "X|auto", &t->config.learning_rate,
         "learning rate (the rule's own); auto: measured at the start, from the\nsharpness and the critical rate", 0,
         HUGE_VAL, true},
        {CLI_TEXT, "--schedule", "S", &t->config.schedule,
         "how the rate changes: constant (default), cosine:STEPS, plateau:PATIENCE ..;\n`unstuck optimizers --schedules` "
         "lists them"},
        {CLI_COUNT, "--warmup", "STEPS", &t->config.warmup, "the rate grows from 0 over so many steps (0)"},
        {CLI_NUMBER, "--clip-norm", "X", &t->config.clip_norm, "longer gradients are scaled down to X (off)", 0, HUGE_VAL,
         true},
        {CLI_NUMBER, "--clip-value", "X", &t->config.clip_value, "elements of the gradient beyond X become X (off)", 0,
         HUGE_VAL, true},
        {CLI_NUMBER, "--weight-decay", "X", &t->config.weight_decay,
         "each step takes the share lr*X of the weights away, beside the rule (0)", 0, HUGE_VAL},
        {CLI_TEXT, "--decay-groups", "P,..", &t->config.decay_groups,
         "names of groups that decay, such as '*.weight,layer1.*' (those of two\naxes or more: weights, not biases)"},
        {CLI_TEXT, "--average", "A", &t->config.average,
         "ema:DECAY | swa:FROM[:EVERY]: evaluates and stores an average of\nthe weights over steps (none)"},
        {CLI_SECTION, "batches", .help = ""},
        {CLI_BATCH, "--batch", "N|full", &t->config.batch, "rows a step (32; full for formulas)", 1},
        {CLI_COUNT, "--accumulate", "K", &t->accumulate, "batches whose mean gradient makes one step (1)", 1, 1000000},
        {CLI_CHOICE, "--sampling", "S", &t->sampling,
         "shuffle: a new order each epoch (default); replacement: each\nrow drawn anew", .choices = "shuffle|replacement"},
        {CLI_NUMBER, "--epochs", "N", &t->config.epochs, "passes over the data (10)", 0, HUGE_VAL, true},
        {CLI_COUNT, "--steps", "N", &t->config.steps, "steps, instead of epochs", 1},
        {CLI_NUMBER, "--seconds", "S", &t->config.seconds, "time, instead of epochs or beside them", 0, HUGE_VAL, true},
        {CLI_COUNT, "--keep-path", "N", &t->keep_path,
         "keeps N places of the way that the training takes, for `unstuck\nlandscape`; 0: none (64, fewer of large models; "
         "of a race: none)",
         0, 100000, .given = &t->keep_path_given},
        {CLI_SECTION, "numbers", .help = ""},
        {CLI_COUNT, "--seed", "N", &t->config.seed, "of the split, the weights and the order of rows (1)"},
        {CLI_CHOICE, "--precision", "P", &t->precision, "f32 or f64 (f32; f64 for formulas)", .choices = "f32|f64",
         .given = &t->precision_given},
        {CLI_COUNT, "--threads", "N", &t->threads, "threads (all processors); the result does not depend on it", 1, 1024},
    };
    _Static_assert(sizeof table <= CLI_TRAINING_OPTIONS * sizeof *table, "CLI_TRAINING_OPTIONS is too small");
    memcpy(to, table, sizeof table);
    return sizeof table / sizeof *table;
}

void cli_training_take(cli_training *t, const char *data) {
    us_run_config *c = &t->config;
    us_data_options *d = &c->data_options;
    c->data = data;
    c->learning_rate_auto = c->learning_rate < 0;
    if (c->learning_rate_auto) c->learning_rate = 0;
    d->task = (us_task)t->task;
    d->missing = (us_missing)t->missing;
    d->max_categories = t->categories;
    d->window = t->window;
    d->stride = t->stride;
    d->seed = c->seed;
    c->sampling = (us_sampling)t->sampling;
    c->accumulate = t->accumulate;
    if (t->keep_path_given) c->keep_path = t->keep_path;
    if (t->precision_given) c->precision = t->precision == 1 ? US_F64 : US_F32;
}

/* Prints a text of the library, such as all layers. */
static int train_options_print(const cli_command *command, us_status (*help)(us_context *context, char **text)) {
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

int cli_training_help(const cli_command *command, const us_run_config *config) {
    if (config->model && strcmp(config->model, "help") == 0) return train_options_print(command, us_model_help);
    if (config->loss && strcmp(config->loss, "help") == 0) return train_options_print(command, us_model_loss_help);
    return CLI_GO_ON;
}

int cli_training_folder(const cli_command *command, const char *parent, const char *data, const char *option,
                        char folder[512]) {
    const char *slash = strrchr(data, '/'), *name = slash ? slash + 1 : data;
    int length = (int)strcspn(name, ".");
    if (mkdir(parent, 0777) != 0 && access(parent, W_OK) != 0)
        return cli_usage(command, "the folder %s/ can't be made here; name one with %s DIR", parent, option);
    for (int k = 1; k < 100000; k++) {
        snprintf(folder, 512, "%s/%.*s-%d", parent, length ? length : 3, length ? name : "run", k);
        if (access(folder, F_OK) != 0) return CLI_GO_ON;
    }
    return cli_usage(command, "%s/ is full; name a folder with %s DIR", parent, option);
}
