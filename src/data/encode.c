/* Cells to the numbers that are trained on. */
#include "data/csv.h"
#include "data/dataset.h"
#include "data/number.h"
#include "data/plan.h"
#include <float.h>
#include <math.h>
#include <string.h>

typedef struct encode {
    const us__encoding *encoding;
    us_table *table;
    bool f32;
    uint32_t **maps; /* [feature_count + 1] for text: level of the table → column among the feature's, or class (last) */
    double *classes; /* [class_count] as numbers, when the target's column holds numbers */
    size_t chunk;    /* rows that are encoded at once: a block of the table */
    double *values;  /* [chunk] */
    uint8_t *into;   /* [chunk] 0, 1: which dataset; 2: none */
    size_t *at;      /* [chunk] row of that dataset */
    void *features[2], *targets[2];
    uint32_t *labels[2];
    size_t unseen;
} encode;

static void encode_put(const encode *e, void *to, size_t i, double value) {
    if (e->f32)
        ((float *)to)[i] = (float)value;
    else
        ((double *)to)[i] = value;
}

static double encode_standardize(double value, double mean, double scale) {
    double v = (value - mean) / scale;
    return isinf(v) ? value / scale - mean / scale : v;
}

static us_status encode_number(encode *e, const us__feature *f, size_t column, size_t first, size_t n) {
    size_t width = e->encoding->width;
    double mean = e->encoding->standardize ? f->mean : 0, scale = e->encoding->standardize ? f->scale : 1;
    double largest = e->f32 ? (double)FLT_MAX : DBL_MAX;
    us__table_cells(e->table, column, first, n, e->values);
    for (size_t i = 0; i < n; i++) {
        if (e->into[i] > 1) continue;
        double value = isnan(e->values[i]) ? f->mean : e->values[i];
        double v = encode_standardize(value, mean, scale);
        if (!(fabs(v) <= largest))
            return us__fail(
                e->encoding->context, US_ERR_INPUT, "%s: the number %g in column %s is %s",
                us__table_place(e->table, column, first + i).text, value, us__quote(f->name, strlen(f->name)).text,
                isinf(value) ? "infinite; correct it" : "too large for f32; use --precision f64, or standardize");
        encode_put(e, e->features[e->into[i]], e->at[i] * width + f->first, v);
    }
    return US_OK;
}

static void encode_text(encode *e, const us__feature *f, const uint32_t *map, size_t column, size_t first, size_t n) {
    size_t width = e->encoding->width, bytes = e->f32 ? sizeof(float) : sizeof(double);
    us__table_cells(e->table, column, first, n, e->values);
    for (size_t i = 0; i < n; i++) {
        if (e->into[i] > 1) continue;
        char *row = (char *)e->features[e->into[i]] + (e->at[i] * width + f->first) * bytes;
        memset(row, 0, f->level_count * bytes);
        if (isnan(e->values[i])) continue;
        uint32_t level = map[(size_t)e->values[i]];
        if (level < f->level_count)
            encode_put(e, row, level, 1);
        else
            e->unseen++;
    }
}

static us_status encode_target(encode *e, size_t column, size_t first, size_t n) {
    const us__encoding *s = e->encoding;
    us__table_cells(e->table, column, first, n, e->values);
    for (size_t i = 0; i < n; i++) {
        if (e->into[i] > 1) continue;
        double value = e->values[i];
        if (s->task == US_REGRESSION) {
            double v = encode_standardize(value, s->target_mean, s->target_scale);
            if (e->f32 && fabs(v) > (double)FLT_MAX)
                return us__fail(s->context, US_ERR_INPUT,
                                "%s: the target %g is too large for f32; use --precision f64, or standardize",
                                us__table_place(e->table, column, first + i).text, value);
            encode_put(e, e->targets[e->into[i]], e->at[i], v);
            continue;
        }
        uint32_t label =
            e->classes ? us__class_of_number(e->classes, s->class_count, value) : e->maps[s->feature_count][(size_t)value];
        if (label >= s->class_count)
            return us__fail(s->context, US_ERR_INPUT, "%s: a class that is not in the encoding",
                            us__table_place(e->table, column, first + i).text);
        e->labels[e->into[i]][e->at[i]] = label;
    }
    return US_OK;
}

uint32_t us__class_of_number(const double *values, size_t count, double value) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (values[middle] < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && values[low] == value ? (uint32_t)low : UINT32_MAX;
}

/* Where the levels of a table's column are among the `names` of the encoding. */
static us_status encode_map(encode *e, size_t column, const char *const *names, size_t count, uint32_t **map) {
    const us__levels *l = &e->table->levels[column];
    *map = us__alloc(e->table->context, (size_t)l->count + 1, sizeof **map);
    if (!*map) return US_ERR_NOMEM;
    for (uint32_t k = 0; k < l->count; k++) (*map)[k] = UINT32_MAX;
    for (size_t k = 0; k < count; k++) {
        uint32_t level = us__levels_find(l, names[k], strlen(names[k]));
        if (level != UINT32_MAX) (*map)[level] = (uint32_t)k;
    }
    return US_OK;
}

static us_status encode_prepare(encode *e, const size_t *columns, size_t target) {
    const us__encoding *s = e->encoding;
    us_context *context = s->context;
    us_status status = US_OK;
    e->maps = us__new(context, s->feature_count + 1, sizeof *e->maps);
    e->values = us__alloc(context, e->chunk, sizeof *e->values);
    e->into = us__alloc(context, e->chunk, sizeof *e->into);
    e->at = us__alloc(context, e->chunk, sizeof *e->at);
    if (!e->maps || !e->values || !e->into || !e->at) return US_ERR_NOMEM;
    for (size_t k = 0; k < s->feature_count && status == US_OK; k++)
        if (s->features[k].text)
            status = encode_map(e, columns[k], s->features[k].levels, s->features[k].level_count, &e->maps[k]);
    if (status != US_OK || target == SIZE_MAX || s->task == US_REGRESSION) return status;
    if (e->table->kinds[target] == US_COLUMN_TEXT)
        return encode_map(e, target, s->classes, s->class_count, &e->maps[s->feature_count]);
    e->classes = us__alloc(context, s->class_count, sizeof *e->classes);
    if (!e->classes) return US_ERR_NOMEM;
    for (size_t k = 0; k < s->class_count; k++) {
        char text[400] = {0};
        strncpy(text, s->classes[k], sizeof text - 16);
        if (!us__number_read(text, &e->classes[k])) return us__fail(context, US_ERR_INPUT, "class %s is not a number", text);
    }
    return US_OK;
}

us_status us__encode(const us__encoding *encoding, us_table *table, const size_t *columns, size_t target,
                     const uint8_t *role, us_precision precision, size_t train, size_t test, us_dataset *out[2]) {
    const us__encoding *s = encoding;
    encode e = {.encoding = s, .table = table, .f32 = precision == US_F32, .chunk = (size_t)1 << table->block_shift};
    size_t counts[2] = {train, test}, next[2] = {0, 0};
    out[0] = out[1] = NULL;
    us_status status = encode_prepare(&e, columns, target);
    for (int d = 0; d < 2 && status == US_OK; d++) {
        if (counts[d] == 0) continue;
        status = us__dataset_create_raw(&out[d], s->context, precision, counts[d], s->width, s->task,
                                        s->task == US_CLASSIFICATION ? s->class_count : 1);
        if (status != US_OK) break;
        e.features[d] = us_dataset_features(out[d]);
        e.targets[d] = us_dataset_targets(out[d]);
        e.labels[d] = us_dataset_labels(out[d]);
    }
    for (size_t first = 0; first < table->rows && status == US_OK; first += e.chunk) {
        size_t n = table->rows - first < e.chunk ? table->rows - first : e.chunk;
        for (size_t i = 0; i < n; i++) {
            uint8_t r = role ? role[first + i] : US__ROW_TRAIN;
            e.into[i] = r == US__ROW_TRAIN ? 0 : r == US__ROW_TEST ? 1 : 2;
            e.at[i] = e.into[i] < 2 ? next[e.into[i]]++ : 0;
        }
        for (size_t k = 0; k < s->feature_count && status == US_OK; k++) {
            if (s->features[k].text)
                encode_text(&e, &s->features[k], e.maps[k], columns[k], first, n);
            else
                status = encode_number(&e, &s->features[k], columns[k], first, n);
        }
        if (status == US_OK && target != SIZE_MAX) status = encode_target(&e, target, first, n);
        us__table_release_below(table, first + n);
        if (status == US_OK && us_context_cancelled(s->context))
            status = us__fail(s->context, US_INTERRUPTED, "interrupted");
    }
    if (e.unseen)
        us__log(s->context, US_LOG_WARNING, "%zu cells hold categories that no training row has; they count as none",
                e.unseen);
    for (size_t k = 0; e.maps && k <= s->feature_count; k++) us__release(s->context, e.maps[k]);
    us__release(s->context, e.maps);
    us__release(s->context, e.classes);
    us__release(s->context, e.values);
    us__release(s->context, e.into);
    us__release(s->context, e.at);
    if (status != US_OK) {
        us_dataset_destroy(out[0]), us_dataset_destroy(out[1]);
        out[0] = out[1] = NULL;
    }
    return status;
}
