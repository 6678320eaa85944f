/** A range test: which learning rates a training bears, by trying ever higher ones on a copy. */
#ifndef UNSTUCK_RANGE_H
#define UNSTUCK_RANGE_H

#include <unstuck/train.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The range by default, in default rates of the rule. */
#define US_RANGE_BELOW 1e-4
#define US_RANGE_ABOVE 1e4

typedef struct us_range_options {
    uint32_t version; /* 1 */
    double from, to;  /* rates, from < to; default 0: the rule's default rate times US_RANGE_BELOW and US_RANGE_ABOVE */
    size_t steps;     /* 10 to 1000000; default 200 */
    double window;    /* share of the steps that the mean of losses spans, 0 to 1; default 0.05 */
    /* Hears of every step: those done, all, the rate and the smoothed loss. May be NULL. */
    void (*progress)(void *user, size_t done, size_t steps, double rate, double loss);
    void *progress_user;
} us_range_options;
#define US_RANGE_OPTIONS_INIT \
    { .version = 1, .steps = 200, .window = 0.05 }
US_API void us_range_options_init(us_range_options *options);

typedef enum us_range_end {
    US_RANGE_WHOLE = 0, /* all rates were tried */
    US_RANGE_RISING,    /* the smoothed loss had risen far above its lowest */
    US_RANGE_NONFINITE, /* a loss or gradient was not finite */
    US_RANGE_INTERRUPTED
} us_range_end;
/** "range", "rising", "not-finite", "interrupted". */
US_API const char *us_range_end_name(us_range_end end);

typedef struct us_range {
    size_t count;
    double *rates, *losses, *smoothed; /* [count] ascending rates; loss of the step's batch, before the step; its mean */
    double steepest;                   /* rate at which the smoothed loss falls fastest over ln rate; NaN: it never fell */
    double lowest;                     /* rate at which it was lowest; NaN likewise */
    double suggestion;                 /* the smaller of steepest and a tenth of lowest; NaN likewise */
    us_range_end end;
    us_context *context;
} us_range;

/** Takes steps with exponentially growing rates on a copy of a training, which itself stays as it is; the copy has a
 * constant schedule, and the training's rule, batches, clipping and decay.
 * @param out [caller destroys]; also with US_INTERRUPTED (the context was cancelled)
 * @param options  NULL for defaults
 * Errors: US_ERR_ARGUMENT, US_ERR_NOMEM, US_ERR_NONFINITE (not even the first loss is finite), the problem's own.
 * Cost: at most `steps` steps. Memory: a training. Source: Smith 2017, WACV, section 3.3. */
US_API us_status us_range_test(us_range **out, const us_training *training, const us_range_options *options);
US_API void us_range_destroy(us_range *range);

#ifdef __cplusplus
}
#endif
#endif
