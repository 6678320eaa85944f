/* Reads a CSV file and prints how fast that was and how much memory it took. `csv FILE` makes a table, `csv FILE TARGET`
 * makes a dataset of it, ready for training. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unstuck/data.h>

static double resident_now(void) { /* MB */
    long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file) {
        if (fscanf(file, "%ld %ld", &pages, &resident) != 2) resident = 0;
        fclose(file);
    }
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

int main(int count, char **words) {
    if (count < 2) return fprintf(stderr, "usage: csv FILE [TARGET]\n"), 2;
    us_context *context;
    if (us_context_create(&context, NULL) != US_OK) return 1;
    struct stat about = {0};
    stat(words[1], &about);
    us_table *table = NULL;
    us_data *data = NULL;
    us_data_options options = US_DATA_OPTIONS_INIT;
    options.target = count > 2 ? words[2] : NULL;
    double start = us_clock_now();
    us_status status =
        count > 2 ? us_data_load(&data, context, words[1], &options) : us_table_read_csv(&table, context, words[1], NULL);
    double seconds = us_clock_now() - start;
    if (status != US_OK) return fprintf(stderr, "%s\n", us_context_error(context)), 1;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double sum = 0; /* of the last column, so that a reader of another make can be compared */
    if (table)
        for (size_t row = 0; row < us_table_rows(table); row++)
            sum += us_table_number(table, us_table_columns(table) - 1, row);
    printf("{\"mb_per_second\": %.1f, \"seconds\": %.4f, \"rows\": %zu, \"resident_mb\": %.1f, \"peak_mb\": %.1f, \"sum\": "
           "%.17g}\n",
           (double)about.st_size / 1e6 / seconds, seconds,
           table ? us_table_rows(table) : us_dataset_rows(us_data_train(data)), resident_now(),
           (double)usage.ru_maxrss / 1e3, sum);
    us_table_destroy(table);
    us_data_destroy(data);
    us_context_destroy(context);
    return 0;
}
