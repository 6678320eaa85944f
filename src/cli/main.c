/* unstuck COMMAND [options] */
#include "cli.h"
#include <stdio.h>
#include <string.h>

static const cli_command *const commands[] = {
    &cli_train,      &cli_race, &cli_diagnose, &cli_unstick,   &cli_predict, &cli_critical, &cli_minimize,
    &cli_optimizers, &cli_runs, &cli_spectrum, &cli_landscape, &cli_lecture, &cli_report,   &cli_watch,
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void main_help(void) {
    printf("unstuck %s: trains models by gradient methods, and says why a training is stuck and what gets it going.\n\n"
           "usage: unstuck COMMAND [options]\n\n",
           US_VERSION_STRING);
    for (size_t i = 0; i < COMMANDS; i++)
        printf("  %-11s %-15s %s\n", commands[i]->name, commands[i]->arguments, commands[i]->line);
    printf(
        "\n`unstuck COMMAND --help` tells more. With --json a command prints exactly one JSON object on standard output.\n"
        "\nA first tour:\n"
        "  unstuck train housing.csv --target median_house_value    trains, and keeps the run in runs/housing-1\n"
        "  unstuck diagnose runs/housing-1                          why does it not improve?\n"
        "  unstuck unstick runs/housing-1                           takes the remedy that measurably helps\n"
        "  unstuck critical '(1-w1*w2)^2' --at w1=0,w2=0            what kind of point is this?\n"
        "\nExit status: 0 done, 1 failed while running, 2 wrong usage, 3 bad input, 4 diverged, 130 interrupted.\n");
}

/* Edit distance is the library's; here a shared beginning of two letters is near enough. */
static const char *main_nearest(const char *word) {
    for (size_t length = strlen(word); length >= 2; length--)
        for (size_t i = 0; i < COMMANDS; i++)
            if (strncmp(commands[i]->name, word, length) == 0) return commands[i]->name;
    return NULL;
}

int main(int argc, char **argv) {
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        main_help();
        return argc < 2 ? CLI_USAGE : CLI_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("unstuck %s\n", US_VERSION_STRING);
        return CLI_DONE;
    }
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i]->name) == 0)
            return cli_finish(commands[i], commands[i]->run(commands[i], argc - 2, argv + 2));
    const char *nearest = main_nearest(argv[1]);
    fprintf(stderr, "unstuck: there is no command '%s'%s%s%s; `unstuck --help` lists them\n", argv[1],
            nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'" : "");
    return CLI_USAGE;
}
