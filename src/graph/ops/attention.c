/* Causal self-attention, Vaswani et al. 2017, "Attention is all you need", section 3.2. Queries, keys and values are
 * [samples×T×D]; a head h is D/heads of the columns, and the products below go over the heads, whose matrices are used where
 * they lie:
 *   scores  S_h = A_h·B_hᵀ            [samples×heads×T×T]      Ā = mix(S̄, B), B̄ = mix(S̄ᵀ, A)
 *   causal  P = softmax(S) over j ≤ i, and 0 beyond           P' = P∘(S' − ⟨P, S'⟩), which is its own adjoint
 *   mix     O_h = P_h·B_h, or P_hᵀ·B_h                        [samples×T×D]
 *           P̄ = scores(Ō, B), or scores(B, Ō) where transposed; B̄ = mix(Pᵀ, Ō), or mix(P, Ō)
 * Attention is mix(causal(scores(query/√(D/heads), key)), value). Nothing reads scores of what comes later (j > i), nor is P
 * anything but 0 there: the products leave most of that out. how: heads; index: 1 transposes P. */
#include "graph/gemm.h"
#include "graph/graph.h"
#include <math.h>

static us_node attention_make(us_graph *g, const us__op *op, us_node a, us_node b, bool transpose, const us__node *like) {
    return us__graph_make(g, (us__node){.op = op, .in = {a, b}, .index = transpose, .how = {like->how[0]}});
}

static us_status scores_shape(us_graph *g, us__node *n) {
    const us__node *a = us__at(g, n->in[0]), *b = us__at(g, n->in[1]);
    char left[128], right[128];
    size_t heads = n->how[0];
    if (a->rank != 3 || !us__same_shape(a, b) || heads == 0 || a->shape[2] % heads)
        return us__fail(g->context, US_ERR_SHAPE,
                        "attention: %s and %s must be [samples×positions×width] alike, of a width that %zu heads divide",
                        us__shape_text(a, left), us__shape_text(b, right), heads);
    n->rank = 4;
    n->shape[0] = a->shape[0];
    n->shape[1] = heads;
    n->shape[2] = n->shape[3] = a->shape[1];
    return US_OK;
}

static us_status mix_shape(us_graph *g, us__node *n) {
    const us__node *p = us__at(g, n->in[0]), *b = us__at(g, n->in[1]);
    char left[128], right[128];
    if (p->rank != 4 || b->rank != 3 || p->shape[0] != b->shape[0] || p->shape[1] != n->how[0] ||
        p->shape[2] != p->shape[3] || p->shape[3] != b->shape[1] || b->shape[2] % n->how[0])
        return us__fail(g->context, US_ERR_SHAPE, "attention: weights %s do not fit %s", us__shape_text(p, left),
                        us__shape_text(b, right));
    n->rank = 3;
    for (size_t i = 0; i < 3; i++) n->shape[i] = b->shape[i];
    return US_OK;
}

static us_status causal_shape(us_graph *g, us__node *n) {
    const us__node *s = us__at(g, n->in[0]);
    char text[128];
    if (s->rank < 3 || s->shape[s->rank - 1] != s->shape[s->rank - 2])
        return us__fail(g->context, US_ERR_SHAPE, "causal softmax: %s must end in a square", us__shape_text(s, text));
    n->rank = s->rank;
    for (size_t i = 0; i < s->rank; i++) n->shape[i] = s->shape[i];
    return US_OK;
}

/* Both products are linear in each input. */
static us_node attention_forward(us_graph *g, us_node y, size_t i, us_node d) {
    us__node n = *us__at(g, y);
    n.in[i] = d;
    return us__graph_make(g, n);
}

static us_node scores_reverse(us_graph *g, us_node y, size_t i, us_node d) {
    us__node n = *us__at(g, y);
    return attention_make(g, &us__op_attention_mix, d, n.in[1 - i], i == 1, &n);
}

static us_node mix_reverse(us_graph *g, us_node y, size_t i, us_node d) {
    us__node n = *us__at(g, y);
    if (i == 1) return attention_make(g, &us__op_attention_mix, n.in[0], d, !n.index, &n);
    us_node b = n.in[1];
    return attention_make(g, &us__op_attention_scores, n.index ? b : d, n.index ? d : b, false, &n);
}

static us_node causal_rule(us_graph *g, us_node y, size_t i, us_node d) {
    (void)i;
    us__node like = *us__at(g, y);
    like.shape[like.rank - 1] = 1;
    us_node mean = us__sum_to(g, us_graph_mul(g, y, d), &like);
    return us_graph_mul(g, y, us_graph_sub(g, d, mean));
}

/* A packed matrix of a head, and what a product needs. */
static size_t attention_scratch(const us_graph *g, const us__node *n) {
    const us__node *b = us__at(g, n->in[1]);
    size_t T = b->shape[1], w = b->shape[2] / n->how[0], a = us__gemm_scratch(T, w), c = us__gemm_scratch(w, T);
    return us__gemm_rounded(T) * us__gemm_rounded(w) + (a > c ? a : c);
}

us__kernel us__attention_scores_f32, us__attention_scores_f64, us__attention_mix_f32, us__attention_mix_f64,
    us__causal_softmax_f32, us__causal_softmax_f64;
const us__op us__op_attention_scores = {.name = "attention_scores",
                                        .inputs = 2,
                                        .how = 1,
                                        .shape = scores_shape,
                                        .value = {us__attention_scores_f32, us__attention_scores_f64},
                                        .scratch = attention_scratch,
                                        .forward = attention_forward,
                                        .reverse = scores_reverse};
const us__op us__op_attention_mix = {.name = "attention_mix",
                                     .inputs = 2,
                                     .how = 1,
                                     .shape = mix_shape,
                                     .value = {us__attention_mix_f32, us__attention_mix_f64},
                                     .scratch = attention_scratch,
                                     .forward = attention_forward,
                                     .reverse = mix_reverse};
const us__op us__op_causal_softmax = {.name = "causal_softmax",
                                      .inputs = 1,
                                      .shape = causal_shape,
                                      .value = {us__causal_softmax_f32, us__causal_softmax_f64},
                                      .forward = causal_rule,
                                      .reverse = causal_rule};

us_node us_graph_attention(us_graph *graph, us_node query, us_node key, us_node value, size_t heads) {
    size_t width = us_graph_axis(graph, query, 2);
    if (heads == 0 || heads > width) heads = 0; /* the shape's check tells */
    us__node how = {.how = {(uint32_t)heads}};
    us_node scale = us_graph_constant(graph, heads ? 1 / sqrt((double)(width / heads)) : 1);
    us_node scores = attention_make(graph, &us__op_attention_scores, us_graph_mul(graph, query, scale), key, false, &how);
    us_node weights = us__unary(graph, &us__op_causal_softmax, scores);
    return attention_make(graph, &us__op_attention_mix, weights, value, false, &how);
}
