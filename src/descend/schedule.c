/* The learning rate over steps, as a factor on the base rate: a table of shapes, a row and a function each. t counts from 1;
 * p are the numbers of the text, in its order. */
#include "data/number.h"
#include "descend/descend.h"
#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846

/* From 1 to 0 as x goes from 0 to 1, like half a cosine. */
static double schedule_half_cosine(double x) { return 0.5 * (1 + cos(PI * x)); }

static double schedule_constant(const double *p, double t) {
    (void)p, (void)t;
    return 1;
}

static double schedule_exp(const double *p, double t) { return pow(p[0], t - 1); }
static double schedule_step(const double *p, double t) { return pow(p[1], floor((t - 1) / p[0])); }

static double schedule_poly(const double *p, double t) {
    double x = fmin((t - 1) / p[0], 1);
    return p[2] + (1 - p[2]) * pow(1 - x, p[1]);
}

static double schedule_cosine(const double *p, double t) {
    return p[1] + (1 - p[1]) * (t - 1 >= p[0] ? 0 : schedule_half_cosine((t - 1) / p[0]));
}

/* The k-th round is FIRST·GROWTH^k steps long. */
static double schedule_restarts(const double *p, double t) {
    double first = p[0], growth = p[1], round = 0;
    if (growth == 1)
        round = floor((t - 1) / first);
    else
        round = floor(log1p((t - 1) * (growth - 1) / first) / log(growth));
    for (;;) { /* the logarithm may be off by one step */
        double begin = growth == 1 ? round * first : first * (pow(growth, round) - 1) / (growth - 1);
        double length = first * pow(growth, round);
        if (t - 1 < begin && round > 0)
            round -= 1;
        else if (t - 1 >= begin + length)
            round += 1;
        else
            return schedule_half_cosine((t - 1 - begin) / length);
    }
}

/* From 1/25 to 1 in the first share of STEPS, then to 1e-4/25, both along half a cosine. */
static double schedule_one_cycle(const double *p, double t) {
    double x = fmin((t - 1) / p[0], 1), low = 1.0 / 25, end = 1e-4 / 25;
    if (x < p[1]) return low + (1 - low) * (1 - schedule_half_cosine(x / p[1]));
    return end + (1 - end) * schedule_half_cosine(p[1] < 1 ? (x - p[1]) / (1 - p[1]) : 1);
}

static double schedule_wsd(const double *p, double t) {
    double left = p[0] - (t - 1);
    return left >= p[1] ? 1 : left <= 0 ? 0 : left / p[1];
}

static double schedule_inverse_sqrt(const double *p, double t) { return 1 / sqrt(fmax(t / p[0], 1)); }

typedef struct schedule_row {
    us_schedule_kind public;
    size_t least, most;   /* numbers after the name */
    size_t counts;        /* the first so many are whole */
    double defaults[3];   /* of those that the text leaves out */
    double least_of_last; /* the last number of `most` is from here .. */
    double most_of_last;  /* .. to here; the others are > 0 */
    double (*factor)(const double *p, double t);
} schedule_row;

static const schedule_row schedule_table[] = {
    {{"constant", "constant", "1", "no decay"}, 0, 0, 0, {0}, 0, 0, schedule_constant},
    {{"exp", "exp:R, with R > 0", "R^(t-1)", "multiplies the rate by R each step"},
     1,
     1,
     0,
     {0},
     0,
     (double)INFINITY,
     schedule_exp},
    {{"step", "step:EVERY:R, with EVERY a whole number of steps and R > 0", "R^floor((t-1)/EVERY)",
      "multiplies the rate by R every so many steps"},
     2,
     2,
     1,
     {0},
     0,
     (double)INFINITY,
     schedule_step},
    {{"poly", "poly:STEPS[:POWER[:END]], with POWER > 0 (1) and END from 0 to 1 (0)",
      "END + (1-END) (1 - (t-1)/STEPS)^POWER, then END", "a straight line (POWER 1) or a parabola down to END"},
     1,
     3,
     1,
     {0, 1, 0},
     0,
     1,
     schedule_poly},
    {{"cosine", "cosine:STEPS[:END], with STEPS a whole number and END from 0 to 1 (0)",
      "END + (1-END) 1/2 (1 + cos(pi (t-1)/STEPS)), then END", "Loshchilov & Hutter 2017, eq. (5), without restarts"},
     1,
     2,
     1,
     {0, 0},
     0,
     1,
     schedule_cosine},
    {{"cosine-restarts", "cosine-restarts:FIRST[:GROWTH], with FIRST a whole number and GROWTH from 1 to 10 (2)",
      "1/2 (1 + cos(pi s/L)), s steps into a round of L = FIRST GROWTH^k steps",
      "Loshchilov & Hutter 2017: warm restarts; a round is GROWTH times as long as the last"},
     1,
     2,
     1,
     {0, 2},
     1,
     10,
     schedule_restarts},
    {{"one-cycle", "one-cycle:STEPS[:RISE], with STEPS a whole number and RISE from 0 to 1 (0.3)",
      "from 1/25 up to 1 in RISE STEPS steps, then down to 1/250000, along half cosines",
      "Smith & Topin 2018; PyTorch's OneCycleLR without its cycle of momentum"},
     1,
     2,
     1,
     {0, 0.3},
     0,
     1,
     schedule_one_cycle},
    {{"wsd", "wsd:STEPS:DECAY, two whole numbers", "1, and in the last DECAY of STEPS steps a straight line to 0",
      "warm-up (--warmup), stable, decay: Hu et al. 2024 (MiniCPM)"},
     2,
     2,
     2,
     {0},
     0,
     (double)INFINITY,
     schedule_wsd},
    {{"inverse-sqrt", "inverse-sqrt[:FROM], with FROM a whole number (1)", "1/sqrt(max(1, t/FROM))",
      "the lecture's decay (Zinkevich 2003); with FROM and --warmup FROM, the transformer's (Vaswani et al. 2017)"},
     0,
     1,
     1,
     {1},
     0,
     (double)INFINITY,
     schedule_inverse_sqrt},
    {{"plateau", "plateau:PATIENCE[:R], with PATIENCE a whole number of steps and R from 0 to 1 (0.1)",
      "multiplied by R when the losses of PATIENCE steps are no better than the best ones before",
      "by the mean loss of so many steps, where a spike counts no more than three standard deviations"},
     1,
     2,
     1,
     {0, 0.1},
     0,
     1,
     schedule_constant},
};
enum { SCHEDULE_COUNT = sizeof schedule_table / sizeof *schedule_table };

const us_schedule_kind *us_schedule_kind_at(size_t i) { return i < SCHEDULE_COUNT ? &schedule_table[i].public : NULL; }

bool us__schedule_is_plateau(const us_schedule *schedule) {
    return strcmp(schedule_table[schedule->kind].public.name, "plateau") == 0;
}

/* ------------------------------------------------------------------ warm-up */

static double warmup_linear(double x) { return x; }
static double warmup_cosine(double x) { return 1 - schedule_half_cosine(x); }
static double warmup_exponential(double x) { return pow(0.01, 1 - x); }
static double warmup_constant(double x) { return x < 1 ? 0.1 : 1; }

static const struct {
    const char *name;
    double (*factor)(double x);
} warmup_table[] = {{"linear", warmup_linear},
                    {"cosine", warmup_cosine},
                    {"exponential", warmup_exponential},
                    {"constant", warmup_constant}};
enum { WARMUP_COUNT = sizeof warmup_table / sizeof *warmup_table };

/* Reads "warmup:STEPS[:KIND]," at the beginning of the text, if it is there; NULL when it is wrong. */
static const char *schedule_warmup(const char *text, us_schedule *out) {
    static const char NAME[] = "warmup:";
    if (strncmp(text, NAME, sizeof NAME - 1) != 0) return text;
    text += sizeof NAME - 1;
    size_t length = strcspn(text, ":,");
    double steps;
    if (!us__number_whole(text, length, &steps) || !(steps >= 1 && steps <= 0x1p53) || steps != floor(steps)) return NULL;
    out->warmup = (uint64_t)steps;
    text += length;
    if (*text == ':') {
        length = strcspn(++text, ",");
        int kind = 0;
        while (kind < WARMUP_COUNT &&
               (strlen(warmup_table[kind].name) != length || strncmp(warmup_table[kind].name, text, length) != 0))
            kind++;
        if (kind == WARMUP_COUNT) return NULL;
        out->warmup_kind = kind;
        text += length;
    }
    return *text == ',' ? text + 1 : NULL;
}

/* ------------------------------------------------------------------ texts */

/* Reads ":number" up to the end of the text. */
static bool schedule_numbers(const char *text, const schedule_row *row, double *p) {
    memcpy(p, row->defaults, sizeof row->defaults);
    size_t count = 0;
    for (; *text == ':' && count < row->most; count++) {
        size_t length = strcspn(++text, ":");
        bool last = count + 1 == row->most && row->most_of_last < (double)INFINITY;
        if (!us__number_whole(text, length, &p[count]) || !isfinite(p[count])) return false;
        if (last ? !(p[count] >= row->least_of_last && p[count] <= row->most_of_last) : !(p[count] > 0)) return false;
        if (count < row->counts && (p[count] != floor(p[count]) || p[count] > 0x1p53)) return false;
        text += length;
    }
    return *text == '\0' && count >= row->least;
}

us_status us_schedule_parse(us_context *context, const char *text, uint64_t warmup, us_schedule *out) {
    us_schedule plain = {.text = "constant", .warmup = warmup}, read = plain;
    *out = plain;
    if (strlen(text) >= sizeof out->text)
        return us__fail(context, US_ERR_ARGUMENT, "--schedule: the text is longer than %zu characters", sizeof out->text - 1);
    const char *shape = schedule_warmup(text, &read);
    if (!shape)
        return us__fail(context, US_ERR_ARGUMENT,
                        "--schedule %s: a warm-up is warmup:STEPS[:linear|cosine|exponential|constant], and then a comma "
                        "and the schedule",
                        text);
    const char *names[SCHEDULE_COUNT];
    char name[sizeof out->text];
    size_t length = strcspn(shape, ":");
    memcpy(name, shape, length);
    name[length] = '\0';
    for (int i = 0; i < SCHEDULE_COUNT; i++) {
        names[i] = schedule_table[i].public.name;
        if (strcmp(name, names[i]) != 0) continue;
        if (!schedule_numbers(shape + length, &schedule_table[i], read.numbers))
            return us__fail(context, US_ERR_ARGUMENT, "--schedule %s: this must be %s", text, schedule_table[i].public.usage);
        strcpy(read.text, text);
        read.kind = i;
        *out = read;
        return US_OK;
    }
    const char *nearest = us__nearest_name(name, names, SCHEDULE_COUNT);
    if (nearest)
        return us__fail(context, US_ERR_ARGUMENT, "--schedule %s: there is no such schedule; did you mean %s?", text, nearest);
    return us__fail(context, US_ERR_ARGUMENT,
                    "--schedule %s: there is constant, exp:R, step:EVERY:R, poly, cosine, cosine-restarts, one-cycle, wsd, "
                    "inverse-sqrt, plateau; `unstuck optimizers --schedules` explains them",
                    text);
}

double us_schedule_factor(const us_schedule *schedule, uint64_t t) {
    double factor = schedule_table[schedule->kind].factor(schedule->numbers, (double)t);
    if (t >= schedule->warmup) return factor;
    return factor * warmup_table[schedule->warmup_kind].factor((double)t / (double)schedule->warmup);
}
