/* The values at a point, kept from one product with the Hessian to the next: they are used again where θ and the rows are
 * the same to the last bit. The dataset does not change under a problem. */
#include "graph/plan.h"
#include <string.h>

void us__point_forget(us__workspace *w) { w->point.plan = NULL; }

bool us__point_is(const us__evaluation *e) {
    const us__point *p = &e->workspace->point;
    size_t bytes = e->plan->graph->dimension * us_precision_bytes(e->workspace->precision);
    return p->plan == e->plan && p->count == e->count && p->draw == e->draw && p->features == e->features &&
           !p->numbered == !e->rows && (!e->rows || !memcmp(p->rows, e->rows, e->count * sizeof *p->rows)) &&
           !memcmp(p->theta, e->theta, bytes);
}

us_status us__point_keep(const us__evaluation *e) {
    us__workspace *w = e->workspace;
    us__point *p = &w->point;
    size_t bytes = e->plan->graph->dimension * us_precision_bytes(w->precision);
    us__point_forget(w);
    us_status status = us__workspace_room(w, &p->theta, &p->theta_bytes, bytes, 1);
    if (status == US_OK && e->rows) status = us__workspace_room(w, (void **)&p->rows, &p->room, e->count, sizeof *p->rows);
    if (status != US_OK) return status;
    memcpy(p->theta, e->theta, bytes);
    if (e->rows) memcpy(p->rows, e->rows, e->count * sizeof *p->rows);
    p->numbered = e->rows != NULL;
    p->count = e->count;
    p->draw = e->draw;
    p->features = e->features;
    p->plan = e->plan;
    return US_OK;
}
