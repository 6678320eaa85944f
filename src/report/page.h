/* The template of the page, built from web/ and embedded by embed.py: what comes before and after the data. Empty in a
 * program that was built without it. */
#ifndef US_REPORT_PAGE_H
#define US_REPORT_PAGE_H

#include <stddef.h>

extern const char us__page_head[], us__page_tail[];
extern const size_t us__page_head_size, us__page_tail_size;

#endif
