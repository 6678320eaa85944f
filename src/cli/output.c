/* What a person and a program see: styles, progress, JSON. */
#include "cli.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool cli_is_terminal(int fd) { return isatty(fd) == 1; }

cli_style cli_style_of(int fd) {
    const char *none = getenv("NO_COLOR"), *force = getenv("CLICOLOR_FORCE");
    if ((none && *none) || (!cli_is_terminal(fd) && !(force && *force))) return (cli_style){"", "", "", "", "", "", ""};
    return (cli_style){"\033[1m", "\033[2m", "\033[31m", "\033[32m", "\033[33m", "\033[36m", "\033[0m"};
}

void cli_duration(char *text, size_t size, double seconds) {
    if (!isfinite(seconds))
        snprintf(text, size, "?");
    else if (seconds < 10)
        snprintf(text, size, "%.1f s", seconds);
    else if (seconds < 60)
        snprintf(text, size, "%.0f s", seconds);
    else if (seconds < 3600)
        snprintf(text, size, "%d min %02d s", (int)seconds / 60, (int)seconds % 60);
    else
        snprintf(text, size, "%d h %02d min", (int)(seconds / 3600), (int)(seconds / 60) % 60);
}

/* Ends a text of UTF-8 after `most` characters; returns how many it has. */
static size_t output_cut(char *text, size_t most) {
    size_t width = 0;
    for (; *text; text++) {
        bool begins = ((unsigned char)*text & 0xc0) != 0x80;
        if (begins && width++ == most) break;
    }
    if (!*text) return width;
    *text = '\0';
    return most;
}

cli_progress cli_progress_start(bool quiet) {
    return (cli_progress){.quiet = quiet, .terminal = cli_is_terminal(STDERR_FILENO), .started = us_clock_now(), .last = -1};
}

static size_t output_columns(void) {
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

void cli_progress_show(cli_progress *progress, double share, const char *text, bool force) {
    if (progress->quiet) return;
    double now = us_clock_now();
    if (!progress->terminal) {
        /* No terminal: a line every tenth of the work, and not more than one a second. */
        int tenth = (int)floor(share * 10);
        if (!force && (tenth <= progress->last_tenth || now - progress->last < 1)) return;
        progress->last_tenth = tenth;
        progress->last = now;
        if (share >= 0)
            fprintf(stderr, "%3.0f %%  %s\n", 100 * share, text);
        else
            fprintf(stderr, "%s\n", text);
        return;
    }
    if (!force && now - progress->last < 0.1) return;
    progress->last = now;
    enum { BAR = 20 };
    char line[512];
    int n = 0;
    if (share >= 0) {
        int full = (int)lround(fmin(share, 1) * BAR);
        char bar[BAR * 3 + 1] = "";
        for (int i = 0; i < BAR; i++) strcat(bar, i < full ? "━" : "─");
        n = snprintf(line, sizeof line, "%s %3.0f %%  ", bar, 100 * fmin(share, 1));
    }
    snprintf(line + n, sizeof line - (size_t)n, "%s", text);
    size_t width = output_cut(line, output_columns() - 1); /* a line that wraps could not be written over */
    fprintf(stderr, "\r\033[K%s", line);
    fflush(stderr);
    progress->width = width;
}

void cli_progress_end(cli_progress *progress) {
    if (progress->terminal && progress->width) fprintf(stderr, "\r\033[K");
    progress->width = 0;
}

void cli_what_progress(void *user, const char *what, double share) { cli_progress_show(user, share, what, false); }

json_t *cli_real(double value) { return isfinite(value) ? json_real(value) : json_null(); }

const char *cli_shell(const char *word, char room[CLI_WORD]) {
    static const char PLAIN[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
    size_t used = 0;
    if (*word && *word != '-' && !word[strspn(word, PLAIN)]) return word;
    room[used++] = '\'';
    for (; *word && used + 6 < CLI_WORD; word++) {
        if (*word == '\'') memcpy(room + used, "'\\''", 3), used += 3; /* out of the quotes, and in again */
        room[used++] = *word;
    }
    room[used++] = '\'', room[used] = '\0';
    return room;
}

json_t *cli_text(const char *text) { return text ? json_string(text) : json_null(); }

int cli_print_json(json_t *object) {
    int failed = !object || json_dumpf(object, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(17) | JSON_PRESERVE_ORDER);
    json_decref(object);
    putchar('\n');
    return failed ? CLI_FAILED : CLI_DONE;
}

int cli_finish(const cli_command *command, int status) {
    if ((fflush(stdout) || ferror(stdout)) && errno != EPIPE) {
        fprintf(stderr, "unstuck %s: writing to standard output failed: %s\n", command->name, strerror(errno));
        return status == CLI_DONE ? CLI_FAILED : status;
    }
    return status;
}
