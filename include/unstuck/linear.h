/** The linear leaf: linear, logistic and softmax regression with fused kernels. */
#ifndef UNSTUCK_LINEAR_H
#define UNSTUCK_LINEAR_H

#include <unstuck/data.h>
#include <unstuck/problem.h>

#ifdef __cplusplus
extern "C" {
#endif

/** z = W·x + b with W [outputs×columns] = layer1.weight, b [outputs] = layer1.bias. */
typedef enum us_linear_loss {
    US_LINEAR_HALF_MSE = 0, /* ½‖z − y‖², the outputs added up; regression */
    US_LINEAR_SOFTMAX = 1,  /* −log softmax(z)[label]; classification with K ≥ 2 rows of W */
    US_LINEAR_LOGISTIC = 2  /* log(1 + exp(−s·z)), one output, s = ±1 from label 1 or 0; classification with 2 classes */
} us_linear_loss;

/** @param dataset  must outlive the problem; its precision is the problem's. @param out [caller destroys]
 * Errors: US_ERR_ARGUMENT when the loss does not fit the dataset's task. A batch of one row costs one dot product and
 * one scaled copy an output. */
US_API us_status us_problem_create_linear(us_problem **out, const us_dataset *dataset, us_linear_loss loss);

/** z for rows of features [rows×columns] of the problem's precision; outputs [rows×outputs] doubles. */
US_API us_status us_problem_linear_predict(const us_problem *problem, const us_vec *theta, const void *features, size_t rows,
                                           double *outputs);

#ifdef __cplusplus
}
#endif
#endif
