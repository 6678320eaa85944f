/* Gathering the evidence for a diagnosis, one kind of measurement a function. */
#ifndef US_DIAGNOSE_EVIDENCE_H
#define US_DIAGNOSE_EVIDENCE_H

#include "diagnose/place.h"
#include <unstuck/diagnose.h>

/* What is gathered, and where it is measured. */
typedef struct us__gathering {
    const us_training *training;
    const us_diagnose_options *options;
    us_problem *own;         /* the training's problem; what it is asked is counted */
    us_problem *seen;        /* the same, or a sample of its rows: "all rows" below */
    us_problem *whole;       /* the same in f64: with running statistics, where it has some */
    us_vec *after;           /* [n of whole] scratch: θ of a copy that went on */
    us_problem *full;        /* the same as a function of its parameters alone */
    us_vec *theta;           /* [n] the training's parameters, in f64 */
    us_problem *problem;     /* `full`, or where that is large a sample of it, tilted: loss and gradient at theta are those
                                of all rows, only the curvature is the sample's (sampled.c) */
    us_problem *looks;       /* `whole`, or the same sample of it: where copies that go on are looked at */
    double look_shift;       /* what the loss there lacks at theta */
    us__place place;         /* theta, in `problem` */
    double *gradient;        /* [n] */
    double *direction;       /* [n] scratch */
    us_diagnosis *diagnosis; /* whose evidence and point are filled */
} us__gathering;

/* What a vector of a training says of the parameters. @param all [n of whole] of either precision @param part [n] */
us_status us__gathering_take(us__gathering *g, const us_vec *all, us_vec *part);
/* Loss of a copy that went on, on all rows, with its own running statistics. */
us_status us__gathering_loss(us__gathering *g, const us_training *copy, double *loss);
/* The same as seen in `looks`. */
us_status us__gathering_look(us__gathering *g, const us_training *copy, double *loss);

enum { US__SAMPLED_PRODUCTS = 100 }; /* that one measurement may take on a sample */
/* Is there a sample between `full` and `problem`? */
static inline bool us__gathering_is_sampled(const us__gathering *g) { return g->problem != g->full; }
/* Where there is a sample, going on is bounded, too: `steps`, or as many as take so many gradients over all rows, and no
 * fewer than US__SAMPLED_STEPS. */
enum { US__SAMPLED_STEPS = 10 };
uint64_t us__gathering_steps(const us__gathering *g, uint64_t steps, double gradients);
/* Makes `problem` and `looks`. @param loss, gradient  at theta, of all rows */
us_status us__gathering_sample(us__gathering *g, double loss, const us_vec *gradient);
void us__gathering_close(us__gathering *g);
/* The loss on all rows where a line search on the sample ended: what it found there counts if all rows gain, too. Where on
 * the line all rows would be lowest stays unknown. @param direction [n] */
us_status us__gathering_confirm(us__gathering *g, const double *direction, us__line *line);
/* v'Hv at `theta`, on all rows. @param direction [n] v */
us_status us__gathering_curvature(us__gathering *g, const us_vec *theta, const double *direction, double *value);
/* A critical point's smallest eigenvalue was measured on a sample: does its sign hold on all rows? Where it does not, the
 * kind in the evidence becomes undecided. */
us_status us__gathering_settle(us__gathering *g);

/* Loss and gradient; false in evidence.finite when one is not. */
us_status us__evidence_gradient(us__gathering *g);
us_status us__evidence_floor(us__gathering *g);
us_status us__evidence_units(us__gathering *g);
us_status us__evidence_checks(us__gathering *g);
us_status us__evidence_point(us__gathering *g);
us_status us__evidence_stability(us__gathering *g); /* stability.c */
us_status us__evidence_line_search(us__gathering *g);
us_status us__evidence_escape(us__gathering *g);
us_status us__evidence_carry_on(us__gathering *g);
us_status us__evidence_near(us__gathering *g);         /* near.c */
us_status us__evidence_divergence(us__gathering *g);   /* divergence.c; measures nothing where all is finite */
us_status us__evidence_ringing(us__gathering *g);      /* ringing.c */
us_status us__evidence_conditioning(us__gathering *g); /* conditioning.c */
us_status us__evidence_noise(us__gathering *g);        /* noise.c */

us_status us__evidence_longer(us__gathering *g); /* carry on again, where that alone would decide */
us_status us__evidence_lower(us__gathering *g);  /* lower.c */

/* Growth of the component along an eigenvector of λ < 0 (for rules that divide by D: of D^(-1/2)HD^(-1/2)) in one step of
 * the training's rule; NaN where it is not known. See leaving.c. */
double us__growth(const us_training *training, double rate, double lambda);
/* Steps of the rule from the part `part` of θ − θ* along v, of length 1, to where the loss along v is lowest; NaN where it
 * does not fall, or the growth is not known. @param decrease  of the loss along v */
us_status us__leave_along(us__gathering *g, us__place *place, const double *v, double lambda, double part, double *steps,
                          double *decrease);
/* The same for rules that divide, along their own way out from `place`; one of gradient and displacement θ − θ* is given,
 * the other NULL. @param component  |part| along it, in θ; untouched where steps is NaN */
us_status us__leave_adaptive(us__gathering *g, us__place *place, const double *gradient, const double *displacement,
                             double *steps, double *component);

/* The numbers behind the verdict, each with the threshold it was held against. */
void us__signs_list(us_diagnosis *diagnosis, const us_verdict_options *options);

#endif
