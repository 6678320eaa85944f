/* A graph as text: one line a node. */
#include "graph/graph.h"
#include <stdio.h>
#include <string.h>

typedef struct print_text {
    us_context *context;
    char *text;
    size_t length, size;
} print_text;

/* Appends, growing. */
static us_status print_add(print_text *t, const char *words) {
    size_t n = strlen(words);
    if (t->length + n + 1 > t->size) {
        size_t size = 2 * t->size + n + 256;
        char *text = us__grow(t->context, t->text, t->length, size, 1);
        if (!text) return US_ERR_NOMEM;
        t->text = text;
        t->size = size;
    }
    memcpy(t->text + t->length, words, n + 1);
    t->length += n;
    return US_OK;
}

static bool print_transposes(const us__node *n, size_t i) {
    return (n->op == &us__op_matmul || n->op == &us__op_batch_matmul) && (n->index >> i & 1);
}

/* "%7 = matmul %3 %1ᵀ  [samples×10]" */
static void print_node(const us_graph *g, us_node a, char *line, size_t size) {
    const us__node *n = us__at(g, a);
    size_t at = (size_t)snprintf(line, size, "%%%d = %s", (int)a, n->op->name);
#define WORDS(...) at += (size_t)snprintf(line + at, size - at, __VA_ARGS__)
    for (size_t i = 0; i < n->op->inputs; i++) WORDS(" %%%d%s", (int)n->in[i], print_transposes(n, i) ? "ᵀ" : "");
    for (size_t i = 0; i < (n->op == &us__op_permute ? n->rank : n->op->how); i++) WORDS(" %u", n->how[i]);
    if (n->op == &us__op_parameter || n->op == &us__op_tangent) WORDS(" %.200s", g->groups[n->index].name);
    if (n->op == &us__op_constant) WORDS(" %.17g", n->value);
    if (n->op == &us__op_column || n->op == &us__op_spread) WORDS(" %zu", n->index);
    if (n->op == &us__op_labels) WORDS(" of %zu classes", n->index);
    if (n->op == &us__op_pow && n->index) WORDS(" log^%zu", n->index);
    char shape[128];
    if (n->rank) WORDS("  %s", us__shape_text(n, shape));
    WORDS("%s%s\n", a == g->loss ? "  loss" : "", a == g->output ? "  output" : "");
#undef WORDS
}

us_status us_graph_print(const us_graph *graph, char **text) {
    *text = NULL;
    if (graph->status != US_OK) return graph->status;
    print_text t = {.context = graph->context};
    us_status status = US_ERR_NOMEM;
    bool all = graph->loss == US_NODE_NONE && graph->output == US_NODE_NONE;
    bool *needed = us__new(graph->context, graph->count, sizeof *needed);
    if (!needed) goto done;
    for (size_t a = graph->count; a-- > 0;) {
        needed[a] = needed[a] || all || graph->loss == (us_node)a || graph->output == (us_node)a;
        const us__node *n = us__at(graph, (us_node)a);
        for (size_t i = 0; i < n->op->inputs; i++)
            if (needed[a]) needed[n->in[i]] = true;
    }
    if (print_add(&t, "") != US_OK) goto done;
    for (size_t a = 0; a < graph->count; a++) {
        char line[1024];
        if (!needed[a]) continue;
        print_node(graph, (us_node)a, line, sizeof line);
        if (print_add(&t, line) != US_OK) goto done;
    }
    *text = t.text;
    t.text = NULL;
    status = US_OK;
done:
    us__release(graph->context, needed);
    us__release(graph->context, t.text);
    return status;
}

void us_text_release(us_context *context, char *text) { us__release(context, text); }
