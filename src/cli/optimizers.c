/* unstuck optimizers: every update rule and every solver, from the descriptors. */
#include "cli.h"
#include <stdio.h>
#include <string.h>

static json_t *optimizers_json(const us_rule *rule) {
    json_t *set = json_array();
    for (size_t i = 0; i < rule->hyperparameter_count; i++) {
        const us_hyperparameter *h = &rule->hyperparameters[i];
        json_array_append_new(set, json_pack("{s:s,s:o,s:o,s:o,s:s}", "name", h->name, "default", cli_real(h->default_value),
                                             "minimum", cli_real(h->minimum), "maximum", cli_real(h->maximum), "meaning",
                                             h->meaning));
    }
    return json_pack("{s:s,s:s,s:s,s:s?,s:s,s:s,s:o,s:o,s:I}", "name", rule->name, "title", rule->title, "formula",
                     rule->formula, "latex", rule->latex, "source", rule->source, "advice", rule->advice, "lr",
                     cli_real(rule->learning_rate), "hyperparameters", set, "states", (json_int_t)rule->states);
}

static json_t *optimizers_solver_json(const us_solver_about *solver) {
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:b}", "name", solver->name, "title", solver->title, "formula",
                     solver->formula, "latex", solver->latex, "settings", solver->settings, "source", solver->source,
                     "advice", solver->advice, "squares", solver->squares);
}

static void optimizers_print_formula(const char *title, const char *name, const char *formula, const char *latex) {
    cli_style style = cli_style_of(1);
    printf("%s%s%s  %s\n\n", style.bold, name, style.reset, title);
    for (const char *line = formula; line && *line;) {
        const char *end = strchr(line, '\n');
        int length = end ? (int)(end - line) : (int)strlen(line);
        printf("    %.*s\n", length, line);
        line = end ? end + 1 : NULL;
    }
    printf("\n    LaTeX: %s\n\n", latex ? latex : "none");
}

static void optimizers_print(const us_rule *rule) {
    optimizers_print_formula(rule->title, rule->name, rule->formula, rule->latex);
    printf("  --lr           default %g: the learning rate\n", rule->learning_rate);
    for (size_t i = 0; i < rule->hyperparameter_count; i++) {
        const us_hyperparameter *h = &rule->hyperparameters[i];
        printf("  --set %s=%g   %g to %g: %s\n", h->name, h->default_value, h->minimum, h->maximum, h->meaning);
    }
    printf("\n  %s\n  Source: %s\n  Memory: %zu vector%s of θ's size\n", rule->advice, rule->source, rule->states,
           rule->states == 1 ? "" : "s");
}

static const char *optimizers_where(const us_solver_about *solver) {
    return solver->squares ? "train --optimizer (sums of squares)" : "minimize --solver, train --optimizer";
}

static void optimizers_print_solver(const us_solver_about *solver) {
    optimizers_print_formula(solver->title, solver->name, solver->formula, solver->latex);
    printf("  Settings: %s\n  For: %s\n\n  %s\n  Source: %s\n", solver->settings, optimizers_where(solver), solver->advice,
           solver->source);
}

/* Rows of a table of Markdown: what is in a cell may hold a bar. */
static void optimizers_cell(const char *text) {
    for (; *text; text++) printf(*text == '|' ? "\\|" : "%c", *text);
}

/* The head of a section of docs/optimizers.md. */
static void optimizers_markdown_formula(const char *name, const char *title, const char *advice, const char *formula,
                                        const char *latex) {
    printf("\n### %s\n\n%s. %s\n\n```text\n%s\n```\n\n```latex\n", name, title, advice, formula);
    for (const char *line = latex; line && *line;) {
        const char *end = strstr(line, "\\\\ ");
        int length = end ? (int)(end - line) + 2 : (int)strlen(line);
        printf("%.*s\n", length, line);
        line = end ? end + 3 : NULL;
    }
    printf("```\n\n");
}

static void optimizers_markdown(const us_rule *rule) {
    optimizers_markdown_formula(rule->name, rule->title, rule->advice, rule->formula, rule->latex);
    printf("| setting | default | range | meaning |\n|---|---|---|---|\n| `--lr` | %g | above 0 | the learning rate |\n",
           rule->learning_rate);
    for (size_t i = 0; i < rule->hyperparameter_count; i++) {
        const us_hyperparameter *h = &rule->hyperparameters[i];
        printf("| `--set %s` | %g | %g to %g | ", h->name, h->default_value, h->minimum, h->maximum);
        optimizers_cell(h->meaning);
        printf(" |\n");
    }
    printf("\nSource: %s. State: %zu vector%s of θ's size%s.\n", rule->source, rule->states, rule->states == 1 ? "" : "s",
           rule->memory ? ", and numbers of its own" : "");
}

static void optimizers_markdown_solvers(void) {
    us_minimize_options o = US_MINIMIZE_OPTIONS_INIT;
    size_t count;
    const us_solver_about *const *solvers = us_solvers(&count);
    printf("\n## Solvers\n\nA solver drives the problem itself, on all rows: `unstuck minimize FORMULA --solver NAME`, "
           "`unstuck "
           "train DATA --optimizer NAME`,\n`us_solve` in C, and by request (`us_solver_next` asks, the program "
           "answers). Each ends with a reason and the kind of\npoint it reached, by the eigenvalues there; a saddle or a "
           "maximum is never a success. All stop where the largest element of the\ngradient is at most %g of the loss "
           "(`--tolerance`), "
           "after %zu iterations (`--iterations`, `--steps`), or where a step is shorter than\n%g of theta.\n\n"
           "| solver | for | when |\n|---|---|---|\n",
           o.gradient_tolerance, o.iterations, o.step_tolerance);
    for (size_t i = 0; i < count; i++) {
        printf("| [%s](#%s) | %s | ", solvers[i]->name, solvers[i]->name,
               solvers[i]->squares ? "sums of squares" : "any loss");
        optimizers_cell(solvers[i]->advice);
        printf(" |\n");
    }
    for (size_t i = 0; i < count; i++) {
        const us_solver_about *s = solvers[i];
        optimizers_markdown_formula(s->name, s->title, s->advice, s->formula, s->latex);
        printf("Settings: %s.\n\nSource: %s.\n", s->settings, s->source);
    }
}

/* Rules, solvers and schedules, as they stand in docs/optimizers.md. */
static void optimizers_print_markdown(void) {
    size_t count;
    const us_rule *const *rules = us_rules(&count);
    printf("## Update rules\n\n| `--optimizer` | `--lr` | state vectors | when |\n|---|---|---|---|\n");
    for (size_t i = 0; i < count; i++) {
        printf("| [%s](#%s) | %g | %zu | ", rules[i]->name, rules[i]->name, rules[i]->learning_rate, rules[i]->states);
        optimizers_cell(rules[i]->advice);
        printf(" |\n");
    }
    for (size_t i = 0; i < count; i++) optimizers_markdown(rules[i]);
    optimizers_markdown_solvers();
    printf("\n## Schedules\n\n| `--schedule` | factor at step t | meaning |\n|---|---|---|\n");
    for (size_t i = 0; us_schedule_kind_at(i); i++) {
        const us_schedule_kind *kind = us_schedule_kind_at(i);
        printf("| ");
        optimizers_cell(kind->usage);
        printf(" | ");
        optimizers_cell(kind->formula);
        printf(" | ");
        optimizers_cell(kind->meaning);
        printf(" |\n");
    }
}

static void optimizers_print_schedules(void) {
    cli_style style = cli_style_of(1);
    printf("--schedule multiplies the rate at step t by\n\n");
    for (size_t i = 0; us_schedule_kind_at(i); i++) {
        const us_schedule_kind *kind = us_schedule_kind_at(i);
        printf("%s%s%s\n    %s\n    %s\n", style.bold, kind->usage, style.reset, kind->formula, kind->meaning);
    }
    printf("\nwarmup:STEPS[:linear|cosine|exponential|constant] and a comma before it warms up: the rate grows from nearly "
           "0, as\n"
           "t/STEPS, 1/2 (1 - cos(pi t/STEPS)) or 0.01^(1 - t/STEPS), or is a tenth until then. --warmup STEPS is the "
           "linear one.\n");
}

static int optimizers_run(const cli_command *command, int argc, char **argv) {
    const char *name = NULL;
    bool json = false, schedules = false, markdown = false;
    const cli_option table[] = {
        {CLI_FLAG, "--schedules", NULL, &schedules, "what --schedule takes, instead"},
        {CLI_FLAG, "--markdown", NULL, &markdown, "rules, solvers and schedules as in docs/optimizers.md"},
        {CLI_FLAG, "--json", NULL, &json, "one JSON object on standard output"}};
    size_t given, count;
    int code = cli_parse(command, table, sizeof table / sizeof *table, argc, argv, &name, 0, 1, &given);
    if (code != CLI_GO_ON) return code;
    if (schedules && !json) {
        optimizers_print_schedules();
        return CLI_DONE;
    }
    if (markdown) {
        optimizers_print_markdown();
        return CLI_DONE;
    }
    size_t solver_count;
    const us_rule *const *rules = us_rules(&count);
    const us_solver_about *const *solvers = us_solvers(&solver_count);
    const us_rule *one = given ? us_rule_find(name) : NULL;
    const us_solver_about *solver = given ? us_solver_find(name) : NULL;
    if (given && !one && !solver) {
        const char *nearest = us_rule_nearest(name);
        if (!nearest) nearest = us_solver_nearest(name);
        return cli_usage(command, "there is no optimizer '%s'%s%s%s", name, nearest ? "; did you mean '" : "",
                         nearest ? nearest : "", nearest ? "'?" : "");
    }
    if (json) {
        json_t *list = json_array(), *driven = json_array(), *shapes = json_array();
        for (size_t i = 0; i < count; i++)
            if (!given || rules[i] == one) json_array_append_new(list, optimizers_json(rules[i]));
        for (size_t i = 0; i < solver_count; i++)
            if (!given || solvers[i] == solver) json_array_append_new(driven, optimizers_solver_json(solvers[i]));
        for (size_t i = 0; us_schedule_kind_at(i); i++) {
            const us_schedule_kind *kind = us_schedule_kind_at(i);
            json_array_append_new(shapes, json_pack("{s:s,s:s,s:s,s:s}", "name", kind->name, "usage", kind->usage, "formula",
                                                    kind->formula, "meaning", kind->meaning));
        }
        return cli_print_json(json_pack("{s:o,s:o,s:o}", "optimizers", list, "solvers", driven, "schedules", shapes));
    }
    if (one) {
        optimizers_print(one);
        return CLI_DONE;
    }
    if (solver) {
        optimizers_print_solver(solver);
        return CLI_DONE;
    }
    printf("%-24s %-7s %-6s %s\n", "--optimizer", "--lr", "state", "when to use it");
    for (size_t i = 0; i < count; i++)
        printf("%-24s %-7g %-6zu %s\n", rules[i]->name, rules[i]->learning_rate, rules[i]->states, rules[i]->advice);
    printf("\n%-24s %-14s %s\n", "solvers", "for", "when to use it");
    for (size_t i = 0; i < solver_count; i++)
        printf("%-24s %-14s %s\n", solvers[i]->name, solvers[i]->squares ? "squares" : "any loss", solvers[i]->advice);
    printf("\nState is in vectors of θ's size. Solvers go to train --optimizer and minimize --solver.\n"
           "`unstuck optimizers NAME` shows formula, settings and source.\n");
    return CLI_DONE;
}

const cli_command cli_optimizers = {
    "optimizers", "[NAME]", "every update rule and solver: formula, settings, source",
    "Lists the update rules and solvers that --optimizer takes, or shows one with its formula and source.", optimizers_run};
