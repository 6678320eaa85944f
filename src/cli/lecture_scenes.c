/* The lecture's scenes that are formulas: each is what one `unstuck landscape` command computes. */
#include "lecture.h"

/* Down a step, over a plateau, through a point where slope and curvature are zero, into a minimum: f' =
 * x²(x−3)((x+3)²+1/100)/50. */
#define ONE_CURVE "(x^6/6+0.6*x^5-2.2475*x^4-9.01*x^3)/50"
/* A local minimum before the lower one. */
#define TWO_MINIMA "x^4-3*x^2+x"
/* A minimum along x; with y beside it a saddle, with minima to both sides. */
#define ONE_MORE "x^2-y^2+y^4/4"
/* Curvature 1 along x and 20 along y: a rate beyond 2/20 diverges. */
#define VALLEY "x^2/2+10*y^2"
/* Nearly flat far out, a narrow bend, one minimum at 3, 1/2 (E. Beale 1958). */
#define BEALE "(1.5-x+x*y)^2+(2.25-x+x*y^2)^2+(2.625-x+x*y^3)^2"
#define ROSENBROCK "100*(y-x^2)^2+(1-x)^2"

#define GRID .points = 61, .seconds = 5, .seed = 1

const lecture_item lecture_items[] = {
    /* Losses that stand still, and look alike. */
    {"stuck",
     "saddle",
     LECTURE_LOSSES,
     {"(1-x*y)^2", "x=-2:2,y=-2:2", .start = "x=1,y=-1", .optimizers = "sgd:lr=0.05", .steps = 100, GRID}},
    {"stuck",
     "minimum",
     LECTURE_LOSSES,
     {TWO_MINIMA "+4.5", "x=-2:2", .start = "x=1.6", .optimizers = "sgd:lr=0.02", .steps = 100, .points = 201, .seconds = 5,
      .seed = 1}},
    {"stuck",
     "plateau",
     LECTURE_LOSSES,
     {ONE_CURVE "+3.5", "x=-4.6:4.1", .start = "x=-4.5", .optimizers = "sgd:lr=0.05", .steps = 100, .points = 201,
      .seconds = 5, .seed = 1}},
    {"stuck",
     "bouncing",
     LECTURE_LOSSES,
     {VALLEY, "x=-2:2,y=-0.6:0.6", .start = "x=1.8,y=0.4", .optimizers = "sgd:lr=0.1", .steps = 100, GRID}},
    {"stuck",
     "crawling",
     LECTURE_LOSSES,
     {VALLEY, "x=-2:2,y=-0.6:0.6", .start = "x=1.8,y=0.5", .optimizers = "sgd:lr=0.001", .steps = 100, GRID}},

    {"kinds", "minimum", LECTURE_LANDSCAPE, {"x^2+y^2", "x=-2:2,y=-2:2", GRID}},
    {"kinds",
     "saddle",
     LECTURE_LANDSCAPE,
     {"x^2-y^2", "x=-2:2,y=-2:2", .start = "x=1.9,y=1e-5", .optimizers = "sgd:lr=0.1", .steps = 60, GRID}},
    {"kinds", "maximum", LECTURE_LANDSCAPE, {"-x^2-y^2", "x=-2:2,y=-2:2", GRID}},

    {"dimension",
     "line",
     LECTURE_LANDSCAPE,
     {ONE_MORE, "x=-2:2", .at = "y=0", .start = "x=1.8", .optimizers = "sgd:lr=0.05", .steps = 100, .points = 201,
      .seconds = 5, .seed = 1}},
    {"dimension",
     "plane",
     LECTURE_LANDSCAPE,
     {ONE_MORE, "x=-2:2,y=-2.2:2.2", .start = "x=1.8,y=1e-3", .optimizers = "sgd:lr=0.05", .steps = 200, GRID}},

    {"curve",
     "three",
     LECTURE_LANDSCAPE | LECTURE_LOSSES,
     {ONE_CURVE, "x=-4.6:4.1", .start = "x=-4.5", .optimizers = "sgd:lr=0.05,momentum:lr=0.05", .steps = 800, .points = 401,
      .seconds = 5, .seed = 1}},

    {"ball",
     "momentum",
     LECTURE_LANDSCAPE | LECTURE_LOSSES,
     {TWO_MINIMA, "x=-2:2", .start = "x=1.9", .optimizers = "sgd:lr=0.01,momentum:lr=0.01", .steps = 150, .points = 401,
      .seconds = 5, .seed = 1}},

    {"rates",
     "four",
     LECTURE_LANDSCAPE | LECTURE_LOSSES,
     {VALLEY, "x=-2:2,y=-0.6:0.6", .start = "x=-1.8,y=0.4", .optimizers = "sgd", .rates = "0.101,0.097,0.05,0.002",
      .steps = 60, GRID}},

    {"adagrad",
     "fading",
     LECTURE_LANDSCAPE | LECTURE_LOSSES | LECTURE_LENGTHS,
     {VALLEY, "x=-2:2,y=-0.6:0.6", .start = "x=-1.8,y=0.5",
      .optimizers = "adagrad:lr=0.1,adagrad-rms:lr=0.1,rmsprop:lr=0.02", .steps = 300, GRID}},

    {"optimizers",
     "valley",
     LECTURE_LANDSCAPE | LECTURE_LOSSES,
     {ROSENBROCK, "x=-1.6:1.6,y=-0.6:1.8", .start = "x=-1.2,y=1",
      .optimizers = "sgd:lr=0.001,momentum:lr=0.0003,adagrad:lr=0.3,rmsprop:lr=0.01,rmsprop-momentum:lr=0.002,adam:lr=0.03",
      .steps = 1000, GRID}},
    {"optimizers",
     "bend",
     LECTURE_LANDSCAPE | LECTURE_LOSSES,
     {BEALE, "x=-0.5:4,y=-1.5:1.6", .start = "x=0.8,y=1.5",
      .optimizers = "sgd:lr=0.002,momentum:lr=0.001,adagrad:lr=0.3,rmsprop:lr=0.01,rmsprop-momentum:lr=0.002,adam:lr=0.05",
      .steps = 600, GRID}},
};
const size_t lecture_item_count = sizeof lecture_items / sizeof *lecture_items;
