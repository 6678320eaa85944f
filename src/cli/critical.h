/* What the two files of `unstuck critical` share. */
#ifndef US_CLI_CRITICAL_H
#define US_CLI_CRITICAL_H

#include "cli.h"

/* What a kind of point means, and the color that it is told in. */
const char *cli_point_meaning(const us_point *point);
const char *cli_point_color(const cli_style *style, us_kind kind);

typedef struct cli_critical_options {
    const char *save; /* file for the point's parameters, or NULL */
    uint64_t products;
    double tolerance, seconds, reach; /* seconds 0: no limit */
    bool json, quiet;
} cli_critical_options;

/* The critical point nearest to where a run stands. Returns the exit status. */
int cli_critical_of_run(const cli_command *command, const char *folder, const cli_critical_options *options);

#endif
