/** Everything: train by gradient methods, and learn why a training is stuck and what gets it going. */
#ifndef UNSTUCK_UNSTUCK_H
#define UNSTUCK_UNSTUCK_H

#include <unstuck/condition.h>
#include <unstuck/context.h>
#include <unstuck/critical.h>
#include <unstuck/curvature.h>
#include <unstuck/data.h>
#include <unstuck/density.h>
#include <unstuck/diagnose.h>
#include <unstuck/graph.h>
#include <unstuck/lanczos.h>
#include <unstuck/landscape.h>
#include <unstuck/linear.h>
#include <unstuck/log.h>
#include <unstuck/lowest.h>
#include <unstuck/model.h>
#include <unstuck/operator.h>
#include <unstuck/problem.h>
#include <unstuck/race.h>
#include <unstuck/range.h>
#include <unstuck/remedy.h>
#include <unstuck/report.h>
#include <unstuck/rng.h>
#include <unstuck/rule.h>
#include <unstuck/run.h>
#include <unstuck/safetensors.h>
#include <unstuck/solve.h>
#include <unstuck/train.h>
#include <unstuck/trend.h>
#include <unstuck/units.h>
#include <unstuck/vec.h>
#include <unstuck/version.h>
#include <unstuck/watch.h>

#endif
