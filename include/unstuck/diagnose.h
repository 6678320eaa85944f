/** Diagnosis: what kind of point this is, and why a training does not improve. */
#ifndef UNSTUCK_DIAGNOSE_H
#define UNSTUCK_DIAGNOSE_H

#include <unstuck/curvature.h>
#include <unstuck/train.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ a point */

typedef enum us_kind {
    US_KIND_MINIMUM = 0, US_KIND_MAXIMUM, US_KIND_SADDLE, US_KIND_DEGENERATE, US_KIND_NOT_CRITICAL, US_KIND_UNDECIDED
} us_kind;
/** "minimum", "maximum", "saddle", "degenerate", "not-critical", "undecided". */
US_API const char *us_kind_name(us_kind kind);

typedef struct us_point_options {
    uint32_t version;          /* 1 */
    /* Critical when the decrease that the gradient still offers (½·gᵀ|H|⁻¹g over the resolved eigenvalues, and what is
     * measured along −g) is at most this part of the loss's own scale; default 1e-9 */
    double decrease_tolerance;
    us_spectrum_options spectrum;
    size_t probes;             /* random directions of the null space that are measured in the degenerate case; default 8 */
    uint64_t seed;             /* default 1 */
} us_point_options;
#define US_POINT_OPTIONS_INIT \
    {.version = 1, .decrease_tolerance = 1e-9, .spectrum = US_SPECTRUM_OPTIONS_INIT, .probes = 8, .seed = 1}
US_API void us_point_options_init(us_point_options *options);

typedef enum us_null_space { /* what measuring the loss along the null space found */
    US_NULL_NOT_PROBED = 0, US_NULL_FLAT, US_NULL_RISES, US_NULL_WAY_DOWN
} us_null_space;

typedef struct us_point {
    double *theta;          /* [n] */
    double value;
    double gradient_norm;   /* 2-norm */
    double offered_decrease;/* what the gradient still offers, by the quadratic model */
    us_kind kind;
    us_null_space null_space;
    us_spectrum *spectrum;  /* NULL when n is above the limit */
    double *escape;         /* [n], length 1: the eigenvector of the most negative eigenvalue, or a way down that the
                               null-space probe found; NULL when there is none */
    const char *undecided_because; /* static text; NULL unless undecided */
    us_context *context;
} us_point;

/** Names the point θ. @param problem in f64. Errors: as us_spectrum_dense; US_ERR_NONFINITE when loss or gradient is not finite
 * there. @param out [caller destroys] */
US_API us_status us_point_classify(us_point **out, us_problem *problem, const us_vec *theta, const us_point_options *options);
US_API void us_point_destroy(us_point *point);

/** The table of DESIGN.md alone: the kind from counts of eigenvalues, and whether the point is critical. Pure. */
US_API us_kind us_kind_from_counts(bool critical, size_t negative, size_t zero, size_t positive);

/* ------------------------------------------------------------------ a training */

#define US_VERDICT_LIST(X) \
    X(DESCENDING, "descending") X(MINIMUM, "minimum") X(SADDLE, "saddle") X(MAXIMUM, "maximum") X(PLATEAU, "plateau") \
    X(OSCILLATING, "oscillating") X(CRAWLING, "crawling") X(NOISY, "noisy") X(DIVERGED, "diverged") X(UNDECIDED, "undecided")
typedef enum us_verdict_name {
#define US_VERDICT_ENUM(name, text) US_VERDICT_##name,
    US_VERDICT_LIST(US_VERDICT_ENUM)
#undef US_VERDICT_ENUM
} us_verdict_name;
US_API const char *us_verdict_text(us_verdict_name name);

/** One measured number behind a verdict. */
typedef struct us_sign {
    const char *name;     /* "lambda_min"; static */
    double value;
    double threshold;     /* what it was held against; NaN where there is none */
    const char *meaning;  /* one sentence; static */
} us_sign;
#define US_SIGNS_MAX 32

/** All that the decision depends on. A number that was not measured is NaN. */
typedef struct us_evidence {
    double loss, gradient_norm;
    size_t parameters, samples;
    us_precision precision;          /* of the training */
    bool finite;                     /* loss, gradient and θ are */
    bool gradient_checked, gradient_right;   /* against differences of the loss */
    bool hessian_checked, hessian_right;     /* against differences of the gradient, and symmetric */
    bool spectrum_known;
    double lambda_min, lambda_max, resolution;
    size_t negative, zero, positive;
    us_kind kind;
    us_null_space null_space;
    double offered_decrease;         /* by the quadratic model, see us_point */
    double decrease_carrying_on;     /* loss now − loss after going on for a while on a copy */
    uint64_t steps_carrying_on;
    double decrease_line_search;     /* best of a line search along −g: loss now − best */
    double decrease_escape;          /* best along ± the escape direction: loss now − best */
    double escape_component;         /* |a|: how far θ already is along the escape direction */
    double steps_to_leave;           /* ln(r/|a|)/ln(1+α|λmin|); inf when the component is exactly zero */
    uint64_t steps_done;
    double learning_rate;
    bool symmetric_units;            /* units whose weights are equal or all zero carry the escape direction */
    bool full_batch;
} us_evidence;

typedef struct us_verdict {
    us_verdict_name name;
    const char *cause;               /* from DESIGN.md's list, or NULL; static */
    bool stuck;
    double confidence;               /* 0 .. 1 */
    const char *sentence;            /* for a student; static */
    const char *would_decide;        /* for undecided: what would; static; else NULL */
} us_verdict;

typedef struct us_verdict_options {
    uint32_t version;         /* 1 */
    double decrease_tolerance;/* relative decrease that counts as improving; default 1e-3 of the loss over the steps looked at */
} us_verdict_options;
#define US_VERDICT_OPTIONS_INIT {.version = 1, .decrease_tolerance = 1e-3}

/** Evidence to verdict: pure, no I/O, no problem. */
US_API us_verdict us_verdict_decide(const us_evidence *evidence, const us_verdict_options *options);

typedef struct us_diagnose_options {
    uint32_t version;          /* 1 */
    us_point_options point;
    us_verdict_options verdict;
    uint64_t steps;            /* how long to go on on a copy; default 0: a tenth of the steps done, 10 to 1000 */
    void (*progress)(void *user, const char *what, double share);
    void *progress_user;
} us_diagnose_options;
#define US_DIAGNOSE_OPTIONS_INIT {.version = 1, .point = US_POINT_OPTIONS_INIT, .verdict = US_VERDICT_OPTIONS_INIT}
US_API void us_diagnose_options_init(us_diagnose_options *options);

typedef struct us_diagnosis {
    us_evidence evidence;
    us_verdict verdict;
    us_point *point;           /* may be NULL (not finite, or never looked at) */
    us_sign signs[US_SIGNS_MAX];
    size_t sign_count;
    us_context *context;
} us_diagnosis;

/** Why does this training not improve? Gathers evidence at its θ, in f64 on all rows, on copies; the training is not touched.
 * @param out [caller destroys] */
US_API us_status us_diagnose(us_diagnosis **out, const us_training *training, const us_diagnose_options *options);
US_API void us_diagnosis_destroy(us_diagnosis *diagnosis);

#ifdef __cplusplus
}
#endif
#endif
