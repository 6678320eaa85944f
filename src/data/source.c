#include "data/source.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { SOURCE_RAW = 65536 };

struct us__source {
    us_context *context;
    char *path;
    int file;
    uint64_t size, done;
    uint32_t crc;
    bool begun, at_end;      /* the first bytes were looked at; the file has no more */
    bool compressed, inside; /* gzip; within a member of it */
    z_stream zip;
    bool zip_open;
    unsigned char raw[SOURCE_RAW]; /* bytes as they lie on disk: [raw_next, raw_end) wait */
    size_t raw_next, raw_end;
};

us_status us__source_open(us__source **out, us_context *context, const char *path) {
    *out = NULL;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return us__fail(context, US_ERR_INPUT, "%s: %s", path, errno == ENOENT ? "there is no such file" : strerror(errno));
    us_status status = US_OK;
    us__source *s = NULL;
    struct stat about;
    if (fstat(file, &about) != 0)
        status = us__fail(context, US_ERR_INPUT, "%s: %s", path, strerror(errno));
    else if (S_ISDIR(about.st_mode))
        status = us__fail(context, US_ERR_INPUT, "%s: is a directory; name a file in it", path);
    else if (!(s = us__new(context, 1, sizeof *s)))
        status = US_ERR_NOMEM;
    if (status != US_OK) {
        close(file);
        return status;
    }
    s->context = context;
    s->file = file;
    s->size = S_ISREG(about.st_mode) ? (uint64_t)about.st_size : 0;
    s->path = us__text_copy(context, path);
    if (!s->path) {
        us__source_close(s);
        return US_ERR_NOMEM;
    }
    *out = s;
    return US_OK;
}

void us__source_close(us__source *source) {
    if (!source) return;
    if (source->zip_open) inflateEnd(&source->zip);
    close(source->file);
    us__release(source->context, source->path);
    us__release(source->context, source);
}

/* One read of the file into `bytes`; counts and sums what came. */
static us_status source_read_raw(us__source *s, void *bytes, size_t size, size_t *got) {
    *got = 0;
    if (us_context_cancelled(s->context))
        return us__fail(s->context, US_INTERRUPTED, "%s: interrupted while reading", s->path);
    ssize_t n;
    do n = read(s->file, bytes, size);
    while (n < 0 && errno == EINTR);
    if (n < 0) return us__fail(s->context, US_ERR_INPUT, "%s: reading failed: %s", s->path, strerror(errno));
    if (n == 0) s->at_end = true;
    s->crc = (uint32_t)crc32_z(s->crc, bytes, (size_t)n);
    s->done += (uint64_t)n;
    *got = (size_t)n;
    return US_OK;
}

static us_status source_refill(us__source *s) {
    s->raw_next = 0;
    return source_read_raw(s, s->raw, sizeof s->raw, &s->raw_end);
}

/* Looks at the first bytes: is it gzip? */
static us_status source_begin(us__source *s) {
    s->begun = true;
    size_t have = 0;
    while (have < 2 && !s->at_end) {
        size_t n;
        us_status status = source_read_raw(s, s->raw + have, sizeof s->raw - have, &n);
        if (status != US_OK) return status;
        have += n;
    }
    s->raw_next = 0, s->raw_end = have;
    s->compressed = have >= 2 && s->raw[0] == 0x1F && s->raw[1] == 0x8B;
    if (!s->compressed) return US_OK;
    s->inside = true;
    if (s->zip_open) {
        inflateReset(&s->zip);
        return US_OK;
    }
    if (inflateInit2(&s->zip, 15 + 16) != Z_OK) return us__fail_memory(s->context, 48 * 1024);
    s->zip_open = true;
    return US_OK;
}

/* Inflates until `size` bytes are there or the last member has ended. A gzip file may have several members. */
static us_status source_inflate(us__source *s, unsigned char *bytes, size_t size, size_t *got) {
    while (*got < size) {
        if (s->raw_next == s->raw_end && !s->at_end) {
            us_status status = source_refill(s);
            if (status != US_OK) return status;
        }
        if (s->raw_next == s->raw_end) {
            if (s->inside)
                return us__fail(s->context, US_ERR_INPUT, "%s: the gzip file ends too early; get it again", s->path);
            return US_OK;
        }
        if (!s->inside) { /* another member, or zeros that pad the file */
            if (s->raw[s->raw_next] == 0) {
                s->raw_next++;
                continue;
            }
            inflateReset(&s->zip);
            s->inside = true;
        }
        size_t room = size - *got < UINT32_MAX ? size - *got : UINT32_MAX;
        s->zip.next_in = s->raw + s->raw_next;
        s->zip.avail_in = (uInt)(s->raw_end - s->raw_next);
        s->zip.next_out = bytes + *got;
        s->zip.avail_out = (uInt)room;
        int result = inflate(&s->zip, Z_NO_FLUSH);
        s->raw_next = s->raw_end - s->zip.avail_in;
        *got += room - s->zip.avail_out;
        if (result == Z_STREAM_END)
            s->inside = false;
        else if (result == Z_MEM_ERROR)
            return us__fail_memory(s->context, 48 * 1024);
        else if (result != Z_OK && result != Z_BUF_ERROR)
            return us__fail(s->context, US_ERR_INPUT, "%s: the gzip file is damaged (%s); get it again", s->path,
                            s->zip.msg ? s->zip.msg : "no reason given");
    }
    return US_OK;
}

us_status us__source_read(us__source *source, void *bytes, size_t size, size_t *got) {
    us__source *s = source;
    *got = 0;
    us_status status = s->begun ? US_OK : source_begin(s);
    if (status != US_OK) return status;
    if (s->compressed) return source_inflate(s, bytes, size, got);
    size_t waiting = s->raw_end - s->raw_next;
    if (waiting > 0) {
        *got = waiting < size ? waiting : size;
        memcpy(bytes, s->raw + s->raw_next, *got);
        s->raw_next += *got;
    }
    while (*got < size && !s->at_end) {
        size_t n;
        status = source_read_raw(s, (char *)bytes + *got, size - *got, &n);
        if (status != US_OK) return status;
        *got += n;
    }
    return US_OK;
}

us_status us__source_rewind(us__source *source) {
    if (lseek(source->file, 0, SEEK_SET) != 0)
        return us__fail(source->context, US_ERR_INPUT,
                        "%s: must be read twice, which a pipe cannot be; store it in a file first", source->path);
    source->done = 0;
    source->crc = 0;
    source->begun = source->at_end = source->inside = false;
    source->raw_next = source->raw_end = 0;
    return US_OK;
}

const char *us__source_path(const us__source *source) { return source->path; }
bool us__source_compressed(const us__source *source) { return source->compressed; }
uint64_t us__source_size(const us__source *source) {
    return source->size ? source->size : source->at_end ? source->done : 0;
}
uint64_t us__source_done(const us__source *source) { return source->done; }
uint32_t us__source_crc32(const us__source *source) { return source->crc; }
