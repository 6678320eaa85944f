/* A file made ready for training, again for the same training, or for prediction. */
#include "data/dataset.h"
#include "data/images.h"
#include "data/moments.h"
#include "data/plan.h"
#include "data/text.h"
#include <stdlib.h>
#include <string.h>

struct us_data {
    us_context *context;
    us__encoding *encoding;
    char *text;           /* the encoding as JSON */
    us_dataset *sets[2];  /* training, test */
    char **feature_names; /* [width] */
};

void us_data_options_init(us_data_options *options) { *options = (us_data_options)US_DATA_OPTIONS_INIT; }

void us_data_destroy(us_data *data) {
    if (!data) return;
    for (size_t i = 0; data->feature_names && i < data->encoding->width; i++)
        us__release(data->context, data->feature_names[i]);
    us__release(data->context, data->feature_names);
    us__release(data->context, data->text);
    us_dataset_destroy(data->sets[0]);
    us_dataset_destroy(data->sets[1]);
    us__encoding_destroy(data->encoding);
    us__release(data->context, data);
}

const us_dataset *us_data_train(const us_data *data) { return data->sets[0]; }
const us_dataset *us_data_test(const us_data *data) { return data->sets[1]; }
const char *us_data_encoding(const us_data *data) { return data->text; }
size_t us_data_feature_count(const us_data *data) { return data->encoding->width; }
const char *us_data_feature_name(const us_data *data, size_t feature) {
    return feature < data->encoding->width ? data->feature_names[feature] : NULL;
}
size_t us_data_feature_shape(const us_data *data, size_t shape[3]) {
    const us__encoding *e = data->encoding;
    bool image = e->images && (e->rank == 2 || e->rank == 3);
    shape[0] = image ? 1 : e->width;
    for (size_t i = 0; image && i < e->rank; i++) shape[i + 3 - e->rank] = e->shape[i];
    return image ? 3 : 1;
}
const char *us_data_target_name(const us_data *data) { return data->encoding->target_name; }
bool us_data_is_text(const us_data *data) { return data->encoding->text; }
const char *us_data_class_name(const us_data *data, size_t k) {
    return data->encoding->classes && k < data->encoding->class_count ? data->encoding->classes[k] : NULL;
}
void us_data_target_scale(const us_data *data, double *mean, double *scale) {
    *mean = data->encoding->target_mean;
    *scale = data->encoding->target_scale;
}

/* ------------------------------------------------------------------ loading */

static us_status data_check_options(us_context *context, const us_data_options *o) {
    if (o->version != 1) return us__fail(context, US_ERR_ARGUMENT, "data options: version must be 1");
    if (!(o->test_fraction < 1))
        return us__fail(context, US_ERR_ARGUMENT, "--test-fraction is %g; it must be at least 0 and below 1",
                        o->test_fraction);
    if (o->task != US_TASK_AUTO && o->task != US_REGRESSION && o->task != US_CLASSIFICATION && o->task != US_TEXT)
        return us__fail(context, US_ERR_ARGUMENT, "--task must be regression, classification or text");
    if (o->window < 1) return us__fail(context, US_ERR_ARGUMENT, "--context must be at least 1");
    if (o->missing != US_MISSING_MEAN && o->missing != US_MISSING_DROP)
        return us__fail(context, US_ERR_ARGUMENT, "--missing must be mean or drop");
    if (o->precision != US_F32 && o->precision != US_F64)
        return us__fail(context, US_ERR_ARGUMENT, "--precision must be f32 or f64");
    if (o->max_categories < 1) return us__fail(context, US_ERR_ARGUMENT, "max_categories must be at least 1");
    return US_OK;
}

/* Where the features and the target are in the table that the encoding was made from. */
static us_status data_own_columns(const us__encoding *e, size_t **columns) {
    *columns = us__alloc(e->context, e->feature_count, sizeof **columns);
    for (size_t k = 0; *columns && k < e->feature_count; k++) (*columns)[k] = e->features[k].index;
    return *columns ? US_OK : US_ERR_NOMEM;
}

static us_status data_finish(us_data *d) {
    us_status status = us__encoding_write(d->encoding, &d->text);
    if (status != US_OK) return status;
    d->feature_names = us__new(d->context, d->encoding->width, sizeof *d->feature_names);
    for (size_t i = 0; d->feature_names && i < d->encoding->width; i++)
        if (!(d->feature_names[i] = us__encoding_feature_name(d->encoding, i))) return US_ERR_NOMEM;
    return d->feature_names ? US_OK : US_ERR_NOMEM;
}

/* The path from the root, so that the file is found again from another folder. */
static const char *data_full_path(us__encoding *e, const char *path) {
    char *full = realpath(path, NULL);
    const char *kept = us__encoding_text(e, full ? full : path);
    free(full);
    return kept;
}

/* options: to make an encoding; NULL: d->encoding is there already. */
static us_status data_load_csv(us_data *d, const char *path, const us_data_options *options, us_precision precision) {
    us__encoding *e = d->encoding;
    us_csv_options csv = US_CSV_OPTIONS_INIT;
    if (options)
        csv = options->csv;
    else
        csv.delimiter = e->delimiter, csv.header = e->header;
    us_table *table = NULL;
    uint8_t *role = NULL;
    size_t *columns = NULL, train = 0, test = 0;
    us_status status = us_table_read_csv(&table, d->context, path, &csv);
    if (status != US_OK) goto done;
    role = us__alloc(d->context, table->rows, 1);
    status = role ? US_OK : US_ERR_NOMEM;
    if (status == US_OK && options) {
        e->file = (us__file){.path = data_full_path(e, path), .size = table->size, .crc32 = table->crc32};
        e->seed = options->seed;
        e->test_fraction = options->test_fraction < 0 ? 0.2 : options->test_fraction;
        status = e->file.path ? us__plan_make(e, table, options, role, &train, &test) : US_ERR_NOMEM;
    } else if (status == US_OK) {
        status = us__file_check(d->context, &e->file, path, table->size, table->crc32);
        if (status == US_OK) status = us__plan_rows(e, table, role, &train, &test);
    }
    if (status == US_OK) status = data_own_columns(e, &columns);
    if (status == US_OK) status = us__encode(e, table, columns, e->target, role, precision, train, test, d->sets);
done:
    us_table_destroy(table);
    us__release(d->context, role);
    us__release(d->context, columns);
    return status;
}

static us_status data_create(us_data **out, us_context *context) {
    *out = us__new(context, 1, sizeof **out);
    if (!*out) return US_ERR_NOMEM;
    (*out)->context = context;
    return US_OK;
}

us_status us_data_load(us_data **out, us_context *context, const char *path, const us_data_options *options) {
    us_data_options o = US_DATA_OPTIONS_INIT;
    if (options) o = *options;
    us_data *d = NULL;
    bool images, text = o.task == US_TEXT;
    *out = NULL;
    us_status status = data_check_options(context, &o);
    if (status == US_OK) status = data_create(&d, context);
    if (status == US_OK) status = us__encoding_create(&d->encoding, context);
    if (status == US_OK) status = us__images_recognise(context, path, &images);
    if (status == US_OK && !images && o.task == US_TASK_AUTO) status = us__text_recognise(context, path, &text);
    if (status == US_OK)
        status = text     ? us__text_load(d->encoding, path, &o, o.precision, d->sets)
                 : images ? us__images_load(d->encoding, path, &o, o.precision, d->sets)
                          : data_load_csv(d, path, &o, o.precision);
    if (status == US_OK) status = data_finish(d);
    if (status == US_OK)
        *out = d;
    else
        us_data_destroy(d);
    return status;
}

us_status us_data_from_encoding(us_data **out, us_context *context, const char *encoding) {
    us_data *d = NULL;
    *out = NULL;
    us_status status = data_create(&d, context);
    if (status == US_OK) status = us__encoding_read(&d->encoding, context, encoding);
    if (status == US_OK) status = data_finish(d);
    if (status == US_OK)
        *out = d;
    else
        us_data_destroy(d);
    return status;
}

us_status us_data_share(us_data **out, us_context *context, const us_data *data) {
    us_status status = us_data_from_encoding(out, context, data->text);
    for (size_t k = 0; status == US_OK && k < 2; k++)
        if (data->sets[k]) status = us__dataset_share(&(*out)->sets[k], context, data->sets[k]);
    if (status != US_OK) us_data_destroy(*out), *out = NULL;
    return status;
}

us_status us_data_reload(us_data **out, us_context *context, const char *path, const char *encoding,
                         us_precision precision) {
    us_data *d = NULL;
    *out = NULL;
    us_status status = data_create(&d, context);
    if (status == US_OK) status = us__encoding_read(&d->encoding, context, encoding);
    if (status == US_OK && !path && !*d->encoding->file.path)
        status = us__fail(context, US_ERR_ARGUMENT, "the encoding does not name its file; say which one it is");
    if (status == US_OK)
        status = d->encoding->images ? us__images_load(d->encoding, path, NULL, precision, d->sets)
                 : d->encoding->text
                     ? us__text_load(d->encoding, path ? path : d->encoding->file.path, NULL, precision, d->sets)
                     : data_load_csv(d, path ? path : d->encoding->file.path, NULL, precision);
    if (status == US_OK) status = data_finish(d);
    if (status == US_OK)
        *out = d;
    else
        us_data_destroy(d);
    return status;
}

/* ------------------------------------------------------------------ standardised */

void us_data_feature_moments(const us_data *data, size_t feature, double *mean, double *scale) {
    const us__encoding *e = data->encoding;
    *mean = 0, *scale = 1;
    for (size_t k = 0; k < e->feature_count; k++)
        if (e->features[k].first == feature && !e->features[k].text)
            *mean = e->features[k].mean, *scale = e->features[k].scale;
}

void us_data_feature_scale(const us_data *data, size_t feature, double *mean, double *scale) {
    *mean = 0, *scale = 1;
    if (data->encoding->standardize) us_data_feature_moments(data, feature, mean, scale);
}

/* The target's moments over the training rows, which has none yet. */
static us_status data_measure_target(us__encoding *e, const us_dataset *train) {
    size_t rows = us_dataset_rows(train);
    const void *from = us_dataset_targets_const(train);
    double *values = us__alloc(e->context, rows, sizeof *values);
    if (!values) return US_ERR_NOMEM;
    bool f32 = us_dataset_precision(train) == US_F32;
    for (size_t i = 0; i < rows; i++) values[i] = f32 ? (double)((const float *)from)[i] : ((const double *)from)[i];
    us__moments(values, rows, &e->target_mean, &e->target_scale);
    us__release(e->context, values);
    return US_OK;
}

us_status us_data_standardize(us_data **out, const us_data *data, bool target, us_precision precision) {
    const us__encoding *own = data->encoding;
    us_data *d = NULL;
    *out = NULL;
    if (own->images || own->text)
        return us__fail(data->context, US_ERR_UNSUPPORTED, "only columns of numbers can be standardised: these data are %s",
                        own->text ? "a text" : "images");
    if (own->standardize) return us__fail(data->context, US_ERR_UNSUPPORTED, "the data are standardised already");
    us_status status = data_create(&d, data->context);
    if (status == US_OK) status = us__encoding_read(&d->encoding, data->context, data->text);
    if (status == US_OK) d->encoding->standardize = true;
    if (status == US_OK && target && own->task == US_REGRESSION) status = data_measure_target(d->encoding, data->sets[0]);
    if (status == US_OK) status = data_load_csv(d, d->encoding->file.path, NULL, precision);
    if (status == US_OK) status = data_finish(d);
    if (status == US_OK)
        *out = d;
    else
        us_data_destroy(d);
    return status;
}

/* ------------------------------------------------------------------ characters */

static us_status data_check_text(const us_data *data) {
    if (data->encoding->text) return US_OK;
    return us__fail(data->context, US_ERR_ARGUMENT, "these data are no text, so that there are no characters");
}

us_status us_data_tokens(const us_data *data, const char *text, size_t bytes, uint32_t **numbers, size_t *count) {
    *numbers = NULL, *count = 0;
    us_status status = data_check_text(data);
    return status == US_OK ? us__text_tokens(data->encoding, "the prompt", text, bytes, numbers, count) : status;
}

us_status us_data_read_tokens(const us_data *data, const char *path, uint32_t **numbers, size_t *count) {
    *numbers = NULL, *count = 0;
    us_status status = data_check_text(data);
    return status == US_OK ? us__text_read_tokens(data->encoding, path, numbers, count) : status;
}
