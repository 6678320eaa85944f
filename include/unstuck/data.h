/** Samples: a file to a table, a table to a dataset. */
#ifndef UNSTUCK_DATA_H
#define UNSTUCK_DATA_H

#include <unstuck/vec.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ table: a CSV file as read */

typedef enum us_column_kind {
    US_COLUMN_NUMERIC = 0, /* every cell that is not missing is a number */
    US_COLUMN_TEXT = 1     /* some cell is not a number; the distinct texts are its levels */
} us_column_kind;

typedef struct us_table us_table;

typedef struct us_csv_options {
    uint32_t version; /* 1 */
    char delimiter;   /* 0 (default): found out among , ; tab | : */
    int header;       /* 1 yes, 0 no, -1 (default): found out */
    /* Hears how far reading is, now and then: bytes read so far and in all (0 when unknown). May be NULL. */
    void (*progress)(void *user, uint64_t done, uint64_t total);
    void *progress_user;
} us_csv_options;
#define US_CSV_OPTIONS_INIT \
    { .version = 1, .delimiter = 0, .header = -1 }
US_API void us_csv_options_init(us_csv_options *options);

/** Reads a CSV file, plain or gzipped: RFC 4180 quotes with newlines inside, BOM, CRLF or CR, UTF-8.
 * Numbers are correctly rounded (to nearest, ties to even). Missing: empty, and NA N/A NaN NULL NONE . ? - by
 * themselves, blanks around them aside (case is ignored).
 * Errors: US_ERR_INPUT with file, line and column in the context's error text (cannot be read, ragged row, NUL byte,
 * another encoding, unclosed quote, nothing in it); US_ERR_NOMEM. *out is then NULL. @param out [caller destroys] */
US_API us_status us_table_read_csv(us_table **out, us_context *context, const char *path, const us_csv_options *options);
US_API void us_table_destroy(us_table *table);
US_API size_t us_table_rows(const us_table *table);
US_API size_t us_table_columns(const us_table *table);
US_API bool us_table_has_header(const us_table *table);
/** Column names: the header's, made distinct ("x", "x.2"), or "column1", ... Borrowed. */
US_API const char *us_table_column_name(const us_table *table, size_t column);
/** Index of a column by its name, or by its number from 1 where no column has that name; SIZE_MAX if none. */
US_API size_t us_table_find_column(const us_table *table, const char *name);
US_API us_column_kind us_table_column_kind(const us_table *table, size_t column);
US_API size_t us_table_missing(const us_table *table, size_t column);
/** Cell of a numeric column; NaN when missing. */
US_API double us_table_number(const us_table *table, size_t column, size_t row);
/** Levels of a text column in order of first appearance. Borrowed. */
US_API const char *const *us_table_levels(const us_table *table, size_t column, size_t *count);
/** Index of a text cell's level; UINT32_MAX when missing. */
US_API uint32_t us_table_level(const us_table *table, size_t column, size_t row);
/** Line of the file (from 1) on which a row begins. */
US_API uint64_t us_table_line(const us_table *table, size_t row);

/* ------------------------------------------------------------------ dataset: numbers to train on */

/** US_TEXT is asked for in us_data_options alone: a dataset made from a text is a classification. */
typedef enum us_task { US_TASK_AUTO = 0, US_REGRESSION = 1, US_CLASSIFICATION = 2, US_TEXT = 3 } us_task;

/** Features [rows×columns], row-major, and what is to be predicted: real targets [rows×outputs] for regression,
 * or labels [rows], each < outputs, for classification; or windows of a sequence, with a label for each element
 * (us_dataset_create_windows). One precision. */
typedef struct us_dataset us_dataset;

/** A dataset of zeros, to be filled through the pointers below. task: US_REGRESSION or US_CLASSIFICATION.
 * Errors: US_ERR_NOMEM, US_ERR_ARGUMENT (rows or outputs 0). columns may be 0. @param out [caller destroys] */
US_API us_status us_dataset_create(us_dataset **out, us_context *context, us_precision precision, size_t rows,
                                   size_t columns, us_task task, size_t outputs);
/** A dataset of zeros whose rows are windows of one sequence of numbers, such as a text: row i is the elements i·stride to
 * i·stride + window − 1 of it, and each of them has a label of its own. The sequence is kept once, however far the windows
 * overlap: us_dataset_features and us_dataset_labels are then [length], and the last elements belong to no window where the
 * stride does not divide the rest. Task: US_CLASSIFICATION; columns and positions: window.
 * Errors: US_ERR_NOMEM, US_ERR_ARGUMENT (window or stride 0, a window longer than the sequence). @param out [caller
 * destroys] */
US_API us_status us_dataset_create_windows(us_dataset **out, us_context *context, us_precision precision, size_t length,
                                           size_t window, size_t stride, size_t classes);
US_API void us_dataset_destroy(us_dataset *dataset);
US_API us_context *us_dataset_context(const us_dataset *dataset);
US_API size_t us_dataset_rows(const us_dataset *dataset);
US_API size_t us_dataset_columns(const us_dataset *dataset);
US_API size_t us_dataset_outputs(const us_dataset *dataset); /* real outputs, or the number of classes */
/** Was it made by us_dataset_create_windows? */
US_API bool us_dataset_has_windows(const us_dataset *dataset);
/** Labels a row: 1, or as many as columns where rows are windows of a sequence. */
US_API size_t us_dataset_positions(const us_dataset *dataset);
/** Elements from one row of features to the next: columns, or less where rows are windows that overlap. */
US_API size_t us_dataset_stride(const us_dataset *dataset);
/** The same for labels: 1, or us_dataset_stride where rows are windows. */
US_API size_t us_dataset_label_stride(const us_dataset *dataset);
US_API us_task us_dataset_task(const us_dataset *dataset);
US_API us_precision us_dataset_precision(const us_dataset *dataset);
US_API void *us_dataset_features(us_dataset *dataset); /* [rows×columns]; rows begin us_dataset_stride apart */
US_API const void *us_dataset_features_const(const us_dataset *dataset);
US_API void *us_dataset_targets(us_dataset *dataset); /* [rows×outputs]; NULL for classification */
US_API const void *us_dataset_targets_const(const us_dataset *dataset);
/** [rows], or [rows×positions] where rows begin us_dataset_label_stride apart; NULL for regression. */
US_API uint32_t *us_dataset_labels(us_dataset *dataset);
US_API const uint32_t *us_dataset_labels_const(const us_dataset *dataset);

/** The least loss that any function of the features can have (rows with equal features and different targets set it), and
 * the loss of the best constant: half-mse for regression, cross-entropy (nats) for classification. Not finite where targets
 * are. Where rows are windows the floor is NaN: it depends on how much of a window a label's prediction may see. Errors:
 * US_ERR_INPUT (a label beyond the classes), US_ERR_NOMEM. Cost: a sort of the rows. Memory: 16 bytes a row. */
US_API us_status us_dataset_floor(const us_dataset *dataset, double *floor, double *constant);

/* ------------------------------------------------------------------ data: a file made ready */

typedef enum us_missing { US_MISSING_MEAN = 0, US_MISSING_DROP = 1 } us_missing;

typedef struct us_data_options {
    uint32_t version;     /* 1 */
    const char *target;   /* column name or number from 1; NULL: the last column */
    us_task task;         /* US_TASK_AUTO: text targets and images are classification, numbers regression; US_TEXT: the file
                             is a text, whose next character is to be predicted (also found out from a .txt that is no table) */
    const char *drop;     /* column names separated by commas, or NULL */
    double test_fraction; /* 0 ≤ f < 1; default 0.2, of a text its last tenth. Negative: default, and for IDX the t10k files
                             beside it if present */
    us_missing missing;   /* default US_MISSING_MEAN */
    bool standardize;     /* features (and a regression's target) to mean 0, variance 1 over training rows; default true.
                             Images are divided by 255 in any case and not standardised. */
    bool raw_features;    /* features stay as they are, the target is standardised all the same; default false */
    size_t max_categories;  /* a text feature with more levels is refused; default 100 */
    us_precision precision; /* default US_F32 */
    uint64_t seed;          /* of the split; default 1 */
    size_t window;          /* a text: characters that a row holds, at least 1; default 64 */
    size_t stride; /* a text: characters from one training row to the next, at least 1; default 0: as `window`, so that an
                      epoch predicts each character once. Test rows never overlap */
    us_csv_options csv;
} us_data_options;
#define US_DATA_OPTIONS_INIT                                                                                           \
    {                                                                                                                  \
        .version = 1, .test_fraction = -1, .standardize = true, .max_categories = 100, .precision = US_F32, .seed = 1, \
        .window = 64, .csv = US_CSV_OPTIONS_INIT                                                                       \
    }
US_API void us_data_options_init(us_data_options *options);

/** A file made ready for training: training rows, test rows, and how the file's columns became numbers. */
typedef struct us_data us_data;

/** Reads a CSV (.csv .tsv .txt .data ..., any of them .gz), an IDX file (found out from its first bytes) or a text (a .txt
 * that is no table, or US_TEXT), encodes and splits it. Text is UTF-8, by code points; see docs/data.md. IDX labels are
 * found beside the images (images-idx3 → labels-idx1). Rows without a target are left out and counted; text features become
 * one column a level (one-hot); NaN and inf in features are errors (inf) or missing (NaN). The context's log hears what was
 * counted (left out, filled in, dropped). Errors: US_ERR_INPUT (the text names file, line and column; also a file that
 * cannot be read), US_ERR_ARGUMENT, US_ERR_NOMEM. Memory: see docs/data.md. @param out [caller destroys] */
US_API us_status us_data_load(us_data **out, us_context *context, const char *path, const us_data_options *options);

/** Loads the file again exactly as an encoding (us_data_encoding) says: same columns, statistics, classes and split.
 * @param path  NULL: the path in the encoding.
 * Errors: as us_data_load; US_ERR_INPUT when the file is not the same any more (size or CRC-32 differ). */
US_API us_status us_data_reload(us_data **out, us_context *context, const char *path, const char *encoding,
                                us_precision precision);

/** What an encoding says, without its file: names, classes and units. There are no rows: us_data_train is NULL.
 * Errors: US_ERR_INPUT (it is no encoding), US_ERR_NOMEM. @param out [caller destroys] */
US_API us_status us_data_from_encoding(us_data **out, us_context *context, const char *encoding);

/** The same rows with standardised numeric features (mean 0, deviation 1 over the training rows) and, where `target` is
 * true, a standardised target. Reads the file again. Errors: as us_data_reload; US_ERR_UNSUPPORTED (standardised already, or
 * no CSV file). @param out [caller destroys] */
US_API us_status us_data_standardize(us_data **out, const us_data *data, bool target, us_precision precision);

/** The same data for another context, and so for another thread: only the encoding is copied, the rows are those of `data`,
 * which must outlive it. Errors: US_ERR_NOMEM. @param out [caller destroys] */
US_API us_status us_data_share(us_data **out, us_context *context, const us_data *data);

/** Loads features for prediction: the target need not be there; columns are found by name; unseen levels become all
 * zeros and are counted in the log; missing numbers take the training mean; no row is left out.
 * The dataset's targets or labels are zero. @param out [caller destroys] */
US_API us_status us_data_load_features(us_dataset **out, us_context *context, const char *path, const char *encoding,
                                       us_precision precision);

US_API void us_data_destroy(us_data *data);
US_API const us_dataset *us_data_train(const us_data *data);
US_API const us_dataset *us_data_test(const us_data *data); /* NULL when there are no test rows */
/** Everything that us_data_reload and prediction need, as one JSON object. Borrowed. */
US_API const char *us_data_encoding(const us_data *data);
US_API size_t us_data_feature_count(const us_data *data);
/** "median_income", "ocean_proximity=INLAND" for a one-hot column, "pixel7", "character7". Borrowed. */
US_API const char *us_data_feature_name(const us_data *data, size_t feature);
/** A feature in the file's unit is its column · scale + mean (1 and 0 when not standardised, and for one-hot columns). */
US_API void us_data_feature_scale(const us_data *data, size_t feature, double *mean, double *scale);
/** What these would be if it were standardised. */
US_API void us_data_feature_moments(const us_data *data, size_t feature, double *mean, double *scale);
/** Shape of one row's features: 3 and [channels×height×width] for images (of one channel, where the file has pictures of
 * rows and columns), else 1 and their number. */
US_API size_t us_data_feature_shape(const us_data *data, size_t shape[3]);
US_API const char *us_data_target_name(const us_data *data);
/** Name of a class, or NULL for regression. Classes are sorted: by number if all are numbers, else by bytes. */
/** In a text, a class is a character (UTF-8); they are sorted by code point. */
US_API const char *us_data_class_name(const us_data *data, size_t k);
/** Is it a text? */
US_API bool us_data_is_text(const us_data *data);
/** Token numbers of a text in a model's own characters, such as a prompt: numbers[i] is the class of its character i.
 * Errors: US_ERR_INPUT (it is no UTF-8, or has a character that the training text has not; line and byte are named),
 * US_ERR_ARGUMENT (the data is no text), US_ERR_NOMEM.
 * @param numbers [caller releases with us_bytes_release] */
US_API us_status us_data_tokens(const us_data *data, const char *text, size_t bytes, uint32_t **numbers, size_t *count);
/** The same for a whole file. */
US_API us_status us_data_read_tokens(const us_data *data, const char *path, uint32_t **numbers, size_t *count);
/** A regression's target in the file's unit is prediction · scale + mean (1 and 0 when not standardised). */
US_API void us_data_target_scale(const us_data *data, double *mean, double *scale);

#ifdef __cplusplus
}
#endif
#endif
