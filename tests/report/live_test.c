#include "../run/fixture.h"
#include "report/host.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unstuck/report.h>

static void hosts_by_number_alone(void **state) {
    static const char *const GOOD[] = {"localhost",      "LocalHost:8421", "127.0.0.1", "127.0.0.1:1",
                                       "10.1.2.3:65535", "[::1]",          "[::1]:8421"};
    static const char *const BAD[] = {
        "",
        ":80",
        "evil.example",
        "evil.example:8421",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "localhost:",
        "localhost:0",
        "localhost:65536",
        "localhost:80x",
        "localhost:123456789012345678901234567890",
        "localhost:80:80",
        "127.0.0.1@evil.example",
        "127.1",
        "0x7f000001",
        "2130706433",
        "[::1",
        "[::1]x",
        "[]",
        "[evil]:80",
        "::1",
        " 127.0.0.1",
        "127.0.0.1 ",
        "127.0.0.1\t",
        "[::1]:80 ",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    assert_false(us__host_is_plain(NULL));
    for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++)
        if (!us__host_is_plain(GOOD[i])) fail_msg("'%s' is refused", GOOD[i]);
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        if (us__host_is_plain(BAD[i])) fail_msg("'%s' is let in", BAD[i]);
}

static const char *make_run(us_context *context) {
    const char *folder = support_temporary_folder(), *data = fixture_path(folder, "d.csv"),
               *name = fixture_path(folder, "r");
    us_run *run = NULL;
    fixture_data(data, 60, false);
    us_run_config config = fixture_config(data);
    config.steps = 20;
    assert_done(context, us_run_create(&run, context, name, &config));
    assert_done(context, us_run_advance(run, NULL, NULL));
    us_run_destroy(run);
    return name;
}

/* Sends bytes as they are, and gives what comes back before the other side closes or a second passes in silence. */
static char *ask(int port, const char *bytes, size_t size) {
    static char answer[4096];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval patience = {1, 0};
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    int s = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(s >= 0);
    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(s, (struct sockaddr *)&to, sizeof to), 0);
    for (size_t sent = 0; sent < size;) {
        ssize_t n = send(s, bytes + sent, size - sent, MSG_NOSIGNAL);
        if (n <= 0) break; /* it has heard enough */
        sent += (size_t)n;
    }
    size_t length = 0;
    for (ssize_t n; length + 1 < sizeof answer && (n = recv(s, answer + length, sizeof answer - 1 - length, 0)) > 0;)
        length += (size_t)n;
    answer[length] = '\0';
    close(s);
    return answer;
}

static int status_of(int port, const char *request) {
    int status = 0;
    sscanf(ask(port, request, strlen(request)), "HTTP/1.%*d %d", &status);
    return status;
}

static void hostile_requests_are_answered_with_no(void **state) {
    us_context *context = support_plain_context();
    us_live *live = NULL;
    const char *folder = make_run(context);
    us_live_options o = US_LIVE_OPTIONS_INIT;
    o.port = 0;
    us_status status = us_live_start(&live, context, &folder, 1, &o);
    if (status == US_NOT_FOUND) {
        printf("skipped: built without the page (no npm)\n");
        us_context_destroy(context);
        skip();
    }
    assert_done(context, status);
    int port = us_live_port(live);
    assert_true(port > 0);
#define END "Connection: close\r\n\r\n"
    assert_int_equal(status_of(port, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" END), 200);
    assert_int_equal(status_of(port, "HEAD / HTTP/1.1\r\nHost: localhost:80\r\n" END), 200);
    assert_int_equal(status_of(port, "GET / HTTP/1.1\r\nHost: evil.example\r\n" END), 403);
    assert_int_equal(status_of(port, "GET /data.json HTTP/1.1\r\nHost: evil.example\r\n" END), 403);
    assert_int_equal(status_of(port, "GET / HTTP/1.0\r\n\r\n"), 403); /* no host at all */
    assert_int_not_equal(status_of(port, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n" END), 200);
    assert_int_equal(status_of(port, "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999\r\n" END), 405);
    assert_int_equal(status_of(port, "DELETE /data.json HTTP/1.1\r\nHost: 127.0.0.1\r\n" END), 405);
    static const char *const PATHS[] = {
        "/../run.db", "/..%2frun.db", "/%2e%2e/run.db", "//etc/passwd", "/run.db", "/data.json/..", "*", "/\xff\xfe"};
    for (size_t i = 0; i < sizeof PATHS / sizeof *PATHS; i++) {
        char request[256];
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n" END, PATHS[i]);
        if (status_of(port, request) == 200) fail_msg("%s is answered", PATHS[i]);
    }
    /* what is no request, and one with endless headers */
    assert_int_not_equal(status_of(port, "\x16\x03\x01\x02\r\n\r\n"), 200);
    char *long_one = malloc(200000);
    memset(long_one, 'a', 200000);
    memcpy(long_one, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ", 36);
    assert_null(strstr(ask(port, long_one, 200000), "200 OK"));
    free(long_one);
    /* and it is still there */
    const char *data = "GET /data.json HTTP/1.1\r\nHost: 127.0.0.1\r\n" END, *answer = ask(port, data, strlen(data));
    assert_non_null(strstr(answer, "\"live\":true"));
    assert_non_null(strstr(answer, "nosniff"));
    assert_null(strstr(answer, "Access-Control"));
    const char *events = "GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    assert_non_null(strstr(ask(port, events, strlen(events)), "event: changed\ndata: "));
    us_live_stop(live);
    us_context_destroy(context);
}

static void wrong_starts_are_told(void **state) {
    us_context *context = support_plain_context();
    us_live *live = NULL, *second = NULL;
    const char *folder = make_run(context), *none = "/nowhere";
    us_live_options o = US_LIVE_OPTIONS_INIT;
    o.port = 0;
    if (!us_page_is_built()) {
        us_context_destroy(context);
        skip();
    }
    assert_int_equal(us_live_start(&live, context, &none, 1, &o), US_ERR_INPUT);
    assert_int_equal(us_live_start(&live, context, &folder, 0, &o), US_ERR_ARGUMENT);
    o.bind = "example.org";
    assert_int_equal(us_live_start(&live, context, &folder, 1, &o), US_ERR_ARGUMENT);
    assert_error_has(context, "--bind");
    o.bind = "127.0.0.1";
    assert_done(context, us_live_start(&live, context, &folder, 1, &o));
    o.port = us_live_port(live);
    assert_int_equal(us_live_start(&second, context, &folder, 1, &o), US_ERR_IO);
    assert_error_has(context, "--port 0");
    us_live_stop(live);
    us_live_stop(NULL);
    us_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_by_number_alone),
        cmocka_unit_test(hostile_requests_are_answered_with_no),
        cmocka_unit_test(wrong_starts_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
