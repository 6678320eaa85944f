/* unstuck diagnose --log FILE. */
#ifndef US_CLI_DIAGNOSE_LOG_H
#define US_CLI_DIAGNOSE_LOG_H

#include "cli.h"

int cli_diagnose_log(const cli_command *command, us_context *context, const char *path, bool json);

#endif
