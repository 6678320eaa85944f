/** Diagnosis: what kind of point this is, and why a training does not improve. */
#ifndef UNSTUCK_DIAGNOSE_H
#define UNSTUCK_DIAGNOSE_H

#include <unstuck/curvature.h>
#include <unstuck/lanczos.h>
#include <unstuck/train.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ a point */

typedef enum us_kind {
    US_KIND_MINIMUM = 0,
    US_KIND_MAXIMUM,
    US_KIND_SADDLE,
    US_KIND_DEGENERATE,
    US_KIND_NOT_CRITICAL,
    US_KIND_UNDECIDED
} us_kind;
/** "minimum", "maximum", "saddle", "degenerate", "not-critical", "undecided". */
US_API const char *us_kind_name(us_kind kind);

typedef struct us_point_options {
    uint32_t version; /* 1 */
    /* Critical when the decrease that the gradient still offers (½·gᵀ|H|⁻¹g over the resolved eigenvalues, and what is
     * measured along −g) is at most this part of the loss's own scale; default 1e-9 */
    double decrease_tolerance;
    us_spectrum_options spectrum;
    size_t probes; /* random directions of the null space that are measured in the degenerate case; default 8 */
    uint64_t seed; /* default 1 */
    /* Above spectrum.limit: Hessian-vector products for both ends of the spectrum, at most (default 200; 0: none), and
     * seconds for them (default 60; 0: no limit) */
    size_t products;
    double seconds;
    /* Above so many parameters, up to spectrum.limit: both ends of the spectrum first, by products, and the whole of it only
     * where they leave the kind open; default 500, of which the whole takes a tenth of a second, and eight times as long for
     * each doubling. SIZE_MAX: always the whole */
    size_t ends_first;
} us_point_options;
#define US_POINT_OPTIONS_INIT                                                                                   \
    {                                                                                                           \
        .version = 1, .decrease_tolerance = 1e-9, .spectrum = US_SPECTRUM_OPTIONS_INIT, .probes = 8, .seed = 1, \
        .products = 200, .seconds = 60, .ends_first = 500                                                                          \
    }
US_API void us_point_options_init(us_point_options *options);

typedef enum us_null_space { /* what measuring the loss along the null space found */
                             US_NULL_NOT_PROBED = 0,
                             US_NULL_FLAT,
                             US_NULL_RISES,
                             US_NULL_WAY_DOWN
} us_null_space;

typedef struct us_point {
    double *theta; /* [n] */
    double value;
    double gradient_norm;    /* 2-norm */
    double offered_decrease; /* what the gradient still offers, by the quadratic model */
    us_kind kind;
    us_null_space null_space;
    us_spectrum *spectrum;         /* NULL when n is above the limit, or both ends told enough (ends_first) */
    us_eigenpairs *ends;           /* then the smallest and the largest eigenvalue by Lanczos' method; may be NULL */
    double *escape;                /* [n], length 1: the eigenvector of the most negative eigenvalue, or a way down that the
                                      null-space probe found; NULL when there is none */
    const char *undecided_because; /* static text; NULL unless undecided */
    us_context *context;
} us_point;

/** Names the point θ (src/diagnose/point.c says how). @param problem in f64; f32 works with f32's resolution.
 * Errors: US_ERR_ARGUMENT, US_ERR_NOMEM, US_INTERRUPTED, US_ERR_NUMERIC; US_ERR_NONFINITE when loss or gradient is not
 * finite there (a Hessian that is not makes the kind undecided). n above the limit: by the gradient and the loss along it,
 * and both ends of the spectrum (src/diagnose/ends.c), and so above ends_first where that decides. Cost: n + 6 to n + 20
 * products and O(n³), or some hundred products; in the degenerate case also some
 * hundred values and gradients.
 * @param out [caller destroys] */
US_API us_status us_point_classify(us_point **out, us_problem *problem, const us_vec *theta,
                                   const us_point_options *options);
US_API void us_point_destroy(us_point *point);

/** The table of DESIGN.md alone: the kind from counts of eigenvalues, and whether the point is critical. Pure. */
US_API us_kind us_kind_from_counts(bool critical, size_t negative, size_t zero, size_t positive);

/* ------------------------------------------------------------------ a training */

/* clang-format off */
#define US_VERDICT_LIST(X) \
    X(DESCENDING, "descending") \
    X(MINIMUM, "minimum") \
    X(SADDLE, "saddle") \
    X(MAXIMUM, "maximum") \
    X(PLATEAU, "plateau") \
    X(OSCILLATING, "oscillating") \
    X(CRAWLING, "crawling") \
    X(NOISY, "noisy") \
    X(DIVERGED, "diverged") \
    X(UNDECIDED, "undecided")
/* clang-format on */
typedef enum us_verdict_name {
#define US_VERDICT_ENUM(name, text) US_VERDICT_##name,
    US_VERDICT_LIST(US_VERDICT_ENUM)
#undef US_VERDICT_ENUM
} us_verdict_name;
US_API const char *us_verdict_text(us_verdict_name name);

/** One measured number behind a verdict. */
typedef struct us_sign {
    const char *name; /* "lambda_min"; static */
    double value;
    double threshold;    /* what it was held against; NaN where there is none */
    const char *meaning; /* one sentence; static */
} us_sign;
#define US_SIGNS_MAX 48

/** All that the decision depends on. A number that was not measured is NaN. */
typedef struct us_evidence {
    double loss, gradient_norm;
    size_t parameters, samples;            /* samples: the rows that loss and gradient are measured on, ... */
    size_t curvature_samples;              /* ... and curvature, line searches and replays */
    us_precision precision;                /* of the training */
    bool finite;                           /* loss, gradient and θ are */
    bool carrying_on_finite;               /* so they stay when the training goes on */
    bool gradient_checked, gradient_right; /* against differences of the loss */
    double gradient_disagreement;          /* relative, the worst found */
    bool hessian_checked, hessian_right;   /* against differences of the gradient, and symmetric */
    double hessian_disagreement;
    bool spectrum_known;
    double lambda_min, lambda_max, resolution;
    size_t negative, zero, positive;
    bool counted; /* false: the ends alone were measured, and 1 stands for "at least one" */
    us_kind kind;
    us_null_space null_space;
    double offered_decrease;     /* by the quadratic model, see us_point */
    double decrease_carrying_on; /* loss now − loss after going on for a while on a copy */
    double trend_carrying_on; /* by how much the loss falls over those steps by its trend (us_trend_measure), of the steps'
                                 batches or, where that is more, of 64 looks at all rows; where the interval of the slope
                                 reaches zero, what its upper end makes of it */
    double frozen_share;      /* share of ‖g‖² in parameters that the next step does not change by a single bit */
    uint64_t steps_carrying_on;
    double carrying_on_share;    /* part that they are of the steps to be looked at, where those were too dear; default 1 */
    double decrease_line_search; /* best of a line search along −g: loss now − best */
    double line_search_rate;     /* where that was: the best α in θ − α·g */
    double decrease_escape;      /* best along ± the escape direction: loss now − best */
    double escape_component;     /* |a|: how far θ already is along the escape direction */
    double steps_to_leave;       /* ln(r/|a|)/ln(1+α|λmin|), or what the rule's momentum and diagonal make of it (to a
                                    factor of a few where a diagonal changes on the way); inf when the component is exactly
                                    zero; NaN for rules whose growth is not known */
    us_kind near_kind;           /* of the critical point next to θ (us_critical_nearest), looked for where the curvature is
                                    negative and where the loss does not fall; US_KIND_UNDECIDED where none was found */
    double near_distance;        /* how far it is: 0 at it, to rounding; NaN where none was found */
    uint64_t steps_done;
    double learning_rate;      /* of the next step, schedule included */
    double base_learning_rate; /* before the schedule */
    double effective_rate;     /* what steps along a constant gradient come to: α/(1−m) for momentum m; NaN as below */
    double stability_limit;    /* largest stable rate of the rule that runs, on all rows (src/diagnose/stability.c); NaN for
                                  rules that do not tell it */
    double sharpness_preconditioned; /* of rules that divide by a D: the largest eigenvalue of D^(-1/2)HD^(-1/2) */
    /* Of trainings that end in numbers that are not finite, else not measured: */
    size_t rows_not_finite;  /* whose own loss or gradient is not, at θ */
    size_t rows_overflowing; /* of them, those whose is infinite */
    double worst_row;        /* the first of them, or else the row of the longest gradient; from 0, of the training rows */
    double row_dominance;    /* longest finite gradient of a row ÷ the sum of all others' lengths */
    double finite_at_rate;   /* a rate at which the same steps stay finite and gain; NaN when none was found */
    double finite_at_clip;   /* a bound on the gradient with which they do, where no rate was found; NaN likewise */
    double condition;        /* λmax ÷ the smallest eigenvalue that needs ten times the steps done; NaN when none does */
    double decrease_slow;    /* best along the Newton step through all those directions: loss now − best */
    double decrease_faded;   /* of a rule whose state only grows: loss now − mean loss carrying on, ... */
    double decrease_fresh;   /* ... and the same with a fresh state */
    double momentum;         /* of heavy ball above 0.9 that has had time to ring; this and the next two else NaN */
    double rises;            /* share of looks on the way that found the loss higher than the look before */
    double decrease_calm;    /* mean loss carrying on − what momentum 0.9 comes to, less two standard errors */
    double noise_batch;      /* rows a step; this and the next three for mini-batches alone */
    double noise_trace;      /* tr(Σ): the scatter of the gradients of single rows */
    double noise_scale;      /* tr(Σ)/‖g‖²: the batch at which scatter and gradient are equally strong */
    double noise_trend; /* on all rows: mean loss of the first half of the steps − of the second, less two standard errors */
    double decrease_quiet;  /* mean loss carrying on − what a tenth of the rate comes to, less two standard errors */
    double floor;           /* the least loss that any function of the features can have; see us_problem_floor */
    double constant_loss;   /* of the best constant prediction */
    size_t hidden_units;    /* 0: none, or not known */
    double dead_share;      /* of the units of the layer where it is largest: active on no row (relu and its like) */
    double saturated_share; /* the same: less than 1 % of the gradient passes the activation (tanh, sigmoid) */
    double signal_fade;     /* what of a row's error arrives at the first hidden layer, a unit on average, ÷ the same at the
                               last; NaN with fewer than two */
    double lower_loss;    /* the lowest loss that a search from a minimum found (src/diagnose/lower.c); NaN: none was made */
    bool symmetric_units; /* units whose weights are equal or all zero carry the escape direction */
    bool full_batch;
    bool training_form; /* the training steps by another form of the loss (dropout, batch normalisation) than the evaluation
                           form, which all of this is measured in */
} us_evidence;
/** Everything not measured: numbers NaN, counts zero, flags as for a training with nothing amiss. */
US_API void us_evidence_init(us_evidence *evidence);

/** Another cause that the evidence shows, too. */
typedef struct us_also {
    us_verdict_name name;
    const char *cause; /* static */
    double confidence; /* as us_verdict's */
} us_also;
#define US_ALSO_MAX 4

typedef struct us_verdict {
    us_verdict_name name;
    const char *cause;         /* from DESIGN.md's list, or NULL; static */
    bool stuck;                /* something is to be done: neither descending nor at a minimum */
    double confidence;         /* 0 .. 1: 1 − 1/(2m) where m ≥ 1 is how many times the number that decided lies beyond
                                  its threshold, at most 0.99; 0 where nothing is claimed. Not a frequency. */
    const char *sentence;      /* for a student; static */
    const char *signs;         /* the names of the signs that it rests on, with blanks between; static */
    const char *would_change;  /* what would change its mind; static */
    us_also also[US_ALSO_MAX]; /* the surest first; none unless stuck */
    size_t also_count;
    const char *would_decide; /* for undecided: what would; static; else NULL */
} us_verdict;

typedef struct us_verdict_options {
    uint32_t version;          /* 1 */
    double decrease_tolerance; /* relative decrease that counts as improving; default 1e-3 of the loss over the steps looked
                                  at */
    double curvature_ratio; /* |λmin| below this part of λmax is a saddle only when following it pays all the same; default
                               1e-4 */
} us_verdict_options;
#define US_VERDICT_OPTIONS_INIT \
    { .version = 1, .decrease_tolerance = 1e-3, .curvature_ratio = 1e-4 }
US_API void us_verdict_options_init(us_verdict_options *options);

/** Evidence to verdict: pure, no I/O, no problem. The first row of a table that applies (src/diagnose/verdict.c). */
US_API us_verdict us_verdict_decide(const us_evidence *evidence, const us_verdict_options *options);

typedef struct us_diagnose_options {
    uint32_t version;       /* 1 */
    us_point_options point; /* its decrease_tolerance is raised to a tenth of the verdict's: a training is at a point
                               when going there exactly is worth nothing */
    us_verdict_options verdict;
    uint64_t steps; /* how long to go on on a copy; default 0: a tenth of the steps done, 10 to 1000; all of them at a rate
                       near the limit of stability; ten times as long where nothing else decides */
    size_t rows;    /* a sample of so many training rows stands for all of them; default 0: all */
    bool all_rows; /* false (default): beyond 4096 rows and 10⁶ parameters × rows, loss and gradient are those of all rows
                      and the rest is measured on a sample of a fifteenth of them, 1024 to 4096 (src/diagnose/sampled.c);
                      going on is then bounded, too, so that the whole takes some 50 gradients */
    void (*progress)(void *user, const char *what, double share);
    void *progress_user;
} us_diagnose_options;
#define US_DIAGNOSE_OPTIONS_INIT \
    { .version = 1, .point = US_POINT_OPTIONS_INIT, .verdict = US_VERDICT_OPTIONS_INIT }
US_API void us_diagnose_options_init(us_diagnose_options *options);

/** Where numbers ended first, found by replay; `of` is NULL where they did not. */
typedef struct us_first_not_finite {
    uint64_t step; /* that failed, from 1 */
    double row;    /* the first row whose own loss or gradient is not finite there, of the training rows from 0; NaN: none */
    const char *of;      /* "loss", "gradient", "update" (θ after a step), or "step" (the sum over the rows); static */
    char operation[256]; /* what made it, in words (us_problem_trace; of an update: its numbers); "" where that is not known
                          */
    char group[64];      /* of a gradient or an update: the first group in which it is not finite; else "" */
    char text[256];      /* what the step said */
} us_first_not_finite;

/** What one kind of measurement took, in gradients over the rows that loss and gradient were measured on. */
typedef struct us_spent {
    const char *on; /* "curvature"; static */
    double gradients;
} us_spent;
#define US_SPENT_MAX 16

typedef struct us_diagnosis {
    us_evidence evidence;
    us_verdict verdict;
    us_point *point; /* may be NULL (not finite, or never looked at) */
    double *lower;   /* [n of point] where evidence.lower_loss is; NULL unless that is below the loss */
    us_sign signs[US_SIGNS_MAX];
    size_t sign_count;
    us_first_not_finite first;
    us_evaluations cost;          /* what it asked the training's problem */
    us_spent spent[US_SPENT_MAX]; /* the same by what was measured, in the order that it was */
    size_t spent_count;
    double seconds;
    us_context *context;
} us_diagnosis;

/** Why does this training not improve? Gathers evidence at its θ, in f64 on all rows (or a sample of them), on copies; the
 * training is not touched. A loss that is not finite is a verdict, not an error. Errors: US_ERR_ARGUMENT, US_ERR_NOMEM,
 * US_ERR_CALLBACK, US_INTERRUPTED. Cost: n + about 20 products, some 100 values, the steps that it goes on for. @param out
 * [caller destroys]
 */
US_API us_status us_diagnose(us_diagnosis **out, const us_training *training, const us_diagnose_options *options);
US_API void us_diagnosis_destroy(us_diagnosis *diagnosis);

#ifdef __cplusplus
}
#endif
#endif
