#include "race_table.h"
#include "curve.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

race_table race_table_start(bool quiet) { return (race_table){.quiet = quiet, .terminal = cli_is_terminal(STDERR_FILENO)}; }

static const char *table_batch(char text[24], size_t batch) {
    if (batch == 0) return "full";
    snprintf(text, 24, "%zu", batch);
    return text;
}

static double table_loss(const us_race_arm *arm) {
    return arm->state == US_ARM_DIVERGED || arm->look_count == 0 ? HUGE_VAL : arm->looks[arm->look_count - 1].loss;
}

/* ------------------------------------------------------------------ live */

static bool table_ended(const us_race_arm *arm) { return arm->state > US_ARM_RUNNING; }

/* No terminal: a line for each arm when it has ended. */
static void table_lines(race_table *t, const us_race_arm *arms, size_t count) {
    if (!t->ended) t->ended = calloc(count, sizeof *t->ended);
    for (size_t i = 0; t->ended && i < count; i++) {
        if (t->ended[i] || !table_ended(&arms[i])) continue;
        t->ended[i] = true;
        if (arms[i].look_count == 0) continue; /* it never began */
        const us_race_look *last = &arms[i].looks[arms[i].look_count - 1];
        fprintf(stderr, "%-32s %-11s step %llu  loss %.6g\n", arms[i].name, us_arm_state_name(arms[i].state),
                (unsigned long long)last->step, last->loss);
    }
}

typedef struct table_row {
    const us_race_arm *arm;
    double loss;
} table_row;

static int table_order(const void *a, const void *b) {
    const table_row *x = a, *y = b;
    if (x->loss != y->loss) return x->loss < y->loss ? -1 : 1;
    return (x->arm > y->arm) - (x->arm < y->arm);
}

enum { TABLE_CURVE = 10 };

/* The losses that were looked at, as a small curve. */
static void table_curve(char text[3 * TABLE_CURVE + 1], const us_race_arm *arm) {
    cli_curve curve = {0};
    for (size_t i = 0; i < arm->look_count; i++) cli_curve_add(&curve, arm->looks[i].loss);
    cli_curve_line(&curve, TABLE_CURVE, text);
}

/* A terminal: the lowest arms, written over. */
static void table_draw(race_table *t, const us_race_arm *arms, size_t count) {
    struct winsize size;
    bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 6;
    size_t most = known ? (size_t)size.ws_row - 4 : 20, done = 0;
    table_row *rows = malloc(count * sizeof *rows);
    if (!rows) return;
    for (size_t i = 0; i < count; i++) {
        rows[i] = (table_row){&arms[i], table_loss(&arms[i])};
        done += table_ended(&arms[i]);
    }
    qsort(rows, count, sizeof *rows, table_order);
    if (most > count) most = count;
    cli_style s = cli_style_of(STDERR_FILENO);
    if (t->lines) fprintf(stderr, "\033[%zuA", t->lines);
    fprintf(stderr, "\r\033[J%s%-32s %-11s %10s %12s%s\n", s.bold, "arm", "", "step", "loss", s.reset);
    for (size_t i = 0; i < most; i++) {
        const us_race_arm *arm = rows[i].arm;
        const us_race_look *last = arm->look_count ? &arm->looks[arm->look_count - 1] : NULL;
        const char *colour = arm->state == US_ARM_DIVERGED ? s.red : arm->state == US_ARM_RUNNING ? s.cyan : s.dim;
        char curve[3 * TABLE_CURVE + 1];
        table_curve(curve, arm);
        fprintf(stderr, "%-32.32s %s%-11s%s %10llu ", arm->name, colour, us_arm_state_name(arm->state), s.reset,
                (unsigned long long)(last ? last->step : 0));
        if (last)
            fprintf(stderr, "%12.6g %s\n", last->loss, curve);
        else
            fprintf(stderr, "%12s\n", "-");
    }
    fprintf(stderr, "%s%zu of %zu arms have ended%s\n", s.dim, done, count, s.reset);
    fflush(stderr);
    t->lines = most + 2;
    free(rows);
}

void race_table_show(void *user, const us_race *race) {
    race_table *t = user;
    size_t count;
    if (t->quiet) return;
    const us_race_arm *arms = us_race_arms(race, &count);
    if (t->terminal)
        table_draw(t, arms, count);
    else
        table_lines(t, arms, count);
}

void race_table_end(race_table *t) {
    if (t->terminal && t->lines) fprintf(stderr, "\033[%zuA\r\033[J", t->lines);
    free(t->ended);
    t->ended = NULL;
}

/* ------------------------------------------------------------------ the ranking */

/* "diverged (2 of 3 seeds)", "stopped at step 40". */
static void table_word(char *text, size_t size, const us_race_arm *arms, size_t seeds, const us_race_place *p) {
    text[0] = '\0';
    const us_race_arm *first = &arms[p->entry * seeds];
    if (p->diverged && seeds > 1)
        snprintf(text, size, "  diverged (%zu of %zu seeds)", p->diverged, seeds);
    else if (p->diverged && first->look_count)
        snprintf(text, size, "  diverged after step %llu", (unsigned long long)first->looks[first->look_count - 1].step);
    else if (p->diverged)
        snprintf(text, size, "  diverged");
    else if (p->stopped && first->look_count)
        snprintf(text, size, "  stopped at step %llu", (unsigned long long)first->looks[first->look_count - 1].step);
    else if (first->state == US_ARM_INTERRUPTED)
        snprintf(text, size, "  interrupted");
    else if (first->look_count && isfinite(p->median) && p->median > first->looks[0].loss)
        snprintf(text, size, "  above its start");
}

static int table_by_size(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* "13 steps, 1.2 ms": what an epoch takes, in CPU time of training; the median of the seeds that trained. */
static void table_epoch(char *text, size_t size, const us_race *race, const us_race_arm *arms, size_t seeds) {
    double *times = calloc(seeds, sizeof *times), rows = (double)us_race_samples(race), steps = 0;
    size_t count = 0;
    for (size_t i = 0; times && i < seeds; i++) {
        const us_race_look *last = arms[i].look_count ? &arms[i].looks[arms[i].look_count - 1] : NULL;
        if (!last || last->samples == 0) continue;
        times[count++] = last->seconds / (double)last->samples * rows;
        steps = (double)last->step / (double)last->samples * rows;
    }
    text[0] = '\0';
    if (count > 0) {
        qsort(times, count, sizeof *times, table_by_size);
        double time = times[count / 2];
        snprintf(text, size, "  %8.0f %9.3g %s", ceil(steps - 0.01), time < 1 ? 1000 * time : time, time < 1 ? "ms" : "s");
    }
    free(times);
}

static void table_rank(const us_race *race, us_race_by by, us_race_place *places, const us_race_arm *arms, size_t seeds,
                       bool halving) {
    cli_style s = cli_style_of(STDOUT_FILENO);
    double at;
    us_race_rank(race, by, places, &at);
    if (halving)
        printf("\n%ssuccessive halving%s: of those that were stopped, the loss where they were\n", s.bold, s.reset);
    else if (by == US_RACE_BY_TIME)
        printf("\n%sin equal time%s: %.3g s of CPU time each\n", s.bold, s.reset, at);
    else
        printf("\n%sin equal %s%s: %.0f each\n", s.bold, us_race_by_name(by), s.reset, at);
    /* An epoch is equal samples, too: how many steps and how much time it takes depends on the batch. */
    bool epochs = by == US_RACE_BY_SAMPLES;
    printf("  %s   %-20s %8s %7s %12s%s%s%s\n", s.dim, "optimizer", "lr", "batch", seeds > 1 ? "median loss" : "loss",
           seeds > 1 ? "        least         most" : "", epochs ? "  an epoch: steps, time" : "", s.reset);
    for (size_t i = 0; i < us_race_entries(race); i++) {
        const us_race_place *p = &places[i];
        const us_race_arm *arm = &arms[p->entry * seeds];
        char batch[24], word[96], loss[24] = "-", epoch[48] = "";
        if (epochs) table_epoch(epoch, sizeof epoch, race, arm, seeds);
        table_word(word, sizeof word, arms, seeds, p);
        if (isfinite(p->median)) snprintf(loss, sizeof loss, "%.6g", p->median);
        printf("%4zu %-20s %8g %7s %s%12s%s", i + 1, arm->optimizer, arm->learning_rate, table_batch(batch, arm->batch),
               i == 0 ? s.green : "", loss, s.reset);
        if (seeds > 1) printf(" %12.6g %12.6g", p->least, p->most);
        printf("%s%s%s%s\n", epoch, p->diverged ? s.red : s.dim, word, s.reset);
    }
}

void race_table_print(const us_race *race, bool halving) {
    size_t count, entries = us_race_entries(race);
    const us_race_arm *arms = us_race_arms(race, &count);
    us_race_place *places = malloc(entries * sizeof *places);
    if (!places) return;
    printf("%zu entries, %zu arms; the loss is that over all training rows, as trained\n", entries, count);
    /* After halving one ranking says it all: where the last ones end, which only --seconds tells in seconds. */
    int last = halving && arms[0].steps_planned != UINT64_MAX ? US_RACE_BY_STEPS : US_RACE_BY_TIME;
    for (int by = halving ? last : US_RACE_BY_STEPS; by <= last; by++)
        table_rank(race, (us_race_by)by, places, arms, count / entries, halving);
    char path[4096], room[CLI_WORD];
    snprintf(path, sizeof path, "%s/%s", us_race_folder(race), arms[places[0].entry * (count / entries)].name);
    printf("\nkept in %s; why does an arm not get lower? unstuck diagnose %s\n", us_race_folder(race),
           cli_shell(path, room));
    free(places);
}
