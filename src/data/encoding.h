/* How a file's columns become numbers: all that is needed to do it again, with the same file or with another. */
#ifndef US_DATA_ENCODING_H
#define US_DATA_ENCODING_H

#include "base/base.h"
#include <unstuck/data.h>

/* A column of the file that is a feature: one column of the dataset when it is numeric, one a level when it is text. */
typedef struct us__feature {
    const char *name;
    size_t index; /* of the column in the file, from 0 */
    size_t first; /* its (first) column in the dataset */
    bool text;
    double mean, scale;  /* numeric: over the training rows */
    const char **levels; /* [level_count] text */
    size_t level_count;
} us__feature;

/* One file as it was when the encoding was made. */
typedef struct us__file {
    const char *path; /* NULL: there is none */
    uint64_t size;
    uint32_t crc32;
} us__file;

typedef struct us__encoding {
    us_context *context;
    us__arena *arena; /* holds all texts and arrays */
    us_task task;
    us__file file;
    const char *target_name;
    const char **classes; /* [class_count]; NULL for regression */
    size_t class_count;
    size_t width; /* columns of the dataset */
    double test_fraction;
    uint64_t seed;
    /* a CSV file */
    char delimiter;
    bool header;
    const char **columns; /* [column_count] */
    size_t column_count;
    us__feature *features; /* [feature_count] */
    size_t feature_count;
    size_t target; /* index of the column in the file */
    double target_mean, target_scale;
    us_missing missing;
    bool standardize;
    /* images */
    bool images;
    us__file labels, test, test_labels;
    size_t shape[4], rank; /* of one image */
    /* a text: classes are characters, and a row is `window` of them */
    bool text;
    size_t window, stride; /* stride: of training rows */
} us__encoding;

us_status us__encoding_create(us__encoding **out, us_context *context);
void us__encoding_destroy(us__encoding *encoding);
/* As a JSON object. @param text [caller releases with us__release] */
us_status us__encoding_write(const us__encoding *encoding, char **text);
/* Errors: US_ERR_INPUT when the text is no encoding. */
us_status us__encoding_read(us__encoding **out, us_context *context, const char *text);
/* The name of column `column` of the dataset. NULL: out of memory. @return [caller releases with us__release] */
char *us__encoding_feature_name(const us__encoding *encoding, size_t column);
/* A copy of a text in the arena; NULL: out of memory. */
const char *us__encoding_text(us__encoding *encoding, const char *text);
/* US_ERR_INPUT when a file is not the one that `file` describes. */
us_status us__file_check(us_context *context, const us__file *file, const char *path, uint64_t size, uint32_t crc32);

#endif
