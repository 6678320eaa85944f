#include "data/plan.h"
#include "data/csv.h"
#include "data/moments.h"
#include "data/number.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLAN_CHUNK = 4096, PLAN_FEW_CLASSES = 20 };

typedef struct plan {
    us__encoding *encoding;
    us_context *context;
    const us_table *table;
    const us_data_options *options;
    uint8_t *role;  /* [rows] */
    bool *dropped;  /* [columns] not a feature */
    double *values; /* [rows] room for one column */
    uint8_t *seen;  /* [most levels of a column] */
} plan;

/* ------------------------------------------------------------------ names and numbers that users meet */

us_status us__plan_find(const us_table *table, const char *name, const char *option, size_t *column) {
    *column = us_table_find_column(table, name);
    if (*column != SIZE_MAX) return US_OK;
    us__quoted quoted = us__quote(name, strlen(name));
    const char *near = us__nearest_name(name, (const char *const *)table->names, table->columns);
    if (near)
        return us__fail(table->context, US_ERR_INPUT, "%s: there is no column %s; did you mean %s%s?", table->path,
                        quoted.text, option, us__quote(near, strlen(near)).text);
    char list[200];
    size_t used = 0;
    for (size_t c = 0; c < table->columns && used < sizeof list; c++) {
        int n = snprintf(list + used, sizeof list - used, "%s%s", c ? ", " : "", table->names[c]);
        if (n < 0 || (size_t)n >= sizeof list - used) {
            snprintf(list + used, sizeof list - used, "%s", used + 6 < sizeof list ? ", ..." : "");
            break;
        }
        used += (size_t)n;
    }
    return us__fail(table->context, US_ERR_INPUT, "%s: there is no column %s for %s; the columns are %s", table->path,
                    quoted.text, option, list);
}

/* What might be wrong with a text that should have been a number. */
static const char *plan_spelling(const char *text) {
    if (strchr(text, ',')) return " (a decimal or thousands comma? numbers are written 1234.5)";
    if (strpbrk(text, "$%") || strstr(text, "\xE2\x82\xAC") || strstr(text, "\xC2\xA3")) return " (take the sign away)";
    if (strchr(text, '.') && text[strspn(text, "0123456789.-+")] == '\0')
        return " (dots between thousands? numbers are written 1234.5)";
    return "";
}

us_status us__plan_not_numeric(const us_table *table, size_t column, const char *what_to_do) {
    size_t row = 0;
    const char *text = "";
    for (; row < table->rows; row++) {
        uint32_t level = us_table_level(table, column, row);
        if (level == UINT32_MAX) continue;
        text = table->texts[column][level];
        us__cell cell = {.text = text, .length = strlen(text), .quoted = true};
        double value;
        if (us__cell_read(&cell, &value) == US__CELL_TEXT) break;
    }
    if (row == table->rows) row = 0;
    return us__fail(table->context, US_ERR_INPUT, "%s: %s in column %s is not a number%s; %s",
                    us__table_place(table, column, row).text, us__quote(text, strlen(text)).text,
                    us__quote(table->names[column], strlen(table->names[column])).text, plan_spelling(text), what_to_do);
}

size_t us__column_gather(const us_table *table, size_t column, const uint8_t *role, uint8_t wanted, double *out,
                         size_t *bad) {
    double chunk[PLAN_CHUNK];
    size_t count = 0;
    for (size_t first = 0; first < table->rows; first += PLAN_CHUNK) {
        size_t n = table->rows - first < PLAN_CHUNK ? table->rows - first : PLAN_CHUNK;
        us__table_cells(table, column, first, n, chunk);
        for (size_t i = 0; i < n; i++) {
            if ((role && role[first + i] != wanted) || isnan(chunk[i])) continue;
            if (isinf(chunk[i])) {
                *bad = first + i;
                return SIZE_MAX;
            }
            out[count++] = chunk[i];
        }
    }
    return count;
}

static us_status plan_infinite(const us_table *table, size_t column, size_t row) {
    return us__fail(table->context, US_ERR_INPUT,
                    "%s: the number in column %s is infinite; correct it, or leave the column out with --drop",
                    us__table_place(table, column, row).text,
                    us__quote(table->names[column], strlen(table->names[column])).text);
}

/* ------------------------------------------------------------------ columns */

static us_status plan_choose_target(plan *p) {
    us__encoding *e = p->encoding;
    e->target = p->table->columns - 1;
    if (p->options->target) {
        us_status status = us__plan_find(p->table, p->options->target, "--target ", &e->target);
        if (status != US_OK) return status;
    }
    e->target_name = us__encoding_text(e, p->table->names[e->target]);
    p->dropped[e->target] = true;
    return e->target_name ? US_OK : US_ERR_NOMEM;
}

static us_status plan_drop_columns(plan *p) {
    if (!p->options->drop) return US_OK;
    char *names = us__text_copy(p->context, p->options->drop), *rest = names, *name;
    if (!names) return US_ERR_NOMEM;
    us_status status = US_OK;
    while (status == US_OK && (name = strsep(&rest, ","))) {
        while (*name == ' ') name++;
        for (size_t n = strlen(name); n > 0 && name[n - 1] == ' ';) name[--n] = '\0';
        size_t column;
        if (!*name) continue;
        status = us__plan_find(p->table, name, "--drop ", &column);
        if (status == US_OK && column == p->encoding->target)
            status = us__fail(p->context, US_ERR_ARGUMENT,
                              "column %s is the target and cannot be dropped; name another with --target",
                              us__quote(name, strlen(name)).text);
        if (status == US_OK) p->dropped[column] = true;
    }
    us__release(p->context, names);
    return status;
}

static void plan_drop_empty_columns(plan *p) {
    for (size_t c = 0; c < p->table->columns; c++) {
        if (p->dropped[c] || p->table->missing[c] < p->table->rows) continue;
        p->dropped[c] = true;
        us__log(p->context, US_LOG_WARNING, "column %s is empty and left out",
                us__quote(p->table->names[c], strlen(p->table->names[c])).text);
    }
}

/* Numbers as some write them make a column of texts: classes, or categories, where numbers were meant. */
static void plan_warn_of_spelling(const plan *p) {
    const us_table *t = p->table;
    for (size_t c = 0; c < t->columns; c++) {
        if (t->kinds[c] != US_COLUMN_TEXT || (p->dropped[c] && c != p->encoding->target)) continue;
        size_t count, i = 0;
        const char *const *texts = us_table_levels(t, c, &count), *spelled = NULL;
        for (; i < count && strspn(texts[i], "0123456789.,+-$%") == strlen(texts[i]); i++)
            if (!spelled && *plan_spelling(texts[i])) spelled = texts[i];
        if (i < count || !spelled) continue;
        us__log(p->context, US_LOG_WARNING, "%s: column %s is read as text: %s is not a number%s", t->path,
                us__quote(t->names[c], strlen(t->names[c])).text, us__quote(spelled, strlen(spelled)).text,
                plan_spelling(spelled));
    }
}

static us_status plan_choose_task(plan *p) {
    const us_table *t = p->table;
    us__encoding *e = p->encoding;
    bool text = t->kinds[e->target] == US_COLUMN_TEXT;
    e->task = p->options->task;
    if (e->task == US_TASK_AUTO) e->task = text ? US_CLASSIFICATION : US_REGRESSION;
    if (t->missing[e->target] == t->rows)
        return us__fail(p->context, US_ERR_INPUT, "%s: the target column %s is empty; name another with --target", t->path,
                        us__quote(e->target_name, strlen(e->target_name)).text);
    if (e->task == US_REGRESSION && text)
        return us__plan_not_numeric(t, e->target, "correct it, or --task classification, or another --target");
    return US_OK;
}

/* ------------------------------------------------------------------ rows */

us_status us__plan_rows(const us__encoding *e, const us_table *table, uint8_t *role, size_t *train, size_t *test) {
    double chunk[PLAN_CHUNK];
    memset(role, US__ROW_TRAIN, table->rows);
    size_t without_target = 0, incomplete = 0;
    for (size_t k = 0; k <= (e->missing == US_MISSING_DROP ? e->feature_count : 0); k++) {
        size_t column = k ? e->features[k - 1].index : e->target, *counter = k ? &incomplete : &without_target;
        if (table->missing[column] == 0) continue;
        for (size_t first = 0; first < table->rows; first += PLAN_CHUNK) {
            size_t n = table->rows - first < PLAN_CHUNK ? table->rows - first : PLAN_CHUNK;
            us__table_cells(table, column, first, n, chunk);
            for (size_t i = 0; i < n; i++) {
                if (!isnan(chunk[i]) || role[first + i] == US__ROW_OUT) continue;
                role[first + i] = US__ROW_OUT;
                (*counter)++;
            }
        }
    }
    us_context *context = table->context;
    if (without_target) us__log(context, US_LOG_WARNING, "%zu rows have no target and are left out", without_target);
    if (incomplete) us__log(context, US_LOG_INFO, "%zu rows with missing values are left out", incomplete);
    if (without_target + incomplete == table->rows)
        return us__fail(context, US_ERR_INPUT,
                        "%s: every row misses some value, none is left; use --missing mean, or --drop columns", table->path);
    us_status status = us__rows_split(context, role, table->rows, e->test_fraction, e->seed, train, test);
    if (status == US_OK && *train == 0)
        status = us__fail(context, US_ERR_INPUT, "%s: all %zu rows became test rows; use a smaller --test-fraction",
                          table->path, *test);
    return status;
}

/* ------------------------------------------------------------------ classes */

static int plan_compare_texts(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int plan_compare_numbers(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Marks the levels of a text column that occur in the training rows, or in the test rows, too. Returns how many; adds the
 * missing cells of both kinds of rows to *missing. */
static size_t plan_mark_levels(plan *p, size_t column, bool train_only, size_t *missing) {
    const us_table *t = p->table;
    size_t count = 0;
    memset(p->seen, 0, t->levels[column].count);
    double chunk[PLAN_CHUNK];
    for (size_t first = 0; first < t->rows; first += PLAN_CHUNK) {
        size_t n = t->rows - first < PLAN_CHUNK ? t->rows - first : PLAN_CHUNK;
        us__table_cells(t, column, first, n, chunk);
        for (size_t i = 0; i < n; i++) {
            uint8_t role = p->role[first + i];
            *missing += role != US__ROW_OUT && isnan(chunk[i]);
            if (isnan(chunk[i]) || role == US__ROW_OUT || (train_only && role == US__ROW_TEST)) continue;
            uint32_t level = (uint32_t)chunk[i];
            count += !p->seen[level];
            p->seen[level] = 1;
        }
    }
    return count;
}

static us_status plan_text_classes(plan *p) {
    us__encoding *e = p->encoding;
    const us_table *t = p->table;
    size_t missing = 0; /* none: a row without a target is out */
    e->class_count = plan_mark_levels(p, e->target, false, &missing);
    e->classes = us__arena_alloc(e->arena, e->class_count + 1, sizeof *e->classes);
    if (!e->classes) return US_ERR_NOMEM;
    size_t k = 0;
    for (uint32_t level = 0; level < t->levels[e->target].count; level++)
        if (p->seen[level] && !(e->classes[k++] = us__encoding_text(e, t->texts[e->target][level]))) return US_ERR_NOMEM;
    qsort(e->classes, e->class_count, sizeof *e->classes, plan_compare_texts);
    return US_OK;
}

static us_status plan_number_classes(plan *p) {
    us__encoding *e = p->encoding;
    const us_table *t = p->table;
    size_t rows = 0, first = 0;
    for (size_t row = 0; row < t->rows; row++) {
        if (p->role[row] == US__ROW_OUT) continue;
        double value = us_table_number(t, e->target, row);
        if (value != floor(value) || isinf(value))
            return us__fail(p->context, US_ERR_INPUT,
                            "%s: the class %g in column %s is not a whole number; classes are whole numbers or texts: use "
                            "--task regression, "
                            "or another --target",
                            us__table_place(t, e->target, row).text, value,
                            us__quote(e->target_name, strlen(e->target_name)).text);
        p->values[rows++] = value + 0.0; /* no -0 */
    }
    qsort(p->values, rows, sizeof *p->values, plan_compare_numbers);
    for (size_t i = 1; i < rows; i++)
        if (p->values[i] != p->values[first]) p->values[++first] = p->values[i];
    e->class_count = first + 1;
    e->classes = us__arena_alloc(e->arena, e->class_count, sizeof *e->classes);
    for (size_t k = 0; e->classes && k < e->class_count; k++) {
        char name[400];
        snprintf(name, sizeof name, "%.0f", p->values[k]);
        if (!(e->classes[k] = us__encoding_text(e, name))) return US_ERR_NOMEM;
    }
    return e->classes ? US_OK : US_ERR_NOMEM;
}

static us_status plan_classes(plan *p, size_t rows) {
    us__encoding *e = p->encoding;
    us_status status = p->table->kinds[e->target] == US_COLUMN_TEXT ? plan_text_classes(p) : plan_number_classes(p);
    if (status != US_OK) return status;
    us__quoted name = us__quote(e->target_name, strlen(e->target_name));
    if (e->class_count == 1)
        return us__fail(p->context, US_ERR_INPUT,
                        "%s: only one class, %s, in column %s; there is nothing to tell apart: name another --target",
                        p->table->path, us__quote(e->classes[0], strlen(e->classes[0])).text, name.text);
    if (e->class_count > p->options->max_categories && 2 * e->class_count > rows)
        return us__fail(p->context, US_ERR_INPUT,
                        "%s: column %s has %zu classes in %zu rows; is it the target? name another with --target, or use "
                        "--task regression",
                        p->table->path, name.text, e->class_count, rows);
    return US_OK;
}

/* ------------------------------------------------------------------ features */

/* Makes the list of features; what they hold is measured later. */
static us_status plan_list_features(plan *p) {
    us__encoding *e = p->encoding;
    const us_table *t = p->table;
    e->columns = us__arena_alloc(e->arena, t->columns, sizeof *e->columns);
    e->features = us__arena_alloc(e->arena, t->columns, sizeof *e->features);
    if (!e->columns || !e->features) return US_ERR_NOMEM;
    e->column_count = t->columns;
    for (size_t c = 0; c < t->columns; c++) {
        if (!(e->columns[c] = us__encoding_text(e, t->names[c]))) return US_ERR_NOMEM;
        if (p->dropped[c]) continue;
        e->features[e->feature_count++] =
            (us__feature){.name = e->columns[c], .index = c, .text = t->kinds[c] == US_COLUMN_TEXT, .scale = 1};
    }
    return US_OK;
}

/* All text columns with too many levels at once, so that one correction will do. */
static us_status plan_refuse_categories(plan *p, size_t first_bad, const size_t *counts) {
    const us__encoding *e = p->encoding;
    const us__feature *f = &e->features[first_bad];
    char list[400];
    size_t used = 0, bad = 0;
    for (size_t k = first_bad; k < e->feature_count; k++) {
        if (!e->features[k].text || counts[k] <= p->options->max_categories) continue;
        bad++;
        int n = snprintf(list + used, sizeof list - used, "%s%s", used ? "," : "", e->features[k].name);
        if (n > 0 && (size_t)n < sizeof list - used)
            used += (size_t)n;
        else
            list[used] = '\0';
    }
    /* Mostly numbers? Then say what keeps it from being numeric. */
    const us__levels *l = &p->table->levels[f->index];
    size_t numbers = 0;
    for (uint32_t k = 0; k < l->count; k++) {
        us__cell cell = {.text = us__levels_text(l, k), .length = us__levels_length(l, k), .quoted = true};
        double value;
        numbers += us__cell_read(&cell, &value) == US__CELL_NUMBER;
    }
    if (2 * numbers > l->count)
        return us__plan_not_numeric(p->table, f->index, "correct it, or leave the column out with --drop");
    return us__fail(p->context, US_ERR_INPUT,
                    "%s: text column %s has %zu categories, and the limit is %zu; leave %s out: --drop '%s'", p->table->path,
                    us__quote(f->name, strlen(f->name)).text, counts[first_bad], p->options->max_categories,
                    bad > 1 ? "such columns" : "it", list);
}

static us_status plan_text_features(plan *p) {
    us__encoding *e = p->encoding;
    const us_table *t = p->table;
    size_t *counts = us__arena_alloc(e->arena, e->feature_count + 1, sizeof *counts), first_bad = SIZE_MAX;
    size_t missing = 0, columns = 0;
    const char *name = NULL;
    if (!counts) return US_ERR_NOMEM;
    for (size_t k = 0; k < e->feature_count; k++) {
        us__feature *f = &e->features[k];
        if (!f->text) continue;
        size_t before = missing;
        counts[k] = plan_mark_levels(p, f->index, true, &missing);
        if (missing > before) columns++, name = f->name;
        if (counts[k] > p->options->max_categories) {
            first_bad = first_bad == SIZE_MAX ? k : first_bad;
            continue;
        }
        f->levels = us__arena_alloc(e->arena, counts[k] + 1, sizeof *f->levels);
        if (!f->levels) return US_ERR_NOMEM;
        for (uint32_t level = 0; level < t->levels[f->index].count; level++)
            if (p->seen[level] && !(f->levels[f->level_count++] = us__encoding_text(e, t->texts[f->index][level])))
                return US_ERR_NOMEM;
    }
    if (first_bad != SIZE_MAX) return plan_refuse_categories(p, first_bad, counts);
    if (columns == 1) us__log(p->context, US_LOG_INFO, "%zu missing categories in column %s count as none", missing, name);
    if (columns > 1)
        us__log(p->context, US_LOG_INFO, "%zu missing categories in %zu columns count as none", missing, columns);
    return US_OK;
}

static us_status plan_number_features(plan *p, size_t train, size_t test) {
    us__encoding *e = p->encoding;
    size_t filled = 0, columns = 0;
    const char *name = NULL;
    for (size_t k = 0; k < e->feature_count; k++) {
        us__feature *f = &e->features[k];
        if (f->text) continue;
        size_t bad, tests = us__column_gather(p->table, f->index, p->role, US__ROW_TEST, p->values, &bad);
        size_t n =
            tests == SIZE_MAX ? tests : us__column_gather(p->table, f->index, p->role, US__ROW_TRAIN, p->values, &bad);
        if (n == SIZE_MAX) return plan_infinite(p->table, f->index, bad);
        us__moments(p->values, n, &f->mean, &f->scale);
        if (n + tests == train + test) continue;
        filled += train + test - n - tests;
        columns++;
        name = f->name;
    }
    if (columns == 1)
        us__log(p->context, US_LOG_INFO, "%zu missing numbers in column %s take the mean of the training rows", filled,
                name);
    if (columns > 1)
        us__log(p->context, US_LOG_INFO, "%zu missing numbers in %zu columns take the mean of the training rows", filled,
                columns);
    return US_OK;
}

static void plan_place_features(us__encoding *e) {
    for (size_t k = 0; k < e->feature_count; k++) {
        e->features[k].first = e->width;
        e->width += e->features[k].text ? e->features[k].level_count : 1;
    }
}

/* ------------------------------------------------------------------ the target's scale */

static us_status plan_regression(plan *p) {
    us__encoding *e = p->encoding;
    size_t bad, n = us__column_gather(p->table, e->target, p->role, US__ROW_TEST, p->values, &bad);
    if (n != SIZE_MAX) n = us__column_gather(p->table, e->target, p->role, US__ROW_TRAIN, p->values, &bad);
    if (n == SIZE_MAX)
        return us__fail(
            p->context, US_ERR_INPUT, "%s: the target in column %s is infinite; correct the number, or remove the row",
            us__table_place(p->table, e->target, bad).text, us__quote(e->target_name, strlen(e->target_name)).text);
    if (p->options->standardize) us__moments(p->values, n, &e->target_mean, &e->target_scale);
    bool few = p->options->task == US_TASK_AUTO;
    for (size_t i = 0; i < n && few; i++)
        few = p->values[i] >= 0 && p->values[i] < PLAN_FEW_CLASSES && p->values[i] == floor(p->values[i]);
    if (few)
        us__log(p->context, US_LOG_INFO,
                "the target %s holds small whole numbers; if they are classes, say --task classification",
                us__quote(e->target_name, strlen(e->target_name)).text);
    return US_OK;
}

us_status us__plan_make(us__encoding *encoding, const us_table *table, const us_data_options *options, uint8_t *role,
                        size_t *train, size_t *test) {
    us__encoding *e = encoding;
    plan p = {.encoding = e, .context = e->context, .table = table, .options = options, .role = role};
    uint32_t most_levels = 1;
    for (size_t c = 0; c < table->columns; c++)
        most_levels = table->levels[c].count > most_levels ? table->levels[c].count : most_levels;
    e->delimiter = table->delimiter;
    e->header = table->header;
    e->missing = options->missing;
    e->standardize = options->standardize && !options->raw_features;
    us_status status = US_ERR_NOMEM;
    p.dropped = us__arena_alloc(e->arena, table->columns, sizeof *p.dropped);
    p.values = us__alloc(e->context, table->rows, sizeof *p.values);
    p.seen = us__alloc(e->context, most_levels, 1);
    if (!p.dropped || !p.values || !p.seen) goto done;
    status = plan_choose_target(&p);
    if (status == US_OK) status = plan_drop_columns(&p);
    if (status == US_OK) status = plan_choose_task(&p);
    if (status == US_OK) plan_drop_empty_columns(&p);
    if (status == US_OK) plan_warn_of_spelling(&p);
    if (status == US_OK) status = plan_list_features(&p);
    if (status == US_OK) status = us__plan_rows(e, table, role, train, test);
    if (status == US_OK) status = e->task == US_CLASSIFICATION ? plan_classes(&p, *train + *test) : plan_regression(&p);
    if (status == US_OK) status = plan_text_features(&p);
    if (status == US_OK) status = plan_number_features(&p, *train, *test);
    if (status == US_OK) plan_place_features(e);
done:
    us__release(e->context, p.values);
    us__release(e->context, p.seen);
    return status;
}
