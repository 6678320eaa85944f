/* unstuck lecture: the lecture's pictures as computations that run now, on one page. */
#include "lecture.h"
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The command that makes an item, as a shell takes it. */
static void lecture_text(const lecture_item *item, char *text, size_t size) {
    const scape_formula *a = &item->ask;
    const struct {
        const char *option, *value;
    } options[] = {
        {"--box", a->box}, {"--at", a->at}, {"--start", a->start}, {"--optimizer", a->optimizers}, {"--lr", a->rates}};
    size_t used = (size_t)snprintf(text, size, "unstuck landscape '%s'", a->formula);
    for (size_t i = 0; i < sizeof options / sizeof *options && used < size; i++)
        if (options[i].value)
            used += (size_t)snprintf(text + used, size - used, " %s %s", options[i].option, options[i].value);
    if (a->optimizers && used < size)
        used += (size_t)snprintf(text + used, size - used, " --steps %llu", (unsigned long long)a->steps);
    if (used < size)
        snprintf(text + used, size - used, " --points %llu -o %s.html", (unsigned long long)a->points, item->name);
}

static int lecture_formula(const cli_command *command, us_context *context, const lecture_item *item, json_t *items) {
    char text[1024];
    scape s = {.context = context, .progress = cli_progress_start(true)};
    int code = scape_of_formula(&s, command, &item->ask);
    if (code == CLI_GO_ON) {
        us_status status = scape_compute(&s, NULL, NULL);
        code = status == US_OK ? CLI_DONE : cli_error(command, context, status);
    }
    if (code == CLI_DONE) {
        lecture_text(item, text, sizeof text);
        json_t *o =
            json_pack("{s:s,s:s,s:i,s:s}", "scene", item->scene, "name", item->name, "show", item->show, "command", text);
        json_object_set_new(o, "landscape", scape_json(&s));
        json_array_append_new(items, o);
    }
    scape_release(&s);
    return code;
}

static int lecture_all(const cli_command *command, us_context *context, const char *data, const char *work, bool quiet,
                       json_t *items) {
    cli_progress progress = cli_progress_start(quiet);
    size_t total = lecture_item_count + 2;
    int code = CLI_DONE;
    for (size_t i = 0; i < lecture_item_count && code == CLI_DONE; i++) {
        const lecture_item *item = &lecture_items[i];
        char text[96], left[32];
        double passed = us_clock_now() - progress.started;
        cli_duration(left, sizeof left, i ? passed * (double)(total - i) / (double)i : HUGE_VAL);
        snprintf(text, sizeof text, "%s: %s, about %s left", item->scene, item->name, left);
        cli_progress_show(&progress, (double)i / (double)total, text, false);
        code = lecture_formula(command, context, item, items);
    }
    cli_progress_show(&progress, (double)lecture_item_count / (double)total, "batches: training", true);
    if (code == CLI_DONE) code = lecture_batches(command, context, data, work, quiet, items);
    cli_progress_end(&progress);
    return code;
}

static int lecture_folder(const cli_command *command, const char *folder) {
    struct stat info;
    if (mkdir(folder, 0777) == 0 || (errno == EEXIST && stat(folder, &info) == 0 && S_ISDIR(info.st_mode))) return CLI_DONE;
    fprintf(stderr, "unstuck %s: --data: the folder %s can't be made: %s\n", command->name, folder, strerror(errno));
    return CLI_FAILED;
}

static int lecture_run(const cli_command *command, int argc, char **argv) {
    const char *page = NULL, *data = NULL, *temporary = getenv("TMPDIR");
    uint64_t threads = cli_processors();
    bool json = false, quiet = false;
    const cli_option table[] = {
        {CLI_TEXT, "-o", "FILE.html", &page, "the page (lecture.html; with --json: none)"},
        {CLI_TEXT, "--data", "FOLDER", &data, "keeps the data that the commands on the page train on: line.csv, waves.csv"},
        {CLI_COUNT, "--threads", "N", &threads, "threads (all processors)", 1, 1024},
        {CLI_FLAG, "--json", NULL, &json, "all that was computed as one JSON object on standard output"},
        {CLI_FLAG, "--quiet", NULL, &quiet, "no progress and no messages"},
    };
    size_t given;
    char work[PATH_MAX];
    int code = cli_parse(command, table, sizeof table / sizeof *table, argc, argv, NULL, 0, 0, &given);
    if (code != CLI_GO_ON) return code;
    if (!page && !json) page = "lecture.html";
    if (page && (code = cli_page_check(command)) != CLI_GO_ON) return code;
    if (data && (code = lecture_folder(command, data)) != CLI_DONE) return code;
    us_context *context = cli_context(true, threads); /* what races say of their data is no part of the lecture */
    if (!context) return CLI_FAILED;
    snprintf(work, sizeof work, "%s/unstuck-lecture-XXXXXX", temporary ? temporary : "/tmp");
    if (!mkdtemp(work)) {
        fprintf(stderr, "unstuck lecture: a folder for its runs can't be made in %s: %s\n", temporary ? temporary : "/tmp",
                strerror(errno));
        cli_context_destroy(context);
        return CLI_FAILED;
    }
    double began = us_clock_now();
    json_t *items = json_array();
    code = lecture_all(command, context, data ? data : work, work, quiet, items);
    if (code == CLI_DONE) {
        double seconds = us_clock_now() - began;
        size_t count = json_array_size(items);
        json_t *lecture = json_pack("{s:s,s:f,s:o}", "kind", "lecture", "seconds", seconds, "items", json_incref(items));
        if (page) code = scape_page(command, context, page, json_incref(lecture));
        if (code == CLI_DONE && json) code = cli_print_json(json_incref(lecture));
        if (code == CLI_DONE && page && !json)
            printf("%zu computations in %.1f s; page written to %s\n", count, seconds, page);
        json_decref(lecture);
    }
    json_decref(items);
    char path[PATH_MAX + 16];
    if (!data) {
        snprintf(path, sizeof path, "%s/line.csv", work);
        unlink(path);
        snprintf(path, sizeof path, "%s/waves.csv", work);
        unlink(path);
    }
    rmdir(work);
    cli_context_destroy(context);
    return code;
}

const cli_command cli_lecture = {
    "lecture", "", "the lecture's pictures as real computations, on one page",
    "Runs the pictures of the lecture on stuck trainings as real computations, in some seconds, and puts them on one page\n"
    "for a class, in English and Chinese, each with the command that makes it: losses that look alike, minimum and\n"
    "saddle and what one more dimension does to them, plateau, saddle and minimum on one curve, batches and their size,\n"
    "the ball and momentum, rates that bounce and crawl, Adagrad, RMSProp, momentum and Adam in the same valley.\n"
    "docs/lecture.md walks through them in the terminal.\n"
    "\n"
    "  unstuck lecture -o lecture.html\n"
    "  unstuck lecture --data . -o lecture.html        keeps the data for the commands on batches",
    lecture_run};
