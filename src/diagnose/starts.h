/* Other weights from which a training might begin. */
#ifndef US_DIAGNOSE_STARTS_H
#define US_DIAGNOSE_STARTS_H

#include "base/base.h"
#include <unstuck/problem.h>

/* Weights for a layer of `fan_in`: normal with variance 2/fan_in, times `scale`². Source: He et al. 2015, eq. 10. */
void us__draw_weights(us_rng *rng, double *weights, size_t count, size_t fan_in, double scale);

/* Start number `draw` over theta [n], which holds the present one. Weights of layers are drawn by their fan-in at half, the
 * same and twice He's scale; gains begin at 1, other vectors at 0; a number (of a formula) is multiplied by e^z with z
 * normal. Running statistics stay. */
void us__draw_start(const us_group *groups, size_t count, uint64_t draw, us_rng *rng, double *theta);

#endif
