/* The options of a training, which train and race have in common. */
#ifndef US_CLI_TRAIN_OPTIONS_H
#define US_CLI_TRAIN_OPTIONS_H

#include "cli.h"

enum { CLI_TRAINING_OPTIONS = 48 }; /* at most */

/* What they are read into. */
typedef struct cli_training {
    us_run_config config;
    int task, missing, sampling, precision;
    bool precision_given, keep_path_given;
    uint64_t accumulate, threads, categories, window, stride, keep_path;
} cli_training;

/* Sets defaults, and writes the table's rows that read into it. Returns how many. */
size_t cli_training_options(cli_training *training, cli_option *to /* [CLI_TRAINING_OPTIONS] */);
/* Puts all that was read into the config. */
void cli_training_take(cli_training *training, const char *data);
/* Where --model help or --loss help was asked for: prints it, and returns the exit status; else CLI_GO_ON. */
int cli_training_help(const cli_command *command, const us_run_config *config);
/* PARENT/NAME-1 by the name of the data, or the first number that is free. Returns CLI_GO_ON or the status to end with. */
int cli_training_folder(const cli_command *command, const char *parent, const char *data, const char *option,
                        char folder[512]);

#endif
