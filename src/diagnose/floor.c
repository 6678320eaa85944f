/* What the data allow: the least loss of any function of the features, and the loss of the best constant. */
#include "diagnose/evidence.h"

us_status us__evidence_floor(us__gathering *g) {
    us_evidence *e = &g->diagnosis->evidence;
    return us_problem_floor(g->full, &e->floor, &e->constant_loss);
}
