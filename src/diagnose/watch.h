/* The inside of a watch. */
#ifndef US_DIAGNOSE_WATCH_H
#define US_DIAGNOSE_WATCH_H

#include "base/base.h"
#include <unstuck/watch.h>

enum {
    US__WATCH_ROWS = 512,       /* that eigenvalues are measured on, at most */
    US__WATCH_UNIT_ROWS = 2048, /* that units are looked at on, at most */
    US__WATCH_PRODUCTS = 24,    /* with the Hessian, for its ends */
    US__WATCH_GROUPS = 64,      /* more of them are not told one by one */
    US__WATCH_OF_ALL = 7,       /* signs of an update beside those of its groups */
    US__SEARCH_FIRST = 12,      /* values of a search that does not know where to look */
};

/* What one pass over an update sums up. With θ after it, b before it, Δ = θ − b, g the gradient that made it, and Δ', g'
 * those of the step before. */
typedef struct us__update_sums {
    double theta_theta, delta_delta, gradient_gradient; /* of θ, Δ, g */
    double delta_last, last_last;                       /* Δ·Δ', Δ'·Δ' */
    double gradient_before, before_before;              /* g·g', g'·g' */
    double moved, still;                                /* elements with g ≠ 0, and of them those with θ = b */
    double not_finite;                                  /* elements of θ or g */
} us__update_sums;
/* Adds those of n elements to `to`. */
void us__update_sums_f32(us__update_sums *to, const void *theta, const void *before, const void *last, const void *gradient,
                         const void *gradient_before, size_t n);
void us__update_sums_f64(us__update_sums *to, const void *theta, const void *before, const void *last, const void *gradient,
                         const void *gradient_before, size_t n);

struct us_watch {
    us_context *context;
    us_training *training;
    us_problem *problem; /* the training's */
    us_watch_options options;
    double share;
    double began;  /* clock when it began; later by all the time that was not training */
    double paused; /* clock since when it is paused, where `is_paused` */
    bool is_paused;
    uint64_t begun; /* the step then */
    double spent;   /* seconds on all probes */
    /* Each kind of probe has a part of the time for itself, so that none keeps another from its turn. */
    double spent_on[US_WATCH_KINDS], at_probe[US_WATCH_KINDS]; /* of it, on each kind; on the one that is being taken */
    double cost[US_WATCH_KINDS];                               /* that the next one is expected to take; 0: none was taken */
    uint64_t count[US_WATCH_KINDS];
    bool waits[US_WATCH_KINDS]; /* its first one could not be paid for when it was due */
    us_series losses;

    /* a probe of updates takes three steps in a row */
    int phase; /* 0: waits for step `next`; 1, 2: so many were seen */
    uint64_t next, at;
    us_vec *before;          /* θ before this step */
    us_vec *last;            /* Δ of the step before; then the trial point */
    us_vec *gradient_before; /* g of the step before; then Δ of this one */
    double unclip_before;    /* what g of the step before was multiplied by when it was clipped, inverted */

    double critical;                  /* c of the last line search: where the loss is again what it was, in updates */
    double noise_trace, noise_length; /* running means of tr(Σ) and ‖∇f‖² */
    double noise_weight;
    double sharpness, limit, noise_scale; /* last measured, NaN */
    uint64_t trend_next, units_next, eigen_next;
    bool no_units;
    size_t layers;    /* groups that are weights */
    us_vec *sharpest; /* [n] eigenvector of the largest eigenvalue, length 1; NULL until found */
};

double us__watch_clock(const us_watch *watch);
/* May a probe that costs so much be taken now? */
bool us__watch_affords(us_watch *watch, us_watch_kind probe);
/* Notes what a probe took since `began`, a whole one where `done`. */
void us__watch_charge(us_watch *watch, us_watch_kind probe, double began, bool done);
void us__watch_sign(us_watch *watch, us_watch_kind probe, const char *name, const char *part, double value);
/* Seconds that a step takes in the mean, without the watch. */
double us__watch_step_seconds(const us_watch *watch);

/* watch_between.c: see us_watch_between. */
void us__watch_forget(us_watch *watch); /* what it found so far is of another training */

/* watch_search.c: the critical sharpness along the update from `before` by `delta`; `trial` [n] is overwritten. */
void us__watch_search(us_watch *watch, const us_step_info *info, const us_vec *before, const us_vec *delta, us_vec *trial);
/* The c > 0 at which f(c) = f(0) again, from values of h(c) = (f(c) − f(0))/c, at most `most` of them; NaN when it is not
 * found. Along a quadratic h is a line, and its root is exact. `guess` is where to begin. */
double us__critical_step(double (*rise)(void *user, double c), void *user, double guess, int most);

#endif
