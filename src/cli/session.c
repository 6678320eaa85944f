/* The context of a command: messages, Ctrl-C, errors. */
#include "cli.h"
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

/* A signal handler can reach nothing but a global. */
static us_context *session_context;
static volatile sig_atomic_t session_signals;
static volatile sig_atomic_t session_late; /* the deadline is over */

static void session_signal(int number) {
    (void)number;
    if (session_signals++) _exit(CLI_INTERRUPTED);
    if (session_context) us_context_cancel(session_context);
}

static void session_alarm(int number) {
    (void)number;
    session_late = 1;
    if (session_context) us_context_cancel(session_context);
}

void cli_deadline_set(double seconds) {
    struct sigaction action = {.sa_handler = session_alarm, .sa_flags = SA_RESTART};
    double whole = floor(fmin(fmax(seconds, 1e-3), 1e8)), part = fmin(fmax(seconds, 1e-3), 1e8) - whole;
    struct itimerval timer = {.it_value = {(time_t)whole, (suseconds_t)(part * 1e6)}};
    session_late = 0;
    sigemptyset(&action.sa_mask);
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
}

bool cli_deadline_end(us_context *context) {
    struct itimerval none = {.it_value = {0, 0}};
    setitimer(ITIMER_REAL, &none, NULL);
    bool late = session_late;
    session_late = 0;
    if (late && !session_signals) us_context_resume(context);
    return late && !session_signals;
}

static void session_log(void *user, us_log_level level, const char *text) {
    (void)user;
    cli_style style = cli_style_of(STDERR_FILENO);
    fprintf(stderr, "%s%s%s%s\n", level == US_LOG_WARNING ? style.yellow : style.dim,
            level == US_LOG_WARNING ? "warning: " : "", text, style.reset);
}

uint64_t cli_processors(void) {
    cpu_set_t set; /* of 1024 at most: beyond, the call fails */
    long count = sched_getaffinity(0, sizeof set, &set) ? sysconf(_SC_NPROCESSORS_ONLN) : CPU_COUNT(&set);
    return count < 1 ? 1 : count > 64 ? 64 : (uint64_t)count;
}

us_context *cli_context(bool quiet, uint64_t threads) {
    us_context_options options = US_CONTEXT_OPTIONS_INIT;
    options.threads = (int)threads;
    if (!quiet) options.log = session_log;
    if (us_context_create(&session_context, &options) != US_OK) {
        fprintf(stderr, "unstuck: out of memory\n");
        return NULL;
    }
    struct sigaction action = {.sa_handler = session_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    return session_context;
}

void cli_context_destroy(us_context *context) {
    session_context = NULL;
    us_context_destroy(context);
}

int cli_error(const cli_command *command, us_context *context, us_status status) {
    if (status == US_INTERRUPTED) {
        if (!session_late || session_signals) fprintf(stderr, "unstuck %s: interrupted\n", command->name);
        return CLI_INTERRUPTED;
    }
    const char *text = us_context_error(context);
    fprintf(stderr, "unstuck %s: %s\n", command->name, *text ? text : us_status_meaning(status));
    switch (status) {
    case US_ERR_ARGUMENT:
    case US_ERR_EXISTS:
    case US_NOT_FOUND:
        return CLI_USAGE;
    case US_ERR_INPUT:
    case US_ERR_SHAPE:
        return CLI_INPUT;
    default:
        return CLI_FAILED;
    }
}
