/* A file's features for prediction, as an encoding says. */
#include "data/csv.h"
#include "data/images.h"
#include "data/plan.h"
#include "data/text.h"
#include <string.h>

typedef struct features {
    const us__encoding *encoding;
    size_t *columns; /* [feature_count] where each feature is in the table; SIZE_MAX: missing */
} features;

/* Columns are found by name where both files have a header, else by position: all columns of the training file, all but
 * the target, or the features alone. Text columns must be kept as they are spelt, even if they look like numbers here. */
static void features_find(void *user, us_table *table) {
    features *f = user;
    const us__encoding *e = f->encoding;
    bool by_name = e->header && table->header, whole = table->columns == e->column_count;
    bool without_target = table->columns + 1 == e->column_count, alone = table->columns == e->feature_count;
    for (size_t k = 0; k < e->feature_count; k++) {
        size_t index = e->features[k].index, at = SIZE_MAX;
        if (by_name) {
            for (size_t c = 0; c < table->columns && at == SIZE_MAX; c++)
                if (strcmp(table->names[c], e->features[k].name) == 0) at = c;
        } else if (whole) {
            at = index;
        } else if (without_target) {
            at = index - (index > e->target);
        } else if (alone) {
            at = k;
        }
        f->columns[k] = at;
        if (at != SIZE_MAX && e->features[k].text) table->kinds[at] = US_COLUMN_TEXT;
    }
}

static us_status features_check(const features *f, const us_table *table) {
    const us__encoding *e = f->encoding;
    for (size_t k = 0; k < e->feature_count; k++) {
        const us__feature *feature = &e->features[k];
        us__quoted name = us__quote(feature->name, strlen(feature->name));
        if (f->columns[k] == SIZE_MAX && e->header && table->header) {
            const char *near = us__nearest_name(feature->name, (const char *const *)table->names, table->columns);
            return us__fail(table->context, US_ERR_INPUT, "%s: column %s is not there, and the model needs it%s%s",
                            table->path, name.text, near ? "; the nearest is " : "; add it",
                            near ? us__quote(near, strlen(near)).text : "");
        }
        if (f->columns[k] == SIZE_MAX)
            return us__fail(table->context, US_ERR_INPUT,
                            "%s: %zu columns and no names; give as many as the training file has (%zu), or all but the "
                            "target, or the %zu features",
                            table->path, table->columns, e->column_count, e->feature_count);
        if (!feature->text && table->kinds[f->columns[k]] == US_COLUMN_TEXT)
            return us__plan_not_numeric(table, f->columns[k], "the model was trained on numbers there; correct it");
    }
    return US_OK;
}

static void features_count_missing(const features *f, const us_table *table) {
    size_t numbers = 0, texts = 0;
    for (size_t k = 0; k < f->encoding->feature_count; k++)
        *(f->encoding->features[k].text ? &texts : &numbers) += table->missing[f->columns[k]];
    if (numbers) us__log(table->context, US_LOG_INFO, "%zu missing numbers take the mean of the training rows", numbers);
    if (texts) us__log(table->context, US_LOG_INFO, "%zu missing categories count as none", texts);
}

static us_status features_load_csv(us_dataset **out, const us__encoding *e, const char *path, us_precision precision) {
    us_dataset *sets[2] = {NULL, NULL};
    us_table *table = NULL;
    us_csv_options csv = US_CSV_OPTIONS_INIT;
    features f = {.encoding = e, .columns = us__alloc(e->context, e->feature_count, sizeof *f.columns)};
    const char **names = us__alloc(e->context, e->feature_count, sizeof *names);
    us_status status = f.columns && names ? US_OK : US_ERR_NOMEM;
    if (status == US_OK) {
        for (size_t k = 0; k < e->feature_count; k++) names[k] = e->features[k].name;
        us__expect expect = {.names = names, .count = e->header ? e->feature_count : 0, .kinds = features_find, .user = &f};
        status = us__table_read(&table, e->context, path, &csv, &expect);
    }
    if (status == US_OK) status = features_check(&f, table);
    if (status == US_OK) {
        features_count_missing(&f, table);
        status = us__encode(e, table, f.columns, SIZE_MAX, NULL, precision, table->rows, 0, sets);
    }
    *out = sets[0];
    us_table_destroy(table);
    us__release(e->context, f.columns);
    us__release(e->context, names);
    return status;
}

us_status us_data_load_features(us_dataset **out, us_context *context, const char *path, const char *encoding,
                                us_precision precision) {
    us__encoding *e = NULL;
    bool images;
    *out = NULL;
    us_status status = us__encoding_read(&e, context, encoding);
    if (status == US_OK) status = us__images_recognise(context, path, &images);
    if (status == US_OK && images != e->images)
        status = us__fail(context, US_ERR_INPUT, "%s: the model was trained on %s, and this is no such file", path,
                          e->images ? "images (IDX)"
                          : e->text ? "a text"
                                    : "a table (CSV)");
    if (status == US_OK)
        status = e->images ? us__images_load_features(out, e, path, precision)
                 : e->text ? us__text_load_features(out, e, path, precision)
                           : features_load_csv(out, e, path, precision);
    us__encoding_destroy(e);
    return status;
}
