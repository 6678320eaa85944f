/* A page into a file. */
#include "cli.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int page_out(void *user, const char *text, size_t length) { return fwrite(text, 1, length, user) != length; }

int cli_page_check(const cli_command *command) {
    if (us_page_is_built()) return CLI_GO_ON;
    fprintf(
        stderr,
        "unstuck %s: this program was built without its page; install npm and build again with ./dev build. --json gives "
        "the data without it\n",
        command->name);
    return CLI_FAILED;
}

int cli_page_save(const cli_command *command, us_context *context, const char *path, const char *json, bool quiet) {
    char *page = NULL;
    size_t size = 0;
    bool out = strcmp(path, "-") == 0;
    FILE *file = out ? stdout : open_memstream(&page, &size);
    us_status status = file ? us_page_write(context, json, page_out, file) : US_ERR_NOMEM;
    if (!out && file && fclose(file) != 0 && status == US_OK) status = US_ERR_NOMEM;
    if (!out && status == US_OK) status = us_file_replace(context, path, page, size);
    free(page);
    if (status != US_OK) return cli_error(command, context, status);
    if (!out && !quiet) fprintf(stderr, "%s (%.1f MB): open it in a browser\n", path, (double)size / 1e6);
    return CLI_DONE;
}
