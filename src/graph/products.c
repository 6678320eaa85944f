/* Curvatures beside the Hessian, from the same two transforms. With the output z of the model as the cut, J = ∂z/∂θ and
 * wᵢ = 1/N for each of the N samples:
 *
 *   generalised Gauss-Newton   J'QJ·v,  Q = ∂²(Σ wᵢℓᵢ)/∂z²:   forward of z along v gives Jv; forward of the reverse of the
 *                              loss by z, along Jv, gives QJv; the reverse of z, seeded with that, the product
 *   empirical Fisher           Σ wᵢ gᵢ(gᵢ·v):   forward of the loss along v gives each gᵢ·v; the reverse of the loss, seeded
 *                              with wᵢ·(gᵢ·v), the product
 *
 * Sources: Schraudolph 2002, "Fast curvature matrix-vector products for second-order gradient descent", Neural Computation
 * 14(7); Martens 2020, "New insights and perspectives on the natural gradient method", JMLR 21 (sections 8 and 11). */
#include "graph/products.h"

/* Σ wᵢyᵢ has the derivative by yᵢ that seeds a reverse: 1/N for samples, 1 for a scalar. */
static us_node products_weighted(us_graph *g, us_node y) {
    us__node node = *us__at(g, y);
    return us__has_samples(&node) ? us_graph_mul(g, us__weight(g), y) : y;
}

static us_status products_fisher(us_graph *g, const us_node *tangents, us_node *products) {
    us_node slope;
    us_status status = us__graph_forward(g, &g->loss, 1, g->parameters, tangents, g->parameter_count, &slope);
    if (status != US_OK || slope == US_NODE_NONE) return status;
    return us__graph_reverse(g, g->loss, products_weighted(g, slope), g->parameters, g->parameter_count, products);
}

static us_status products_gauss_newton(us_graph *g, const us_node *tangents, us_node *products) {
    us_node z = g->output, along, slope, curved;
    if (z == US_NODE_NONE)
        return us__fail(g->context, US_ERR_UNSUPPORTED,
                        "a Gauss-Newton product needs to know what the model's output is (us_graph_set_output)");
    us__node loss = *us__at(g, g->loss);
    us_node seed = us__has_samples(&loss) ? us__broadcast_to(g, us__weight(g), &loss) : us_graph_constant(g, 1);
    us_status status = us__graph_forward(g, &z, 1, g->parameters, tangents, g->parameter_count, &along);
    if (status == US_OK) status = us__graph_reverse(g, g->loss, seed, &z, 1, &slope);
    if (status != US_OK || along == US_NODE_NONE || slope == US_NODE_NONE) return status;
    status = us__graph_forward(g, &slope, 1, &z, &along, 1, &curved);
    if (status != US_OK || curved == US_NODE_NONE) return status;
    return us__graph_reverse(g, z, curved, g->parameters, g->parameter_count, products);
}

us_status us__products_create(us__products **out, const us_graph *graph, us_product product, us_precision precision) {
    us_context *context = graph->context;
    *out = NULL;
    size_t count = graph->parameter_count;
    us_status status = US_ERR_NOMEM;
    us_node *tangents = us__alloc(context, 2 * count, sizeof *tangents), *products = tangents ? tangents + count : NULL;
    us__products *p = us__new(context, 1, sizeof *p);
    if (!tangents || !p) goto done;
    status = us__graph_branch(&p->graph, graph);
    if (status != US_OK) goto done;
    for (size_t k = 0; k < count; k++) products[k] = US_NODE_NONE; /* zero, where nothing depends on anything */
    for (size_t k = 0; k < count; k++) tangents[k] = us__tangent(p->graph, k);
    status = product == US_FISHER ? products_fisher(p->graph, tangents, products)
                                  : products_gauss_newton(p->graph, tangents, products);
    if (status == US_OK) status = us_graph_status(p->graph);
    if (status == US_OK) status = us__again(p->graph, products, count);
    if (status == US_OK) status = us__plan_create(&p->plan, p->graph, US_NODE_NONE, products, count);
    if (status == US_OK) status = us__workspace_create(&p->workspace, context, precision, p->graph->count);
    if (status != US_OK) goto done;
    *out = p;
    p = NULL;
done:
    if (p && !p->graph) us__release(context, p), p = NULL;
    us__products_destroy(p);
    us__release(context, tangents);
    return status;
}

void us__products_destroy(us__products *products) {
    if (!products) return;
    us_context *context = products->graph->context;
    us__workspace_destroy(products->workspace);
    us__plan_destroy(products->plan);
    us__branch_destroy(products->graph);
    us__release(context, products);
}
