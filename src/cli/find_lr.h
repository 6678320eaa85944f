/* train --find-lr: which learning rates a training bears. */
#ifndef US_CLI_FIND_LR_H
#define US_CLI_FIND_LR_H

#include "train_options.h"

/* Tries ever higher rates on what the options describe, and shows the curve and a suggestion; makes no run. Returns the
 * status to end with. */
int cli_find_lr(const cli_command *command, const cli_training *training, bool quiet, bool json);

#endif
