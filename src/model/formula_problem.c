/* Formulas without data: their variables are the parameters. */
#include "model/formula.h"
#include <string.h>
#include <unstuck/model.h>

us_status us_formula_variables(us_context *context, const char *formula, char ***names, size_t *count) {
    *names = NULL;
    *count = 0;
    us__formula *parsed = NULL;
    us_status status = us__formula_create(&parsed, context, formula);
    if (status != US_OK) return status;
    char **list = us__new(context, parsed->name_count, sizeof *list);
    if (!list) status = US_ERR_NOMEM;
    for (size_t i = 0; status == US_OK && i < parsed->name_count; i++)
        if (!(list[i] = us__formula_name_copy(parsed, i))) status = US_ERR_NOMEM;
    if (status == US_OK) {
        *names = list;
        *count = parsed->name_count;
    } else {
        us_names_release(context, list, parsed->name_count);
    }
    us__formula_destroy(parsed);
    return status;
}

void us_names_release(us_context *context, char **names, size_t count) {
    for (size_t i = 0; names && i < count; i++) us__release(context, names[i]);
    us__release(context, names);
}

/* A variable is one name, and none that formulas keep for themselves. */
static us_status formula_check_variable(us_context *context, const char *const *variables, size_t i) {
    const char *name = variables[i];
    us__token token = us__token_next(name, 0);
    double number;
    if (token.kind != US__TOKEN_NAME || token.position != 0 || name[token.length] != '\0')
        return us__fail(context, US_ERR_INPUT,
                        "variable '%s': a name has letters, digits and _ and does not begin with a digit", name);
    if (us__constant_find(name, token.length, &number))
        return us__fail(context, US_ERR_INPUT, "variable '%s': that is the constant %.6g; give it another name", name,
                        number);
    if (us__function_find(name, token.length))
        return us__fail(context, US_ERR_INPUT, "variable '%s': that is a function; give it another name", name);
    for (size_t k = 0; k < i; k++)
        if (strcmp(variables[k], name) == 0) return us__fail(context, US_ERR_INPUT, "variable '%s' is given twice", name);
    return US_OK;
}

/* The node of each name in the formula, out of the variables' nodes. */
static us_status formula_bind(const us__formula *formula, const char *const *variables, const us_node *nodes, size_t count,
                              us_node *bound) {
    for (size_t i = 0; i < formula->name_count; i++) {
        size_t k = 0;
        while (k < count && !us__formula_name_is(formula, i, variables[k])) k++;
        if (k == count)
            return us__formula_fail_at(formula, i, "'%.*s' has no value: it is not among the variables that were given",
                                       (int)formula->names[i].length, formula->text + formula->names[i].position);
        bound[i] = nodes[k];
    }
    return US_OK;
}

us_status us_problem_create_formula(us_problem **out, us_context *context, const char *formula, const char *const *variables,
                                    size_t count) {
    *out = NULL;
    if (count == 0) return us__fail(context, US_ERR_INPUT, "formula: it has no variables, so there is nothing to look for");
    for (size_t i = 0; i < count; i++) {
        us_status status = formula_check_variable(context, variables, i);
        if (status != US_OK) return status;
    }
    us__formula *parsed = NULL;
    us_graph *graph = NULL;
    us_node *nodes = NULL, loss = US_NODE_NONE;
    us_status status = us__formula_create(&parsed, context, formula);
    if (status == US_OK) status = us_graph_create(&graph, context);
    if (status != US_OK) goto done;
    status = US_ERR_NOMEM;
    nodes = us__alloc(context, count + parsed->name_count, sizeof *nodes);
    if (!nodes) goto done;
    for (size_t i = 0; i < count; i++) nodes[i] = us_graph_parameter(graph, variables[i], 0, NULL);
    status = formula_bind(parsed, variables, nodes, count, nodes + count);
    if (status == US_OK) status = us__formula_build(parsed, graph, nodes + count, &loss);
    if (status == US_OK) status = us_graph_set_loss(graph, loss);
    if (status != US_OK) goto done;
    status = us_problem_create_graph(out, graph, NULL, US_F64);
    graph = NULL; /* taken over */
done:
    us__release(context, nodes);
    us_graph_destroy(graph);
    us__formula_destroy(parsed);
    return status;
}
