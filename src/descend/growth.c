/* How fast a rule leaves a saddle. Near a saddle θ*, with g = H(θ − θ*), the part of θ − θ* along an eigenvector of λ < 0
 * grows by a factor a step. With b = α|λ| it is the larger root μ of
 *     gradient descent   μ = 1 + b
 *     heavy ball         μ² − (1 + β + b)μ + β = 0
 *     Nesterov           μ² − (1 + β)(1 + b)μ + β(1 + b) = 0
 *     means of gradients (Adam and its kin)   heavy ball with (1 − β₁)b for b */
#include "descend/rules/rules.h"
#include <math.h>

/* The larger root of μ² − bμ + c. */
static double growth_root(double b, double c) { return 0.5 * (b + sqrt(b * b - 4 * c)); }

double us__growth_plain(double b) { return 1 + b; }
double us__growth_heavy_ball(double beta, double b) { return growth_root(1 + beta + b, beta); }
double us__growth_nesterov(double beta, double b) { return growth_root((1 + beta) * (1 + b), beta * (1 + b)); }
double us__growth_mean(double beta, double b) { return us__growth_heavy_ball(beta, (1 - beta) * b); }
