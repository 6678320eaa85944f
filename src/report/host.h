/* Who may ask the server of a watch. */
#ifndef US_REPORT_HOST_H
#define US_REPORT_HOST_H

#include <stdbool.h>

/* Whether a Host header names this machine by number or as localhost: "127.0.0.1:8421", "[::1]:8421", "localhost". Other
 * names are refused, so that a page of somebody else's, whose name was made to point here (DNS rebinding), can read nothing.
 * NULL (no header, or more than one) is refused. */
bool us__host_is_plain(const char *host);

#endif
