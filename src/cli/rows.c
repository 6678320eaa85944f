/* --rows: how many training rows a measurement is over. */
#include "cli.h"
#include <stdlib.h>
#include <string.h>

enum { ROWS_CHARACTERS = 4096 };

size_t cli_rows_bound(const us_run *run) {
    const us_dataset *train = us_data_train(us_run_data(run));
    size_t all = us_dataset_rows(train), most = ROWS_CHARACTERS / us_dataset_positions(train);
    if (!us_dataset_has_windows(train) || all <= most) return all;
    return most ? most : 1;
}

int cli_rows(const cli_command *command, const char *text, const us_run *run, size_t *rows) {
    size_t all = us_dataset_rows(us_data_train(us_run_data(run)));
    char *end = NULL;
    *rows = text ? all : cli_rows_bound(run);
    if (!text || strcmp(text, "all") == 0) return CLI_GO_ON;
    unsigned long long wanted = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || wanted == 0)
        return cli_usage(command, "--rows is '%s'; it must be a count from 1, or all", text);
    if (wanted < all) *rows = (size_t)wanted;
    return CLI_GO_ON;
}
