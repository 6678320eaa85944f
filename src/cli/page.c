/* A page into a file. */
#include "cli.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int page_out(void *user, const char *text, size_t length) { return fwrite(text, 1, length, user) != length; }

static int page_told(const cli_command *command, const char *path) {
    fprintf(stderr, "unstuck %s: %s can't be written: %s\n", command->name, path, strerror(errno));
    return CLI_FAILED;
}

int cli_page_save(const cli_command *command, us_context *context, const char *path, const char *json, bool quiet) {
    if (strcmp(path, "-") == 0) {
        us_status status = us_page_write(context, json, page_out, stdout);
        return status == US_OK ? CLI_DONE : (cli_error(command, context, status), CLI_FAILED);
    }
    char *beside = malloc(strlen(path) + 32);
    if (!beside) return CLI_FAILED;
    sprintf(beside, "%s.part-%ld", path, (long)getpid());
    FILE *file = fopen(beside, "wb");
    int code = file ? CLI_DONE : page_told(command, path);
    if (file) {
        us_status status = us_page_write(context, json, page_out, file);
        long size = ftell(file);
        bool written = fflush(file) == 0 && fsync(fileno(file)) == 0;
        written = fclose(file) == 0 && written;
        if (status != US_OK && status != US_ERR_IO)
            cli_error(command, context, status), code = CLI_FAILED;
        else if (status != US_OK || !written || rename(beside, path) != 0)
            code = page_told(command, path);
        else if (!quiet)
            fprintf(stderr, "%s (%.1f MB): open it in a browser\n", path, (double)size / 1e6);
        if (code != CLI_DONE) unlink(beside);
    }
    free(beside);
    return code;
}
