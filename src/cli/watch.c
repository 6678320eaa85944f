/* unstuck watch RUN...: the page of report, which follows the training. */
#include "cli.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { WATCH_RUNS = 64 };

static int watch_run(const cli_command *command, int argc, char **argv) {
    const char *folders[WATCH_RUNS], *bind = "127.0.0.1";
    bool json = false, quiet = false, port_given = false;
    uint64_t port = 0;
    us_live_options options = US_LIVE_OPTIONS_INIT;
    const cli_option table[] = {
        {CLI_COUNT, "--port", "N", &port, "of the page; 0 takes any that is free (the first free one from 8421)", 0, 65535,
         false, NULL, &port_given},
        {CLI_TEXT, "--bind", "ADDRESS", &bind,
         "who may look: 127.0.0.1 (so it is) this machine alone, 0.0.0.0 everybody\nwho reaches it; nothing is encrypted"},
        {CLI_NUMBER, "--seconds", "S", &options.seconds, "between two looks for what is new, at least (1)", 0.1, 3600},
        {CLI_FLAG, "--json", NULL, &json, "prints {\"url\",\"port\"} on standard output once it serves"},
        {CLI_FLAG, "--quiet", NULL, &quiet, "no messages"},
    };
    size_t count;
    int code = cli_parse(command, table, sizeof table / sizeof *table, argc, argv, folders, 1, WATCH_RUNS, &count);
    if (code != CLI_GO_ON) return code;
    us_context *context = cli_context(quiet, 1);
    if (!context) return CLI_FAILED;
    us_live *live = NULL;
    options.bind = bind;
    if (port_given) options.port = (int)port;
    us_status status = us_live_start(&live, context, folders, count, &options);
    if (status == US_OK) {
        char url[128];
        snprintf(url, sizeof url, strchr(bind, ':') ? "http://[%s]:%d/" : "http://%s:%d/", bind, us_live_port(live));
        code = json ? cli_print_json(json_pack("{s:s,s:i}", "url", url, "port", us_live_port(live))) : CLI_DONE;
        fflush(stdout);
        if (!quiet) fprintf(stderr, "%s shows %s; Ctrl-C ends it\n", url, count == 1 ? folders[0] : "the runs");
        while (!us_context_cancelled(context)) nanosleep(&(struct timespec){0, 50000000}, NULL);
        us_live_stop(live);
    } else
        code =
            status == US_NOT_FOUND ? (cli_error(command, context, status), CLI_FAILED) : cli_error(command, context, status);
    cli_context_destroy(context);
    return code;
}

const cli_command cli_watch = {
    "watch", "RUN...", "shows runs on a page that follows while they train",
    "Serves the page of `unstuck report` on this machine until Ctrl-C, and keeps it up to date while a training writes its\n"
    "log. It only reads: a training is not slowed down or changed, and a run that is killed stays in view. Only this\n"
    "machine is served, unless --bind says otherwise.\n"
    "\n"
    "  unstuck train housing.csv --run runs/net-1 &\n"
    "  unstuck watch runs/net-1",
    watch_run};
