/* Bytes as a CSV file: read as a table, then loaded as data, loaded again and loaded for prediction. Whatever they are, it
 * must end in a status. See meson.build beside. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <unstuck/data.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    int file = memfd_create("fuzz", 0);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    if (file < 0 || write(file, bytes, size) != (ssize_t)size) abort();
    us_context *context;
    if (us_context_create(&context, NULL) != US_OK) abort();
    us_table *table = NULL;
    if (us_table_read_csv(&table, context, path, NULL) == US_OK) {
        double sum = 0;
        for (size_t row = 0; row < us_table_rows(table); row++)
            for (size_t c = 0; c < us_table_columns(table); c++) {
                sum += us_table_number(table, c, row);
                if (us_table_line(table, row) == 0) abort();
            }
        (void)sum;
    }
    us_table_destroy(table);
    for (int task = US_TASK_AUTO; task <= US_CLASSIFICATION; task++) {
        us_data_options options = US_DATA_OPTIONS_INIT;
        options.task = (us_task)task;
        us_data *data = NULL, *again = NULL;
        us_dataset *features = NULL;
        if (us_data_load(&data, context, path, &options) == US_OK) {
            if (us_data_reload(&again, context, path, us_data_encoding(data), US_F64) == US_ERR_ARGUMENT) abort();
            us_data_load_features(&features, context, path, us_data_encoding(data), US_F32);
        }
        us_dataset_destroy(features);
        us_data_destroy(again);
        us_data_destroy(data);
    }
    us_context_destroy(context);
    close(file);
    return 0;
}
