/* Sums of squares of residuals that are linear in θ, at once. */
#include "descend/solvers/solver.h"

const us__method us__method_least_squares = {
    .about = {.name = "least-squares",
              .title = "exact linear least squares",
              .formula = "r = J theta + r0\nJ = QR,  R theta = -Q'r0, refined with residuals in twice the precision",
              .source = "Björck 1967, Iterative refinement of linear least squares solutions, BIT 7",
              .advice = "linear models with squared error: the exact answer, as precise as the numbers allow",
              .squares = true},
};
