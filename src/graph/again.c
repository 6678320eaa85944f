/* Which values of samples tangents find kept in memory, and which are computed again for each vector from those that are.
 *
 * What takes little to compute from kept values need not be kept itself: it stays in a program's registers. Of all ways to
 * choose, the one with the fewest numbers in memory is a smallest cut: it parts the values that tangents read, and what they
 * are computed from by operations that take little, from what must be kept in any case. It is found by augmenting paths
 * (Edmonds & Karp 1972, Journal of the ACM 19(2)); of several such cuts, it is the one with the fewest operations to do
 * again.
 *
 * What is computed again is a node of its own (`again`), which plans count to the tangents. */
#include "graph/plan.h"
#include <string.h>

typedef struct again_note {
    bool needed, wanted, kept; /* by tangents: as rows that come by; whole, so that it is in memory in any case */
    bool again;                /* the answer */
    us_node root, now;         /* whose memory a view shows; what stands for this node where tangents read it */
    size_t flow;               /* numbers that pass through the node, of those of a row */
    size_t along[US__INPUTS];  /* and from it to an input */
    size_t readers;            /* where they begin in the list */
} again_note;

typedef struct again_state {
    us_graph *graph;
    size_t nodes;
    again_note *notes; /* [nodes] */
    uint32_t *readers; /* of all nodes: reader·US__INPUTS + which input */
    /* A path enters node a at 2a and leaves it at 2a + 1. */
    uint32_t *from, *queue; /* [2·nodes] what it came from; AGAIN_NEW where it has not been */
} again_state;

enum { AGAIN_NEW = UINT32_MAX, AGAIN_START = UINT32_MAX - 1 };

static const us__node *again_node(const again_state *s, us_node a) { return us__at(s->graph, a); }
static bool again_is_view(const us__node *n) { return n->op->inputs > 0 && !n->op->value[0]; }

/* Takes little beside reading and writing it. */
static bool again_is_cheap(const us__op *op) {
    return (op->row[0] && op->inputs > 1 && op != &us__op_pow) || op == &us__op_neg || op == &us__op_project ||
           op == &us__op_dot;
}

/* A value of samples at the point: somebody has to see to it that it is there. */
static bool again_counts(const again_state *s, us_node a) {
    const us__node *n = again_node(s, a);
    return us__has_samples(n) && n->op->value[0] && !n->tangent && !s->notes[a].kept;
}

static void again_note_uses(again_state *s, const us_node *outputs, size_t count) {
    for (size_t k = 0; k < count; k++)
        if (outputs[k] != US_NODE_NONE) s->notes[outputs[k]].needed = true;
    for (size_t a = s->nodes; a-- > 0;) {
        const us__node *n = again_node(s, (us_node)a);
        for (size_t i = 0; i < n->op->inputs && s->notes[a].needed; i++) s->notes[n->in[i]].needed = true;
    }
    for (size_t a = 0; a < s->nodes; a++) {
        const us__node *n = again_node(s, (us_node)a);
        s->notes[a].now = s->notes[a].root = (us_node)a;
        if (again_is_view(n)) s->notes[a].root = s->notes[n->in[0]].root;
        bool whole = us__sum_is_large(n) && !us__has_samples(n);
        for (size_t i = 0; i < n->op->inputs && s->notes[a].needed && n->tangent; i++)
            *(whole ? &s->notes[s->notes[n->in[i]].root].kept : &s->notes[s->notes[n->in[i]].root].wanted) = true;
    }
}

/* Who reads what, through views, among what counts. */
static void again_list_readers(again_state *s) {
    uint32_t at = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t a = 0; a < s->nodes; a++) {
            const us__node *n = again_node(s, (us_node)a);
            if (!s->notes[a].needed || again_is_view(n) || !again_counts(s, (us_node)a)) continue;
            for (size_t i = 0; i < n->op->inputs; i++) {
                again_note *x = &s->notes[s->notes[n->in[i]].root];
                if (pass == 1) s->readers[--x->readers] = (uint32_t)(a * US__INPUTS + i);
                x->readers += pass == 0;
            }
        }
        for (size_t a = 0; a <= s->nodes && pass == 0; a++) s->notes[a].readers = at += (uint32_t)s->notes[a].readers;
    }
}

/* ------------------------------------------------------------------ the cut */

static void again_push(again_state *s, size_t *end, size_t place, size_t from) {
    if (s->from[place] != AGAIN_NEW) return;
    s->from[place] = (uint32_t)from;
    s->queue[(*end)++] = (uint32_t)place;
}

/* A shortest path along which more can pass: where it ends, or AGAIN_NEW. */
static uint32_t again_path(again_state *s) {
    size_t begin = 0, end = 0;
    memset(s->from, 0xFF, 2 * s->nodes * sizeof *s->from);
    for (size_t a = 0; a < s->nodes; a++)
        if (s->notes[a].wanted && again_counts(s, (us_node)a)) again_push(s, &end, 2 * a, AGAIN_START);
    while (begin < end) {
        size_t place = s->queue[begin++], a = place / 2;
        const us__node *n = again_node(s, (us_node)a);
        again_note *note = &s->notes[a];
        if (place % 2 == 0) {
            if (note->flow < us__elements(n, 1)) again_push(s, &end, place + 1, place);
            for (size_t r = note->readers; r < note[1].readers; r++)
                if (s->notes[s->readers[r] / US__INPUTS].along[s->readers[r] % US__INPUTS] > 0)
                    again_push(s, &end, 2 * (s->readers[r] / US__INPUTS) + 1, place);
            continue;
        }
        if (!again_is_cheap(n->op)) return (uint32_t)place;
        if (note->flow > 0) again_push(s, &end, place - 1, place);
        for (size_t i = 0; i < n->op->inputs; i++)
            if (again_counts(s, s->notes[n->in[i]].root)) again_push(s, &end, 2 * (size_t)s->notes[n->in[i]].root, place);
    }
    return AGAIN_NEW;
}

/* The input by which node `reader` reads a and, if it must, something passes. */
static size_t again_input(const again_state *s, size_t reader, size_t a, bool passes) {
    const us__node *n = again_node(s, (us_node)reader);
    size_t i = 0;
    while ((size_t)s->notes[n->in[i]].root != a || (passes && s->notes[reader].along[i] == 0)) i++;
    return i;
}

/* One step of a path, from one place to the next: what may pass, after `more` has. */
static size_t again_step(again_state *s, size_t from, size_t to, size_t more) {
    size_t a = from / 2, b = to / 2;
    if (a == b) {
        size_t room = us__elements(again_node(s, (us_node)a), 1), *flow = &s->notes[a].flow;
        *flow = to > from ? *flow + more : *flow - more;
        return to > from ? room - *flow : *flow;
    }
    if (from % 2) {
        s->notes[a].along[again_input(s, a, b, false)] += more;
        return SIZE_MAX;
    }
    size_t *back = &s->notes[b].along[again_input(s, b, a, true)];
    *back -= more;
    return *back;
}

static void again_cut(again_state *s) {
    for (uint32_t end; (end = again_path(s)) != AGAIN_NEW;) {
        size_t most = SIZE_MAX;
        for (uint32_t at = end; s->from[at] != AGAIN_START; at = s->from[at]) {
            size_t room = again_step(s, s->from[at], at, 0);
            most = room < most ? room : most;
        }
        for (uint32_t at = end; s->from[at] != AGAIN_START; at = s->from[at]) again_step(s, s->from[at], at, most);
    }
    /* On this side of the cut is where a path could still come to; what it can leave is not kept. */
    for (size_t a = s->nodes; a-- > 0;) {
        again_note *note = &s->notes[a];
        if (!note->wanted || !again_counts(s, (us_node)a) || s->from[2 * a + 1] == AGAIN_NEW) continue;
        const us__node *n = again_node(s, (us_node)a);
        note->again = true;
        for (size_t i = 0; i < n->op->inputs; i++) s->notes[s->notes[n->in[i]].root].wanted = true;
    }
}

/* ------------------------------------------------------------------ what comes of it */

/* Nodes that are computed again, views of them, and the tangents that read them. */
static void again_make(again_state *s, us_node *outputs, size_t count) {
    us_graph *g = s->graph;
    bool deriving = g->deriving;
    g->deriving = true;
    for (size_t a = 0; a < s->nodes && g->status == US_OK; a++) {
        us__node n = *us__at(g, (us_node)a);
        bool changes = s->notes[a].again;
        if (!s->notes[a].needed) continue;
        for (size_t i = 0; i < n.op->inputs; i++) {
            us_node now = s->notes[n.in[i]].now;
            if (now == n.in[i] || !(n.tangent || s->notes[a].again || again_is_view(&n))) continue;
            n.in[i] = now;
            changes = true;
        }
        if (!changes) continue;
        n.again = !n.tangent;
        g->origin = n.origin;
        s->notes[a].now = us__graph_make(g, n);
    }
    g->origin = US_NODE_NONE;
    g->deriving = deriving;
    for (size_t k = 0; k < count; k++)
        if (outputs[k] != US_NODE_NONE) outputs[k] = s->notes[outputs[k]].now;
}

us_status us__again(us_graph *graph, us_node *outputs, size_t count) {
    if (graph->status != US_OK) return graph->status;
    us_context *context = graph->context;
    size_t nodes = graph->count;
    again_state s = {.graph = graph, .nodes = nodes, .notes = us__new(context, nodes + 1, sizeof *s.notes)};
    s.readers = us__alloc(context, nodes * US__INPUTS, sizeof *s.readers);
    s.from = us__alloc(context, 4 * nodes, sizeof *s.from);
    us_status status = US_ERR_NOMEM;
    if (!s.notes || !s.readers || !s.from) goto done;
    s.queue = s.from + 2 * nodes;
    again_note_uses(&s, outputs, count);
    again_list_readers(&s);
    again_cut(&s);
    again_make(&s, outputs, count);
    status = graph->status;
done:
    us__release(context, s.from);
    us__release(context, s.readers);
    us__release(context, s.notes);
    return status;
}
