/** The version of the library. The soversion of the shared library is the major number. */
#ifndef UNSTUCK_VERSION_H
#define UNSTUCK_VERSION_H

#define US_VERSION_MAJOR 0
#define US_VERSION_MINOR 1
#define US_VERSION_PATCH 0
#define US_VERSION_STRING "0.1.0"

#endif
