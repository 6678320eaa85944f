#include "report/host.h"
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

/* ":1" to ":65535", or nothing. */
static bool host_port(const char *text) {
    if (!*text) return true;
    size_t digits = strspn(text + 1, "0123456789");
    if (*text != ':' || digits == 0 || digits > 5 || text[1 + digits]) return false;
    long port = 0;
    for (const char *c = text + 1; *c; c++) port = 10 * port + (*c - '0');
    return port >= 1 && port <= 65535;
}

bool us__host_is_plain(const char *host) {
    char name[64];
    unsigned char number[16];
    if (!host) return false;
    bool bracket = *host == '[';
    size_t length = bracket ? strcspn(++host, "]") : strcspn(host, ":");
    if (length == 0 || length >= sizeof name || (bracket && host[length] != ']')) return false;
    memcpy(name, host, length);
    name[length] = '\0';
    if (!host_port(host + length + bracket)) return false;
    if (bracket) return inet_pton(AF_INET6, name, number) == 1;
    return strcasecmp(name, "localhost") == 0 || inet_pton(AF_INET, name, number) == 1;
}
