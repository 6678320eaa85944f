/* A page that follows runs while they train, served by libmicrohttpd with a thread for each connection. It has four answers:
 * the page, its data, a stream that tells when the data are new, and "no". No file is ever served, so no path can leave
 * anything. */
#include "report/host.h"
#include "report/text.h"
#include "run/run.h"
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unstuck/report.h>

enum {
    LIVE_MEMORY = 16 * 1024, /* bytes of a request's headers */
    LIVE_TIMEOUT = 30,       /* seconds without a byte */
    LIVE_PING = 10,          /* seconds after which a stream says that it is there */
    LIVE_TRIES = 20          /* ports that are tried, one after the other */
};

struct us_live {
    us_context *context; /* of whoever started it */
    us_context *own;     /* of the server's threads, under `lock` */
    char **folders;
    size_t count;
    us_live_options options;
    struct MHD_Daemon *daemon;
    pthread_mutex_t lock;
    bool locked;
    uint64_t mark; /* of what `json` was made from */
    char *json;    /* the data as they were last told; NULL at first */
    atomic_size_t streams;
    atomic_bool stopping;
};

void us_live_options_init(us_live_options *options) { *options = (us_live_options)US_LIVE_OPTIONS_INIT; }

static void live_sleep(double seconds) {
    struct timespec time = {(time_t)seconds, (long)(1e9 * (seconds - (double)(time_t)seconds))};
    nanosleep(&time, NULL);
}

/* ------------------------------------------------------------------ what there is to tell */

static uint64_t live_mix(uint64_t mark, uint64_t value) { return (mark ^ value) * 0x100000001b3u + (mark >> 29); }

/* A number that changes when the log of a run does, or when its training begins or ends. Looks at the files' times only. */
static uint64_t live_mark(const us_live *live) {
    static const char *const NAMES[] = {"run.db", "run.db-wal"};
    uint64_t mark = 0xcbf29ce484222325u;
    for (size_t i = 0; i < live->count; i++) {
        for (size_t k = 0; k < 2; k++) {
            char path[4096];
            struct stat s;
            if (snprintf(path, sizeof path, "%s/%s", live->folders[i], NAMES[k]) >= (int)sizeof path || stat(path, &s) != 0)
                continue;
            mark = live_mix(mark, (uint64_t)s.st_mtim.tv_sec);
            mark = live_mix(mark, (uint64_t)s.st_mtim.tv_nsec);
            mark = live_mix(mark, (uint64_t)s.st_size);
        }
        mark = live_mix(mark, us_run_is_busy(live->folders[i]));
    }
    return mark;
}

/* The data as JSON, made anew when something changed. A run that can't be read just now (it was removed, or its writer is at
 * it) leaves the last data in place. Call with the lock. */
static const char *live_json(us_live *live) {
    uint64_t mark = live_mark(live);
    if (live->json && mark == live->mark) return live->json;
    us_report_options o = US_REPORT_OPTIONS_INIT;
    char *fresh = NULL;
    o.live = true;
    if (us_report_json(live->own, (const char *const *)live->folders, live->count, &o, &fresh) == US_OK) {
        us__release(live->own, live->json);
        live->json = fresh;
        live->mark = mark;
    }
    return live->json;
}

static int live_collect(void *user, const char *text, size_t length) {
    us__text *to = user;
    us__text_add_bytes(to, text, length);
    return to->status != US_OK;
}

/* ------------------------------------------------------------------ answers */

static enum MHD_Result live_send(struct MHD_Connection *connection, unsigned status, const char *type,
                                 struct MHD_Response *response) {
    if (!response) return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, "X-Frame-Options", "DENY");
    MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result live_text(struct MHD_Connection *connection, unsigned status, const char *text) {
    return live_send(connection, status, "text/plain; charset=utf-8",
                     MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY));
}

static enum MHD_Result live_page(us_live *live, struct MHD_Connection *connection, bool whole) {
    struct MHD_Response *response = NULL;
    pthread_mutex_lock(&live->lock);
    const char *json = live_json(live);
    us__text page = {.context = live->own};
    if (json && whole && us_page_write(live->own, json, live_collect, &page) == US_OK)
        response = MHD_create_response_from_buffer(page.length, page.text, MHD_RESPMEM_MUST_COPY);
    else if (json && !whole)
        response = MHD_create_response_from_buffer(strlen(json), (void *)(uintptr_t)json, MHD_RESPMEM_MUST_COPY);
    us__release(live->own, page.text);
    pthread_mutex_unlock(&live->lock);
    if (!response) return live_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "the run can't be read just now\n");
    return live_send(connection, MHD_HTTP_OK, whole ? "text/html; charset=utf-8" : "application/json", response);
}

typedef struct live_stream {
    us_live *live;
    uint64_t mark;
    double last; /* when something was sent */
} live_stream;

/* Waits until there is something to tell. */
static ssize_t live_tell(void *user, uint64_t position, char *buffer, size_t room) {
    live_stream *stream = user;
    for (;;) {
        if (atomic_load(&stream->live->stopping)) return MHD_CONTENT_READER_END_OF_STREAM;
        uint64_t mark = live_mark(stream->live);
        double now = us_clock_now();
        bool fresh = position == 0 || mark != stream->mark;
        if (fresh || now - stream->last > LIVE_PING) {
            int length = fresh ? snprintf(buffer, room, "event: changed\ndata: %016llx\n\n", (unsigned long long)mark)
                               : snprintf(buffer, room, ": here\n\n");
            /* Often enough for the eye, seldom enough for the training. */
            if (fresh && position > 0 && now - stream->last < stream->live->options.seconds) {
                live_sleep(0.05);
                continue;
            }
            stream->mark = mark;
            stream->last = now;
            return length < (int)room ? length : MHD_CONTENT_READER_END_WITH_ERROR;
        }
        live_sleep(0.1);
    }
}

static void live_stream_end(void *user) {
    live_stream *stream = user;
    atomic_fetch_sub(&stream->live->streams, 1);
    free(stream);
}

static enum MHD_Result live_events(us_live *live, struct MHD_Connection *connection) {
    live_stream *stream = calloc(1, sizeof *stream); /* the threads share no context */
    if (!stream) return MHD_NO;
    stream->live = live;
    /* Some places are left for who asks for the page. */
    if (atomic_fetch_add(&live->streams, 1) >= live->options.connections - live->options.connections / 4) {
        live_stream_end(stream);
        return live_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "too many are watching\n");
    }
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1024, live_tell, stream, live_stream_end);
    if (!response) live_stream_end(stream);
    return live_send(connection, MHD_HTTP_OK, "text/event-stream", response);
}

typedef struct live_hosts {
    const char *host;
    size_t count;
} live_hosts;

static enum MHD_Result live_header(void *user, enum MHD_ValueKind kind, const char *key, const char *value) {
    live_hosts *hosts = user;
    (void)kind;
    if (strcasecmp(key, MHD_HTTP_HEADER_HOST) == 0) hosts->host = value, hosts->count++;
    return MHD_YES;
}

static enum MHD_Result live_answer(void *user, struct MHD_Connection *connection, const char *url, const char *method,
                                   const char *version, const char *upload, size_t *upload_size, void **request) {
    us_live *live = user;
    static int seen;
    live_hosts hosts = {NULL, 0};
    (void)version, (void)upload;
    if (!*request && strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return live_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "this page is only looked at\n");
    if (!*request) { /* the headers alone; the answer comes with the next call */
        *request = &seen;
        return MHD_YES;
    }
    if (*upload_size) return MHD_NO; /* nobody has anything to send here */
    MHD_get_connection_values(connection, MHD_HEADER_KIND, live_header, &hosts);
    if (hosts.count != 1 || !us__host_is_plain(hosts.host))
        return live_text(connection, MHD_HTTP_FORBIDDEN, "ask for it by number or as localhost\n");
    if (strcmp(url, "/") == 0) return live_page(live, connection, true);
    if (strcmp(url, "/data.json") == 0) return live_page(live, connection, false);
    if (strcmp(url, "/events") == 0) return live_events(live, connection);
    return live_text(connection, MHD_HTTP_NOT_FOUND, "there is nothing here; the page is at /\n");
}

/* ------------------------------------------------------------------ start and stop */

typedef union live_address {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
} live_address;

static us_status live_bind(us_context *context, const char *text, live_address *to) {
    memset(to, 0, sizeof *to);
    if (inet_pton(AF_INET, text, &to->four.sin_addr) == 1)
        to->four.sin_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &to->six.sin6_addr) == 1)
        to->six.sin6_family = AF_INET6;
    else
        return us__fail(context, US_ERR_ARGUMENT, "--bind is '%s'; it must be an address such as 127.0.0.1, 0.0.0.0 or ::1",
                        text);
    return US_OK;
}

static us_status live_listen(us_live *live, live_address *address) {
    const us_live_options *o = &live->options;
    bool six = address->any.sa_family == AF_INET6;
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL | MHD_USE_ITC |
                     (six ? MHD_USE_IPv6 : 0u);
    unsigned tries = o->port == US_LIVE_PORT_DEFAULT ? LIVE_TRIES : 1;
    unsigned first = o->port == US_LIVE_PORT_DEFAULT ? US_LIVE_PORT : (unsigned)o->port;
    for (unsigned i = 0; i < tries && !live->daemon; i++) {
        uint16_t port = htons((uint16_t)(first + i));
        if (six)
            address->six.sin6_port = port;
        else
            address->four.sin_port = port;
        live->daemon = MHD_start_daemon(flags, (uint16_t)(first + i), NULL, NULL, live_answer, live, MHD_OPTION_SOCK_ADDR,
                                        &address->any, MHD_OPTION_CONNECTION_LIMIT, (unsigned)o->connections,
                                        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)LIVE_TIMEOUT,
                                        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)LIVE_MEMORY, MHD_OPTION_END);
    }
    if (live->daemon) return US_OK;
    if (o->port > 0)
        return us__fail(live->context, US_ERR_IO, "port %d of %s can't be had: %s; --port 0 takes any that is free", o->port,
                        o->bind, strerror(errno));
    return us__fail(live->context, US_ERR_IO, "no port of %s can be had: %s", o->bind, strerror(errno));
}

us_status us_live_start(us_live **out, us_context *context, const char *const *folders, size_t count,
                        const us_live_options *options) {
    us_live_options o = options ? *options : (us_live_options)US_LIVE_OPTIONS_INIT;
    live_address address;
    *out = NULL;
    if (count == 0) return us__fail(context, US_ERR_ARGUMENT, "there must be one run at least to watch");
    if (o.connections < 4 || o.connections > 1024 || o.port < US_LIVE_PORT_DEFAULT || o.port > 65535)
        return us__fail(context, US_ERR_ARGUMENT, "connections must be 4 to 1024, and a port 0 to 65535");
    us_status status = live_bind(context, o.bind, &address);
    if (status != US_OK) return status;
    us_live *live = us__new(context, 1, sizeof *live);
    if (!live) return US_ERR_NOMEM;
    live->context = context;
    live->options = o;
    live->locked = pthread_mutex_init(&live->lock, NULL) == 0;
    status = live->locked ? us_context_create(&live->own, NULL) : US_ERR_NOMEM;
    if (status == US_OK && !(live->folders = us__new(context, count, sizeof *live->folders))) status = US_ERR_NOMEM;
    for (; status == US_OK && live->count < count; live->count++)
        if (!(live->folders[live->count] = us__text_copy(context, folders[live->count]))) {
            status = US_ERR_NOMEM;
            break;
        }
    /* Before anybody asks: are they runs? */
    if (status == US_OK && !us_page_is_built())
        status = us_page_write(context, "{}", live_collect, &(us__text){.context = context});
    us_report_options first = US_REPORT_OPTIONS_INIT;
    char *json = NULL;
    first.points = 6;
    if (status == US_OK) status = us_report_json(context, folders, count, &first, &json);
    us__release(context, json);
    if (status == US_OK) status = live_listen(live, &address);
    if (status == US_OK)
        *out = live;
    else
        us_live_stop(live);
    return status;
}

int us_live_port(const us_live *live) {
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(live->daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info ? info->port : 0;
}

void us_live_stop(us_live *live) {
    if (!live) return;
    atomic_store(&live->stopping, true);
    if (live->daemon) MHD_stop_daemon(live->daemon);
    if (live->own) us__release(live->own, live->json);
    us_context_destroy(live->own);
    if (live->locked) pthread_mutex_destroy(&live->lock);
    for (size_t i = 0; i < live->count; i++) us__release(live->context, live->folders[i]);
    us__release(live->context, live->folders);
    us__release(live->context, live);
}
