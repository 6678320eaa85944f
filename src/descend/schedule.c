/* The learning rate over steps, as a factor on the base rate; t counts from 1.
 *
 *   constant      1
 *   exp:R         R^(t−1)
 *   step:EVERY:R  R^⌊(t−1)/EVERY⌋
 *   cosine:STEPS  ½ (1 + cos π(t−1)/STEPS), then 0       (Loshchilov & Hutter 2017, ICLR, eq. (5), without restarts)
 *   inverse-sqrt  1/√t                                   (the lecture's decay; Zinkevich 2003, ICML)
 *
 * Warm-up multiplies it by min(1, t/warmup). */
#include "data/number.h"
#include "descend/descend.h"
#include <math.h>
#include <string.h>

typedef enum schedule_kind {
    SCHEDULE_CONSTANT,
    SCHEDULE_EXP,
    SCHEDULE_STEP,
    SCHEDULE_COSINE,
    SCHEDULE_INVERSE_SQRT
} schedule_kind;

static const struct {
    const char *name, *usage;
    int numbers; /* after the name */
    bool first_is_count;
    schedule_kind kind;
} schedule_table[] = {
    {"constant", "constant", 0, false, SCHEDULE_CONSTANT},
    {"exp", "exp:R, with R > 0", 1, false, SCHEDULE_EXP},
    {"step", "step:EVERY:R, with EVERY a whole number of steps and R > 0", 2, true, SCHEDULE_STEP},
    {"cosine", "cosine:STEPS, with STEPS a whole number", 1, true, SCHEDULE_COSINE},
    {"inverse-sqrt", "inverse-sqrt", 0, false, SCHEDULE_INVERSE_SQRT},
};
enum { SCHEDULE_COUNT = sizeof schedule_table / sizeof *schedule_table };

/* Reads ":number" `count` times to the end of the text. */
static bool schedule_numbers(const char *text, int count, bool first_is_count, double numbers[2]) {
    for (int i = 0; i < count; i++) {
        if (*text++ != ':') return false;
        size_t length = strcspn(text, ":");
        if (!us__number_whole(text, length, &numbers[i]) || !(numbers[i] > 0) || !isfinite(numbers[i])) return false;
        if (i == 0 && first_is_count && (numbers[i] != floor(numbers[i]) || numbers[i] > 0x1p53)) return false;
        text += length;
    }
    return *text == '\0';
}

us_status us_schedule_parse(us_context *context, const char *text, uint64_t warmup, us_schedule *out) {
    *out = (us_schedule){.text = "constant", .kind = SCHEDULE_CONSTANT, .warmup = warmup};
    if (strlen(text) >= sizeof out->text)
        return us__fail(context, US_ERR_INPUT, "--schedule: the text is longer than %zu characters", sizeof out->text - 1);
    const char *names[SCHEDULE_COUNT];
    char name[sizeof out->text];
    size_t length = strcspn(text, ":");
    memcpy(name, text, length);
    name[length] = '\0';
    for (int i = 0; i < SCHEDULE_COUNT; i++) {
        names[i] = schedule_table[i].name;
        if (strcmp(name, names[i]) != 0) continue;
        double numbers[2] = {0};
        if (!schedule_numbers(text + length, schedule_table[i].numbers, schedule_table[i].first_is_count, numbers))
            return us__fail(context, US_ERR_INPUT, "--schedule %s: this must be %s", text, schedule_table[i].usage);
        strcpy(out->text, text);
        out->kind = (int)schedule_table[i].kind;
        out->a = numbers[0];
        out->b = numbers[1];
        return US_OK;
    }
    const char *nearest = us__nearest_name(name, names, SCHEDULE_COUNT);
    if (nearest)
        return us__fail(context, US_ERR_INPUT, "--schedule %s: there is no such schedule; did you mean %s?", text, nearest);
    return us__fail(context, US_ERR_INPUT,
                    "--schedule %s: there is constant, exp:R, step:EVERY:R, cosine:STEPS, inverse-sqrt", text);
}

static double schedule_shape(const us_schedule *s, double t) {
    switch ((schedule_kind)s->kind) {
    case SCHEDULE_CONSTANT:
        return 1;
    case SCHEDULE_EXP:
        return pow(s->a, t - 1);
    case SCHEDULE_STEP:
        return pow(s->b, floor((t - 1) / s->a));
    case SCHEDULE_COSINE:
        return t - 1 >= s->a ? 0 : 0.5 * (1 + cos(3.14159265358979323846 * (t - 1) / s->a));
    case SCHEDULE_INVERSE_SQRT:
        return 1 / sqrt(t);
    }
    return (double)NAN;
}

double us_schedule_factor(const us_schedule *schedule, uint64_t t) {
    double factor = schedule_shape(schedule, (double)t);
    return t < schedule->warmup ? factor * ((double)t / (double)schedule->warmup) : factor;
}
