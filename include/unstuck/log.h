/** The log of any program: what its losses alone say of why it does not improve, how surely, and which number to log next.
 */
#ifndef UNSTUCK_LOG_H
#define UNSTUCK_LOG_H

#include <unstuck/diagnose.h>
#include <unstuck/trend.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What was logged, row by row. A column that the log does not have is NULL. */
typedef struct us_log {
    size_t count;
    double *step; /* [count] ascending; the row's number where the log has none, or where it goes back */
    double *loss; /* [count] of training; inf and NaN where the log says so */
    double *gradient_norm, *learning_rate, *batch; /* [count]; NaN where a row has none */
    bool steps_logged;                             /* false: `step` is the row's number */
    size_t gaps;                                   /* rows without a loss, which are left out */
    char loss_name[64];                            /* of the column of losses */
    us_context *context;
} us_log;

/** Reads a CSV (as us_table_read_csv does), or JSON lines, an object a line. Columns are found by name, whatever case, and
 * with "train" before it or not: loss (train_loss, nll, cost, objective), step (iter, iteration, global_step, epoch),
 * gradient_norm (grad_norm, gnorm), learning_rate (lr, and what begins with lr-), batch (batch_size). A CSV without a header
 * has losses, or steps and losses. Rows without a loss are left out (such as those of a validation); a loss that says nan is
 * not finite.
 * Errors: US_ERR_INPUT (names the file, the line, the column), US_ERR_NOMEM; *out is then NULL. @param out [caller destroys]
 */
US_API us_status us_log_read(us_log **out, us_context *context, const char *path);
/** A log of arrays, which are copied; those that may be NULL in us_log may be here. */
US_API us_status us_log_create(us_log **out, us_context *context, size_t count, const double *step, const double *loss,
                               const double *gradient_norm, const double *learning_rate, const double *batch);
US_API void us_log_destroy(us_log *log);

/** What the decision depends on: numbers of the last half of the log unless said otherwise. Not known: NaN. */
typedef struct us_log_evidence {
    size_t points;                /* rows up to the first that is not finite */
    bool finite;                  /* all rows are */
    double not_finite_at;         /* the step of the first that is not */
    double surge, gradient_surge; /* of the last finite rows over the median before: of the loss, of the gradient's norm */
    double loss_first, loss;      /* the median of the first rows; the level of the trend at the end */
    double slope, slope_low, slope_high; /* a step, with its interval at 95 % */
    double fall;                         /* −slope times the steps looked at */
    double noise;                        /* of a row about the trend */
    double turning; /* correlation of one row's distance from the trend with the next one's: −1 to 1 */
    double ringing; /* least and then greatest correlation at longer lags: the smaller of their sizes, 0 where the
                       losses do not swing */
    bool constant;  /* not a bit of the loss changes */
    double gradient_first, gradient; /* its norm: median of the first rows, and of the last half */
    double rate_most, rate;          /* learning rate: the largest of all, and at the end */
    double rows;                     /* a step */
    double gain_ratio; /* fall ÷ Σ rate·‖g‖², which is what steps along −rate·g come to without curvature */
} us_log_evidence;
US_API us_status us_log_gather(const us_log *log, us_log_evidence *out);

/** A verdict from a log alone. Its confidence is at most 0.9: nothing was measured but what stands there. */
typedef struct us_log_verdict {
    us_verdict verdict;
    const char *next, *next_why; /* the number to log next, and what it would tell; static */
} us_log_verdict;
/** Pure: the first row of a table that applies (src/diagnose/log_decide.c). */
US_API us_log_verdict us_log_decide(const us_log_evidence *evidence);

#ifdef __cplusplus
}
#endif
#endif
